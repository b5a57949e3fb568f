# SPDX-License-Identifier: ISC
"""restantectl trace: what is said on a user's connections, without secrets."""
import base64
import json
import os
import re
import signal
import time

import pytest

import scram
import servers
import wires

pytestmark = pytest.mark.sanitize

# Words that stand nowhere else.
PASSWORD = "Xyzzy-Plugh-2026"
MAIL = b"Subject: quiet\r\n\r\nFrobnicate the whatsit.\r\n"


def encode(text):
    return base64.b64encode(text.encode()).decode()


def needles(password, user="alice"):
    """The password as it is, and in what SASL makes of it, at each of the three
    places that base64 can cut it."""
    found = {password}
    for lead in ("", "a", "ab"):
        # Without what the neighbours of the password decide.
        found.add(encode(lead + password)[4:-4])
    found.add(encode(f"\0{user}\0{password}"))
    return {needle for needle in found if len(needle) > 7}


def traced(server):
    return re.findall(r" trace id=\S+ addr=\S+ user=\"(\S+)\" from=(\w+) "
                      r'line="(.*)" hidden=(\d+)', server.program.text())


def lines(server, user="alice"):
    return [(who, line) for name, who, line, _ in traced(server)
            if name == user]


@pytest.fixture
def office(server):
    server.ctl("user", "passwd", "alice", "--password-stdin",
               input=PASSWORD.encode() + b"\n")
    server.lmtp(MAIL)
    yield server
    text = server.program.text()
    for needle in needles(PASSWORD):
        assert needle not in text, needle
    assert "Frobnicate" not in text


class Plain(wires.Wire):
    def __init__(self, server):
        super().__init__(server.pop3_port)
        assert self.line().startswith(b"+OK")

    def body(self):
        return [line for line in iter(self.line, b".\r\n")]


def test_a_whole_session(office):
    office.ctl("trace", "alice")
    with Plain(office) as wire:
        wire.ask("CAPA"), wire.body()
        wire.ask("USER alice")
        assert wire.ask(f"PASS {PASSWORD}").startswith("+OK")
        wire.ask("UIDL"), wire.body()
        wire.ask("RETR 1"), wire.body()
        wire.ask("RETR 7")
        wire.ask(PASSWORD)
        wire.ask(f"NOOP {PASSWORD}")
        wire.ask(f"DELE {PASSWORD}")
        wire.ask("QUIT")
    said = lines(office)
    heard = [line for who, line in said if who == "client"]
    assert heard == ["CAPA", "USER alice", "PASS", "UIDL", "RETR 1", "RETR 7",
                     "", "NOOP", "DELE", "QUIT"]
    answered = [line for who, line in said if who == "server"]
    assert len(answered) == len(heard)
    assert answered[5].startswith("-ERR")
    hidden = [int(n) for *_, who, line, n in traced(office)
              if who == "client" and n != "0"]
    long = len(PASSWORD)
    assert hidden == [long + 1, long, long + 1, long + 1]
    # Of nobody else.
    wires.pop3(office, "bob").quit()
    assert not lines(office, "bob")


def plain_at_once(wire):
    return wire.ask("AUTH PLAIN " + encode(f"\0alice\0{PASSWORD}"))


def plain_continued(wire):
    assert wire.ask("AUTH PLAIN") == "+ "
    return wire.ask(encode(f"\0alice\0{PASSWORD}"))


def by_pass(wire):
    wire.ask("USER alice")
    return wire.ask(f"PASS {PASSWORD}")


def pipelined(wire):
    """All in one piece, as clients do that know what comes."""
    wire.send(f"AUTH PLAIN\r\n{encode(chr(0) + 'alice' + chr(0) + PASSWORD)}"
              "\r\n".encode())
    assert wire.line() == b"+ \r\n"
    return wire.line().decode()


def by_scram(wire):
    login = scram.Scram(wire, password=PASSWORD)
    reply = login.log_in()
    wire.secrets = [re.sub(r".* ", "", r) for r in login.replies[:1]]
    wire.secrets += [login.nonce, encode(login.bare)[4:40]]
    return reply


LOGINS = [plain_at_once, plain_continued, by_pass, pipelined, by_scram]


@pytest.mark.parametrize("stls", [False, True], ids=["pop3s", "stls"])
@pytest.mark.parametrize("login", LOGINS, ids=lambda login: login.__name__)
def test_no_secret_of_any_login(office, login, stls):
    office.ctl("trace", "alice")
    with scram.Caller(office, stls=stls) as wire:
        wire.secrets = []
        assert login(wire).startswith("+OK maildrop")
        wire.ask("STAT")
        wire.ask("QUIT")
    text = office.program.text()
    for secret in wire.secrets:
        assert secret not in text
    said = lines(office)
    assert ("client", "STAT") in said
    # Also what came before it was known whose it is.
    verb = "PASS" if login is by_pass else "AUTH"
    assert ("client", verb) in said
    assert (("client", "STLS") in said) == stls


