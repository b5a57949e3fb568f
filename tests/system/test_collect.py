# SPDX-License-Identifier: ISC
"""restante against servers that list and send what none should: every mail
once, every octet of it, or an error that says what the server did."""
import pytest

import hostile
import mail
from hostile import DELETED, STORED, Account, Server

pytestmark = pytest.mark.sanitize

LOCKSTEP = tuple(c for c in hostile.CAPABILITIES if c != "PIPELINING")
WAYS = {"whole": {}, "dribbled": {"dribble": True},
        "lockstep": {"capabilities": LOCKSTEP},
        "lockstep-dribbled": {"capabilities": LOCKSTEP, "dribble": True}}
EVERY_WAY = pytest.mark.parametrize("way", WAYS)
BOTH = pytest.mark.parametrize("keep", ["yes", "no"])


def three():
    return [(f"u{n}", mail.plain(f"number {n}")) for n in range(3)]


def bodies(messages):
    return sorted(octets for _, octets in messages)


# ---- octets ----

ODD = {
    "lone-lf-dot": b"before\n.\nafter\r\n",
    "lone-cr-dot": b"before\r.\rafter\r\n",
    "lf-dot-crlf": b"before\n.\r\nafter\r\n",
    "crlf-dot-lf": b"before\r\n..\nafter\r\n",
    "nul": b"before\0after\r\n\0\r\n",
    "lone-ends": b"a\nb\rc\r\rd\n\ne\r\n\r\r\n",
    "high": bytes(range(256)).replace(b"\n", b"") + b"\r\n",
    "dots": b".\r\n..\r\n...\r\n.x\r\n",
    "dot-first": b"",
    "dot-at-4097": b"x" * 4096 + b".\r\n" + b"y" * 4096 + b"\r\n.\r\n",
    "long-line": b"z" * 100_000 + b"\r\n",
    "replies": b"-ERR no\r\n+OK\r\n.\r\nQUIT\r\n",
}


def odd_mail():
    messages = [(name, mail.plain(name, octets))
                for name, octets in ODD.items()]
    # The very first octet, no header at all, an empty line alone.
    return messages + [("first", b".first\r\n"), ("dot", b".\r\n"),
                       ("empty-line", b"\r\n")]


@EVERY_WAY
@BOTH
def test_odd_octets_arrive_as_they_are(place, way, keep):
    sent = odd_mail()
    with Server(sent, **WAYS[way]) as server:
        account = Account(place, server, keep=keep)
        assert account.fetch()["stored_messages"] == len(sent)
        assert sorted(account.filed()) == bodies(sent)
        assert account.fetch()["stored_messages"] == 0
        assert len(account.filed()) == len(sent)
        assert len(server.mail) == (len(sent) if keep == "yes" else 0)


def test_end_line_split_at_each_octet(place):
    """CRLF . CRLF and the next reply, in two segments cut anywhere."""
    sent = [(f"u{n}", mail.plain(f"number {n}", b"text\r\n"))
            for n in range(12)]

    def retr(session, argument):
        octets = session.on_retr(argument)
        cut = len(octets) - int(argument) + 3
        session.send(octets[:cut])
        hostile.pause()
        session.send(octets[cut:])

    with Server(sent, RETR=retr) as server:
        account = Account(place, server)
        account.fetch()
        assert sorted(account.filed()) == bodies(sent)


def test_lf_line_ends(place):
    """line-ends = lf changes CRLF and no other octet."""
    sent = odd_mail()
    with Server(sent) as server:
        account = Account(place, server, line_ends="lf")
        account.fetch()
        assert sorted(account.filed()) == sorted(
            octets.replace(b"\r\n", b"\n") for _, octets in sent)


# ---- connections that end in the middle ----

@pytest.mark.parametrize("at", ["status", "header", "body", "before-dot",
                                "after-dot", "in-end-line"])
@BOTH
def test_closed_in_the_middle_of_retr(place, at, keep):
    """What came whole is filed, the torso is not; the next run has all."""
    sent = three()

    def retr(session, argument):
        octets = session.on_retr(argument)
        if int(argument) != 2 or len(session.server.sessions) > 1:
            return octets
        session.send(octets[:{
            "status": 2, "header": 40, "body": len(octets) - 8,
            "before-dot": -3, "after-dot": -2, "in-end-line": -1}[at]])
        session.close()

    with Server(sent, RETR=retr) as server:
        account = Account(place, server, keep=keep)
        ended = account.fetch(ok=75)
        assert ended["outcome"] == "gone"
        assert "closed the connection" in ended["text"]
        assert account.filed() == [sent[0][1]]
        assert not account.left_over()
        assert server.asked("DELE") == []
        ended = account.fetch()
        assert ended["stored_messages"] == 2
        assert sorted(account.filed()) == bodies(sent)
        # The one that is here is not asked for again.
        assert sorted(server.asked("RETR")) == ["2", "3"]


