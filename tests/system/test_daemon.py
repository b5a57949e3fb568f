# SPDX-License-Identifier: ISC
"""restante fetch --daemon: intervals, signals, the service manager."""
import json
import signal
import subprocess
import threading
import time

import pytest

import clients
import hostile
import mail
import servers
from hostile import Account, Server
from manager import Manager


class Daemon:
    """Ended by its own pid, whatever the test did."""

    def __init__(self, account, *more, **environment):
        self.output = account.place / "daemon.log"
        self.account = account
        self.process = subprocess.Popen(
            [*account.command("--daemon"), *more], stdin=subprocess.DEVNULL,
            stdout=open(self.output, "ab"),
            stderr=open(account.place / "daemon.err", "ab"),
            start_new_session=True,
            env={**account.environment(), **environment})

    def events(self, kind, account=None):
        return [e for e in map(json.loads, self.output.read_text()
                               .rpartition("\n")[0].splitlines())
                if e["event"] == kind and e["account"] == (
                    account or e["account"])]

    def wait_for(self, kind, account=None, count=1):
        def there():
            assert self.process.poll() is None, self.errors()
            found = self.events(kind, account)
            return found if len(found) >= count else None
        return servers.until(there, what=f"{kind} of {account}")

    def errors(self):
        text = (self.account.place / "daemon.err").read_text()
        for alarm in servers.ALARMS:
            assert alarm not in text, text
        return text

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        self.send(number)
        return self.process.wait(servers.STOP_SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.errors()


def numbered(count, prefix="u"):
    return [(f"{prefix}{n}", mail.plain(f"{prefix} {n}"))
            for n in range(count)]


def status(account):
    done = clients.restante(account.place, "-c", account.config, "status",
                            "--json")
    return {one["account"]: one for one in json.loads(done.stdout)}


def test_it_comes_again_at_the_interval(place):
    with Server(numbered(1)) as server:
        account = Account(place, server, interval="1s")
        with Daemon(account) as daemon:
            daemon.wait_for("ended")
            server.mail.append((b"new", mail.plain("new")))
            servers.until(lambda: len(account.filed()) == 2,
                          what="the new message")
            daemon.wait_for("next", count=2)
            assert daemon.stop() == 0


def test_what_is_told_to_the_manager(place):
    manager = Manager(place)
    with Server(numbered(2)) as server:
        account = Account(place, server, interval="1h")
        with Daemon(account, NOTIFY_SOCKET=str(manager.path),
                    WATCHDOG_USEC="200000") as daemon:
            manager.wait_for("READY=1")
            daemon.wait_for("ended")
            manager.wait_for("STATUS=1 accounts, 0 collecting, 0 failing; "
                             "2 messages so far")
            manager.wait_for("WATCHDOG=1")
            daemon.send(signal.SIGHUP)
            servers.until(lambda: any(
                h.startswith("MONOTONIC_USEC=") for h in manager.hear()))
            assert daemon.stop() == 0
            manager.wait_for("STOPPING=1")


def test_status_says_when_it_comes(place):
    with Server(numbered(1)) as server:
        account = Account(place, server, interval="10m")
        assert status(account)["alice"]["next_run_at_seconds"] is None
        with Daemon(account) as daemon:
            told = daemon.wait_for("next", count=2)[-1]["at_seconds"]
            at = status(account)["alice"]["next_run_at_seconds"]
            assert at == told
            assert 8 * 60 < at - time.time() < 12 * 60
            text = clients.restante(
                place, "-c", account.config, "status").stdout.decode()
            assert "NEXT RUN" in text and " in " in text and "good" in text
            assert daemon.stop() == 0
        # One that is no more says nothing.
        assert status(account)["alice"]["next_run_at_seconds"] is None


def test_sigusr1_collects_at_once(place):
    with Server(numbered(1)) as server:
        account = Account(place, server, interval="0")
        with Daemon(account) as daemon:
            daemon.wait_for("ended")
            assert len(daemon.events("next")) == 1
            server.mail.append((b"new", mail.plain("new")))
            daemon.send(signal.SIGUSR1)
            daemon.wait_for("ended", count=2)
            assert len(account.filed()) == 2
            assert daemon.stop(signal.SIGINT) == 0


def test_sigusr1_while_it_collects_is_not_lost(place):
    begun, go_on = threading.Event(), threading.Event()

    def retr(session, number):
        begun.set()
        hostile.wait_for(go_on)
        return session.on_retr(number)
    with Server(numbered(1), RETR=retr) as server:
        account = Account(place, server, interval="0")
        with Daemon(account) as daemon:
            hostile.wait_for(begun)
            server.mail.append((b"new", mail.plain("new")))
            daemon.send(signal.SIGUSR1)
            go_on.set()
            daemon.wait_for("ended", count=2)
            assert len(account.filed()) == 2
            assert daemon.stop() == 0


def test_sighup_reads_the_accounts_again(place):
    with Server(numbered(1)) as server:
        account = Account(place, server, interval="1h")
        with Daemon(account) as daemon:
            daemon.wait_for("ended", "alice")
            # What is wrong changes nothing.
            good = account.config.read_text()
            account.config.write_text(good + "nonsense = 1\n")
            daemon.send(signal.SIGHUP)
            servers.until(lambda: "stay as they were" in daemon.errors())
            assert "nonsense" in daemon.errors()
            account.config.write_text(good)
            Account(place, server, name="bob", interval="1h")
            daemon.send(signal.SIGHUP)
            daemon.wait_for("ended", "bob")
            # The one that was there before keeps its turn.
            assert len(daemon.events("ended", "alice")) == 1
            assert set(status(account)) == {"alice", "bob"}
            assert daemon.stop() == 0


def test_sighup_lets_a_run_go_on(place):
    begun, go_on = threading.Event(), threading.Event()

    def retr(session, number):
        begun.set()
        hostile.wait_for(go_on)
        return session.on_retr(number)
    with Server(numbered(3), RETR=retr) as server:
        account = Account(place, server, interval="1h")
        with Daemon(account) as daemon:
            hostile.wait_for(begun)
            account.config.write_text("")
            daemon.send(signal.SIGHUP)
            go_on.set()
            daemon.wait_for("ended", "alice")
            assert len(account.filed()) == 3
            assert daemon.stop() == 0


@pytest.mark.parametrize("keep", ["yes", "no"])
def test_sigterm_keeps_what_is_whole(place, keep):
    """The message in the middle is not filed; the others are, and known."""
    begun, over = threading.Event(), threading.Event()

    def retr(session, number):
        if int(number) < 4:
            return session.on_retr(number)
        session.send(b"+OK\r\nSubject: a part\r\n")
        begun.set()
        over.wait(hostile.RUN_SECONDS)
        return None
    with Server(numbered(6), RETR=retr) as server:
        account = Account(place, server, keep=keep, interval="1h")
        with Daemon(account) as daemon:
            hostile.wait_for(begun)
            assert daemon.stop() == 0
            over.set()
            assert "stopped" in daemon.events("ended")[-1]["text"]
        assert len(account.filed()) == 3 and not account.left_over()
        assert len(server.mail) == 6
        server.instead.clear()
        assert account.fetch()["stored_messages"] == 3
        assert len(account.filed()) == 6
        assert len(server.mail) == (6 if keep == "yes" else 0)


def test_one_daemon_at_a_time(place):
    with Server() as server:
        account = Account(place, server)
        with Daemon(account) as daemon:
            daemon.wait_for("ended")
            done = clients.restante(place, "-c", account.config, "fetch",
                                    "--daemon", ok=(75,))
            assert b"another restante fetch --daemon runs" in done.stderr
            assert daemon.stop() == 0


def test_a_password_that_hangs_holds_up_none(place):
    """Nor the end."""
    with Server(numbered(1)) as server:
        account = Account(place, server, name="good", interval="1h")
        Account(place, server, name="slow", interval="1h",
                password_file=None, password_command="exec sleep 600")
        with Daemon(account) as daemon:
            daemon.wait_for("ended", "good")
            assert not daemon.events("ended", "slow")
            assert daemon.stop() == 0
            assert "stopped before it had begun" in \
                daemon.events("ended", "slow")[-1]["text"]


def test_failures_wait_longer(place):
    with Server(numbered(1)) as server:
        server.instead["greeting"] = b"-ERR not now\r\n"
        account = Account(place, server, interval="1s")
        with Daemon(account) as daemon:
            daemon.wait_for("ended")
            told = daemon.wait_for("next", count=2)[-1]["at_seconds"]
            assert told - time.time() > 60
            # A person knows better.
            del server.instead["greeting"]
            daemon.send(signal.SIGUSR1)
            daemon.wait_for("ended", count=2)
            assert len(account.filed()) == 1
            assert daemon.stop() == 0


def test_dry_run_does_not_stay(place):
    with Server() as server:
        account = Account(place, server)
        done = clients.restante(place, "-c", account.config, "fetch",
                                "--daemon", "--dry-run", ok=(64,))
        assert b"--daemon goes with" in done.stderr


def test_without_a_terminal_nobody_is_asked(place):
    with Server(numbered(1)) as server:
        account = Account(place, server, password_file=None)
        done = subprocess.run(
            account.command(), env=account.environment(), timeout=60,
            stdin=subprocess.DEVNULL, capture_output=True,
            start_new_session=True)
        assert done.returncode == 77
        assert b"nobody to ask for the password" in done.stderr
        assert not server.sessions
