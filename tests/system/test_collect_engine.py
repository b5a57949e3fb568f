# SPDX-License-Identifier: ISC
"""How restante speaks with servers that are far away, forgetful, slow, or ask
for patience."""
import contextlib
import sqlite3
import threading

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
        assert line.round_trips <= 7
        server.mail = [(u.encode(), o) for u, o in large(MANY, "b")]
        line.round_trips = 0
        assert account.fetch()["deleted_messages"] == MANY
        assert line.round_trips <= 5
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

def test_the_good_do_not_wait_for_the_others(place):
    """45 good accounts, 3 that hang, 2 that flood: the good ones end before
    the others do."""
    hang = lambda session, _: hostile.sleep_until_closed(session)
    with contextlib.ExitStack() as stack:
        def server(**instead):
            return stack.enter_context(Server(numbered(3), **instead))
        good = server()
        bad = [server(greeting=hang), server(STAT=hang), server(RETR=hang),
               server(UIDL=b"+OK\r\n0 x\r\n" * 9999),
               server(CAPA=b"+OK\r\n" + b"X\r\n" * 9999)]
        accounts = [Account(place, s, name=f"bad{n}", timeout="8s")
                    for n, s in enumerate(bad)]
        accounts += [Account(place, good, name=f"good{n}", timeout="8s")
                     for n in range(45)]
        accounts[0].fetch(ok=76)
        ended = [e["account"] for e in accounts[0].events
                 if e["event"] == "ended"]
        assert len(ended) == 50
        assert set(ended[-3:]) == {"bad0", "bad1", "bad2"}
        for account in accounts[5:]:
            assert len(account.filed()) == 3
