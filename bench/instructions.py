# SPDX-License-Identifier: ISC
"""Counts the instructions of single operations, over all of restanted's
processes, with callgrind: steady where seconds are not.

usage: instructions.py [--check | --record] [--top N] [OPERATION...]

  --check   fails when an operation costs over 10 % more than recorded in
            bench/instructions.json
  --record  writes the figures there
  --top N   prints the share of each role and the N functions that cost most
  OPERATION only these, for a look: --record needs all

Accounts have a cheap hash: yescrypt would hide everything else. The kernel's
share is not seen. Figures are of the debugoptimized build in build/.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

import contestants  # noqa: E402
import corpus  # noqa: E402
import processes  # noqa: E402
import servers  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
RECORDED = HERE / "instructions.json"
GROWTH = 1.10
USER = "alice"
# Of the box: messages of 4 KiB, then of 1 MiB.
SMALL, LARGE = 100, 40
# How replies meet in the socket buffers is chance: the least of so many is
# compared with the middle one of those that were recorded.
REPEATS = 6
MIB = 1 << 20
SECONDS = 60


def message(number):
    if number < SMALL:
        return corpus.four_kib(number)
    lines = corpus.text(corpus.random.Random(number), MIB)
    return corpus.four_kib(number)[:600].rpartition(b"\r\n")[0] + (
        b"\r\n\r\n" + lines)[:MIB].rpartition(b"\r\n")[0] + b"\r\n"


class Wire:
    """One connection in lockstep, with TLS when it has a context."""

    def __init__(self, port, context=None):
        self.socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        if context:
            self.socket = context.wrap_socket(self.socket,
                                              server_hostname="localhost")
        self.lines = self.socket.makefile("rb")
        self.expect(b"+OK", b"220")

    def expect(self, *starts):
        line = self.lines.readline()
        while line[3:4] == b"-":
            line = self.lines.readline()
        assert line.startswith(starts), line
        return line

    def ask(self, command, *starts):
        self.socket.sendall(command + b"\r\n")
        return self.expect(*starts or (b"+OK",))

    def retr(self, msgno):
        self.ask(b"RETR %d" % msgno)
        while self.lines.readline() != b".\r\n":
            pass

    def close(self, reply=b"+OK"):
        self.ask(b"QUIT", reply)
        assert self.lines.read() == b""
        self.socket.close()


def log_in(server, context=None):
    wire = Wire(server.pop3s_port if context else server.pop3_port, context)
    wire.ask(b"USER " + USER.encode())
    wire.ask(b"PASS " + contestants.PASSWORD.encode())
    return wire


# ---- the operations: each is a generator; what stands before the first yield is
# not counted, what is done between that and the second is. ----

def logins(server, count):
    yield
    for _ in range(count):
        wire = log_in(server)
        wire.close()
    yield


def tls_logins(server, count):
    """Each by a handshake of its own, none resumed."""
    context = ssl.create_default_context(cafile=server.certificate)
    yield
    for _ in range(count):
        wire = log_in(server, context)
        wire.close()
    yield


def stats(server, count):
    wire = log_in(server)
    wire.ask(b"STAT")
    yield
    for _ in range(count):
        wire.ask(b"STAT")
    yield
    wire.close()


def retrievals(first):
    def operation(server, count):
        wire = log_in(server)
        yield
        for msgno in range(count):
            wire.retr(first + msgno)
        yield
        wire.close()
    return operation


def deliveries(server, count):
    wire = Wire(server.lmtp_port)
    wire.ask(b"LHLO bench.example.org", b"250")
    body = corpus.four_kib(1)
    yield
    for _ in range(count):
        wire.ask(b"MAIL FROM:<ruth@example.org>", b"250")
        wire.ask(b"RCPT TO:<bob>", b"250")
        wire.ask(b"DATA", b"354")
        wire.ask(body + b".", b"250")
    yield
    wire.close(b"221")


OPERATIONS = {
    "login": (logins, 20, "log in, QUIT"),
    "login-tls": (tls_logins, 20, "new TLS, log in"),
    "stat": (stats, 100, "STAT"),
    "retr-4k": (retrievals(1), SMALL, "RETR of 4 KiB"),
    "retr-1m": (retrievals(SMALL + 1), LARGE, "RETR of 1 MiB"),
    "lmtp-4k": (deliveries, 50, "LMTP of 4 KiB"),
}


# ---- the server under callgrind ----

class Counted(contestants.Restante):
    """As one user: a role that changes its user could write no counts."""
    hash_is_cheap = True
    session_processes = 1

    def command(self):
        out = self.place / "counts"
        out.mkdir(mode=0o777)
        out.chmod(0o777)
        binary = (contestants.BUILD / "restanted").resolve()
        environment = ["env", f"LD_PRELOAD={self.preload()}",
                       f"RESTANTE_PROGRAM={binary}"]
        user = ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}",
                "--clear-groups"] if contestants.IS_ROOT else []
        return (*user, "valgrind", "-q", "--tool=callgrind",
                "--trace-children=yes",
                f"--callgrind-out-file={out}/%p", "--", *environment, binary,
                "-c", self.config)

    def preload(self):
        library = self.place / "preload.so"
        servers.run("cc", "-O2", "-shared", "-fPIC", "-o", library,
                    HERE / "callgrind" / "preload.c")
        return library

    def own(self, folder):
        """All is the one user's."""
        if contestants.IS_ROOT:
            corpus.give(folder, self.uid, self.gid)

    def roles(self):
        return [pid for pid in processes.tree(self.pid)
                if b"restanted" in pathlib.Path(
                    f"/proc/{pid}/cmdline").read_bytes()]

    def counts(self):
        """{(role, function): instructions} since the last call."""
        found = collections.Counter()
        for pid in self.roles():
            role = role_of(pid)
            for function, count in self.counts_of(pid).items():
                found[role, function] += count
        return found

    def counts_of(self, pid):
        known = set((self.place / "counts").glob(f"{pid}.*"))
        os.kill(pid, signal.SIGUSR2)

        def written():
            fresh = set((self.place / "counts").glob(f"{pid}.*")) - known
            return next((text for path in fresh
                         if "\ntotals:" in (text := path.read_text())), None)
        return functions(servers.until(written, what=f"counts of {pid}"))