def test_what_breaks_does_not_block_the_rest(place):
    """A message at which the server always hangs up comes last."""
    def retr(session, argument):
        if argument == "1":
            session.close()
        return session.on_retr(argument)

    sent = three()
    with Server(sent, RETR=retr) as server:
        account = Account(place, server)
        account.fetch(ok=75)
        account.fetch(ok=75)
        assert server.asked("RETR") == ["2", "3", "1"]
        assert sorted(account.filed()) == bodies(sent[1:])


# ---- without end ----

WITHOUT_END = {
    "greeting": ("greeting", b"+OK " + b"x" * 65536),
    "line-in-capa": ("CAPA", b"x" * 65536),
    "capa": ("CAPA", b"X-ANOTHER\r\n" * 8192),
    "stat": ("STAT", b"0" * 65536),
    "line-in-uidl": ("UIDL", b"1 " + b"x" * 65536),
    "uidl": ("UIDL", b"1 x\r\n" * 65536),
    "line-in-list": ("LIST", b"1 1" + b"0" * 65536),
    "list": ("LIST", b"1 1\r\n" * 65536),
    "line-in-retr": ("RETR", b"x" * 65536),
    "retr": ("RETR", b"another line\r\n" * 8192),
    "retr-status": ("RETR", None),
}


@pytest.mark.parametrize("what", WITHOUT_END)
def test_without_end(place, what):
    """A line, a list or a body that does not end: an error, small memory."""
    verb, octets = WITHOUT_END[what]

    def reply(session, _):
        if verb not in ("greeting", "STAT") and octets:
            session.send(b"+OK\r\n")
        hostile.forever(session, octets or b"+OK" + b" " * 65536)

    with Server(three(), **{verb: reply}) as server:
        account = Account(place, server, maximum_message="4MiB")
        ended, memory = hostile.measured(account, ok=76)
        assert ended["outcome"] == "peer"
        assert ended["text"]
        assert memory < hostile.MEMORY_OCTETS or hostile.is_sanitized()
        assert not account.filed() and not account.left_over()
        assert server.asked("DELE") == []


def test_more_messages_than_there_are(place):
    """STAT promises 16 million; three are listed, and collected."""
    with Server(three(), STAT=b"+OK 16000000 1\r\n") as server:
        account = Account(place, server)
        ended, memory = hostile.measured(account, ok=75)
        assert ended["stored_messages"] == 3
        assert memory < hostile.MEMORY_OCTETS or hostile.is_sanitized()
    with Server(three(), STAT=b"+OK 16000001 1\r\n") as server:
        account.change("port", server.port)
        assert account.fetch(ok=76)["outcome"] == "peer"


def test_a_message_over_its_maximum_stays(place):
    large = mail.plain("large", b"x" * 70 + b"\r\n" * 4000)
    sent = three() + [("large", large)]
    with Server(sent) as server:
        account = Account(place, server, keep="no", maximum_message="2KiB")
        ended = account.fetch(ok=75)
        assert ended["stored_messages"] == 3
        assert "larger than maximum-message" in account.warnings()[0]
        assert server.mail == [(b"large", large)]


# ---- lists ----

IMPOSSIBLE = ["0", "-1", "2147483648", "4294967297", "18446744073709551616",
              "18446744073709551617", "00", "01", "+1", "1x", "0x1", "",
              "1.0", "4", "99999999999999999999999999"]


@pytest.mark.parametrize("number", IMPOSSIBLE)
@pytest.mark.parametrize("verb", ["UIDL", "LIST"])
def test_impossible_message_numbers(place, verb, number):
    """Three messages are there: 1 to 3 can be listed, and nothing else."""
    reply = f"+OK\r\n1 10\r\n{number} 20\r\n3 30\r\n.\r\n".encode()
    with Server(three(), **{verb: reply}) as server:
        account = Account(place, server, keep="no")
        ended = account.fetch(ok=76)
        assert "list" in ended["text"]
        assert server.asked("RETR") == server.asked("DELE") == []
        assert not account.filed()


@pytest.mark.parametrize("text", [
    "", "3", "-1 5", "3 -5", "3 x", "x 3", "4294967299 5",
    "18446744073709551619 5", "3 18446744073709551616"])
