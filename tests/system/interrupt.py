#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Kills a program with SIGKILL before each of its system calls that changes
anything outside of it, starts it again, and looks at the mail.

usage: script/interrupt [EVERY [ROLE]]      each cut point, or each EVERYth; of
                                            one role of the server alone

The collector, both ways; restantectl deliver, which a mail server calls for each
message; the parent, from its start on; each role while mail comes in and goes.
lookup is not among them: it writes nothing, and test_pam.py kills it.

tests/faults/cutter.c does it, by ptrace: it says why. What happens between two
such calls changes nothing, so that these are all cut points there are.
"""
import dataclasses
import os
import pathlib
import poplib
import signal
import subprocess
import sys
import tempfile

import clients
import mail
import servers
import wires

CUTTER = servers.BUILD / "tests" / "faults" / "cutter"
POINTS_MAXIMUM = 2000
START_SECONDS = 30
MISSES = 5
KILLED = 137  # cutter's exit code


@dataclasses.dataclass
class Row:
    """What came of one program."""
    name: str
    points: int = 0
    lost: int = 0
    duplicated: int = 0
    wrong: int = 0

    def judge(self, wanted, got, may=()):
        """`wanted` must be there once, `may` at most once, nothing else."""
        self.points += 1
        known = [*wanted, *may]
        self.lost += sum(octets not in got for octets in wanted)
        self.duplicated += sum(max(0, got.count(octets) - 1)
                               for octets in known)
        self.wrong += sum(octets not in known for octets in got)

    def is_good(self):
        return self.points > 0 and \
            not (self.lost or self.duplicated or self.wrong)

    def __str__(self):
        return (f"{self.name:22} {self.points:6} cut points {self.lost:4} lost "
                f"{self.duplicated:4} duplicated {self.wrong:4} wrong")


# ---- the collector ----

MESSAGES = 3


def letter(token):
    """No two are the same."""
    return mail.plain(token, token.encode() + b"\r\n.\r\nthe end\r\n")


def fetch_cut(server, place, number, keep):
    """True: it was killed. What then arrives is in the Maildir."""
    sent = [letter(f"cut {number} {keep} {n}")
            for n in range(MESSAGES)]
    for octets in sent:
        assert server.lmtp(octets)[1][0][0] == 250
    clients.restante(
        place, "account", "add", "alice", "--host", "127.0.0.1", "--port",
        server.pop3_port, "--tls", "none", "--maildir", place / "Mail",
        "--password-stdin", "--keep" if keep else "--delete", input=b"demo\n")
    done = subprocess.run(
        [CUTTER, str(number), servers.BUILD / "restante", "fetch"],
        env=clients.home_environment(place), stdin=subprocess.DEVNULL,
        capture_output=True, timeout=120)
    clients.restante(place, "fetch")
    got = [mail.without_stamps(path.read_bytes())
           for path in clients.maildir_files(place / "Mail")]
    assert done.returncode in (0, KILLED), done
    return done.returncode == KILLED, sent, got


def interrupt_collector(server, place, keep, every=1, first=1,
                        most=POINTS_MAXIMUM):
    row = Row(f"restante {'keep' if keep else 'delete'}")
    for number in range(first, first + every * most, every):
        here = place / f"{row.name.replace(' ', '-')}-{number}"
        here.mkdir()
        was_killed, sent, got = fetch_cut(server, here, number, keep)
        if not was_killed:
            break
        row.judge(sent, got)
        server.empty("alice")
    server.empty("alice")
    return row


# ---- the program that delivers ----


def interrupt_deliverer(server, every=1, first=1, most=POINTS_MAXIMUM):
    """`restantectl deliver`: a mail server calls it, and believes its exit
    code. One that was killed is called again with the same message."""
    row = Row("restantectl deliver")
    empty(server)
    for number in range(first, first + every * most, every):
        sent = letter(f"deliver {number}")
        done = subprocess.run(
            [CUTTER, str(number), servers.BUILD / "restantectl", "-c",
             server.config_file, "deliver", "bob"], input=sent,
            capture_output=True, timeout=120)
        if done.returncode != KILLED:
            assert done.returncode == 0, done
            break
        # It may be there: the answer was lost, not the message.
        row.judge([], read_all(server), may=[sent])
        empty(server)
    empty(server)
    return row


# ---- a role of the server ----


def empty(server):
    """As soon as it can be: a connection that was cut may still be noticed."""
    def attempt():
        try:
            server.empty("bob")
            return True
        except (OSError, EOFError, poplib.error_proto):
            return False
    servers.until(attempt, START_SECONDS, "an empty mailbox")


def deliver(server, octets):
    """True: it was acknowledged."""
    try:
        return server.lmtp(octets, "bob")[1][0][0] == 250
    except (OSError, AssertionError, ValueError, IndexError):
        return False


def delete_first(server):
    """True: +OK to QUIT. None: the session did not get so far."""
    try:
        with wires.Wire(server.pop3_port) as wire:
            wire.line()
            for command in ("USER bob", "PASS demo", "DELE 1"):
                if not wire.ask(command).startswith("+OK"):
                    return None
            return wire.ask("QUIT").startswith("+OK")
    except OSError:
        return False


def read_all(server):
    """What bob has; waits until the roles are there again."""
    def attempt():
        try:
            with wires.Wire(server.pop3_port) as wire:
                wire.line()
                for command in ("USER bob", "PASS demo"):
                    if not wire.ask(command).startswith("+OK"):
                        return None
                count = int(wire.ask("STAT").split()[1])
                messages = [retrieve(wire, n + 1) for n in range(count)]
                wire.ask("QUIT")
                return messages
        except (OSError, ValueError, IndexError):
            return None

    def answer():
        messages = attempt()
        return messages is not None and (messages,)
    return servers.until(answer, START_SECONDS, "bob's mail")[0]


def retrieve(wire, number):
    if not wire.ask(f"RETR {number}").startswith("+OK"):
        raise ValueError("RETR")
    lines = []
    while (line := wire.line()) != b".\r\n":
        if not line:
            raise ValueError("the end came too soon")
        lines.append(line.removeprefix(b".") if line.startswith(b"..")
                     else line)
    return mail.without_stamps(b"".join(lines))


def role_cut(server, role, number, old, row):
    """True: it was killed. `old` is in the mailbox and is deleted."""
    # Mail comes and goes without some of them.
    pid = servers.until(lambda: server.roles().get(role), START_SECONDS, role)
    program = servers.Program(server.place, f"cutter-{role[:4]}-{number}", CUTTER,
                              number, "-p", pid)
    servers.until(lambda: "attached" in program.text(), what="cutter")
    new = letter(f"cut {role} {number}")
    is_accepted = deliver(server, new)
    use(server, role)
    is_deleted = delete_first(server)
    # What it does after its last answer may still be cut.
    if server.roles().get(role) == pid:
        program.process.terminate()
    was_killed = program.process.wait(servers.STOP_SECONDS) == KILLED
    program.log.close()
    got = read_all(server)
    wanted = [new] if is_accepted else []
    may = [] if is_accepted else [new]
    # What nobody was told is deleted may be there or not, but once at most.
    if is_deleted is None:
        wanted.append(old)
    elif not is_deleted:
        may.append(old)
    row.judge(wanted, got, may)
    return was_killed


def use(server, role):
    """What the others do while mail comes and goes needs these too."""
    try:
        if role.startswith("key"):
            wires.pop3s(server, "bob").quit()
        if role.startswith("web"):
            server.ctl("mailbox", "list", ok=range(256))
    except (OSError, EOFError, poplib.error_proto):
        pass


def interrupt_parent(place, every=1, first=1, most=POINTS_MAXIMUM):
    """Cut while it starts the server, which then is started anew."""
    row = Row("parent")
    server = servers.Restanted(place).start()
    try:
        cut_parent(server, row, range(first, first + every * most, every))
    finally:
        if not server.program.has_ended():
            server.stop()
    return row


def cut_parent(server, row, numbers):
    empty(server)
    old = letter("old parent")
    assert deliver(server, old)
    server.stop()
    for number in numbers:
        server.program = servers.Program(
            server.place, "restanted", CUTTER, number, server.program_file,
            "--demo", server.directory, "--port-base", server.base)
        was_up = comes_up(server)
        new = letter(f"cut parent {number}")
        is_accepted = was_up and deliver(server, new)
        if not server.program.has_ended():
            end_uncut(server)
            break
        server.program.log.close()
        server.start()
        row.judge([old, new] if is_accepted else [old], read_all(server),
                  may=[] if is_accepted else [new])
        empty(server)
        servers.until(lambda: deliver(server, old), what="a delivery")
        server.stop()


def comes_up(server):
    """True: it answers. False: it was killed before that."""
    def is_decided():
        return server.program.has_ended() or (
            servers.greets(server.pop3_port, b"+OK")
            and servers.greets(server.lmtp_port, b"220"))
    servers.until(is_decided, START_SECONDS, "the start or its end")
    return not server.program.has_ended()


def end_uncut(server):
    """The parent is a child of cutter's, which ends with it."""
    [parent] = [int(stat.parent.name) for stat in
                pathlib.Path("/proc").glob("[0-9]*/stat")
                if parent_of(stat) == server.program.pid]
    os.kill(parent, signal.SIGTERM)
    server.program.process.wait(servers.STOP_SECONDS)
    server.program.log.close()


