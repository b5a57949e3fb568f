# SPDX-License-Identifier: ISC
"""What is deleted on the server, and when."""
import contextlib
import sqlite3
import subprocess

import mail
from hostile import Account, Server

DAY = 86400


def numbered(count):
    return [(f"u{n}", mail.plain(f"number {n}")) for n in range(count)]


@contextlib.contextmanager
def ledger(account):
    database = sqlite3.connect(
        account.place / "home/.local/share/restante/ledger.db")
    with database:
        yield database
    database.close()


def pass_time(account, seconds):
    """The last run was so long ago, by the system's clock."""
    with ledger(account) as database:
        database.execute("UPDATE memory SET clock_wall = clock_wall - ?",
                         (seconds,))


def left(server):
    return [uidl.decode() for uidl, _ in server.mail]


def test_delete_after(place):
    with Server(numbered(20)) as server:
        account = Account(place, server, keep="no", delete_after="3d")
        account.fetch()
        pass_time(account, 2 * DAY)
        server.mail.append((b"new", mail.plain("new")))
        account.fetch()
        assert len(server.mail) == 21
        pass_time(account, 2 * DAY)
        assert account.fetch()["deleted_messages"] == 20
        assert left(server) == ["new"]
        pass_time(account, 2 * DAY)
        account.fetch()
        assert server.mail == []


def test_clock_jumps_delete_nothing(place):
    """Years forward, years back: no day of them counts."""
    with Server(numbered(3)) as server:
        account = Account(place, server, keep="no", delete_after="30d")
        account.fetch()
        for seconds in (3650 * DAY, -3650 * DAY, 8 * DAY, -DAY):
            pass_time(account, seconds)
            account.fetch()
            assert len(server.mail) == 3
        for _ in range(5):
            pass_time(account, 6 * DAY)
            account.fetch()
        assert len(server.mail) == 0


def test_delete_older(place):
    """By the date at which it arrived first; not believed after a jump."""
    def dated(text, year):
        return mail.plain(text).replace(b"Nov 2026", b"Nov " + year)

    with Server([("a", dated("old", b"2001"))]) as server:
        account = Account(place, server, keep="no", delete_older="2d")
        # The first run knows nothing of the clock.
        account.fetch()
        assert left(server) == ["a"]
        server.mail.append((b"b", dated("old too", b"2002")))
        fresh = dated("fresh", b"2099")
        server.mail.append((b"c", fresh))
        account.fetch()
        assert left(server) == ["a", "c"]
        pass_time(account, 3 * DAY)
        account.fetch()
        assert left(server) == []


def test_keep_newest(place):
    with Server(numbered(5)) as server:
        account = Account(place, server, keep="no", keep_newest=2)
        assert account.fetch()["deleted_messages"] == 3
        assert left(server) == ["u3", "u4"]
        assert len(account.filed()) == 5


def test_quota(place):
    """The oldest go, as many as are too much, and nothing else."""
    sent = numbered(5)
    room = sum(len(octets) for _, octets in sent[3:])
    with Server(sent) as server:
        account = Account(place, server, keep="no", quota=room)
        assert account.fetch()["deleted_messages"] == 3
        assert left(server) == ["u3", "u4"]
        assert account.fetch()["deleted_messages"] == 0


def test_maximum_deletions_and_the_plan(place):
    with Server(numbered(20)) as server:
        account = Account(place, server, keep="no", maximum_deletions=8)
        ended = account.fetch(0, "--dry-run")
        assert ended["to_delete_messages"] == 8
        assert len(server.mail) == 20 and not account.filed()
        for rest in (12, 4, 0):
            account.fetch()
            assert len(server.mail) == rest
        assert len(account.filed()) == 20


def test_what_is_to_be_deleted_needs_keep_no(place):
    with Server(numbered(1)) as server:
        account = Account(place, server, delete_after="3d")
        done = subprocess.run(
            list(map(str, account.command())), env=account.environment(),
            capture_output=True, timeout=60)
        assert done.returncode == 78 and b"keep = no" in done.stderr