def test_impossible_stat(place, text):
    with Server(three(), STAT=f"+OK {text}\r\n".encode()) as server:
        account = Account(place, server, keep="no")
        assert "STAT" in account.fetch(ok=76)["text"]
        assert server.asked("RETR") == server.asked("DELE") == []


@EVERY_WAY
@BOTH
def test_the_same_uidl_twice(place, way, keep):
    """Both are mail, and both are known the next time."""
    sent = [("twin", mail.plain("one")), ("u", mail.plain("between")),
            ("twin", mail.plain("two")), ("twin", mail.plain("three"))]
    with Server(sent, **WAYS[way]) as server:
        account = Account(place, server, keep=keep)
        assert account.fetch()["stored_messages"] == 4
        assert sorted(account.filed()) == bodies(sent)
        assert len(server.mail) == (4 if keep == "yes" else 0)
        ended = account.fetch()
        assert ended["stored_messages"] == ended["received_messages"] == 0
        # Another twin is another message.
        server.mail.append((b"twin", mail.plain("four")))
        assert account.fetch()["stored_messages"] == 1
        assert len(account.filed()) == 5


def test_twins_go_together(place):
    """Of those that share a UIDL none goes before all are here: the rest would
    change places."""
    sent = [("twin", mail.plain("one")), ("twin", mail.plain("two"))]
    with Server(sent, RETR=lambda session, n: b"-ERR no\r\n" if n == "2"
                else session.on_retr(n)) as server:
        account = Account(place, server, keep="no")
        account.fetch(ok=75)
        assert server.asked("DELE") == [] and len(server.mail) == 2
        del server.instead["RETR"]
        account.fetch()
        assert server.asked("RETR") == ["2"]
        assert server.mail == []
        assert sorted(account.filed()) == bodies(sent)


UIDLS = {
    "blanks": b"a b  c", "only-dots": b"..", "path": b"../../../evil",
    "absolute": b"/etc/passwd", "slashes": b"a/b/c", "quotes": b"'\"`$(x)",
    "percent": b"%s%n%d", "high": b"\xe4\xff\x80", "seventy": b"u" * 70,
    "thousand": b"u" * 1000, "flags": b"x:2,S", "one": b"1", "long": b"v" * 1024,
}


@BOTH
def test_odd_uidls(place, keep):
    """They are told apart, and are no part of a path."""
    sent = [(uidl, mail.plain(name)) for name, uidl in UIDLS.items()]
    with Server(sent) as server:
        account = Account(place, server, keep=keep)
        assert account.fetch()["stored_messages"] == len(sent)
        assert sorted(account.filed()) == bodies(sent)
        assert account.fetch()["received_messages"] == 0
        assert {p.name for p in place.iterdir()} == {
            "home", "Mail", "restante.conf", "password"}
        for path in (account.mail / "new").iterdir():
            assert path.name.isascii() and len(path.name) == 36


@BOTH
def test_uidl_too_long(place, keep):
    """It cannot be collected once: it stays, and the others come."""
    sent = three() + [("x" * 1500, mail.plain("long"))]
    with Server(sent) as server:
        account = Account(place, server, keep=keep)
        for run in range(2):
            ended = account.fetch(ok=75)
            assert ended["stored_messages"] == (0 if run else 3)
            assert "without a usable UIDL" in account.warnings()[0]
        assert sorted(account.filed()) == bodies(sent[:3])
        assert len(server.mail) == (4 if keep == "yes" else 1)


@pytest.mark.parametrize("octet", [0, 1, 7, 8, 9, 10, 13, 27, 31, 127])
def test_uidl_with_a_control_character(place, octet):
    sent = three() + [(b"a" + bytes([octet]) + b"b", mail.plain("control"))]
    with Server(sent) as server:
        account = Account(place, server, keep="no")
        ended = account.fetch(ok=76)
        assert ended["text"] and ended["text"].isprintable()
        assert server.asked("RETR") == server.asked("DELE") == []


@BOTH
@EVERY_WAY
def test_an_empty_or_short_list_forgets_nothing(place, keep, way):
    sent = three()
    with Server(sent, **WAYS[way]) as server:
        account = Account(place, server, keep=keep)
        account.fetch()
        account.read_all()
        known = account.states()
        assert set(known.values()) == {STORED if keep == "yes" else DELETED}
        for shown in ([], sent[1:2], [], sent):
            server.mail = [(u.encode(), octets) for u, octets in shown]
            ended = account.fetch()
            assert ended["stored_messages"] <= len(shown)
            assert len(account.filed()) == 3, shown
        if keep == "yes":
            assert ended["received_messages"] == 0
            assert account.states() == known


