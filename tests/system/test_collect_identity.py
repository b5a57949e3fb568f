# SPDX-License-Identifier: ISC
"""Messages that cannot be told by their UIDL: all were changed, or there is
none; and messages that no sink takes."""
import hashlib

import pytest

import clients
import hostile
import mail
from hostile import DELETED, STORED, Account, Server

pytestmark = pytest.mark.sanitize

QUARANTINED = 7
LOCKSTEP = tuple(c for c in hostile.CAPABILITIES if c != "PIPELINING")
WITHOUT_UIDL = tuple(c for c in hostile.CAPABILITIES if c != "UIDL")
OLD = ("USER",)  # neither UIDL nor TOP nor PIPELINING
BOTH = pytest.mark.parametrize("keep", ["yes", "no"])
REFUSED = b"-ERR what?\r\n"


def numbered(count, first=0):
    return [(f"u{n}", mail.plain(f"number {n}", b"x" * n + b"\r\n"))
            for n in range(first, first + count)]


def renamed(sent):
    return [(b"new-" + hashlib.md5(octets).hexdigest().encode(), octets)
            for _, octets in sent]


def bodies(messages):
    return sorted(octets for _, octets in messages)


# ---- all UIDLs changed ----

@pytest.mark.parametrize("capabilities", [hostile.CAPABILITIES, LOCKSTEP])
def test_all_uidls_changed(place, capabilities):
    """What is here is told by header and size; only what is new comes."""
    sent = numbered(30)
    with Server(sent, capabilities) as server:
        account = Account(place, server)
        account.fetch()
        new = numbered(2, first=50)
        server.mail = renamed(sent) + [(u.encode(), o) for u, o in new]
        ended = account.fetch()
        assert ended["received_messages"] == 2
        assert server.asked("RETR") == ["31", "32"]
        assert "30 that are here already were told" in account.warnings()[0]
        assert sorted(account.filed()) == bodies(sent + new)
        # And now they are known as before; and may be deleted.
        assert account.fetch()["received_messages"] == 0
        assert server.asked("TOP") == []
        account.change("keep", "no")
        assert account.fetch()["deleted_messages"] == 32
        assert server.mail == [] and server.asked("RETR") == []


def test_a_dry_run_changes_no_name(place):
    sent = numbered(30)
    with Server(sent) as server:
        account = Account(place, server)
        account.fetch()
        server.mail = renamed(sent)
        known = account.states()
        account.fetch(0, "--dry-run")
        assert account.states() == known


def test_a_twin_is_no_message_that_is_here(place):
    """Two of one header and size, and one is here: the other one comes."""
    one, two = (mail.plain("twin", body) for body in (b"one\r\n", b"two\r\n"))
    with Server([("a", one)]) as server:
        account = Account(place, server)
        account.fetch()
        server.mail = [(b"b", one), (b"c", two)]
        account.fetch()
        assert sorted(account.filed()) == sorted([one, two])


def test_a_header_that_tells_nothing(place):
    """No Message-ID, no Received: it is received, and filed if it is new."""
    def bare(body):
        return b"Subject: report\r\n\r\n" + body

    with Server([("a", bare(b"one\r\n"))]) as server:
        account = Account(place, server)
        account.fetch()
        server.mail = [(b"b", bare(b"one\r\n")), (b"c", bare(b"two\r\n"))]
        assert account.fetch()["received_messages"] == 2
        assert sorted(account.filed()) == [bare(b"one\r\n"), bare(b"two\r\n")]


def other_headers(sent):
    """The same sizes, and nothing else that could be recognized."""
    return [(uidl, octets.replace(b"example.org", b"example.net"))
            for uidl, octets in sent]


@pytest.mark.parametrize("how", ["no-top", "other-headers"])
def test_too_many_that_may_be_here(place, how):
    """Not again without being asked for; then nothing is filed twice."""
    sent = numbered(30)
    with Server(sent) as server:
        account = Account(place, server)
        account.fetch()
        server.mail = renamed(sent) if how == "no-top" else other_headers(
            renamed(sent))
        if how == "no-top":
            server.instead["TOP"] = REFUSED
        ended = account.fetch(ok=76)
        assert "--accept-new-uidls alice" in ended["text"]
        assert server.asked("RETR") == [] and len(account.filed()) == 30
        ended = account.fetch(0, "--accept-new-uidls")
        assert ended["received_messages"] == 30
        assert len(account.filed()) == (30 if how == "no-top" else 60)
        assert account.fetch()["received_messages"] == 0


def test_new_mail_in_an_empty_mailbox_is_no_change(place):
    """The old was deleted by hand, other mail came: nothing is refused."""
    with Server(numbered(30)) as server:
        account = Account(place, server)
        account.fetch()
        server.mail = [(u.encode(), o) for u, o in numbered(30, first=2000)]
        assert account.fetch()["stored_messages"] == 30


# ---- no UIDL ----

@BOTH
@pytest.mark.parametrize("capabilities", [
    WITHOUT_UIDL, ("USER", "TOP"), None], ids=["pipelined", "lockstep",
                                               "no-capa"])
