#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Wrong passwords from many addresses of this machine, several at once from
each, while an honest user logs in each second.

usage: flood.py [--addresses N] [--at-once N] [--attempts N]

The short form, 1,000 attempts, is a test of test_flood.py; the long one,

    tests/system/flood.py --attempts 10000

takes some minutes, since who fails has to wait. Prints a table.
"""
import argparse
import asyncio
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

PORT_OF_NOBODY = 0
# What the server makes a client wait at most, and some time to answer.
PATIENCE_SECONDS = 120


async def guess(port, address, account, password):
    """How long the answer took; None when the line was closed instead."""
    try:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=(address, PORT_OF_NOBODY))
    except OSError:
        return None
    try:
        await reader.readline()
        writer.write(f"USER {account}\r\nPASS {password}\r\n".encode())
        start = time.monotonic()
        await reader.readline()
        reply = await reader.readline()
        return time.monotonic() - start if reply.startswith(b"-ERR") else None
    except OSError:
        return None
    finally:
        writer.close()


async def attack(port, addresses, at_once, attempts):
    """All addresses at the same time, each with `at_once` lines open."""
    left = [attempts]
    took, lost = [], [0]

    async def line(address, number):
        while left[0] > 0:
            left[0] -= 1
            account = ("alice", "bob", "nobody", "root")[left[0] % 4]
            # One half from the list that everybody has, the other its own.
            password = (f"common {left[0] % 64}" if number % 2 else
                        f"guess {number} {left[0]}")
            done = await asyncio.wait_for(
                guess(port, address, account, password), PATIENCE_SECONDS)
            if done is None:
                lost[0] += 1
            else:
                took.append(done)

    await asyncio.gather(*(
        line(f"127.1.{a // 250}.{a % 250 + 1}", n)
        for a in range(addresses) for n in range(at_once)))
    return {"answered": len(took), "closed": lost[0],
            "median": statistics.median(took or [0]),
            "longest": max(took or [0])}


def honest_login(login):
    start = time.monotonic()
    login()
    return time.monotonic() - start


def table(rows):
    """rows: (name, seconds each)"""
    lines = [f"{'logins':<26}{'n':>5}{'median':>10}{'95 %':>10}{'worst':>10}"]
    for name, times in rows:
        times = sorted(times)
        lines.append(f"{name:<26}{len(times):>5}" + "".join(
            f"{1000 * t:>7.1f} ms" for t in (
                statistics.median(times), times[len(times) * 95 // 100],
                times[-1])))
    return "\n".join(lines)


def measure(server, login, addresses, at_once, attempts, idle_logins=20):
    """(idle, under attack, what the attackers got)"""
    honest_login(login)
    idle = [honest_login(login) for _ in range(idle_logins)]
    attackers = subprocess.Popen(
        [sys.executable, __file__, "--attack", str(server.pop3_port),
         "--addresses", str(addresses), "--at-once", str(at_once),
         "--attempts", str(attempts)], stdout=subprocess.PIPE, text=True)
    under = []
    try:
        while attackers.poll() is None:
            under.append(honest_login(login))
            # The user who looks for mail each second; no wait for a state.
            time.sleep(1)
    finally:
        attackers.terminate()
        out, _ = attackers.communicate()
    return idle, under, json.loads(out)


def show(idle, under, got):
    return (table([("idle", idle), ("under attack", under)]) +
            f"\nattackers: {got['answered']} answered, {got['closed']} closed, "
            f"median {got['median']:.1f} s, longest {got['longest']:.1f} s")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1]
                                     .split("\n")[0])
    parser.add_argument("--addresses", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=5)
    parser.add_argument("--attempts", type=int, default=10000)
    parser.add_argument("--attack", type=int, metavar="PORT",
                        help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.attack:
        print(json.dumps(asyncio.run(attack(
            arguments.attack, arguments.addresses, arguments.at_once,
            arguments.attempts))))
        return
    import servers
    import wires
    with tempfile.TemporaryDirectory(prefix="restante-") as place:
        pathlib.Path(place).chmod(0o755)
        server = servers.Restanted(pathlib.Path(place)).start()
        try:
            print(show(*measure(
                server, lambda: wires.pop3s(server).quit(),
                arguments.addresses, arguments.at_once, arguments.attempts)))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
