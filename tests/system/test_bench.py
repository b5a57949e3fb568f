# SPDX-License-Identifier: ISC
"""The parts of bench/ that figures rest on: the corpus, the long line, who is
measured how often, what the report says of it."""
import argparse
import hashlib
import re
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

import pytest

import servers

sys.path.insert(0, str(servers.ROOT / "bench"))

import corpus  # noqa: E402
import growth  # noqa: E402
import instructions  # noqa: E402
import plots  # noqa: E402
import proxy  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402
import run  # noqa: E402

RTT = 0.04
# SHA-256 of the first 300 messages: other mail makes other figures.
CORPUS = "abb4808eefa592fe18f01105ab15820577f01c934d7707ea467c6a60ba2e3aa4"


def test_the_corpus_is_the_same_everywhere():
    messages = [corpus.message(n) for n in range(300)]
    assert hashlib.sha256(b"".join(messages)).hexdigest() == CORPUS
    assert all(not m.startswith(b".") and m.endswith(b"\r\n")
               and not re.search(rb"[^\r]\n|\r[^\n]", m) for m in messages)


def test_the_corpus_is_like_mail():
    messages = [corpus.message(n) for n in range(2000)]
    mean = sum(map(len, messages)) / len(messages)
    assert 55 * 1024 < mean < 61 * 1024
    with_dots = sum(b"\n." in m for m in messages) / len(messages)
    assert 0.1 < with_dots < 0.15


@pytest.mark.parametrize("line_end", [corpus.CRLF, corpus.LF])
def test_names_tell_sizes(place, line_end):
    corpus.write_box(place / "box", 20, line_end=line_end)
    corpus.clone_box(place / "box", place / "other")
    files = sorted((place / "other" / "cur").iterdir())
    assert len(files) == 20
    for number, file in enumerate(files):
        octets, wire = map(int, re.search(r",S=(\d+),W=(\d+):2,S$",
                                          file.name).groups())
        assert octets == file.stat().st_size
        assert wire == len(corpus.message(number))
        assert (octets == wire) == (line_end == corpus.CRLF)


CALLGRIND = """events: Ir

ob=(1) /usr/bin/restanted
fl=(1) session.c
fn=(1) step
10 3
+2 4
cfn=(2) parse
calls=5 20
12 1000
* 2

fn=(2)
20 7
fi=(2) inlined.h
-3 1
ob=(2) /lib/libuv.so.1
fn=(3) 0x00000000000000f0
0 5
cob=(1)
cfn=(1)
calls=1 10
0 9
totals: 22
"""


def test_own_costs_of_functions():
    assert instructions.functions(CALLGRIND) == {
        "step": 9, "parse": 8, "libuv.so.1 0x00000000000000f0": 5}


@pytest.mark.parametrize("total, is_bad", [
    (1000, False), (1100, False), (1101, True), (500, False)])
def test_growth_is_noticed(total, is_bad):
    assert instructions.compare("login", total, {"login": 1000})[1] == is_bad


def dots(points):
    tree = xml.etree.ElementTree.fromstring(plots.svg("t", "x", "y", points))
    return [(float(c.get("cx")), float(c.get("cy")))
            for c in tree.iter("{http://www.w3.org/2000/svg}circle")]


def test_a_plot_shows_proportion():
    """Ten times as much is as far away everywhere; level is level."""
    slope = dots([(1, 0.1), (10, 1), (100, 10)])
    assert slope[1][0] - slope[0][0] == pytest.approx(
        slope[2][0] - slope[1][0], abs=0.2)
    assert slope[0][1] - slope[1][1] == pytest.approx(
        slope[1][1] - slope[2][1], abs=0.2)
    assert slope[0][1] > slope[2][1]
    assert len({y for _, y in dots([(10, 7), (1000, 7), (10000, 7)])}) == 1
    assert all(0 < x < plots.WIDTH and 0 < y < plots.HEIGHT
               for x, y in slope)


def echo():
    """Greets, then answers each line with itself; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"hello\n")
            for line in lines:
                connection.sendall(line)
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def talk(line, *requests):
    """Each is sent when the last is answered; seconds."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", line.port), 10) as client:
        lines = client.makefile("rb")
        assert lines.readline() == b"hello\n"
        for request in requests:
            client.sendall(request)
            for expected in request.splitlines(True):
                assert lines.readline() == expected
    return time.monotonic() - began


@pytest.mark.parametrize("requests, trips", [
    ((), 2), ((b"a\n",), 3), ((b"a\n", b"b\n", b"c\n"), 5),
    ((b"a\nb\nc\n",), 3), ((b"a\nb\n", b"c\n"), 4)])
