#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Who holds thousands of connections, reads or writes an octet at a time, goes
half or by RST, vanishes, sends lines without end or connects beyond the limit,
while 50 honest sessions read their mail.

usage: script/abuse [--connections N] [--minutes N]

10,000 connections (N) on one session process and on two, each kind of abuse
alone and all at once; then all at once for 10 minutes (N). Loopback only. Prints a
table; fails when an honest session does, or when memory or descriptors do not
come back to what they were. test_abuse.py is a short form.
"""
import argparse
import concurrent.futures
import json
import pathlib
import re
import resource
import select
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

import far
import mail
import servers
import wires

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import processes  # noqa: E402  what a server costs

HONEST, SLOW_READERS = 50, 20
# Of "demo", by DES: what is measured is not how passwords are hashed.
CHEAP_HASH = "re5iTkeaMZG/k"
LONG_LINE = b"A" * (10 << 20)
LONG_MESSAGE = b"long\r\n" * 200_000
ROOM = 200  # the limit lies so far above the crowd
# What a peer that is not served may wait for.
PATIENCE_SECONDS = 120
# Memory that a role keeps for the next time, beside what it had.
KEPT_KIB, KEPT_SHARE = 4 << 10, 0.25
# Of what is kept, from the first part of the soak to the last.
GROWTH_SHARE = 0.1

# ---- attackers: each is a process, which ends with its standard input ----


def is_over(wait=0.0):
    return bool(select.select([sys.stdin], [], [], wait)[0])


def call(port, number, receive_octets=0):
    """From one of many addresses: ports of one would run out."""
    wire = socket.socket()
    if receive_octets:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_octets)
    wire.settimeout(PATIENCE_SECONDS)
    wire.bind((f"127.2.0.{number % 40 + 1}", 0))
    wire.connect(("127.0.0.1", port))
    return wire


def said(wire):
    """What has come; empty at the end or after a RST."""
    try:
        return wire.recv(512)
    except OSError:
        return b""


def ready():
    print("ready", flush=True)


def crowd(port, count):
    """All at once; one half in the middle of a command."""
    held = [call(port, n) for n in range(count)]
    greeted = sum(said(wire).startswith(b"+OK") for wire in held)
    for wire in held[::2]:
        try:
            wire.send(b"USER al")
        except OSError:
            pass  # gone to make room
    ready()
    is_over(None)
    return {"connections": greeted}


def flood(port, count):
    """More than there is room for, again and again."""
    done, held = 0, []
    ready()
    while not is_over():
        held = [call(port, n) for n in range(count // 10)] + held[:count]
        done += count // 10
    return {"connections": done}


def slow_readers(port, count):
    held = []
    for n in range(count):
        wire = call(port, n, receive_octets=4096)
        wire.sendall(b"USER reader%d\r\nPASS demo\r\nRETR 1\r\n" % n)
        held.append(wire)
    ready()
    octets = 0
    while not is_over(0.2):
        octets += sum(len(wire.recv(1)) for wire in held)
    return {"connections": count, "octets": octets}


def slow_writers(port, count):
    held = [call(port, n) for n in range(count)]
    ready()
    octets, line = 0, b"USER alice\r\n" * 1000
    while not is_over(0.2) and octets < len(line):
        for wire in held:
            wire.send(line[octets:octets + 1])
        octets += 1
    return {"connections": count, "octets": octets * count}


def half_closed(port, count):
    """Goes in the middle of a command, and reads to the end."""
    done = 0
    ready()
    while not is_over() or done == 0:
        held = [call(port, n) for n in range(count)]
        for wire in held:
            wire.send(b"CAPA\r\nUSER al")
            wire.shutdown(socket.SHUT_WR)
        for wire in held:
            while said(wire):
                pass
            wire.close()
        done += count
    return {"connections": done}


def rst_storm(port, count):
    """Each connection ends by RST: greeted or not, with a command or half."""
    done = 0
    linger = struct.pack("ii", 1, 0)
    ready()
    while not is_over() or done < count:
        wire = call(port, done)
        if done % 3:
            wire.send(b"USER alice\r\nPASS de" if done % 2 else b"CAPA\r\n" * 9)
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        wire.close()
        done += 1
    return {"connections": done}


def long_lines(port, count):
    """10 MiB without an end, as a command and as a response to AUTH."""
    done = 0
    ready()
    while not is_over() or done < count:
        with call(port, done) as wire:
            try:
                wire.sendall(b"AUTH PLAIN\r\n" if done % 2 else b"")
                wire.sendall(LONG_LINE)
            except OSError:
                pass  # the server need not read it all
        done += 1
    return {"connections": done, "octets": done * len(LONG_LINE)}


KINDS = {kind.__name__: kind for kind in (
    crowd, flood, slow_readers, slow_writers, half_closed, rst_storm,
    long_lines)}


class Attack:
    """Under way when it is made."""

    def __init__(self, server, kind, count):
        self.kind = kind
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--attack", kind,
             str(server.pop3_port), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            assert self.process.stdout.readline() == "ready\n", kind
        except BaseException:
            self.process.kill()
            raise

    def stop(self):
        """What it did."""
        out, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        assert self.process.returncode == 0, f"{self.kind}: {out}"
        return json.loads(out)


# ---- the server ----


def listen_for(there, server, text):
    """For those who come from there, by TLS alone."""
    port = server.pop3s_port
    return text.replace(f"127.0.0.1:{port}",
                        f"127.0.0.1:{port}, {there.address}:{port}")


def settings(text, limit, session_processes):
    text = re.sub(r"(\[server\]\n)",
                  rf"\1session-processes = {session_processes}\n", text)
    return text + (f"\n[limits]\nconnections = {limit}\n"
                   "address-connections = 0\n")


def add_users(server, names):
    """With a hash that costs nothing."""
    [file] = server.directory.rglob("accounts.db")
    with sqlite3.connect(file) as db:
        [seconds] = db.execute(
            "SELECT created_seconds FROM credential LIMIT 1").fetchone()
        for name in names:
            row = db.execute("INSERT INTO account (name, created_seconds) "
                             "VALUES (?, ?)", (name, seconds)).lastrowid
            db.execute("INSERT INTO credential (account, hash, created_seconds)"
                       " VALUES (?, ?, ?)", (row, CHEAP_HASH, seconds))
    db.close()


def prepare(server, connections, session_processes, there=None):
    """Starts it with users that have mail."""
    server.start()
    server.stop()
    text = settings(server.config_file.read_text(), connections + ROOM,
                    session_processes)
    server.config_file.write_text(
        listen_for(there, server, text) if there else text)
    honest = [f"honest{n}" for n in range(HONEST)]
    readers = [f"reader{n}" for n in range(SLOW_READERS)]
    add_users(server, honest + readers)
    server.start()
    for users, text in ((honest, b"short\r\n" * 500),
                        (readers, LONG_MESSAGE)):
        done = server.lmtp(mail.plain("for each of them", text), *users)[1]
        assert [code for code, _ in done] == [250] * len(users), done
    return server


def read_mail(server, number):
    """One honest session; half of them by TLS. How long it took."""
    start = time.monotonic()
    user = f"honest{number}"
    client = (wires.pop3s if number % 2 else wires.pop3)(server, user)
    count, octets = client.stat()
    assert count == 1 and len(wires.octets(client, 1)) == octets
    client.quit()
    return time.monotonic() - start


def honest_sessions(server):
    """All at the same time; the longest of them, in seconds."""
    with concurrent.futures.ThreadPoolExecutor(HONEST) as pool:
        return max(pool.map(lambda n: read_mail(server, n), range(HONEST)))


def open_each_once(server):
    """What a mailbox costs from its first session on is no cost of abuse: its
    index stays open."""
    honest_sessions(server)
    for number in range(SLOW_READERS):
        wires.pop3(server, f"reader{number}").quit()


class Cost:
    """Of all roles together, now."""

    def __init__(self, server):
        pids = processes.tree(server.pid)
        self.roles = len(pids)
        self.kib = processes.pss_kib(server.pid)
        self.descriptors = sum(
            len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))
            for pid in pids)

    def is_back_at(self, start):
        return (self.roles == start.roles
                and self.descriptors <= start.descriptors
                and self.kib <= start.kib * (1 + KEPT_SHARE) + KEPT_KIB)

    def __str__(self):
        return f"{self.kib / 1024:8.1f} MiB {self.descriptors:6} fds"


def settle(server, start):
    """What it costs when all have gone."""
    last = []

    def is_back():
        last[:] = [Cost(server)]
        return last[0].is_back_at(start) and last[0]
    try:
        return servers.until(is_back, PATIENCE_SECONDS)
    except AssertionError:
        raise AssertionError(f"before: {start}, after: {last[0]}") from None


HEAD = (f"{'abuse':<34}{'connections':>12}{'longest honest':>16}"
        f"{'under it':>24}{'after it':>24}")


def row_of(names, total, longest, under, after):
    return (f"{names:<34}{total:>12,}{longest:>14.1f} s"
            f"{under!s:>24}{after!s:>24}")


def suffer(server, start, kinds, rounds=1, seconds=0.0):
    """One row; `kinds`: [(kind, count)], all at the same time."""
    attacks = []
    ends = time.monotonic() + seconds
    try:
        for kind, count in kinds:
            attacks.append(Attack(server, kind, count))
        longest = 0.0
        while rounds > 0 or time.monotonic() < ends:
            longest = max(longest, honest_sessions(server))
            rounds -= 1
        under = Cost(server)
    finally:
        done = [attack.stop() for attack in attacks]
    after = settle(server, start)
    total = sum(each["connections"] for each in done)
    names = " + ".join(kind.replace("_", " ") for kind, _ in kinds)
    if len(kinds) > 2:
        names = "all at once"
    return row_of(names, total, longest, under, after)


def vanish(server, start, there, count):
    """One row: strangers, and sessions with a message under way, whose machine
    is not there any more."""
    there.peer("crowd", server.pop3s_port, count)
    for n in range(SLOW_READERS):
        there.peer(("reading", "full", "idle")[n % 3], server.pop3s_port,
                   f"reader{n}")
    there.vanish()
    longest = honest_sessions(server)
    under = Cost(server)
    after = settle(server, start)
    return row_of("vanished", count + SLOW_READERS, longest, under, after)


def everything(connections):
    return [("crowd", connections), ("slow_readers", SLOW_READERS),
            ("slow_writers", 100), ("half_closed", 50), ("rst_storm", 300),
            ("long_lines", 4)]


def long_form(connections, minutes):
    for session_processes in (1, 2):
        with tempfile.TemporaryDirectory(prefix="restante-") as folder:
            place = pathlib.Path(folder)
            place.chmod(0o755)
            server, there = servers.Restanted(place), far.Far()
            try:
                prepare(server, connections, session_processes, there)
                survive(server, there, connections, session_processes, minutes)
            finally:
                there.close()
                if server.program:
                    server.stop()


def survive(server, there, connections, session_processes, minutes):
    open_each_once(server)
    start = Cost(server)
    print(f"{session_processes} session process(es), {connections:,} "
          f"connections, {HONEST} honest sessions; before: {start}\n{HEAD}",
          flush=True)
    for kinds in ([("crowd", connections)], [("crowd", connections)],
                  [("crowd", connections), ("flood", 1000)],
                  [("slow_readers", SLOW_READERS)], [("slow_writers", 1000)],
                  [("half_closed", 500)], [("rst_storm", 20000)],
                  [("long_lines", 20)], everything(connections)):
        print(suffer(server, start, kinds, rounds=3), flush=True)
    print(vanish(server, start, there, connections // 10), flush=True)
    if session_processes == 2:
        soak(server, start, connections, minutes)


def soak(server, start, connections, minutes):
    """All at once for so long, in parts: what is kept for the next time is kept
    after the first, and does not grow."""
    parts = max(2, minutes // 2)
    kept = []
    for part in range(parts):
        row = suffer(server, start, everything(connections // 10),
                     seconds=60 * minutes / parts)
        print(f"{row}   soak, part {part + 1} of {parts}", flush=True)
        kept.append(Cost(server).kib)
    assert kept[-1] <= kept[0] * (1 + GROWTH_SHARE), kept


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1]
                                     .split("\n")[0])
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--attack", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if arguments.attack:
        kind, port, count = arguments.attack
        print(json.dumps(KINDS[kind](int(port), int(count))))
        return
    long_form(arguments.connections, arguments.minutes)


if __name__ == "__main__":
    main()