def test_no_uidl(place, capabilities, keep):
    """The header is what a message is known by; twins are told apart."""
    sent = numbered(3) + [("x", mail.plain("twin", b"one\r\n")),
                          ("y", mail.plain("twin", b"two\r\n"))]
    instead = {"UIDL": REFUSED}
    if capabilities is None:
        instead["CAPA"] = REFUSED
    with Server(sent, capabilities or ("USER", "TOP"), **instead) as server:
        account = Account(place, server, keep=keep)
        assert account.fetch()["stored_messages"] == 5
        assert sorted(account.filed()) == bodies(sent)
        assert len(server.mail) == (5 if keep == "yes" else 0)
        assert account.fetch()["received_messages"] == 0
        # What a server adds when it was read changes nothing.
        server.mail = [(u, o.replace(b"Subject:", b"Status: RO\r\nSubject:"))
                       for u, o in server.mail]
        server.mail.append((b"new", mail.plain("new")))
        account.fetch()
        assert mail.plain("new") in account.filed()


def test_no_uidl_that_was_announced(place):
    """It said that it has: this is a failure, and no reason to start anew."""
    with Server(numbered(3), UIDL=b"-ERR not now\r\n") as server:
        account = Account(place, server)
        assert "by UIDL" in account.fetch(ok=75)["text"]
        assert server.asked("RETR") == server.asked("TOP") == []


def test_neither_uidl_nor_top(place):
    sent = numbered(3) + [("x", mail.plain("twin", b"one\r\n")),
                          ("y", mail.plain("twin", b"two\r\n"))]
    with Server(sent, OLD, UIDL=REFUSED, TOP=REFUSED) as server:
        account = Account(place, server)
        assert "neither UIDL nor TOP" in account.fetch(ok=76)["text"]
        assert server.asked("RETR") == []
        account.change("keep", "no")
        # QUIT fails: they are there again, and not filed again.
        server.instead["QUIT"] = b"-ERR not deleted\r\n"
        account.fetch(ok=75)
        account.read_all()
        del server.instead["QUIT"]
        account.fetch()
        assert sorted(account.filed()) == bodies(sent)
        assert server.mail == []


def test_a_server_that_gets_uidl(place):
    """Known by their headers until now: nothing comes twice."""
    sent = numbered(30)
    with Server(sent, WITHOUT_UIDL, UIDL=REFUSED) as server:
        account = Account(place, server)
        account.fetch()
        del server.instead["UIDL"]
        server.capabilities = hostile.CAPABILITIES
        account.forget_capabilities()
        assert account.fetch()["received_messages"] == 0
        assert len(account.filed()) == 30


# ---- quarantine ----

def refusing(place, text, code=65):
    """A command that refuses what has `text`."""
    out, program = place / "taken", place / "take"
    out.mkdir(exist_ok=True)
    program.write_text(
        f"#!/bin/sh\ncat > {out}/$RESTANTE_ID.part\n"
        f"grep -q '{text}' {out}/$RESTANTE_ID.part && exit {code}\n"
        f"mv {out}/$RESTANTE_ID.part {out}/$RESTANTE_ID\n")
    program.chmod(0o700)
    return program, out


def quarantine(account):
    return account.place / "home/.local/share/restante/quarantine/alice"


@BOTH
def test_quarantine(place, keep):
    """Refused three times: it is kept raw, named by status, and out of the way;
    it stays on the server, and is tried again when that is asked for."""
    sent = numbered(3)
    program, out = refusing(place, "number 1")
    with Server(sent) as server:
        account = Account(place, server, keep=keep, deliver="pipe",
                          deliver_command=program)
        for run in range(3):
            ended = account.fetch(ok=75)
            assert ended["stored_messages"] == (2 if run == 0 else 0)
            assert ended["quarantined_messages"] == (run == 2)
            assert "u1" in [u.decode() for u, _ in server.mail]
        assert str(quarantine(account)) in account.warnings()[0]
        held = clients.maildir_files(quarantine(account))
        assert [p.read_bytes() for p in held] == [sent[1][1]]
        # From now on it costs nothing.
        assert account.fetch()["received_messages"] == 0
        assert server.asked("RETR") == []
        assert account.states()[b"u1"] == QUARANTINED
        told = clients.restante(place, "-c", account.config, "status").stdout
        assert f"1 in quarantine, {quarantine(account)}" in told.decode()
        program.write_text("#!/bin/sh\nexit 0\n")
        ended = account.fetch(0, "--quarantined")
        assert ended["stored_messages"] == 1
        assert account.states()[b"u1"] == (STORED if keep == "yes"
                                           else DELETED)


def test_a_sink_that_takes_nothing_is_no_reason_for_quarantine(place):
    program, out = refusing(place, "number", code=64)
    with Server(numbered(12)) as server:
        account = Account(place, server, keep="no", deliver="pipe",
                          deliver_command=program)
        for _ in range(4):
            ended = account.fetch(ok=75)
            assert ended["quarantined_messages"] == 0
        program, out = refusing(place, "no such text")
        assert account.fetch()["deleted_messages"] == 12


def test_a_sink_that_is_busy_is_no_reason_for_quarantine(place):
    program, out = refusing(place, "number 1", code=75)
    with Server(numbered(3)) as server:
        account = Account(place, server, deliver="pipe",
                          deliver_command=program)
        for _ in range(4):
            assert account.fetch(ok=75)["quarantined_messages"] == 0