def test_a_long_line_counts_what_is_waited_for(requests, trips):
    with proxy.Line(echo(), RTT) as line:
        seconds = talk(line, *requests)
        assert line.trips == trips
    assert trips * RTT <= seconds


def test_one_request_in_pieces_is_one():
    with proxy.Line(echo(), RTT) as line:
        with socket.create_connection(("127.0.0.1", line.port), 10) as client:
            lines = client.makefile("rb")
            assert lines.readline() == b"hello\n"
            client.sendall(b"a")
            time.sleep(RTT)
            client.sendall(b"\n")
            assert lines.readline() == b"a\n"
        assert line.trips == 3


def test_who_speaks_first_waits_for_the_handshake():
    """As TLS does: its first octets travel when TCP is set up."""
    with proxy.Line(echo(), RTT) as line:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", line.port), 10) as client:
            client.sendall(b"a\n")
            lines = client.makefile("rb")
            assert lines.readline() == b"hello\n"
            assert lines.readline() == b"a\n"
        assert time.monotonic() - began >= 2 * RTT
        assert line.trips == 2


# ---- the run and the report ----

METRIC = rows.Metric("s", "time", "s", goal=3, digits=1, is_time=True)


class FakeRow:
    """Everybody is asked; what each says is an exception or a figure."""
    key, title, metrics, includes = "fake", "fake work", (METRIC,), ()
    comes_first = False

    def __init__(self, servers_, says):
        self.servers, self.says = servers_, says
        self.asked = []

    def takers(self):
        return self.servers

    def prepare(self):
        pass

    def say(self, server):
        self.asked.append(server.name)
        said = self.says[server.name]
        if isinstance(said, Exception):
            raise said
        return {"s": said, "elapsed": said}

    def plan(self, server):
        return rows.Row.planned(self.say(server))

    round = say
    more_than = rows.Row.more_than


class FakeServer:
    def __init__(self, name):
        self.name, self.starts, self.is_out = name, 0, False
        self.may_start = True

    def stop(self):
        pass

    def start(self):
        assert self.may_start, "its port is not free"
        self.starts += 1


def bench_of(place, *names, rounds=3):
    bench = run.Bench(place / "bench", False, rounds)
    bench.servers = [FakeServer(name) for name in names]
    return bench


def found_by(bench, row):
    found = {}
    bench.run(row, found)
    return found


LATE = subprocess.TimeoutExpired("load", 60)


def test_who_is_slow_goes_one_round(place):
    bench = bench_of(place, "Restante", "quick", "slow", "late", "wrong")
    row = FakeRow(bench.servers, {"Restante": 1, "quick": 2, "slow": 11,
                                  "late": LATE, "wrong": RuntimeError("no")})
    found = found_by(bench, row)
    assert {name: len(f["s"]) for name, f in found.items()} == {
        "Restante": 3, "quick": 3, "slow": 1, "late": 0, "wrong": 0}
    assert row.asked.count("late") == row.asked.count("slow") == 1
    assert [s.starts for s in bench.servers] == [0, 0, 0, 1, 1]
    cells = {name: report.cell_of(f, METRIC, 3) for name, f in found.items()}
    assert cells == {"Restante": "1.0", "quick": "2.0", "late": "> 60.0",
                     "slow": "11.0 (one round)", "wrong": "-"}
    assert report.best_peer(found, METRIC) == (2, "quick")
    assert bench.notes == [
        "fake work: late was not done after 60 s.",
        "fake work: wrong has no figure: no"]


def test_who_was_late_is_not_asked_for_more(place):
    bench = bench_of(place, "Restante", "late")
    row = FakeRow(bench.servers, {"Restante": 1, "late": LATE})
    found_by(bench, row)
    more = FakeRow(bench.servers, row.says)
    more.key, more.includes = "more", ("fake",)
    found = found_by(bench, more)
    assert "late" not in more.asked
    assert report.cell_of(found["late"], METRIC, 3) == "> 60.0"


@pytest.mark.parametrize("wrong", [LATE, RuntimeError("no")])
def test_our_own_failure_ends_the_row_and_is_told(place, wrong):
    bench = bench_of(place, "Restante", "quick")
    found = found_by(bench, FakeRow(bench.servers,
                                    {"Restante": wrong, "quick": 2}))
    assert bench.has_failed and len(bench.notes) == 1
    assert found["Restante"]["s"] == [] and len(found["quick"]["s"]) == 3


