# SPDX-License-Identifier: ISC
"""The report: medians, spread, and ratios to the peers, the limit, the goal.

usage: report.py --check    fails when a goal that bench/report.md says is missed
                            has no item in bench/missed.md, or an item asks
                            for a figure that no row has
"""
import datetime
import functools
import json
import pathlib
import re
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True

import collect  # noqa: E402
import contestants  # noqa: E402
import instructions  # noqa: E402
import processes  # noqa: E402
import rows  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
REPORT, REASONS = HERE / "report.md", HERE / "missed.md"
OURS, LIMIT = "Restante", "limit"
# Beside the metrics of a server that was not done in time.
MORE_THAN = "more than"
VERDICT, MISSED, REACHED = "goal reached", "missed", "reached"
FIGURE = re.compile(r"\{([\w-]+)\.(\w+)(?:@([\w-]+))?\}")


def number(value, metric):
    return f"{value:,.{metric.digits}f}"


def rounds_of(values, rounds):
    """Where it is not what the head of the report says."""
    if len(values) >= rounds:
        return ""
    return "one round" if len(values) == 1 else f"{len(values)} rounds"


def cell(values, metric, rounds):
    """Median, and the least and most of all rounds."""
    if not values:
        return "-"
    middle, low, high = (number(f(values), metric)
                         for f in (statistics.median, min, max))
    spread = "" if low == high else f"{low} to {high}"
    words = "; ".join(filter(None, (spread, rounds_of(values, rounds))))
    return f"{middle} ({words})" if words else middle


def cell_of(figures, metric, rounds):
    """One server's: also of who was not done."""
    least = figures.get(MORE_THAN, {}).get(metric.key)
    if least is not None and not figures[metric.key]:
        return f"> {number(least, metric)}"
    return cell(figures.get(metric.key), metric, rounds)


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
    return (REACHED if is_reached
            else f"{MISSED}, {times(ours, goal, metric)}")


def heading(metric):
    return f"{metric.label}, {metric.unit}" if metric.unit else metric.label


def brief(row, found, rounds):
    lines = []
    for metric in row.metrics:
        figures = ", ".join(f"{name} {cell_of(figures, metric, rounds)}"
                            for name, figures in found.items())
        lines.append(f"  {heading(metric)}: {figures}")
    return "\n".join(lines)


def limit_cell(found, metric, rounds):
    measured = found.get(LIMIT, {})
    if measured.get(metric.key) or metric.limit is None:
        return cell_of(measured, metric, rounds)
    return number(metric.limit, metric)


def line(row, metric, found, columns, rounds):
    ours = median_of(found, OURS, metric)
    best, name = best_peer(found, metric)
    limit = median_of(found, LIMIT, metric) or metric.limit
    goal = goal_of(found, metric)
    sign = "<=" if metric.is_less_better else ">="
    cells = [row.title, heading(metric),
             *(cell_of(found.get(c, {}), metric, rounds)
               for c in columns[:-1]), limit_cell(found, metric, rounds),
             f"{sign} {number(goal, metric)}" if goal else "-",
             f"{times(ours, best, metric)} {name or ''}".strip(),
             times(ours, limit, metric), verdict(ours, goal, metric)]
    return "| " + " | ".join(cells) + " |"


def table(chosen, found, rounds):
    names = {name for per_row in found.values() for name in per_row}
    columns = [OURS, *sorted(names - {OURS, LIMIT}, key=str.lower), LIMIT]
    head = ["work", "measure", *columns, "goal", "against the best peer",
            "against the limit", VERDICT]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for row in chosen:
        lines += [line(row, metric, found[row.key], columns, rounds)
                  for metric in row.metrics]
    return "\n".join(lines)


# ---- goals that are missed ----

def known_rows():
    return (*rows.ROWS, *collect.ROWS)


def verdicts(text):
    """{row: "missed", else "reached"} of those with a goal in a report."""
    keys = {row.title: row.key for row in known_rows()}
    found, is_table = {}, False
    for text_line in text.splitlines():
        cells = [c.strip() for c in text_line.strip().strip("|").split("|")]
        if cells[-1] == VERDICT:
            is_table = True
        elif not text_line.startswith("|"):
            is_table = False
        elif is_table and cells[-1].startswith((MISSED, REACHED)):
            is_missed = cells[-1].startswith(MISSED)
            key = keys[cells[0]]
            if found.get(key) != MISSED:
                found[key] = MISSED if is_missed else REACHED
    return found


def reasons(text):
    """The rows that items of missed.md name in their first line."""
    heads = re.findall(r"(?m)^- (.*)$", text)
    return {key for head in heads for key in re.findall(r"`([^`]+)`", head)}


def without_reason(text, reasons_text=None):
    """Missed goals nobody wrote about, as sentences."""
    named = reasons(REASONS.read_text() if reasons_text is None
                    else reasons_text)
    return [f"no item names `{key}`, whose goal is missed"
            for key, said in verdicts(text).items()
            if said == MISSED and key not in named]


def metric_of(row, metric):
    return next((m for r in known_rows() if r.key == row for m in r.metrics
                 if m.key == metric), None)


