# SPDX-License-Identifier: ISC
"""Measures Restante and others side by side and writes a report. When the run is
broken off, what was done until then is in it; who fails is out of that row.
Every single figure goes into a .json file beside it."""
import argparse
import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True

import collect  # noqa: E402
import contestants  # noqa: E402
import corpus  # noqa: E402
import growth  # noqa: E402
import million  # noqa: E402
import peers  # noqa: E402
import places  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402
import servers  # noqa: E402

LOAD = contestants.BUILD / "bench" / "load"
# A row stops after a round when it has gone so many and taken so long.
LEAST_ROUNDS, ROW_SECONDS = 3, 120


def say(text):
    print(text, flush=True)


def first_line(wrong):
    return (str(wrong).strip() or type(wrong).__name__).splitlines()[0]


class Bench:
    """The servers, the mail they share, and the load generator."""

    def __init__(self, place, is_short, rounds, has_collectors=False,
                 mail=None):
        self.place, self.is_short, self.rounds = place, is_short, rounds
        self.has_collectors = has_collectors
        self.servers, self.notes, self.has_failed = [], [], False
        self.digests, self.loads, self.too_slow = {}, [], {}
        self.lock = threading.Lock()
        owner = contestants.MAIL_ID if contestants.IS_ROOT else None
        self.mail = mail or corpus.Boxes(place / "corpus", owner, say)
        self.certificate = place / "certificate.pem"
        self.key = place / "key.pem"
        place.mkdir(exist_ok=True)
        servers.make_certificate(self.certificate, self.key)

    # ---- mail ----

    def corpus_box(self, make, first, messages, line_end=corpus.CRLF):
        return self.mail.box(make, first, messages, line_end)

    def same_mail(self, row, server, digest, times):
        """Everybody must send the same octets."""
        if server.has_other_octets:
            return
        expected = self.digests.setdefault((row.prefix, row.messages),
                                           (digest, times))
        if (digest * expected[1] - expected[0] * times) % (1 << 64):
            raise RuntimeError(f"{row.key}: {server.name} sends other octets")

    # ---- load ----

    def load_command(self, server, mode, *options, is_tls=False):
        port = (server.lmtp_port if mode == "lmtp" else
                server.pop3s_port if is_tls else server.pop3_port)
        tls = ["--tls", self.certificate] if is_tls else []
        loose = ["--loose-sizes"] if server.has_loose_sizes else []
        return [str(part) for part in (
            LOAD, mode, "--to", f"127.0.0.1:{port}", "--password",
            contestants.PASSWORD, *options, *tls, *loose)]

    def load(self, server, mode, *options, is_tls=False):
        command = self.load_command(server, mode, *options, is_tls=is_tls)
        done = subprocess.run(command, capture_output=True,
                              timeout=server.patience)
        if done.returncode:
            raise RuntimeError(f"{server.name}: {mode}: "
                               f"{done.stderr.decode(errors='replace')}")
        return json.loads(done.stdout)

    def load_process(self, server, mode, *options, is_tls=False):
        return subprocess.Popen(
            self.load_command(server, mode, *options, is_tls=is_tls),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    # ---- the run ----

    def run(self, row, found):
        """Into `found`: {server: {metric: [one value a round]}}, servers in
        turn."""
        takers = row.takers()
        row.prepare()
        with self.lock:
            found.update({s.name: {m.key: [] for m in row.metrics}
                          for s in takers})
        left = [s for s in takers if self.guarded(row, s, found, self.plan)]
        began = time.monotonic()
        for turn in range(self.rounds):
            if turn >= LEAST_ROUNDS and time.monotonic() - began > ROW_SECONDS:
                break
            self.loads.append(processes.load_average())
            left = [s for s in left
                    if self.guarded(row, s, found, self.one_round)]

    def plan(self, row, server, found):
        """Is it measured further?"""
        slow = [self.too_slow[key, server.name] for key in row.includes
                if (key, server.name) in self.too_slow]
        if slow:
            self.note_slow(row, server, found, max(slow))
            return False
        values = row.plan(server)
        if values:
            self.note(row, server, found, values)
        return not values

    def one_round(self, row, server, found):
        self.note(row, server, found, row.round(server))
        return True

    def note(self, row, server, found, values):
        for metric in row.metrics if values else ():
            found[server.name][metric.key].append(values[metric.key])

    def note_slow(self, row, server, found, seconds):
        self.too_slow[row.key, server.name] = seconds
        found[server.name][report.MORE_THAN] = row.more_than(seconds)
        self.remark(f"{row.title}: {server.name} was not done after "
                    f"{seconds:.0f} s.")

    def remark(self, text):
        say(text)
        self.notes.append(text)

    def guarded(self, row, server, found, step):
        """Who is too slow or fails is out of this row, whatever it is."""
        try:
            return step(row, server, found)
        except Exception as wrong:
            self.note_failure(row, server, found, wrong)
        if server in self.servers:
            self.start_anew(server)
        return False

    def note_failure(self, row, server, found, wrong):
        self.has_failed |= server.name == report.OURS
        if isinstance(wrong, subprocess.TimeoutExpired):
            self.note_slow(row, server, found, wrong.timeout)
        else:
            found[server.name] = {m.key: [] for m in row.metrics}
            self.remark(f"{row.title}: {server.name} has no figure: "
                        f"{first_line(wrong)}")

    def start_anew(self, server):
        """It would go on with what nobody waits for any more."""
        try:
            server.stop()
            server.start()
        except Exception as wrong:
            self.give_up(server, "started again", wrong)

    def give_up(self, server, what, wrong):
        """Without ours there is nothing to measure."""
        if server.name == report.OURS:
            raise wrong
        server.is_out = True
        self.remark(f"{server.name} could not be {what}; it has no figures "
                    f"from there on: {first_line(wrong)}")

    # ---- servers ----

    def set_up(self, kind):
        try:
            self.servers.append(kind(self.place, self.certificate, self.key))
        except Exception as wrong:
            self.give_up(kind, "set up", wrong)

    def begin(self, server, names):
        try:
            server.add_users(names)
            server.start()
        except Exception as wrong:
            self.give_up(server, "started", wrong)


def choose(names):
    known = {row.key: row for row in (*rows.ROWS, *collect.ROWS)}
    if unknown := [n for n in names if n not in known]:
        sys.exit(f"bench: no row {unknown[0]}; there are {' '.join(known)}")
    return [known[n] for n in names or known]


FLAGS = {
    "--peers": "also Courier, mailutils and popa3d, unpacked below build-peers/;"
               " needs root",
    "--collectors": "also fetchmail, getmail6 and fdm, which wait for each "
                    "message: at 300 ms a quarter of an hour, beside each other "
                    "and the rest",
    "--growth": "also how costs grow with messages, connections, octets and "
                "processes, and the million messages step by step",
    "--cheap-hash": "accounts of Restante with DES instead of yescrypt: what a "
                    "login costs besides the hash",
    "--short": "small boxes, two rounds: that everything works, not how fast",
}


def arguments():
    names = " ".join(row.key for row in (*rows.ROWS, *collect.ROWS))
    parser = argparse.ArgumentParser(
        prog="script/bench", description=__doc__,
        epilog=f"All of it, for a report: script/bench --peers --growth "
               f"--collectors. Rows: {names}.")
    for flag, words in FLAGS.items():
        parser.add_argument(flag, action="store_true", help=words)
    parser.add_argument("--rounds", type=int, metavar="N",
                        help="five for a report (the default); a row that has "
                             f"taken {ROW_SECONDS} s stops after {LEAST_ROUNDS}")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE",
                        help="the report: bench/report.md, of --short "
                             "report-short.md in the build's folder")
    parser.add_argument("rows", nargs="*", metavar="ROW",
                        help="only these rows")
    given = parser.parse_args()
    given.rounds = given.rounds or (2 if given.short else 5)
    given.output = given.output or (
        contestants.BUILD / "report-short.md" if given.short
        else contestants.ROOT / "bench" / "report.md")
    return given


