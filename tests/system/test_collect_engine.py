# SPDX-License-Identifier: ISC
"""How restante speaks with servers that are far away, forgetful, slow, or ask
for patience."""
import contextlib
import json
import sqlite3
import subprocess
import threading
import time

import pytest

import delay
import hostile
import mail
from hostile import Account, Server

MANY = 1000
SHOWN = 120  # messages a session of a server that does not show all


def numbered(count, prefix="u"):
    return [(f"{prefix}{n}", mail.plain(f"number {n}"))
            for n in range(count)]


def large(count, prefix):
    filler = b"x" * 70 + b"\r\n"
    return [(f"{prefix}{n}", mail.plain(f"{prefix}{n}", filler * 56))
            for n in range(count)]


@contextlib.contextmanager
def ledger(account):
    database = sqlite3.connect(
        account.place / "home/.local/share/restante/ledger.db")
    with database:
        yield database
    database.close()


# ---- round trips ----

def test_round_trips(place):
    """1,000 messages with DELE: 7, and 5 when the capabilities are known."""
    with Server(large(MANY, "a")) as server, \
            delay.Line(server.port, 0.05) as line:
        account = Account(place, server, keep="no", port=line.port)
        assert account.fetch()["deleted_messages"] == MANY
        first, line.round_trips = line.round_trips, 0
        server.mail = [(u.encode(), o) for u, o in large(MANY, "b")]
        assert account.fetch()["deleted_messages"] == MANY
        print(f"{first} round trips, {line.round_trips} when the capabilities "
              "are known")
        assert first <= 7 and line.round_trips <= 5
        assert len(account.filed()) == 2 * MANY and server.mail == []


def test_nothing_new_needs_no_list(place):
    """STAT and the last UIDL are asked in one write and stand for the list; a
    change of either, or a day, makes restante look at all of it."""
    with Server(numbered(20)) as server:
        account = Account(place, server)
        account.fetch()
        assert server.asked("UIDL") == server.asked("LIST") == [""]
        ended = account.fetch()
        assert server.asked("UIDL") == ["20"] and not server.asked("LIST")
        assert ended["listed_messages"] == 20

        # The same number and size, another last one.
        server.mail[-1] = (b"v19", server.mail[-1][1])
        assert account.fetch()["received_messages"] == 1
        assert server.asked("UIDL") == ["20", ""]
        assert account.fetch()["received_messages"] == 0

        # One more.
        server.mail.append((b"w", mail.plain("one more")))
        assert account.fetch()["received_messages"] == 1

        # What STAT and the last one do not show, a day later.
        server.mail[0] = (b"v0", server.mail[0][1])
        assert account.fetch()["received_messages"] == 0
        with ledger(account) as database:
            database.execute("UPDATE memory SET listed_at = listed_at - 90000")
        assert account.fetch()["received_messages"] == 1


def test_an_interrupted_run_is_followed_by_a_whole_list(place):
    with Server(numbered(20)) as server:
        account = Account(place, server)
        account.fetch()
        with ledger(account) as database:
            database.execute("UPDATE run SET is_running = 1")
        account.fetch()
        assert server.asked("LIST") == [""]


def test_capabilities_are_asked_again_when_they_change(place):
    with Server(numbered(3)) as server:
        account = Account(place, server)
        account.fetch()
        assert server.asked("CAPA") == [""]
        account.fetch()
        assert server.asked("CAPA") == []
        # What was known of it is true no more.
        server.instead["UIDL"] = b"what?\r\n"
        account.fetch(ok=76)
        del server.instead["UIDL"]
        account.fetch()
        assert server.asked("CAPA") == [""]
        assert len(account.filed()) == 3


# ---- pipelining that is not ----

class Forgetful(hostile.Session):
    """Throws away what came behind a command before it was answered."""

    def run(self):
        try:
            self.answer("greeting", "")
            while octets := self.connection.recv(65536):
                # What else the client sends at once arrives meanwhile.
                self.connection.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    while self.connection.recv(65536):
                        pass
                self.connection.settimeout(None)
                line = octets.partition(b"\r\n")[0].decode()
                self.commands.append(line)
                verb, _, argument = line.partition(" ")
                self.answer(verb.upper(), argument)
        except (hostile.Closed, OSError):
            pass
        finally:
            self.connection.close()


