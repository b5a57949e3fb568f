# SPDX-License-Identifier: ISC
"""Rules: where mail goes, what is not collected, and what TOP is asked for."""
import json
import re

import pytest

import clients
import hostile
import mail
from hostile import DELETED, STORED, Account, Server

pytestmark = pytest.mark.sanitize

HEADERS, SKIPPED = 4, 5
LOCKSTEP = tuple(c for c in hostile.CAPABILITIES if c != "PIPELINING")
BOTH_WAYS = pytest.mark.parametrize(
    "capabilities", [hostile.CAPABILITIES, LOCKSTEP])


def letter(name, extra=b"", size=0):
    body = (b"x" * 70 + b"\r\n") * (1 + size // 72)
    return mail.plain(name, body).replace(b"Subject:", extra + b"Subject:", 1)


def post():
    """Four letters: a list's, a large one, spam, and a plain one."""
    return [("list", letter("list", b"List-Id: Debian <d.debian.org>\r\n")),
            ("large", letter("large", size=300_000)),
            ("spam", letter("spam", b"X-Spam-Flag: YES\r\n")),
            ("plain", letter("plain"))]


def bodies(messages):
    return dict(messages)


def with_rules(account, *rules):
    """Each: (name, {key: value or [values]})."""
    text = account.config.read_text()
    for name, keys in rules:
        text += f"[rule {name}]\n"
        for key, values in keys.items():
            for value in values if isinstance(values, list) else [values]:
                text += f"{key.replace('_', '-')} = {value}\n"
    account.config.write_text(text)


def files(path):
    return sorted(p.read_bytes() for p in clients.maildir_files(path))


# ---- folders and other places ----

@BOTH_WAYS
@pytest.mark.parametrize("keep", ["yes", "no"])
def test_into_folders(place, capabilities, keep):
    sent = post()
    with Server(sent, capabilities) as server:
        account = Account(place, server, keep=keep)
        with_rules(account, ("lists", {"header": "List-Id: *debian.org",
                                       "folder": "lists/debian"}),
                   ("large", {"larger_than": "100KiB", "folder": "large"}))
        assert account.fetch()["stored_messages"] == 4
        whole = bodies(sent)
        assert files(account.mail / ".lists.debian") == [whole["list"]]
        assert files(account.mail / ".large") == [whole["large"]]
        assert files(account.mail) == sorted(
            [whole["spam"], whole["plain"]])
        # Nothing was to be saved.
        assert server.asked_ever("TOP") == []
        assert len(server.mail) == (4 if keep == "yes" else 0)
        assert account.fetch()["received_messages"] == 0


def test_into_other_places(place):
    """Another Maildir, an mbox, a command; the rest to the account's."""
    sent = post()
    out = place / "taken"
    program = place / "take"
    program.write_text(f"#!/bin/sh\ncat >> {out}\n")
    program.chmod(0o700)
    with Server(sent) as server:
        account = Account(place, server, keep="no")
        with_rules(
            account,
            ("lists", {"header": "List-Id: *", "maildir": place / "lists",
                       "folder": "debian"}),
            ("large", {"larger_than": "100KiB", "mbox": place / "large"}),
            ("spam", {"header": "X-Spam-Flag: yes", "action": "pipe",
                      "command": program}))
        assert account.fetch()["deleted_messages"] == 4
        whole = bodies(sent)
        assert files(place / "lists/.debian") == [whole["list"]]
        assert (place / "large").read_bytes().endswith(
            whole["large"].replace(b"\r\n", b"\n") + b"\n")
        assert out.read_bytes().partition(b"\r\n")[2] == whole["spam"]
        assert files(account.mail) == [whole["plain"]]
        assert server.mail == []


def test_a_folder_that_cannot_be(place):
    """The mail is filed without it."""
    with Server(post()[3:]) as server:
        account = Account(place, server)
        with_rules(account, ("long", {"folder": "a" * 255}))
        account.fetch()
        assert "there can be no folder aaa" in account.warnings()[0]
        assert len(account.filed()) == 1


# ---- what is not collected ----

def rules_that_save():
    return (("large", {"larger_than": "100KiB", "action": "skip"}),
            ("lists", {"header": "List-Id: *", "action": "headers"}),
            ("spam", {"header": "X-Spam-Flag: yes", "action": "delete"}))


@BOTH_WAYS
@pytest.mark.parametrize("keep", ["yes", "no"])
def test_skip_headers_delete(place, capabilities, keep):
    sent = post()
    with Server(sent, capabilities) as server:
        account = Account(place, server, keep=keep)
        with_rules(account, *rules_that_save())
        ended = account.fetch()
        assert ended["skipped_messages"] == 1
        assert ended["header_messages"] == 1
        assert ended["discarded_messages"] == 1
        assert ended["stored_messages"] == 2
        # Its size said enough of the large one.
        assert server.asked("TOP") == ["1 0", "3 0", "4 0"]
        assert server.asked("RETR") == ["4"]
        assert server.asked("DELE") == (["3"] if keep == "yes" else
                                        ["3", "4"])
        stub, = [o for o in account.filed() if b"Header-Only" in o]
        header = bodies(sent)["list"].partition(b"\r\n\r\n")[0]
        assert stub == (b"X-Restante-Header-Only: %d octets are on the "
                        b"server\r\n" % len(sent[0][1])
                        + header + b"\r\n\r\n")
        assert account.states()[b"list"] == HEADERS
        assert account.states()[b"large"] == SKIPPED
        # The next run knows: nothing is asked for again.
        ended = account.fetch()
        assert server.asked("TOP") == server.asked("RETR") == []
        assert ended["stored_messages"] == 0
        # The rest comes when it is asked for, and may be deleted then.
        ended = account.fetch(0, "--bodies")
        assert server.asked("RETR") == ["1"]
        assert ended["stored_messages"] == 1
        # It takes the place of its header.
        assert sorted(account.filed()) == sorted(
            [bodies(sent)["list"], bodies(sent)["plain"]])
        assert account.states()[b"list"] == (
            STORED if keep == "yes" else DELETED)


@pytest.mark.parametrize("how", ["new", "read", "folder", "lf"])
def test_the_rest_takes_the_place_of_the_header(place, how):
    """Wherever it lies, and nothing else goes."""
    sent = post()
    with Server(sent) as server:
        account = Account(place, server, keep="no",
                          line_ends="lf" if how == "lf" else "keep")
        rule = {"header": "List-Id: *", "action": "headers"}
        if how == "folder":
            rule["folder"] = "lists"
        with_rules(account, ("lists", rule))
        account.fetch()
        folder = account.mail / (".lists" if how == "folder" else "")
        [stub] = [p for p in clients.maildir_files(folder)
                  if b"Header-Only" in p.read_bytes()]
        # One of that name which is not what was filed stays.
        other = stub.with_name(stub.name.replace(".", "_1.", 1))
        mine = b"X-Restante-Header-Only: 1 octets\n\nmine"
        other.write_bytes(mine)
        if how == "read":
            account.read_all()
        assert account.fetch(0, "--bodies")["stored_messages"] == 1
        here = files(folder)
        assert [o for o in here if b"Header-Only" in o] == [mine]
        whole = bodies(sent)["list"]
        assert (whole.replace(b"\r\n", b"\n") if how == "lf"
                else whole) in here
        assert server.mail == []


def test_where_the_header_stays(place):
    """An mbox: nothing is taken out of it."""
    with Server(post()) as server:
        account = Account(place, server, deliver="mbox", mbox=place / "mbox")
        with_rules(account, ("lists", {"header": "List-Id: *",
                                       "action": "headers"}))
        account.fetch()
        account.fetch(0, "--bodies")
        text = (place / "mbox").read_bytes()
        assert text.count(b"X-Restante-Header-Only") == 1
        assert text.count(b"\nSubject: list\n") == 2


def test_a_rule_that_changes(place):
    """What was skipped is judged again by other rules, and then comes."""
    sent = post()
    with Server(sent) as server:
        account = Account(place, server)
        with_rules(account, ("spam", {"header": "X-Spam-Flag: yes",
                                      "action": "skip"}))
        account.fetch()
        assert len(account.filed()) == 3
        account.change("header", "X-Spam-Flag: maybe")
        assert account.fetch()["stored_messages"] == 1
        assert len(account.filed()) == 4


def test_without_top(place):
    """A server that has none: what is not wanted is received and dropped."""
    sent = post()
    with Server(sent, TOP=b"-ERR what?\r\n") as server:
        account = Account(place, server, keep="no")
        with_rules(account, *rules_that_save())
        ended = account.fetch()
        assert ended["skipped_messages"] == 1
        assert sorted(server.asked("RETR")) == ["1", "3", "4"]
        assert sorted(u.decode() for u, _ in server.mail) == ["large", "list"]
        assert len(account.filed()) == 2
        assert account.fetch()["received_messages"] == 0


def test_a_top_that_sends_everything(place):
    sent = post()
    with Server(sent, TOP=lambda session, argument: session.on_retr(
            argument.split()[0])) as server:
        account = Account(place, server)
        with_rules(account, *rules_that_save())
        account.fetch()
        assert len(account.filed()) == 2
        stub, = [o for o in account.filed() if b"Header-Only" in o]
        assert b"xxxx" not in stub


def test_a_top_without_end(place):
    def top(session, _):
        session.send(b"+OK\r\n")
        hostile.forever(session, b"X: another line\r\n" * 4096)

    with Server(post(), TOP=top) as server:
        account = Account(place, server, maximum_message="4MiB")
        with_rules(account, *rules_that_save())
        ended, memory = hostile.measured(account, ok=76)
        assert "does not end" in ended["text"]
        assert memory < hostile.MEMORY_OCTETS or hostile.is_sanitized()


def test_deletions_by_rules_have_their_maximum(place):
    sent = [(f"u{n}", letter(f"number {n}")) for n in range(5)]
    with Server(sent) as server:
        account = Account(place, server, keep="no", maximum_deletions=2)
        with_rules(account, ("all", {"header": "Subject: *",
                                     "action": "delete"}))
        ended = account.fetch(0, "--dry-run")
        assert ended["to_delete_messages"] == 2 and len(server.mail) == 5
        account.fetch()
        assert len(server.mail) == 3 and account.filed() == []


# ---- one mailbox for many ----

def test_multidrop(place):
    """By the envelope's recipient: each to a folder of their own, also one
    that is called as no folder can be."""
    def to(name, who, field=b"Delivered-To"):
        return name, letter(name, field + b": " + who + b"\r\n")

    sent = [to("bob", b"bob@family.example"),
            to("eve", b"<Eve.Smith@family.example>", b"Envelope-To"),
            to("path", b"../../x@family.example"),
            to("both", b"carol@family.example\r\nX-Original-To: "
                       b"dave@family.example"),
            to("other", b"someone@else.example")]
    with Server(sent) as server:
        account = Account(place, server, keep="no")
        with_rules(account, ("family", {
            "recipient": "*@family.example", "folder": "people/%n"}))
        account.fetch()
        whole = bodies(sent)
        for name, folder in (("bob", "bob"), ("eve", "eve_smith"),
                             ("path", "______x"), ("both", "dave")):
            assert files(account.mail / f".people.{folder}") == [whole[name]]
        assert files(account.mail) == [whole["other"]]
        assert server.mail == []


def test_a_mailbox_s_own_field_stands_above(place):
    sent = [("a", letter("a", b"Delivered-To: box@isp.example\r\n"
                              b"Delivered-To: bob@family.example\r\n"))]
    with Server(sent) as server:
        account = Account(place, server, envelope="Delivered-To",
                          envelope_skip=1)
        with_rules(account, ("bob", {"recipient": "bob@*", "folder": "bob"}))
        account.fetch()
        assert len(files(account.mail / ".bob")) == 1


# ---- explain ----

def test_explain(place):
    with Server([]) as server:
        account = Account(place, server)
        with_rules(account, *rules_that_save())
        message = place / "message"
        message.write_bytes(post()[2][1].replace(b"\r\n", b"\n"))

        def explain(*more, **how):
            return clients.restante(place, "-c", account.config, "explain",
                                    *more, **how)

        text = explain(message).stdout.decode()
        assert re.search(r"rule lists, .*:\d+: it does not hold", text)
        assert "no   header = List-Id: *: there is no such field" in text
        assert 'yes  header = X-Spam-Flag: yes: it is "YES"' in text
        assert text.splitlines()[-1] == (
            "spam: it is deleted on the server and not collected")
        told = json.loads(explain(message, "--json").stdout)
        assert told["rule"] == "spam" and told["action"] == "delete"
        assert [r["holds"] for r in told["rules"]] == [False, False, True]
        assert told["octets"] == len(post()[2][1])
        done = explain("-", input=b"Subject: x\n\nbody\n")
        assert done.stdout.decode().splitlines()[-1] == (
            f"no rule holds: it goes to {account.mail}")
        explain(place / "none", ok=(66,))
        explain(message, "--account", "nobody", ok=(64,))



def explained(account, *more, **how):
    return clients.restante(account.place, "-c", account.config, "explain",
                            *more, **how)


def told_of(account, uidl):
    return json.loads(explained(account, account.name, uidl, "--json").stdout)


def test_explain_by_uidl(place):
    """New ones and old ones: what the rules say, what became of it, where it
    lies; and nothing is changed by the question."""
    sent = post()
    with Server(sent) as server:
        account = Account(place, server)
        with_rules(account, *rules_that_save())
        told = told_of(account, "spam")
        assert told["rule"] == "spam" and told["action"] == "delete"
        assert told["number"] == 3 and told["octets"] == len(sent[2][1])
        assert told["ledger"] is None and told["file"] is None
        assert server.asked("TOP") == ["3 0"] and account.states() == {}
        account.fetch()
        states = account.states()
        for uidl, state, number in (("list", "headers", 1),
                                    ("large", "skipped", 2),
                                    ("plain", "stored", 3)):
            told = told_of(account, uidl)
            assert told["ledger"]["state"] == state
            assert told["number"] == number
        assert told["rule"] is None and told["action"] == "file"
        assert account.states() == states
        text = explained(account, "alice", "plain").stdout.decode()
        assert re.search(r"ledger: collected, \d+ s ago", text)
        assert "server: message 3\n" in text
        [path] = [p for p in clients.maildir_files(account.mail)
                  if p.read_bytes() == bodies(sent)["plain"]]
        assert f"file:   {path}\n" in text
        assert server.asked_ever("RETR") == ["4"]
        for more, code in ((["alice", "nobody"], 66), (["bob", "a"], 64),
                           (["alice", "a", "--account", "alice"], 64),
                           (["alice", "u" * 2000], 64)):
            explained(account, *more, ok=(code,))


def test_explain_what_the_server_has_no_more(place):
    """By its file, wherever the rules filed it; without one, by the ledger."""
    sent = post()
    with Server(sent) as server:
        account = Account(place, server, keep="no")
        with_rules(account, ("lists", {"header": "List-Id: *",
                                       "folder": "lists"}),
                   ("spam", {"header": "X-Spam-Flag: *",
                             "maildir": place / "junk"}))
        account.fetch()
        account.read_all()
        told = told_of(account, "list")
        assert told["number"] is None and told["rule"] == "lists"
        assert told["ledger"]["state"] == "deleted"
        assert told["octets"] == len(bodies(sent)["list"])
        assert f"{account.mail}/.lists/" in told["file"]
        told = told_of(account, "spam")
        assert told["rule"] == "spam" and f"{place}/junk/" in told["file"]
        (place / told["file"]).unlink()
        told = told_of(account, "spam")
        assert told["ledger"]["state"] == "deleted" and told["file"] is None
        assert told["action"] == "unknown"
        text = explained(account, "alice", "spam").stdout.decode()
        assert "server: it is not there" in text
        assert "without the header it cannot be told" in text


def test_explain_when_the_server_does_not_answer(place):
    sent = post()
    with Server(sent, TOP=b"-ERR no TOP\r\n") as server:
        account = Account(place, server)
        with_rules(account, *rules_that_save())
        told = told_of(account, "spam")
        assert told["number"] == 3 and told["action"] == "unknown"
        told = told_of(account, "large")
        assert told["rule"] == "large"  # its size is enough
        account.fetch()
        server.instead["PASS"] = b"-ERR [IN-USE] busy\r\n"
        told = told_of(account, "plain")
        assert "busy" in told["server_error"] and told["action"] == "file"
        assert b"busy" in explained(account, "alice", "new", ok=(75,)).stderr

# ---- observing ----

@BOTH_WAYS
def test_observe(place, capabilities):
    """UIDL and TOP, never RETR nor DELE, and nothing is remembered."""
    sent = post()
    with Server(sent, capabilities) as server:
        account = Account(place, server, keep="no", observe="yes")
        with_rules(account, *rules_that_save())
        for _ in range(2):
            account.fetch()
            told = [e["message"] for e in account.events
                    if e["event"] == "message"]
            assert [m["uidl"] for m in told] == [u for u, _ in sent]
            assert [m["action"] for m in told] == [
                "headers", "skip", "delete", "file"]
            assert [m["subject"] for m in told] == [u for u, _ in sent]
        assert server.asked_ever("RETR") == server.asked_ever("DELE") == []
        assert account.states() == {} and not account.mail.exists()
        account.change("observe", "no")