@contextlib.contextmanager
def running(bench, chosen, kinds):
    """All servers, with all users the rows need."""
    for kind in kinds:
        bench.set_up(kind)
    # What is needed depends on how many servers there are.
    names = sorted({n for row in chosen for n in row.user_names()})
    try:
        for server in bench.servers:
            bench.begin(server, names)
        yield
    finally:
        with contextlib.ExitStack() as stack:
            for server in bench.servers:
                stack.callback(server.stop)


class Run:
    """Row after row; what there is after each goes into the report."""

    def __init__(self, given, bench, chosen):
        self.given, self.bench, self.chosen = given, bench, chosen
        self.found, self.grown, self.steps = {}, "", ""
        self.began = time.monotonic()

    def save(self):
        with self.bench.lock:
            self.write()

    def write(self):
        self.given.output.with_suffix(".json").write_text(
            json.dumps(self.found, indent=1))
        done = [row for row in self.chosen if row.key in self.found]
        self.given.output.write_text(report.write(
            self.bench, done, self.found, time.monotonic() - self.began,
            self.steps, self.grown))

    def rows(self, chosen):
        for row in chosen:
            began = time.monotonic()
            with self.bench.lock:
                figures = self.found.setdefault(row.key, {})
            self.bench.run(row, figures)
            say(f"{row.key}, {time.monotonic() - began:.0f} s")
            say(report.brief(row, figures, self.bench.rounds))
            self.save()

    def million(self):
        self.steps = million.run(
            self.bench.place, 2_000 if self.given.short else 1_000_000, 2)
        say(self.steps)

    def curves(self):
        bench = Bench(self.bench.place / "growth", self.given.short,
                      self.bench.rounds, mail=self.bench.mail)
        growth.run(bench, self.given.output.parent / "plots", say,
                   self.keep_grown)

    def keep_grown(self, text):
        self.grown = text
        self.save()

    def growth(self):
        """On servers of their own: one that fails does not end the run."""
        for part in (self.million, self.curves):
            began = time.monotonic()
            try:
                part()
            except Exception as wrong:
                self.bench.has_failed = True
                self.bench.remark(f"{part.__name__}: not measured: "
                                  f"{first_line(wrong)}")
            say(f"{part.__name__}, {time.monotonic() - began:.0f} s")
            self.save()

    def all(self):
        """However it ends, what there is is written."""
        try:
            self.parts()
        finally:
            self.save()

    def parts(self):
        near = [r for r in self.chosen if not isinstance(r, collect.Collect)]
        near.sort(key=lambda row: not row.comes_first)
        far = [r for r in self.chosen if isinstance(r, collect.Collect)]
        self.rows(near)
        for server in self.bench.servers[1:]:
            server.stop()
        with collect.Patient(self.bench, far, self.found, say):
            self.rows(far)
            if self.given.growth:
                self.growth()


def main():
    given = arguments()
    # Servers are stopped and mail removed however it ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    contestants.Restante.hash_is_cheap = given.cheap_hash
    kinds = contestants.KINDS + (peers.KINDS if given.peers else ())
    with places.folder("bench", given.short) as place:
        bench = Bench(place, given.short, given.rounds, given.collectors)
        chosen = [row(bench) for row in choose(given.rows)]
        run = Run(given, bench, chosen)
        with running(bench, chosen, kinds):
            run.all()
    say(f"{given.output} written after {time.monotonic() - run.began:.0f} s")
    text = given.output.read_text()
    for wrong in report.without_reason(text) + report.no_longer_missed(text):
        say(f"bench/missed.md: {wrong}")
    if bench.has_failed:
        sys.exit("bench: not everything of ours was measured")


if __name__ == "__main__":
    main()