@pytest.mark.parametrize("keep", ["yes", "no"])
def test_lost_pipelined_input_falls_back_to_lockstep(
        place, keep, monkeypatch):
    sent = numbered(4)
    monkeypatch.setattr(hostile, "Session", Forgetful)
    with Server(sent) as server:
        account = Account(place, server, keep=keep, timeout="1s")
        ended = account.fetch()
        assert ended["stored_messages"] == 4
        assert "one by one" in account.warnings()[0]
        assert len(server.sessions) == 2
        assert len(server.mail) == (4 if keep == "yes" else 0)
        # It is known the next time.
        server.mail.append((b"new", mail.plain("new")))
        assert account.fetch()["stored_messages"] == 1
        assert len(server.sessions) == 3 and not account.warnings()


# ---- a part at a time ----

def test_a_server_that_shows_a_part(place):
    """Another session follows until everything is here."""
    sent = numbered(2 * SHOWN + 30)
    collected = set()

    class Partial(Server):
        """As a provider that hides what was collected."""
        @property
        def mail(self):
            return [m for m in self._mail if m[0] not in collected][:SHOWN]

        @mail.setter
        def mail(self, messages):
            # What a session leaves is not the mailbox.
            self.__dict__.setdefault("_mail", messages)

    def retr(session, number):
        collected.add(session.mail[int(number) - 1][0])
        return session.on_retr(number)

    with Partial(sent, RETR=retr) as server:
        account = Account(place, server)
        assert account.fetch()["stored_messages"] == len(sent)
        assert len(server.sessions) == 3
        assert len(account.filed()) == len(sent)
        server._mail.append((b"last", mail.plain("last")))
        account.change("sessions", "all")
        assert account.fetch()["stored_messages"] == 1
        assert len(server.sessions) == 5


# ---- patience ----

def test_a_refused_password_is_tried_once(place):
    with Server(numbered(1)) as server:
        account = Account(place, server)
        secret = account.place / "password"
        secret.write_text("wrong\n")
        account.fetch(ok=77)
        assert server.asked("PASS") == ["wrong"]
        ended = account.fetch(ok=77)
        assert len(server.sessions) == 1
        assert "refused this password" in ended["text"]
        account.fetch(77, "--retry")
        assert len(server.sessions) == 2
        # Another one need not wait.
        secret.write_text(hostile.PASSWORD + "\n")
        assert account.fetch()["stored_messages"] == 1
        secret.write_text("wrong again\n")
        account.fetch(ok=77)
        # Nor does one that was refused long ago, or in the future.
        for seconds in (3600, -3600):
            with ledger(account) as database:
                database.execute(
                    "UPDATE memory SET refusals = 1, refused_at ="
                    " CAST(strftime('%s') AS INTEGER) - ?", (seconds,))
            before = len(server.sessions)
            account.fetch(ok=77)
            assert len(server.sessions) == before + 1


def test_login_delay(place):
    """RFC 2449 section 6.5"""
    with Server(numbered(1), hostile.CAPABILITIES + ("LOGIN-DELAY 900",)
                ) as server:
        account = Account(place, server)
        account.fetch()
        ended = account.fetch(ok=75)
        assert "LOGIN-DELAY" in ended["text"]
        assert len(server.sessions) == 1
        account.fetch(0, "--retry")
        with ledger(account) as database:
            database.execute("UPDATE memory SET login_at = login_at - 900")
        account.fetch()
        assert len(server.sessions) == 3


@pytest.mark.parametrize("days, keep, after, says", [
    ("0", "yes", None, "lets no mail stay"), ("7", "yes", None, "after 7 days"),
    ("7", "no", "14d", "after 7 days"), ("7", "no", "2d", None),
    ("0", "no", None, None), ("NEVER", "yes", None, None)])
