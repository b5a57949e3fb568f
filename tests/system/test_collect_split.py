# SPDX-License-Identifier: ISC
"""What a server says comes in two segments, cut at every octet of a session:
the same comes of it as when it comes whole. Some of the cuts by default;
RESTANTE_SPLITS=all for each of them."""
import os
import pathlib
import re
import tempfile
import typing

import pytest

import clients
import hostile
import mail
import targets
from hostile import Account, Server

pytestmark = pytest.mark.sanitize

EVERY = 1 if os.environ.get("RESTANTE_SPLITS") == "all" else 97
LOCKSTEP = tuple(c for c in hostile.CAPABILITIES if c != "PIPELINING")
ROOT = pathlib.Path(__file__).resolve().parents[2]


class CutServer(Server):
    """Counts what a session sends; pauses behind the octet `cut`."""

    def __init__(self, *more, cut=0, **instead):
        super().__init__(*more, **instead)
        self.cut, self.sent_octets = cut, 0


def cut_send(session, octets):
    server, before = session.server, session.server.sent_octets
    server.sent_octets += len(octets)
    at = server.cut - before
    if 0 < at < len(octets):
        session.connection.sendall(octets[:at])
        hostile.pause()
        octets = octets[at:]
    session.connection.sendall(octets)


@pytest.fixture(autouse=True)
def cutting(monkeypatch):
    monkeypatch.setattr(hostile.Session, "send", cut_send)


def odd():
    return [("a", mail.plain("dots", b".\r\n..\r\n.x\r\n")),
            ("b", mail.plain("lf", b"x\n.\ny\n.\r\n\r\n")),
            ("b", mail.plain("nul", b"x\0y\r\r\n\n\r\n"))]


def refused(session, number):
    return b"-ERR no\r\n" if number == "2" else session.on_retr(number)


def torn(session, number):
    octets = session.on_retr(number)
    session.send(octets[:40] if number == "2" else octets)
    if number == "2":
        session.close()


def some_listed(session, argument):
    if argument:
        return session.on_uidl(argument)
    return b"+OK\r\n1 a\r\n3 c\r\n.\r\n"


def behind_stls(session, _):
    session.send(b"+OK begin\r\n+OK logged in\r\n")
    hostile.sleep_until_closed(session)


def bad_challenge(session, _):
    session.send(b"+ ???\r\n")
    return b"-ERR cancelled\r\n" if session.line() == "*" else None


def dropped(session, _):
    session.close()


def dropped_after(session, _):
    session.commit()
    session.close()


# ---- what was there before ----

def rename_all(account, server):
    account.fetch()
    server.mail = [(uidl + b"-new-%d" % n, octets)
                   for n, (uidl, octets) in enumerate(server.mail)]


def empty(account, server):
    account.fetch()
    server.mail = []


def use_uidls_again(account, server):
    account.change("keep", "no")
    account.fetch()
    server.mail = [(uidl.encode(), mail.plain(f"another {n}"))
                   for n, (uidl, _) in enumerate(odd())]


class Case(typing.NamedTuple):
    """What the server does, the exit code (some cuts may decide which), how many
    are filed then, how many are left there."""
    instead: dict
    code: object
    filed: int
    left: int
    uidls: tuple = (b"a", b"b", b"b")
    more: tuple = ()  # capabilities
    lacks: tuple = ()
    keep: str = "no"
    tls: str = "none"
    before: object = None


def a_reply(verb, octets, *rest):
    return Case({verb: octets}, *rest)


