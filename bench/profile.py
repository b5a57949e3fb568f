# SPDX-License-Identifier: ISC
"""Where the time of a row goes: functions by perf, system calls by strace, of
all restanted's processes while the load generator works.

usage: profile.py [--calls] [--top N] ROW...

Needs perf (linux-perf) and strace, and root. Of the debugoptimized build in
build/, since that has symbols.
"""
import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
os.environ.setdefault("RESTANTE_BUILD", str(
    pathlib.Path(__file__).resolve().parents[1] / "build"))

import contestants  # noqa: E402
import places  # noqa: E402
import processes  # noqa: E402
import rows  # noqa: E402
import run as bench_run  # noqa: E402
import servers  # noqa: E402

KNOWN = {row.key: row for row in rows.ROWS}


def names(server):
    """{pid: "session 0"} and so on."""
    found = {}
    for pid in processes.tree(server.pid):
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        role = b" ".join(words[words.index(b"--role") + 1:][:1]) \
            if b"--role" in words else b"parent"
        found[pid] = role.decode()
    return found


def observed(bench, row, server, *command):
    """The row's round with `command` attached."""
    pids = names(server)
    attach = [str(part) for part in command]
    with subprocess.Popen(attach, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as watcher:
        try:
            servers.time.sleep(1)
            done = row.round(server)
        finally:
            watcher.send_signal(servers.signal.SIGINT)
            watcher.wait(60)
    return pids, done


SAMPLE = re.compile(r"^\s*(\d+)/\d+")
FRAME = re.compile(r"^\s+[0-9a-f]+ (.*?) \((.*)\)$")


def samples(text):
    """(pid, frames innermost first) of `perf script`."""
    pid, frames = None, []
    for line in text.splitlines():
        if match := SAMPLE.match(line):
            pid, frames = int(match[1]), []
        elif match := FRAME.match(line):
            frames.append((match[1].split("+")[0], pathlib.Path(match[2]).name))
        elif pid is not None and frames:
            yield pid, frames
            pid = None


def place_of(frames):
    """A system call for all that the kernel does for it, else a function."""
    for name, _ in frames:
        if name.startswith("__x64_sys_"):
            return name[len("__x64_sys_"):] + "(2)"
    name, library = frames[0]
    if library.startswith("[kernel"):
        return f"kernel: {name}"
    return name if library in ("restanted", "exe") else f"{name} {library}"


def functions(bench, row, server, top):
    data = bench.place / "perf.data"
    roles, done = observed(
        bench, row, server, "perf", "record", "-q", "-g", "-F", "997", "-e",
        "cpu-clock", "-o", data, "-p", ",".join(map(str, names(server))))
    text = servers.run("perf", "script", "-i", data, "-F", "pid,tid,ip,sym,dso",
                       timeout=600).stdout.decode(errors="replace")
    counted = collections.Counter(
        (roles.get(pid, "?"), place_of(frames))
        for pid, frames in samples(text + "\n\n"))
    print_metrics(row, done)
    by_role = collections.Counter()
    for (role, _), count in counted.items():
        by_role[role] += count
    total = max(1, counted.total())
    print("  " + ", ".join(f"{role} {count / total:.0%}"
                           for role, count in by_role.most_common()))
    for (role, name), count in counted.most_common(top):
        print(f"  {count / total:6.1%}  {role:8} {name}")


def calls(bench, row, server, top):
    for pid, role in names(server).items():
        if role == "parent":
            continue
        out = bench.place / f"calls.{pid}"
        _, done = observed(bench, row, server, "strace", "-f", "-c", "-S",
                           "calls", "-o", out, "-p", pid)
        lines = out.read_text().splitlines()
        print(f"  {role}: {done}")
        print("\n".join("    " + line for line in lines[:top]))


def print_metrics(row, done):
    for metric in row.metrics:
        print(f"  {metric.label}: {done[metric.key]:,.2f} {metric.unit}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", action="store_true")
    parser.add_argument("--top", type=int, default=25)
    parser.add_argument("rows", nargs="+", choices=sorted(KNOWN))
    given = parser.parse_args()
    with places.folder("profile") as place:
        bench = bench_run.Bench(place, False, 40)
        chosen = [KNOWN[key](bench) for key in given.rows]
        with bench_run.running(bench, chosen, (contestants.Restante,)):
            [server] = bench.servers
            for row in chosen:
                print(f"{row.key}: {row.title}")
                row.prepare()
                row.plan(server)
                (calls if given.calls else functions)(
                    bench, row, server, given.top)


main()