def test_a_refused_auth_and_what_follows_it(office):
    """A client that sends its response all the same, and a wrong password."""
    office.ctl("trace", "alice")
    response = encode(f"\0alice\0{PASSWORD}")
    with Plain(office) as wire:
        assert wire.ask("AUTH CRAM-MD5").startswith("-ERR")
        assert wire.ask(response).startswith("-ERR")
        wire.ask("USER alice")
        assert wire.ask(f"PASS {PASSWORD}!").startswith("-ERR [AUTH]")
        wire.ask("QUIT")
    # Within an exchange nothing is a command.
    with Plain(office) as wire:
        assert wire.ask("AUTH PLAIN") == "+ "
        assert wire.ask(f"USER {PASSWORD}").startswith("-ERR")
        assert by_pass(wire).startswith("+OK")
        wire.ask("QUIT")
    said = lines(office)
    assert ("client", "AUTH") in said
    assert [line for who, line in said if line.startswith("-ERR [AUTH]")]
    assert ("client", "QUIT") in said


@pytest.mark.parametrize("stls", [False, True], ids=["pop3s", "stls"])
def test_switched_on_in_the_middle(office, stls):
    """Of a login by PASS, of a SASL exchange, of a session."""
    with scram.Caller(office, stls=stls) as wire:
        wire.ask("USER alice")
        office.ctl("trace", "alice")
        assert wire.ask(f"PASS {PASSWORD}").startswith("+OK")
        wire.ask("QUIT")
    assert ("client", "PASS") in lines(office)
    office.ctl("trace", "alice", "--off")
    with scram.Caller(office, stls=stls) as wire:
        assert wire.ask("AUTH PLAIN") == "+ "
        office.ctl("trace", "alice")
        assert wire.ask(encode(f"\0alice\0{PASSWORD}")).startswith("+OK")
        wire.ask("QUIT")
    with scram.Caller(office, stls=stls) as wire:
        assert wire.ask("AUTH PLAIN") == "+ "
        # In the middle of the line itself.
        octets = encode(f"\0alice\0{PASSWORD}").encode()
        office.ctl("trace", "alice", "--off")
        wire.send(octets[:20])
        time.sleep(0.1)
        office.ctl("trace", "alice")
        wire.send(octets[20:] + b"\r\n")
        assert wire.line().startswith(b"+OK")
        office.ctl("trace", "alice", "--off")
        before = len(lines(office))
        wire.ask("STAT")
        assert len(lines(office)) == before
        office.ctl("trace", "alice")
        wire.ask("NOOP")
        assert lines(office)[-2:][0] == ("client", "NOOP")
        wire.ask("QUIT")


def test_it_is_listed_and_ends(office):
    assert json.loads(office.ctl("trace", "--json").stdout) == []
    office.ctl("trace", "Alice", "--for", "2s")
    office.ctl("trace", "bob", "--for", "1h")
    names = {row["user"] for row in json.loads(
        office.ctl("trace", "--json").stdout)}
    assert names == {"alice", "bob"}
    status = office.ctl("status").stdout.decode()
    assert re.search(r"traced +alice, for ", status)
    assert len(json.loads(office.ctl("status", "--json").stdout)
               ["traces"]) == 2
    servers.until(lambda: len(json.loads(office.ctl(
        "trace", "--json").stdout)) == 1, what="the end of it")
    servers.until(lambda: 'trace-ended user="alice" why=time' in
                  office.program.text())
    by_pass_line = len(lines(office))
    with Plain(office) as wire:
        assert by_pass(wire).startswith("+OK")
        wire.ask("QUIT")
    assert len(lines(office)) == by_pass_line
    office.ctl("trace", "bob", "--off")
    assert json.loads(office.ctl("trace", "--json").stdout) == []


def test_what_is_refused(office):
    office.ctl("trace", "nobody", ok=(67,))
    for wrong in (["alice", "--for", "2d"], ["alice", "--for", "soon"],
                  ["--off"], ["alice", "--off", "--for", "1m"]):
        office.ctl("trace", *wrong, ok=(64,))
    text = office.config_file.read_text()
    office.config_file.write_text(
        text.replace("[server]\n", "[server]\nlog-level = warning\n"))
    office.ctl("reload")
    done = office.ctl("trace", "alice", ok=(69,))
    assert b"log-level" in done.stderr


def test_it_outlives_roles_and_is_bounded(office):
    office.ctl("trace", "alice", "--for", "1h")
    before = office.roles()
    sessions = [p for n, p in before.items() if n.startswith("session")]
    for pid in sessions:
        os.kill(pid, signal.SIGKILL)
    servers.until(lambda: servers.greets(office.pop3_port, b"+OK") and
                  not set(sessions) & set(office.roles().values()))
    servers.until(lambda: office.ctl("who", ok=(0, 69)).returncode == 0)
    with Plain(office) as wire:
        assert by_pass(wire).startswith("+OK")
        for _ in range(30):
            wire.send(b"NOOP\r\n" * 1000)
            for _ in range(1000):
                wire.line()
        assert 'trace-ended user="alice" why=full' in office.program.text()
        size = len(office.program.text())
        wire.ask("STAT")
        assert ("client", "STAT") not in lines(office)
        wire.ask("QUIT")
    assert size < 10 << 20