CASES = {
    "as it should": Case({}, 0, 3, 0),
    "closed in the middle of RETR": a_reply("RETR", torn, 75, 1, 3),
    # Those that share a UIDL stay together.
    "-ERR to one RETR": a_reply("RETR", refused, 75, 2, 2),
    "-ERR to DELE": a_reply("DELE", b"-ERR no\r\n", 75, 3, 3),
    "-ERR to QUIT": a_reply("QUIT", b"-ERR not deleted\r\n", 75, 3, 3),
    "gone at QUIT": a_reply("QUIT", dropped, 75, 3, 3),
    "gone behind QUIT": a_reply("QUIT", dropped_after, 75, 3, 0),
    "-ERR to STAT": a_reply("STAT", b"-ERR no\r\n", 75, 0, 3),
    "list shorter than STAT": a_reply("UIDL", some_listed, 75, 2, 1),
    "message number 0": a_reply("LIST", b"+OK\r\n0 10\r\n.\r\n", 76, 0, 3),
    "message number -1": a_reply("LIST", b"+OK\r\n-1 10\r\n.\r\n", 76, 0, 3),
    "message number 2^64": a_reply(
        "UIDL", b"+OK\r\n18446744073709551616 a\r\n.\r\n", 76, 0, 3),
    "control character in a UIDL": a_reply(
        "UIDL", b"+OK\r\n1 a\x1bb\r\n.\r\n", 76, 0, 3),
    "UIDLs that are no names": Case(
        {}, 0, 3, 0, uidls=(b"../../a", b"a b", b"/etc/x" + b"y" * 90)),
    "a UIDL too long": Case(
        {}, 75, 2, 1, uidls=(b"a", b"u" * 1100, b"c")),
    "no UIDL": Case({"UIDL": b"-ERR what?\r\n"}, 0, 3, 0, lacks=("UIDL",)),
    "all UIDLs changed": Case({}, 0, 3, 3, keep="yes", before=rename_all),
    "suddenly empty": Case({}, 0, 3, 0, keep="yes", before=empty),
    "UIDLs used again": Case({}, 0, 6, 0, before=use_uidls_again),
    "NUL in a reply": a_reply("STAT", b"+OK 3\x00 100\r\n", 76, 0, 3),
    "neither +OK nor -ERR": a_reply("STAT", b"* OK\r\n", 76, 0, 3),
    "two replies to one": a_reply(
        "STAT", b"+OK 3 100\r\n+OK 3 100\r\n", 76, 0, 3),
    "[AUTH]": a_reply("PASS", b"-ERR [AUTH] no\r\n", 77, 0, 3),
    "[IN-USE]": a_reply("PASS", b"-ERR [IN-USE] no\r\n", 75, 0, 3),
    "[SYS/TEMP]": a_reply("PASS", b"-ERR [SYS/TEMP] no\r\n", 75, 0, 3),
    "[LOGIN-DELAY]": a_reply("PASS", b"-ERR [LOGIN-DELAY] no\r\n", 75, 0, 3),
    "challenge not base64": Case(
        {"AUTH": bad_challenge}, 77, 0, 3, more=("SASL PLAIN",)),
    "STLS taken out": Case({}, 77, 0, 3, tls="starttls"),
    "STLS refused": Case({"STLS": b"-ERR no\r\n"}, 75, 0, 3, more=("STLS",),
                         tls="starttls"),
    # What comes later is no TLS, which is another failure.
    "octets behind STLS": Case({"STLS": behind_stls}, (75, 76, 77), 0, 3,
                               more=("STLS",), tls="starttls"),
}


def mail_of(case):
    return [(uidl, octets)
            for uidl, (_, octets) in zip(case.uidls, odd())]


def collect(place, server, case, cut):
    account = Account(place, server, keep=case.keep, tls=case.tls)
    if case.before:
        case.before(account, server)
    known = len(account.states()) if case.before else 0
    server.cut, server.sent_octets = cut, 0
    account.fetch(ok=case.code)
    here = account.filed()
    assert len(here) == case.filed, cut
    if case.before is not use_uidls_again:
        assert all(o in [m for _, m in odd()] for o in here), cut
    assert len(server.mail) == case.left, cut
    assert not account.left_over()
    assert not known or len(account.states()) >= known
    if case.tls == "starttls":
        assert {c for s in server.sessions for c in s.commands} <= {
            "CAPA", "STLS", "QUIT"}, cut