@pytest.mark.parametrize("verb", ["UIDL", "LIST"])
@BOTH
def test_a_list_shorter_than_stat(place, verb, keep):
    """What is not listed is not collected, not deleted and not forgotten."""
    sent = three()
    with Server(sent) as server:
        account = Account(place, server)
        account.fetch()
        account.read_all()
        account.change("keep", keep)
        server.instead[verb] = b"+OK\r\n2 u1\r\n.\r\n" if verb == "UIDL" \
            else b"+OK\r\n2 100\r\n.\r\n"
        ended = account.fetch(ok=75 if verb == "UIDL" else 0)
        assert len(account.filed()) == 3
        del server.instead[verb]
        account.fetch()
        assert len(account.filed()) == 3
        assert ended["stored_messages"] <= 3


def test_a_uidl_used_again(place):
    """The message behind it is another one, also of the same size."""
    one, two = mail.plain("number 1"), mail.plain("number 2")
    assert len(one) == len(two)
    with Server([("1", one)]) as server:
        account = Account(place, server, keep="no")
        account.fetch()
        server.mail = [(b"1", two)]
        assert account.fetch()["stored_messages"] == 1
        assert sorted(account.filed()) == [one, two]
        assert server.mail == []


def test_an_empty_mailbox(place):
    for capabilities in (hostile.CAPABILITIES, LOCKSTEP):
        with Server([], capabilities) as server:
            account = Account(place, server, name=f"a{len(capabilities)}")
            assert account.fetch(0, account.name)["listed_messages"] == 0


# ---- -ERR ----

@EVERY_WAY
@BOTH
def test_retr_refused(place, way, keep):
    """The others come; it is asked for again, and never deleted."""
    sent = three()

    def retr(session, number):
        uidl, _ = session.mail[int(number) - 1]
        return b"-ERR gone\r\n" if uidl == b"u1" else session.on_retr(number)

    with Server(sent, RETR=retr, **WAYS[way]) as server:
        account = Account(place, server, keep=keep)
        ended = account.fetch(ok=75)
        assert ended["stored_messages"] == 2
        assert 'the server refused RETR 2: "gone"' in account.warnings()
        account.fetch(ok=75)
        assert sorted(account.filed()) == bodies([sent[0], sent[2]])
        assert (b"u1", sent[1][1]) in server.mail
        del server.instead["RETR"]
        account.fetch()
        assert sorted(account.filed()) == bodies(sent)


@EVERY_WAY
def test_dele_refused(place, way):
    sent = three()
    with Server(sent, DELE=lambda session, n: b"-ERR no\r\n" if n == "2"
                else session.on_dele(n), **WAYS[way]) as server:
        account = Account(place, server, keep="no")
        ended = account.fetch(ok=75)
        assert ended["deleted_messages"] == 2
        assert 'the server refused DELE 2: "no"' in account.warnings()
        assert [u for u, _ in server.mail] == [b"u1"]
        del server.instead["DELE"]
        ended = account.fetch()
        assert ended["received_messages"] == 0 and server.mail == []
        assert len(account.filed()) == 3


@pytest.mark.parametrize("verb", ["STAT", "UIDL", "LIST"])
@EVERY_WAY
def test_lists_refused(place, verb, way):
    with Server(three(), **{verb: b"-ERR no\r\n"}, **WAYS[way]) as server:
        account = Account(place, server, keep="no")
        ended = account.fetch(ok=75)
        assert ended["text"].endswith(': "no"')
        assert server.asked("RETR") == server.asked("DELE") == []


@pytest.mark.parametrize("reply", [
    b"OK\r\n", b"+OKAY\r\n", b"+ERR no\r\n", b"\r\n", b"HTTP/1.1 400\r\n",
    b"* OK\r\n", b"220 smtp\r\n", b"+OK\0\r\n", b"\x16\x03\x01\x00\xa5\r\n"])
@pytest.mark.parametrize("verb", ["greeting", "STAT", "RETR", "DELE", "QUIT"])
def test_neither_ok_nor_err(place, verb, reply):
    sent = three()
    with Server(sent, **{verb: reply}) as server:
        account = Account(place, server, keep="no")
        ended = account.fetch(ok=76)
        assert ended["outcome"] == "peer" and ended["text"].isprintable()
        # Nothing that was not promised is believed.
        assert DELETED not in account.states().values()