def test_expire(place, days, keep, after, says):
    """RFC 2449 section 6.7: what the server does to mail that is to stay is told
    once, and again when it changes."""
    with Server(numbered(1), hostile.CAPABILITIES + (f"EXPIRE {days}",)
                ) as server:
        account = Account(place, server, keep=keep, delete_after=after)
        account.fetch()
        assert [says in text for text in account.warnings()] == (
            [True] if says else [])
        account.forget_capabilities()
        account.fetch()
        assert account.warnings() == []
        server.capabilities = hostile.CAPABILITIES + ("EXPIRE 1 USER",)
        account.forget_capabilities()
        account.fetch()
        assert len(account.warnings()) == (
            0 if keep == "no" and after is None else 1)


# ---- who only wants to hold the line ----

def trickle(octets, seconds, until):
    def reply(session, _):
        session.send(b"+OK\r\n")
        while not until.wait(seconds):
            session.connection.sendall(octets)
    return reply


@pytest.mark.parametrize("verb", ["CAPA", "UIDL", "RETR"])
def test_minimum_rate(place, verb):
    """An octet now and then is less than minimum-rate."""
    over = threading.Event()
    with Server(numbered(3), **{verb: trickle(b"1", 0.1, over)}) as server:
        account = Account(place, server, timeout="1s")
        ended = account.fetch(ok=75)
        over.set()
        assert ended["outcome"] == "gone"
        assert "minimum-rate" in ended["text"]
        assert not account.filed()


def test_session_maximum(place):
    """Fast enough, and without end."""
    over = threading.Event()
    with Server(numbered(3), RETR=trickle(b"x" * 98 + b"\r\n", 0.1, over)
                ) as server:
        account = Account(place, server, session_maximum="10s")
        ended = account.fetch(ok=75)
        over.set()
        assert "more than 10 s" in ended["text"]


# ---- many at once ----

def hang(session, _):
    hostile.sleep_until_closed(session)


# 3 that hang, each at another step; 2 that flood.
BAD = ({"greeting": hang}, {"STAT": hang}, {"RETR": hang},
       {"UIDL": b"+OK\r\n0 x\r\n" * 9999},
       {"CAPA": b"+OK\r\n" + b"X\r\n" * 9999})
GOOD = 45


def timed_ends(account):
    """{account: seconds until its run had ended}, in that order; the code."""
    began, ends = time.monotonic(), {}
    with subprocess.Popen(list(map(str, account.command())),
                          env=account.environment(), text=True,
                          stdout=subprocess.PIPE) as program:
        for line in program.stdout:
            event = json.loads(line)
            if event["event"] == "ended":
                ends[event["account"]] = time.monotonic() - began
    return ends, program.returncode


def test_the_good_do_not_wait_for_the_others(place):
    """45 good accounts, 3 that hang, 2 that flood: the good ones take the time
    that they take without the others."""
    def fifty(place, bad, stack):
        place.mkdir()
        good = stack.enter_context(Server(numbered(3)))
        accounts = [Account(place, stack.enter_context(Server(
            numbered(3), **instead)), name=f"bad{n}", timeout="8s")
            for n, instead in enumerate(bad)]
        return accounts + [
            Account(place, good, name=f"good{n}", timeout="8s")
            for n in range(GOOD)]

    with contextlib.ExitStack() as stack:
        alone, code = timed_ends(fifty(place / "alone", (), stack)[0])
        assert len(alone) == GOOD and code == 0
        accounts = fifty(place / "all", BAD, stack)
        ends, code = timed_ends(accounts[0])
        assert len(ends) == 50 and code == 76
        assert set(list(ends)[-3:]) == {"bad0", "bad1", "bad2"}
        last = max(seconds for name, seconds in ends.items()
                   if name.startswith("good"))
        print(f"{GOOD} good accounts: {max(alone.values()):.2f} s alone, "
              f"{last:.2f} s beside 3 that hang and 2 that are hostile, which "
              f"ended after {max(ends.values()):.2f} s")
        # Twice as long is no waiting: that would be the others' 8 s.
        assert last < 2 * max(alone.values()) + 2
        for account in accounts[len(BAD):]:
            assert len(account.filed()) == 3