def parent_of(stat):
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def interrupt_role(server, role, every=1, first=1, most=POINTS_MAXIMUM):
    row = Row(role)
    misses = 0
    for number in range(first, first + every * most, every):
        empty(server)
        old = letter(f"old {role} {number}")
        servers.until(lambda: deliver(server, old), what="a delivery")
        if role_cut(server, role, number, old, row):
            misses = 0
            continue
        row.points -= 1  # nothing was cut
        # Of several sessions another one may have had the connections.
        misses += 1
        if misses == MISSES:
            break
    return row


def main():
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    roles = sys.argv[2:] or ["store 0", "session 0", "auth 0", "key 0",
                             "web 0"]
    rows = []
    with tempfile.TemporaryDirectory(prefix="restante-") as folder:
        place = pathlib.Path(folder)
        place.chmod(0o755)
        server = servers.Restanted(place).start()
        try:
            server.empty("alice")
            for keep in (True, False) if len(sys.argv) < 3 else ():
                rows.append(interrupt_collector(server, place, keep, every))
                print(rows[-1], flush=True)
            if len(sys.argv) < 3:
                rows.append(interrupt_deliverer(server, every))
                print(rows[-1], flush=True)
            for role in roles:
                rows.append(interrupt_role(server, role, every))
                print(rows[-1], flush=True)
        finally:
            server.stop()
        if len(sys.argv) < 3:
            other = place / "parent"
            other.mkdir()
            rows.append(interrupt_parent(other, every))
            print(rows[-1], flush=True)
    total = Row("all", *(sum(getattr(row, field) for row in rows) for field in
                         ("points", "lost", "duplicated", "wrong")))
    print(total)
    sys.exit(0 if total.is_good() else 1)


if __name__ == "__main__":
    main()
