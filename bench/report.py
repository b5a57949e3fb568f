# SPDX-License-Identifier: ISC
"""The report: medians, spread, and ratios to the peers, the limit, the goal."""
import datetime
import pathlib
import statistics
import subprocess

import contestants
import processes

OURS, LIMIT = "Restante", "limit"


def number(value, metric):
    return f"{value:,.{metric.digits}f}"


def cell(values, metric):
    """Median, and the least and most of all rounds."""
    if not values:
        return "-"
    middle, low, high = (number(f(values), metric)
                         for f in (statistics.median, min, max))
    return middle if low == high else f"{middle} ({low} to {high})"


def median_of(found, name, metric):
    values = found.get(name, {}).get(metric.key)
    return statistics.median(values) if values else None


def peers(found):
    return [name for name in found if name not in (OURS, LIMIT)]


def best_peer(found, metric):
    """(median, name); the best of the others."""
    known = [(median_of(found, name, metric), name) for name in peers(found)
             if found[name].get(metric.key)]
    if not known:
        return None, None
    return (min if metric.is_less_better else max)(known)


def goal_of(found, metric):
    if metric.goal_factor:
        dovecot = median_of(found, "Dovecot", metric)
        return dovecot and dovecot * metric.goal_factor
    return metric.goal


def times(ours, theirs, metric):
    """How many times better we are: 2.0x is half the cost, twice the rate."""
    if not ours or not theirs or ours < 0 or theirs < 0:
        return "-"
    ratio = theirs / ours if metric.is_less_better else ours / theirs
    return f"{ratio:.2f}x"


def verdict(ours, goal, metric):
    if goal is None:
        return "-"
    if ours is None:
        return "not measured"
    is_reached = ours <= goal if metric.is_less_better else ours >= goal
    return "reached" if is_reached else f"missed, {times(ours, goal, metric)}"


def heading(metric):
    return f"{metric.label}, {metric.unit}" if metric.unit else metric.label


def brief(row, found):
    lines = []
    for metric in row.metrics:
        figures = ", ".join(f"{name} {cell(values[metric.key], metric)}"
                            for name, values in found.items())
        lines.append(f"  {heading(metric)}: {figures}")
    return "\n".join(lines)


def line(row, metric, found, columns):
    ours = median_of(found, OURS, metric)
    best, name = best_peer(found, metric)
    limit = median_of(found, LIMIT, metric) or metric.limit
    goal = goal_of(found, metric)
    sign = "<=" if metric.is_less_better else ">="
    cells = [row.title, heading(metric),
             *(cell(found.get(c, {}).get(metric.key), metric)
               for c in columns[:-1]),
             cell(found.get(LIMIT, {}).get(metric.key) or
                  [metric.limit] * (metric.limit is not None), metric),
             f"{sign} {number(goal, metric)}" if goal else "-",
             f"{times(ours, best, metric)} {name or ''}".strip(),
             times(ours, limit, metric), verdict(ours, goal, metric)]
    return "| " + " | ".join(cells) + " |"


def table(chosen, found):
    names = {name for per_row in found.values() for name in per_row}
    columns = [OURS, *sorted(names - {OURS, LIMIT}), LIMIT]
    head = ["work", "measure", *columns, "goal", "against the best peer",
            "against the limit", "goal reached"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in chosen:
        lines += [line(row, metric, found[row.key], columns)
                  for metric in row.metrics]
    return "\n".join(lines)


def versions(bench):
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=contestants.ROOT,
        capture_output=True, text=True).stdout.strip()
    lines = [f"- Restante {commit or 'without version'}, release build"]
    lines += [f"- {server.name}: {server.version()}. {server.setting()}"
              for server in bench.servers if server.name != OURS]
    return "\n".join(lines)


def notes(bench):
    return "".join(f"- {note}\n" for note in bench.notes)


def busy(bench):
    """Our own work makes two or three; more is other people's."""
    return (f"{statistics.median(bench.loads):.1f} "
            f"({min(bench.loads):.1f} to {max(bench.loads):.1f})")


HOW = """\
Every row runs on all servers in turn, round after round (A B A B), on the same
mail and the same certificate, over loopback, page cache warm, the load
generator on the same cores. Figures are medians, with the least and the most
of the rounds behind them. CPU is user and system time of all processes of the
server, from /proc; it is the steadier figure where other programs run. Memory
is PSS over all processes. "2.00x" means half the cost or twice the rate. The
load generator checks every reply, number, size and octet; a violation ends the
run."""


def write(bench, chosen, found, seconds):
    today = datetime.date.today().isoformat()
    kind = "A short run: it shows that all works, its figures mean nothing." \
        if bench.is_short else f"{bench.rounds} rounds."
    if contestants.Restante.hash_is_cheap:
        kind += (" Restante's accounts have DES hashes, so that all but the"
                 " hash of a login is seen.")
    return (f"# Measured\n\nWritten by script/bench on {today} in "
            f"{seconds:.0f} s. {kind}\n{processes.machine()}. Load average during the run: "
            f"{busy(bench)}.\n\n{HOW}\n\n"
            f"## Against the peers, the limit and the goals\n\n"
            f"{table(chosen, found)}\n\n## Who was measured\n\n"
            f"{versions(bench)}\n{notes(bench)}\n"
            f"{(pathlib.Path(__file__).parent / 'missed.md').read_text()}")