def run(name, capabilities, cut):
    """How many octets the server had to say."""
    case = CASES[name]
    offered = tuple(c for c in capabilities if c not in case.lacks)
    with tempfile.TemporaryDirectory(prefix="restante-split-") as place:
        server = CutServer(mail_of(case), offered + case.more, **case.instead)
        try:
            collect(pathlib.Path(place), server, case, cut)
        finally:
            server.stop()
        return server.sent_octets


@pytest.mark.parametrize("capabilities", [hostile.CAPABILITIES, LOCKSTEP],
                         ids=["pipelined", "lockstep"])
@pytest.mark.parametrize("name", CASES)
def test_split_at_every_octet(name, capabilities):
    octets = run(name, capabilities, 0)
    first = 1 + len(name) % min(EVERY, octets - 1)
    cuts = range(first, octets, EVERY)
    for cut in cuts:
        run(name, capabilities, cut)
    print(f"{name}: {octets} octets, cut at {len(cuts)} places")


# ---- what a sink's server says ----

class Cutting:
    """A connection that pauses behind the octet `cut` of all that is said."""

    def __init__(self, target, connection):
        self.target, self.connection = target, connection

    def __getattr__(self, name):
        return getattr(self.connection, name)

    def sendall(self, octets):
        at = self.target.cut - self.target.said
        self.target.said += len(octets)
        if 0 < at < len(octets):
            self.connection.sendall(octets[:at])
            hostile.pause()
            octets = octets[at:]
        self.connection.sendall(octets)


def cut_target(kind):
    class Cut(kind):
        cut = said = 0

        def serve(self, connection):
            super().serve(Cutting(self, connection))
    return Cut()


def hand_on(kind, deliver, refusal, cut):
    """One of three is refused for now; how many octets were said."""
    with tempfile.TemporaryDirectory(prefix="restante-split-") as place, \
            CutServer(odd()) as server, cut_target(kind) as target:
        target.cut, target.answers = cut, {refusal[0]: [refusal[1]]}
        place = pathlib.Path(place)
        account = Account(
            place, server, keep="no", deliver=deliver, deliver_tls="none",
            deliver_server=target.address, deliver_user="",
            deliver_recipient="a@example.org")
        if deliver == "imap":
            account.change("deliver-user", "me")
            account.change("deliver-password-file",
                           clients.write_private(place / "secret", "x\n"))
        # Those that share a UIDL stay together, or the first is left.
        account.fetch(ok=75)
        assert len(target.taken) == 2 and server.mail, cut
        account.fetch()
        assert len(target.taken) == 3 and server.mail == [], cut
        return target.said


@pytest.mark.parametrize("deliver, kind, refusal", [
    ("lmtp", targets.Mailer, ("RCPT", "450 later")),
    ("smtp", targets.Mailer, ("end", "450 later")),
    ("imap", targets.Imap, ("APPEND", "NO later"))])
def test_split_what_a_sink_is_told(deliver, kind, refusal):
    octets = hand_on(kind, deliver, refusal, 0)
    cuts = range(1 + len(deliver), octets, EVERY)
    for cut in cuts:
        hand_on(kind, deliver, refusal, cut)
    print(f"{deliver}: {octets} octets, cut at {len(cuts)} places")


def test_the_list_of_cases_is_of_tests_that_exist():
    text = (ROOT / "docs" / "hostile-servers.md").read_text()
    named = re.findall(r"`(test_\w+)(?:\.c|\.py)?::(\w+)`", text)
    assert len(named) > 30
    for file, test in named:
        texts = [p.read_text() for p in (ROOT / "tests").rglob(f"{file}.*")
                 if p.suffix in (".py", ".c")]
        assert any(re.search(rf"\b{test}\(", text) for text in texts), (
            file, test)
