# SPDX-License-Identifier: ISC
"""What strace -f -o wrote, as calls in the order in which they were made."""
import re


def parse(file):
    """[(when it began, when it ended, call, result)], in turns; no result of
    what was still under way."""
    calls, begun = [], {}
    for turn, line in enumerate(file.read_text().splitlines()):
        pid, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            begun[pid] = turn, text.removesuffix("<unfinished ...>")
            continue
        start = turn
        if text.startswith("<... "):
            start, front = begun.pop(pid, (turn, ""))
            text = front + text.partition("resumed>")[2]
        call, _, result = text.rpartition(" = ")
        calls.append((start, turn, call.strip() or text, call and result))
    return calls + [(start, start, text, "")
                    for start, text in begun.values()]


def ends(calls, pattern, after=-1):
    """When the successful calls that match, begun after a turn, ended."""
    found = [end for start, end, call, result in calls
             if start > after and re.match(pattern, call)
             and result and not result.startswith("-1")]
    assert found, f"no {pattern} after turn {after} of {calls}"
    return found


def begins(calls, pattern, after=-1):
    found = sorted(start for start, _, call, _ in calls
                   if start > after and re.match(pattern, call))
    assert found, f"no {pattern} after turn {after} of {calls}"
    return found
