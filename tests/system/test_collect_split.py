# SPDX-License-Identifier: ISC
"""What a server says comes in two segments, cut at every octet of a session:
the same comes of it as when it comes whole. Some of the cuts by default;
RESTANTE_SPLITS=all for each of them."""
import os
import pathlib
import re
import tempfile

import pytest

import hostile
import mail
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


# What each does -> (what the server says instead, the exit code, how many are
# filed, how many are left there).
CASES = {
    "as it should": ({}, 0, 3, 0),
    "closed in the middle of RETR": ({"RETR": torn}, 75, 1, 3),
    # Those that share a UIDL stay together.
    "-ERR to one RETR": ({"RETR": refused}, 75, 2, 2),
    "-ERR to DELE": ({"DELE": b"-ERR no\r\n"}, 75, 3, 3),
    "-ERR to QUIT": ({"QUIT": b"-ERR not deleted\r\n"}, 75, 3, 3),
    "-ERR to STAT": ({"STAT": b"-ERR no\r\n"}, 75, 0, 3),
    "list shorter than STAT": ({"UIDL": some_listed}, 75, 2, 1),
    "message number 0": ({"LIST": b"+OK\r\n0 10\r\n.\r\n"}, 76, 0, 3),
    "message number 2^64": (
        {"UIDL": b"+OK\r\n18446744073709551616 a\r\n.\r\n"}, 76, 0, 3),
    "control character in a UIDL": (
        {"UIDL": b"+OK\r\n1 a\x1bb\r\n.\r\n"}, 76, 0, 3),
    "NUL in a reply": ({"STAT": b"+OK 3\x00 100\r\n"}, 76, 0, 3),
    "neither +OK nor -ERR": ({"STAT": b"* OK\r\n"}, 76, 0, 3),
    "two replies to one": (
        {"STAT": b"+OK 3 100\r\n+OK 3 100\r\n"}, 76, 0, 3),
    "[AUTH]": ({"PASS": b"-ERR [AUTH] no\r\n"}, 77, 0, 3),
    "[IN-USE]": ({"PASS": b"-ERR [IN-USE] no\r\n"}, 75, 0, 3),
    "[SYS/TEMP]": ({"PASS": b"-ERR [SYS/TEMP] no\r\n"}, 75, 0, 3),
    "[LOGIN-DELAY]": ({"PASS": b"-ERR [LOGIN-DELAY] no\r\n"}, 75, 0, 3),
}


def run(name, capabilities, cut):
    """How many octets the server had to say."""
    instead, code, filed, left = CASES[name]
    with tempfile.TemporaryDirectory(prefix="restante-split-") as place:
        server = CutServer(odd(), capabilities, cut=cut, **instead)
        try:
            account = Account(pathlib.Path(place), server, keep="no")
            account.fetch(ok=code)
            here = account.filed()
            assert len(here) == filed, cut
            assert all(o in [m for _, m in odd()] for o in here), cut
            assert len(server.mail) == left, cut
            assert not account.left_over()
        finally:
            server.stop()
        return server.sent_octets


@pytest.mark.parametrize("capabilities", [hostile.CAPABILITIES, LOCKSTEP],
                         ids=["pipelined", "lockstep"])
@pytest.mark.parametrize("name", CASES)
def test_split_at_every_octet(name, capabilities):
    octets = run(name, capabilities, 0)
    first = 1 + len(name) % min(EVERY, octets - 1)
    for cut in range(first, octets, EVERY):
        run(name, capabilities, cut)


def test_the_list_of_cases_is_of_tests_that_exist():
    text = (ROOT / "docs" / "hostile-servers.md").read_text()
    named = re.findall(r"`(test_\w+)(?:\.c|\.py)?::(\w+)`", text)
    assert len(named) > 30
    for file, test in named:
        [path] = [p for p in (ROOT / "tests").rglob(f"{file}.*")
                  if p.suffix in (".py", ".c")]
        assert re.search(rf"\b{test}\(", path.read_text()), (file, test)