def figures_nobody_has(reasons_text):
    return [f"no row has the figure {m[0]}"
            for m in FIGURE.finditer(reasons_text) if not metric_of(m[1], m[2])]


def items(text, found):
    """Of missed.md those about what this report says is missed, with its
    figures: {row.metric} is ours, {row.metric@name} of another."""
    def figure(match):
        key, metric, name = match.groups()
        known = metric_of(key, metric)
        median = median_of(found.get(key, {}), name or OURS, known)
        return "(not measured)" if median is None else number(median, known)

    missed = {key for key, said in verdicts(text).items() if said == MISSED}
    head, *all_items = re.split(r"(?m)^(?=- )", REASONS.read_text())
    about = [item for item in all_items if missed & reasons(item)]
    return FIGURE.sub(figure, head + "".join(about)) if about else ""


def no_longer_missed(text):
    return [f"`{key}` has an item and reaches its goal"
            for key, said in verdicts(text).items()
            if said == REACHED and key in reasons(REASONS.read_text())]


# ---- the rest ----

def counts():
    """Instructions of single operations, as recorded."""
    lines = ["| operation | instructions |", "|---|---|"]
    for key, count in json.loads(instructions.RECORDED.read_text()).items():
        lines.append(f"| {instructions.OPERATIONS[key][2]} | {count:,} |")
    return "\n".join(lines)


@functools.cache
def commit():
    """Before the first report of a run, which makes the tree dirty."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=contestants.ROOT,
        capture_output=True, text=True).stdout.strip()
    return said or "without version"


def versions(bench, found):
    lines = [f"- {server.name}: {server.version()}. {server.setting()}"
             for server in bench.servers if server.name != OURS]
    measured = {name for per_row in found.values() for name in per_row}
    lines += [f"- {kind.name}: {kind.version()}. {kind.setting()}"
              for kind in collect.KINDS
              if kind.program and kind.name in measured]
    return "\n".join(lines)


def notes(bench):
    return "".join(f"- {note}\n" for note in dict.fromkeys(bench.notes))


def busy(bench):
    """Our own work makes two or three; more is other people's."""
    if not bench.loads:
        return "not looked at"
    return (f"{statistics.median(bench.loads):.1f} "
            f"({min(bench.loads):.1f} to {max(bench.loads):.1f})")


HOW = """\
Every row runs on all servers in turn, round after round (A B A B), on the same
mail and the same certificate, over loopback, page cache warm, the load
generator on the same cores. Figures are medians, with the least and the most
of the rounds behind them. CPU is user and system time of all processes of the
server, from /proc; it is the steadier figure where other programs run. Memory
is PSS over all processes. "2.00x" means half the cost or twice the rate. The
load generator checks every reply, number, size and octet; whoever violates the
protocol is out of the row.

"One round": whoever needs more than {slow} s for the least that can be measured goes
one round. "> N": it was not done after so long, and was stopped. A row ends
after three rounds when it has taken two minutes."""
INSTRUCTIONS = """\
Of all processes of the server together, without the kernel's share, by callgrind;
from bench/instructions.json, which `script/test instructions` holds to 10 %."""
STEPS = "By `script/million`: best and worst of the rounds, in ms."


def section(title, *parts):
    return f"\n## {title}\n\n" + "\n\n".join(parts) + "\n"


def kind_of(bench):
    kind = "A short run: it shows that all works, its figures mean nothing." \
        if bench.is_short else f"{bench.rounds} rounds."
    if contestants.Restante.hash_is_cheap:
        kind += (" Restante's accounts have DES hashes, so that all but the"
                 " hash of a login is seen.")
    return kind


def write(bench, chosen, found, seconds, steps="", grown=""):
    """`steps` and `grown` are the sections that have been measured."""
    now = datetime.datetime.now().strftime("%Y-%m-%d, %H:%M")
    how = HOW.format(slow=rows.SLOW_SECONDS)
    if bench.has_collectors:
        how += "\n\n" + collect.PATIENCE
    text = (f"# Measured\n\nWritten by script/bench on {now}, after one run of "
            f"{seconds / 60:.0f} minutes. Restante {commit()}, release build. "
            f"{kind_of(bench)}\n{processes.machine()}. Load average during "
            f"the run: {busy(bench)}.\n\n{how}\n"
            + section("Against the peers, the limit and the goals",
                      table(chosen, found, bench.rounds))
            + (section("A million messages, step by step", STEPS, steps)
               if steps else "")
            + (section("What more of everything costs", grown)
               if grown else "")
            + section("Instructions of single operations", INSTRUCTIONS,
                      counts())
            + section("Who was measured", versions(bench, found) + "\n"
                      + notes(bench)))
    return f"{text}\n{items(text, found)}".rstrip() + "\n"


def main():
    if sys.argv[1:] != ["--check"]:
        sys.exit(__doc__)
    wrong = (without_reason(REPORT.read_text())
             + figures_nobody_has(REASONS.read_text()))
    print("\n".join(wrong), end="\n" if wrong else "")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