def test_who_cannot_be_started_again_is_out(place):
    bench = bench_of(place, "Restante", "late")
    row = FakeRow(bench.servers, {"Restante": 1, "late": LATE})
    bench.servers[1].may_start = False
    found = found_by(bench, row)
    assert len(found["Restante"]["s"]) == 3 and not bench.has_failed
    assert bench.servers[1].is_out
    assert bench.notes[-1] == ("late could not be started again; it has no "
                               "figures from there on: its port is not free")
    assert not rows.Login(bench).takes(bench.servers[1])


def test_without_ours_there_is_nothing_to_measure(place):
    bench = bench_of(place, "Restante")
    bench.servers[0].may_start = False
    with pytest.raises(AssertionError):
        found_by(bench, FakeRow(bench.servers, {"Restante": LATE}))


def test_a_run_that_is_broken_off_writes_what_there_is(place):
    bench = bench_of(place, "Restante")
    row = FakeRow(bench.servers, {"Restante": 1})
    row.title = rows.Login.title
    given = argparse.Namespace(output=place / "report.md", growth=False)
    broken_off = run.Run(given, bench, [row])
    rounds = iter((1, 2))

    def say(server):
        if not next(rounds, None):
            raise KeyboardInterrupt
        return {"s": 7, "elapsed": 7}
    row.round = say
    with pytest.raises(KeyboardInterrupt):
        broken_off.all()
    assert "| 7.0 (2 rounds) |" in given.output.read_text()


def test_a_long_row_stops_early(place, monkeypatch):
    monkeypatch.setattr(run, "ROW_SECONDS", 0)
    bench = bench_of(place, "Restante", rounds=9)
    found = found_by(bench, FakeRow(bench.servers, {"Restante": 1}))
    assert report.cell_of(found["Restante"], METRIC, 9) == "1.0 (3 rounds)"


@pytest.mark.parametrize("ours, verdict", [
    (3.0, "reached"), (2.0, "reached"), (6.0, "missed, 0.50x"),
    (None, "not measured")])
def test_a_goal_is_judged_by_the_median(ours, verdict):
    assert report.verdict(ours, 3, METRIC) == verdict


def report_with(place, figures):
    """Of login-plain and login-tls, with these CPU times."""
    bench = bench_of(place)
    chosen = [rows.Login(bench), rows.LoginTls(bench)]
    found = {row.key: {"Restante": {"cpu_us": [us], "rate": [1.0],
                                    "median_us": [1.0]}}
             for row, us in zip(chosen, figures)}
    return report.write(bench, chosen, found, 60)


@pytest.mark.parametrize("figures, missed", [
    ((100, 300), []), ((200, 300), ["login-plain"]),
    ((200, 500), ["login-plain", "login-tls"])])
def test_a_missed_goal_needs_a_reason(place, figures, missed):
    text = report_with(place, figures)
    assert [key for key, said in report.verdicts(text).items()
            if said == report.MISSED] == missed
    assert len(report.without_reason(text, "")) == len(missed)
    items = "".join(f"- **Why** (`{key}`, goal).\n" for key in missed)
    assert report.without_reason(text, items) == []
    # In the middle of an item it is not what the item is about.
    told = items.replace("- **Why**", "- **Why not**\n ")
    assert len(report.without_reason(text, told)) == len(missed)


def test_the_report_has_the_items_and_figures_of_its_run(place, monkeypatch):
    items = place / "missed.md"
    items.write_text("## Missed\n\n"
                     "- **One** (`login-plain`). {login-plain.cpu_us} us,"
                     " {login-plain.cpu_us@popa3d} of popa3d.\n"
                     "- **Other** (`login-tls`). {login-tls.cpu_ms}\n")
    monkeypatch.setattr(report, "REASONS", items)
    text = report_with(place, (200, 300))
    assert text.endswith("- **One** (`login-plain`). 200 us,"
                         " (not measured) of popa3d.\n")
    assert report.figures_nobody_has(items.read_text()) == [
        "no row has the figure {login-tls.cpu_ms}"]


def test_the_million_may_fail_and_curves_stay(place, monkeypatch):
    def fails(*_):
        raise AssertionError("no")
    given = argparse.Namespace(output=place / "report.md", short=True)
    monkeypatch.setattr(run.million, "run", fails)
    monkeypatch.setattr(run.growth, "run",
                        lambda *given: given[-1]("the curves"))
    run.Run(given, bench_of(place), []).growth()
    text = given.output.read_text()
    assert "the curves" in text and "million: not measured: no" in text
    assert "step by step\n" not in text


def test_connections_are_as_many_as_files():
    assert growth.affordable((1, 10_000), 100_000) == (1, 10_000)
    assert growth.affordable((1, 10_000), 20_000) == (1, 6_333)
    assert growth.affordable((1, 10), 1024) == (1, 8)
