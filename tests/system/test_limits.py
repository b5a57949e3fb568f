# SPDX-License-Identifier: ISC
"""How many may be connected, and who goes when there are too many."""
import os
import re
import signal
import socket

import pytest

import servers
import wires

pytestmark = pytest.mark.sanitize

ATTACKER, HONEST = "127.0.0.66", "127.0.0.67"


class From(wires.Wire):
    """A client that calls from an address of its choice."""

    def __init__(self, server, address, port=None):
        self.socket = socket.create_connection(
            ("127.0.0.1", port or server.pop3_port), wires.TIMEOUT,
            (address, 0))
        self.file = self.socket.makefile("rb")

    def is_greeted(self):
        return self.line().startswith(b"+OK")

    def is_gone(self):
        """The server closes it, or has."""
        try:
            while self.line():
                pass
        except ConnectionResetError:
            pass
        return True

    def login(self, user="alice"):
        self.ask(f"USER {user}")
        return self.ask("PASS demo")


@pytest.fixture
def limited(place, request):
    """Starts a demo server with these [limits]."""
    server = servers.Restanted(place)
    request.node.server = server

    def start(limits, processes=1):
        server.start()
        server.stop()
        text = server.config_file.read_text()
        server.config_file.write_text(
            re.sub(r"(\[server\]\n)",
                   rf"\1session-processes = {processes}\n", text)
            + f"\n[limits]\n{limits}\n")
        return server.start()

    yield start
    server.stop()


def closed(wires_):
    for wire in wires_:
        wire.close()


def test_who_holds_connections_open_keeps_nobody_out(limited):
    """Full, the oldest that has not logged in makes room; nobody else."""
    server = limited("connections = 30\naddress-connections = 0")
    owner = From(server, HONEST)
    assert owner.is_greeted() and owner.login("bob").startswith("+OK")
    # Far more than there is room for, and he does not give up one.
    held = [From(server, ATTACKER) for _ in range(60)]
    assert all(w.is_greeted() for w in held[-20:])
    for _ in range(3):
        honest = From(server, HONEST)
        assert honest.is_greeted() and honest.login().startswith("+OK")
        assert honest.ask("STAT").startswith("+OK")
        assert honest.ask("QUIT").startswith("+OK")
        honest.close()
    # He who had logged in was not touched, whose turn it was is gone.
    assert owner.ask("STAT").startswith("+OK")
    assert held[0].is_gone()
    assert held[-1].login("nobody").startswith("-ERR [AUTH]")
    servers.until(lambda: f"connection-dropped addr={ATTACKER}:" in
                  server.program.text(), what="the line in the log")
    closed(held + [owner])


def test_one_address_has_so_many_before_the_login(limited):
    """Over all session processes, which the kernel chooses among."""
    server = limited("exempt-networks =", processes=3)
    held = [From(server, ATTACKER) for _ in range(20)]
    assert all(w.is_greeted() for w in held)
    for port in (server.pop3_port, server.pop3s_port) * 2:
        with From(server, ATTACKER, port) as wire:
            said = wire.line()
            assert said == b"" or said.startswith(b"-ERR [SYS/TEMP] "), said
            assert (said == b"") == (port == server.pop3s_port)
    servers.until(lambda: f"connection-refused addr={ATTACKER}:" in
                  server.program.text(), what="the line in the log")
    # Others are not concerned, nor is the count of who goes or logs in.
    with From(server, HONEST) as wire:
        assert wire.is_greeted() and wire.login().startswith("+OK")
        assert wire.ask("QUIT").startswith("+OK")
    held.pop().close()
    assert held[0].login().startswith("+OK")
    for _ in range(2):
        servers.until(lambda: (w := From(server, ATTACKER)).is_greeted()
                      and not held.append(w), what="room for one more")
    with From(server, ATTACKER) as wire:
        assert wire.line().startswith(b"-ERR [SYS/TEMP] ")
    closed(held)


def test_a_process_that_died_counts_nobody(limited):
    server = limited("exempt-networks =\naddress-connections = 3")
    held = [From(server, ATTACKER) for _ in range(3)]
    assert all(w.is_greeted() for w in held)
    os.kill(server.roles()["session 0"], signal.SIGKILL)
    assert all(w.is_gone() for w in held)
    wire = servers.until(
        lambda: (w := From(server, ATTACKER)).is_greeted() and w,
        what="a session process with room")
    assert wire.login().startswith("+OK")
    closed(held + [wire])


def test_who_is_exempt(limited):
    server = limited(f"exempt-networks = {HONEST}/32, ::1\n"
                     "address-connections = 2")
    held = [From(server, HONEST) for _ in range(5)]
    assert all(w.is_greeted() for w in held)
    more = [From(server, ATTACKER) for _ in range(3)]
    assert [w.is_greeted() for w in more] == [True, True, False]
    closed(held + more)
