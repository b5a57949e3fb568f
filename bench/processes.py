# SPDX-License-Identifier: ISC
"""What a server costs, from /proc, over all its processes."""
import os
import pathlib

PROC = pathlib.Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the name, from 0.
PARENT, TIMES = 1, slice(11, 15)


def stat_fields(pid):
    """None when it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def all_pids():
    return [int(e.name) for e in PROC.iterdir() if e.name.isdigit()]


def tree(root):
    """The process and all below it."""
    children = {}
    for pid in all_pids():
        if fields := stat_fields(pid):
            children.setdefault(int(fields[PARENT]), []).append(pid)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def cpu_seconds(root):
    """User and system time of the tree, children that ended and were waited
    for included, in steps of a clock tick."""
    ticks = 0
    for pid in tree(root):
        if fields := stat_fields(pid):
            ticks += sum(int(t) for t in fields[TIMES])
    return ticks / TICKS


def pss_kib(root):
    """Proportional set size: shared pages are counted once in the sum."""
    total = 0
    for pid in tree(root):
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines.splitlines()
                     if line.startswith("Pss:"))
    return total


def machine():
    """One line about where the figures come from."""
    model = next((line.split(":")[1].strip() for line in
                  (PROC / "cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown processor")
    memory = int((PROC / "meminfo").read_text().split()[1]) >> 20
    return (f"{os.cpu_count()} cores of {model}, {memory} GiB, "
            f"Linux {os.uname().release}")


def load_average():
    """Of the last minute: over the number of cores, others work here too."""
    return os.getloadavg()[0]
