# SPDX-License-Identifier: ISC
"""How long a login with STAT, and UIDL with LIST, take on a large mailbox:
without an index, warm, after a delivery of the server's own and after one of
another program, with shared = yes and no, and the same of Dovecot on a Maildir
of the same files. Best and worst of a few rounds."""
import argparse
import collections
import os
import pathlib
import re
import shutil
import sys
import time

sys.dont_write_bytecode = True

import contestants  # noqa: E402
import corpus  # noqa: E402
import places  # noqa: E402
import servers  # noqa: E402
import wires  # noqa: E402

BODY = (b"From: a@example.org\nSubject: one of many\n\n"
        + b"0123456789012345678901234567890123456789012345678901234567\n" * 16)
DOVECOT = "Dovecot"


def write_some(folder, numbers):
    """Mail of another program, as it would name it."""
    for n in numbers:
        with open(folder / f"1700000000.M{n}P1.host", "wb",
                  buffering=0) as file:
            file.write(BODY)


def write(folder, count):
    """Every core writes its share."""
    folder.mkdir()
    corpus.on_every_core(
        count, lambda numbers: write_some(folder, numbers))
    return folder


class Session(wires.Wire):
    """Logged in; the seconds of login and STAT, and the number of messages."""

    def __init__(self, server):
        super().__init__(server.pop3_port)
        # Nothing may be left in the file that is read by line: listing().
        self.file = self.socket.makefile("rb", buffering=0)
        self.socket.settimeout(600)
        assert self.line().startswith(b"+OK")
        began = time.monotonic()
        assert self.ask("USER alice").startswith("+OK")
        assert self.ask("PASS demo").startswith("+OK")
        answer = self.ask("STAT")
        self.seconds = time.monotonic() - began
        self.count = int(answer.split()[1])

    def listing(self):
        """The seconds of UIDL and LIST; lines are counted a block at a time,
        since looking at each takes longer here than making it there."""
        began = time.monotonic()
        self.send(b"UIDL\r\nLIST\r\n")
        lines = 0
        while lines < 2 * (self.count + 2):
            block = self.socket.recv(1 << 20)
            assert block, lines
            lines += block.count(b"\n")
        seconds = time.monotonic() - began
        assert lines == 2 * (self.count + 2) and block.endswith(b"\r\n.\r\n")
        return seconds

    def quit(self):
        assert self.ask("QUIT").startswith("+OK")
        self.close()


def log_in(server, count):
    session = Session(server)
    assert session.count == count, session.count
    session.quit()
    return session.seconds


def table(server, count, rounds):
    state = server.directory / "state" / "store" / "index"
    new = server.directory / "mail" / "alice" / "new"
    rows = {}

    def note(name, seconds):
        rows.setdefault(name, []).append(seconds)

    for n in range(rounds):
        server.stop()
        shutil.rmtree(state, ignore_errors=True)
        server.start()
        note("STAT, index deleted", log_in(server, count))
        session = Session(server)
        note("STAT, warm", session.seconds)
        note("UIDL and LIST, warm", session.listing())
        session.quit()
        for name in ("STAT, after our delivery", "STAT, after one more"):
            server.lmtp(b"Subject: ours\r\n\r\nx\r\n")
            count += 1
            note(name, log_in(server, count))
        session = Session(server)
        session.send(b"DELE 1\r\n")
        assert session.line().startswith(b"+OK")
        began = time.monotonic()
        session.quit()
        count -= 1
        note("QUIT with one deletion", time.monotonic() - began)
        note("STAT, after our deletion", log_in(server, count))
        if is_shared(server):
            (new / f"1700000001.M{n}P2.host").write_bytes(BODY)
            count += 1
            note("STAT, after a foreign delivery", log_in(server, count))
        note("STAT, warm again", log_in(server, count))
        server.restart()
        note("STAT, first after a restart", log_in(server, count))
    return rows, count


def is_shared(server):
    return "shared = no" not in server.config_file.read_text()


def set_shared(server, word):
    text = re.sub(r"(?m)^shared = .*\n", "", server.config_file.read_text())
    server.config_file.write_text(re.sub(
        r"(?m)^\[server\]\n", f"[server]\nshared = {word}\n", text, count=1))
    server.restart()


def of_restante(place, mail, rounds):
    """{column: {step: [seconds]}}"""
    server = servers.Restanted(place)
    server.program_file = contestants.BUILD / "restanted"
    server.start()
    server.empty()
    count = len(os.listdir(mail))
    found = {}
    try:
        corpus.link_files(mail, server.directory / "mail" / "alice" / "new")
        for word in ("yes", "no"):
            set_shared(server, word)
            found[f"Restante, shared = {word}"], count = table(server, count, rounds)
    finally:
        server.stop()
    return found


def of_dovecot(place, mail, rounds):
    """The first login reads what is new into its index; UIDL and LIST need
    each size as sent, which it reads from the messages once."""
    server = servers.Dovecot(place).start()
    rows = collections.defaultdict(list)
    count = len(os.listdir(mail))
    try:
        corpus.link_files(mail, server.mail / "new")
        for n in range(rounds):
            for index in server.mail.glob("dovecot*"):
                index.unlink()
            for name in ("index deleted", "warm"):
                session = Session(server)
                rows[f"STAT, {name}"].append(session.seconds)
                rows[f"UIDL and LIST, {name}"].append(session.listing())
                session.quit()
            server.put(BODY, n)
            count += 1
            rows["STAT, after a foreign delivery"].append(
                log_in(server, count))
    finally:
        server.stop()
    return {DOVECOT: rows}


# ---- what is said ----

def cell(seconds):
    """Best and worst, in ms."""
    if not seconds:
        return "-"
    low, high = (f"{f(seconds) * 1e3:,.1f}" for f in (min, max))
    return low if low == high else f"{low} to {high}"


def as_table(found):
    """Steps are rows, servers columns."""
    steps = dict.fromkeys(s for rows in found.values() for s in rows)
    lines = ["| ms | " + " | ".join(found) + " |", "|---" * (len(found) + 1)
             + "|"]
    for step in steps:
        lines.append(f"| {step} | " + " | ".join(
            cell(rows.get(step)) for rows in found.values()) + " |")
    return "\n".join(lines)


def run(place, messages, rounds):
    """The table; the mail stays for whoever removes `place`."""
    place = place / "steps"
    place.mkdir()
    mail = write(place / "million", messages)
    found = of_restante(place, mail, rounds)
    if servers.installed("dovecot"):
        found.update(of_dovecot(place, mail, rounds))
    return f"{messages:,} messages, {rounds} rounds.\n\n{as_table(found)}"


def main():
    parser = argparse.ArgumentParser(prog="script/million",
                                     description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", help="where the mail goes")
    given = parser.parse_args()
    is_small = given.messages < 10_000
    with places.folder("million", is_small, given.directory) as place:
        print(run(place, given.messages, given.rounds))


if __name__ == "__main__":
    main()
