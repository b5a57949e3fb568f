# SPDX-License-Identifier: ISC
"""Measures Restante and others side by side and writes a report.

usage: script/bench [--short] [--rounds N] [--output FILE] [ROW...]

  --short     small boxes, two rounds: that everything works, not how fast
  --rounds N  at least 5 for a report (the default)
  --growth    also curves: how costs change with messages, connections, octets
  --cheap-hash  accounts of Restante with DES instead of yescrypt: what a login
              costs besides the hash
  --peers     also Courier, mailutils and popa3d, unpacked below build-peers/;
              needs root
  --collectors  also fetchmail, getmail6 and fdm, which wait for each message: at
              300 ms ten minutes each, and so in one round
  --output    where the report goes: bench/report.md, of --short
              build-release/report-short.md; every single figure goes into a
              .json file beside it
"""
import argparse
import contextlib
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import collect  # noqa: E402
import contestants  # noqa: E402
import corpus  # noqa: E402
import growth  # noqa: E402
import peers  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402
import servers  # noqa: E402

LOAD = contestants.BUILD / "bench" / "load"


class Bench:
    """The servers, the mail they share, and the load generator."""

    def __init__(self, place, is_short, rounds, has_collectors=False):
        self.place, self.is_short, self.rounds = place, is_short, rounds
        self.has_collectors = has_collectors
        self.servers, self.notes = [], []
        self.corpora, self.digests, self.loads = {}, {}, []
        self.certificate = place / "certificate.pem"
        self.key = place / "key.pem"
        servers.make_certificate(self.certificate, self.key)

    # ---- mail ----

    def corpus_box(self, make, first, messages, line_end=corpus.CRLF):
        """A Maildir of this part of the corpus, made once."""
        key = (make.__name__, first, messages, len(line_end))
        if key not in self.corpora:
            box = self.place / "corpus" / "-".join(map(str, key))
            if messages > 10_000:
                say(f"  making {messages:,} messages")
            corpus.write_box(box, messages, make, first, line_end)
            if contestants.IS_ROOT:
                corpus.give(box, contestants.MAIL_ID, contestants.MAIL_ID)
            self.corpora[key] = box
        return self.corpora[key]

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

    def is_fast_enough(self, row, server):
        try:
            row.plan(server)
        except subprocess.TimeoutExpired:
            self.notes.append(f"{row.title}: {server.name} was not done after "
                              f"{server.patience} s.")
            return False
        return True

    def run(self, row):
        """{server: {metric: [one value a round]}}, servers in turn."""
        takers = row.takers()
        row.prepare()
        takers = [s for s in takers if self.is_fast_enough(row, s)]
        found = {s.name: {m.key: [] for m in row.metrics} for s in takers}
        for turn in range(self.rounds):
            self.loads.append(processes.load_average())
            for server in takers:
                if not row.is_due(server, turn):
                    continue
                values = row.round(server)
                for metric in row.metrics if values else ():
                    found[server.name][metric.key].append(values[metric.key])
        return found


def say(text):
    print(text, flush=True)


def choose(names):
    known = {row.key: row for row in (*rows.ROWS, *collect.ROWS)}
    if unknown := [n for n in names if n not in known]:
        sys.exit(f"bench: no row {unknown[0]}; there are {' '.join(known)}")
    return [known[n] for n in names or known]


def arguments():
    parser = argparse.ArgumentParser(prog="script/bench")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--cheap-hash", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--collectors", action="store_true")
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("rows", nargs="*", metavar="ROW")
    given = parser.parse_args()
    given.rounds = given.rounds or (2 if given.short else 5)
    given.output = given.output or (
        contestants.BUILD / "report-short.md" if given.short
        else contestants.ROOT / "bench" / "report.md")
    return given


@contextlib.contextmanager
def folder():
    """Not below a home: the servers' users must get there. On a disk."""
    place = pathlib.Path(tempfile.mkdtemp(prefix="restante-bench-",
                                          dir="/var/tmp"))
    place.chmod(0o755)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextlib.contextmanager
def running(bench, chosen, kinds):
    """All servers, with all users the rows need."""
    names = sorted({n for row in chosen for n in row.user_names()})
    bench.servers.extend(kind(bench.place, bench.certificate, bench.key)
                         for kind in kinds)
    # What is needed depends on how many servers there are.
    names = sorted({n for row in chosen for n in row.user_names()})
    try:
        for server in bench.servers:
            server.add_users(names)
            server.start()
        yield
    finally:
        for server in bench.servers:
            server.stop()


def measure_growth(given):
    with folder() as place:
        bench = Bench(place, given.short, given.rounds)
        curves = growth.run(bench, given.output.parent / "plots", say)
    return f"\n## What more of everything costs\n\n{curves}"


def main():
    given = arguments()
    # Servers are stopped and mail removed however it ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    contestants.Restante.hash_is_cheap = given.cheap_hash
    began = time.monotonic()
    grown = measure_growth(given) if given.growth else ""
    with folder() as place:
        bench = Bench(place, given.short, given.rounds, given.collectors)
        chosen = [row(bench) for row in choose(given.rows)]
        found = {}
        kinds = contestants.KINDS + (peers.KINDS if given.peers else ())
        with running(bench, chosen, kinds):
            for done, row in enumerate(chosen, 1):
                say(row.key)
                found[row.key] = bench.run(row)
                say(report.brief(row, found[row.key]))
                # With what there is, should the run be broken off.
                given.output.with_suffix(".json").write_text(
                    json.dumps(found, indent=1))
                given.output.write_text(report.write(
                    bench, chosen[:done], found,
                    time.monotonic() - began) + grown)
        say(f"{given.output} written")


if __name__ == "__main__":
    main()