def role_of(pid):
    words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return words[words.index(b"--role") + 1].decode() \
        if b"--role" in words else "parent"


def functions(text):
    """Own cost of each function in a callgrind file."""
    names, objects, found = {}, {}, collections.Counter()
    name = library = None
    is_call = False
    for line in text.splitlines():
        if match := re.match(r"(c?)fn=\((\d+)\)(?: (.*))?$", line):
            if match[3]:
                names[match[2]] = match[3]
            if not match[1]:
                name = readable(names[match[2]], library)
        elif match := re.match(r"(c?)ob=\((\d+)\)(?: .*?([^/]*))?$", line):
            if match[3]:
                objects[match[2]] = match[3]
            if not match[1]:
                library = objects[match[2]]
        elif line.startswith("calls="):
            is_call = True
        elif match := re.match(r"(?:\*|[+-]?\d+) (\d+)$", line):
            if not is_call:
                found[name] += int(match[1])
            is_call = False
    expected = int(re.search(r"^totals: (\d+)", text, re.M)[1])
    assert sum(found.values()) == expected, "a callgrind file misread"
    return found


def readable(name, library):
    """Libraries without symbols have addresses only."""
    return f"{library} {name}" if name.startswith("0x") else name


def count_one(server, operation, count):
    """{(role, function): instructions} of one operation."""
    running = operation(server, count)
    next(running)
    server.counts()
    next(running)
    counted = server.counts()
    for _ in running:
        pass
    return {f: n / count for f, n in counted.items()}


def measure(server, keys):
    found = {}
    for key in keys:
        operation, count, _ = OPERATIONS[key]
        # Once before, so that nothing is done for the first time.
        for _ in operation(server, 1):
            pass
        found[key] = sorted((count_one(server, operation, count)
                             for _ in range(REPEATS)), key=total)
    return found


def total(costs):
    return round(sum(costs.values()))


def run(keys):
    place = pathlib.Path(tempfile.mkdtemp(prefix="restante-count-",
                                          dir="/var/tmp"))
    place.chmod(0o755)
    try:
        servers.make_certificate(place / "certificate.pem", place / "key.pem")
        (place / "key.pem").chmod(0o644)
        server = Counted(place, place / "certificate.pem", place / "key.pem")
        server.add_users([USER, "bob"])
        corpus.write_box(server.box(USER), SMALL + LARGE, message)
        server.own(server.place)
        server.start()
        try:
            return measure(server, keys)
        finally:
            server.stop()
    finally:
        shutil.rmtree(place, ignore_errors=True)


# ---- what is said ----

def compare(key, count, recorded):
    if key not in recorded:
        return "not recorded", False
    ratio = count / recorded[key]
    if ratio > GROWTH:
        return f"{ratio - 1:+.0%}: too much", True
    hint = "; record it" if ratio < 2 - GROWTH else ""
    return f"{ratio - 1:+.1%}{hint}", False


def print_costs(costs, top):
    roles = collections.Counter()
    for (role, _), cost in costs.items():
        roles[role] += cost
    print("    " + ", ".join(f"{role} {cost:,.0f}"
                             for role, cost in roles.most_common()))
    for (role, name), cost in collections.Counter(costs).most_common(top):
        print(f"    {cost:12,.0f}  {role:8} {name}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--top", type=int, default=0)
    parser.add_argument("operations", nargs="*", metavar="OPERATION")
    given = parser.parse_args()
    keys = given.operations or list(OPERATIONS)
    if unknown := set(keys) - set(OPERATIONS):
        parser.error(f"{', '.join(unknown)}: one of {', '.join(OPERATIONS)}")
    if given.record and given.operations:
        parser.error("--record writes all of them")
    if "RESTANTE_BUILD" not in os.environ:
        contestants.BUILD = contestants.ROOT / "build"
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    has_failed = False
    measured = run(keys)
    for key, repeats in measured.items():
        least = repeats[0]
        verdict, is_bad = compare(key, total(least), recorded)
        has_failed |= is_bad
        print(f"{OPERATIONS[key][2]:16} {total(least):12,} instructions   "
              f"{verdict}")
        if given.top:
            print_costs(least, given.top)
    if given.record:
        RECORDED.write_text(json.dumps(
            {key: total(repeats[len(repeats) // 2])
             for key, repeats in measured.items()}, indent=1) + "\n")
    sys.exit(1 if given.check and has_failed else 0)


if __name__ == "__main__":
    main()
