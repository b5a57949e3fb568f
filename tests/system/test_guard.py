# SPDX-License-Identifier: ISC
"""Who may try how often to log in, and whom it costs."""
import json
import socket
import threading
import time

import pytest

import servers

pytestmark = pytest.mark.alone
ATTACKER = "127.0.0.66"


class Caller:
    """A POP3 client that calls from an address of its choice."""

    def __init__(self, server, address="127.0.0.1"):
        self.socket = socket.create_connection(
            ("127.0.0.1", server.pop3_port), 120, (address, 0))
        self.file = self.socket.makefile("rb")
        self.file.readline()

    def ask(self, command):
        self.socket.sendall(command.encode() + b"\r\n")
        return self.file.readline().decode().rstrip()

    def login(self, password, user="alice"):
        self.ask(f"USER {user}")
        return self.ask(f"PASS {password}")

    def close(self):
        self.file.close()
        self.socket.close()


def login(server, password="demo", address="127.0.0.1", user="alice"):
    """The reply to PASS and how long it took."""
    caller = Caller(server, address)
    start = time.monotonic()
    reply = caller.login(password, user)
    took = time.monotonic() - start
    if reply.startswith("+OK"):
        caller.ask("QUIT")
    caller.close()
    return reply, took


def test_failures_delay_who_failed(server):
    assert login(server, "guess 1", ATTACKER)[0].startswith("-ERR [AUTH]")
    for guess, delay in ((2, 2), (3, 4)):
        reply, took = login(server, f"guess {guess}", ATTACKER)
        assert reply.startswith("-ERR [AUTH]") and took >= delay * 0.95, took
    # The next would wait for 8 seconds: the owner elsewhere does not.
    behind = threading.Thread(
        target=login, args=(server, "guess 4", ATTACKER))
    behind.start()
    reply, took = login(server)
    assert reply.startswith("+OK") and behind.is_alive()
    # And the right password gets in from there too, in its turn.
    reply, took = login(server, "demo", ATTACKER)
    assert reply.startswith("+OK") and took >= 4
    behind.join()


def test_the_same_wrong_password_does_not_escalate(server):
    for _ in range(4):
        assert login(server, "stale", ATTACKER)[0].startswith("-ERR [AUTH]")
    reply, took = login(server, "other", ATTACKER)
    assert reply.startswith("-ERR [AUTH]")
    # One failure before it, not four: those would cost 15 s.
    assert 2 * 0.95 <= took < 8, took


def test_a_change_of_the_password_holds_at_once(server):
    assert login(server)[0].startswith("+OK")
    assert login(server)[0].startswith("+OK")
    server.ctl("user", "passwd", "alice", "--password-stdin", input=b"new\n")
    assert login(server)[0].startswith("-ERR [AUTH]")
    assert login(server, "new")[0].startswith("+OK")
    server.ctl("user", "passwd", "alice", "--password-stdin", input=b"demo\n")
    assert login(server, "demo")[0].startswith("+OK")


def test_a_removed_account_is_out_at_once(server):
    assert login(server, user="bob")[0].startswith("+OK")
    server.ctl("user", "remove", "bob")
    assert login(server, user="bob")[0].startswith("-ERR [AUTH]")
    # Made anew with the same password it is another account.
    server.ctl("user", "add", "bob", "--password-stdin", input=b"demo\n")
    assert login(server, user="bob")[0].startswith("+OK")


def penalties(server):
    status = json.loads(server.ctl("status", "--json").stdout)
    return {(p["address"], p["account"]): p for p in
            status["penalties"]["latest"]}


def test_the_operator_sees_and_forgives(server):
    assert login(server)[0].startswith("+OK")
    assert penalties(server) == {}
    for guess in (1, 2):
        login(server, f"guess {guess}", ATTACKER)
    found = penalties(server)
    assert set(found) == {(ATTACKER, ""), ("", "alice"), (ATTACKER, "alice")}
    assert found[ATTACKER, ""]["failures"] == 2
    assert 0 < found[ATTACKER, ""]["wait_seconds"] <= 4
    assert ATTACKER in server.ctl("status").stdout.decode()
    said = server.ctl("forgive", ATTACKER).stdout.decode()
    assert said == f"{ATTACKER} may try again at once\n"
    assert set(penalties(server)) == {("", "alice")}
    said = server.ctl("forgive", ATTACKER).stdout.decode()
    assert said == f"nothing is held against {ATTACKER}\n"
    # As one that never failed: the next is not held back, the second for 2 s.
    assert login(server, "guess 3", ATTACKER)[1] < 4
    assert penalties(server)[ATTACKER, ""]["failures"] == 1
    server.ctl("forgive", "alice")
    assert ("", "alice") not in penalties(server)
