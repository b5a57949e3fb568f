# SPDX-License-Identifier: ISC
"""A proxy in front says whose a connection is: the PROXY protocol."""
import re
import socket
import ssl
import struct
import time

import pytest

import servers
import wires

pytestmark = pytest.mark.sanitize

# Who calls from here is a proxy; the tests call from 127.0.0.1 too.
PROXY, OTHER = "127.0.0.7", "127.0.0.1"
CLIENT, CLIENT6 = "192.0.2.77", "2001:db8:7::77"
MARK = b"\r\n\r\n\0\r\nQUIT\n"


def line(client=CLIENT, family="TCP4"):
    return f"PROXY {family} {client} {client} 4711 995\r\n".encode()


def binary(client=CLIENT, command=0x21, tlvs=b""):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    host = socket.inet_pton(family, client)
    body = host + host + struct.pack("!HH", 4711, 995) + tlvs
    return MARK + bytes([command, 0x21 if ":" in client else 0x11]) + \
        struct.pack("!H", len(body)) + body


class Proxied(wires.Wire):
    """Through a proxy: `header` goes first, in pieces of so many octets."""

    def __init__(self, server, header, source=PROXY, tls=False, pieces=0):
        port = server.pop3s_port if tls else server.pop3_port
        self.socket = socket.create_connection(
            ("127.0.0.1", port), wires.TIMEOUT, (source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(header), pieces or len(header) or 1):
            self.send(header[at:at + (pieces or len(header))])
            time.sleep(0.01 if pieces else 0)
        if tls:
            context = ssl.create_default_context(cafile=str(server.ca_file))
            self.start_tls(context)
        self.file = self.socket.makefile("rb")

    def login(self, password="demo", user="alice"):
        assert self.line().startswith(b"+OK Restante at ")
        assert self.ask(f"USER {user}").startswith("+OK")
        return self.ask(f"PASS {password}")


@pytest.fixture
def server(place, request):
    first = servers.Restanted(place)
    request.node.server = first
    first.start()
    first.stop()
    text = first.config_file.read_text()
    text = re.sub(r"(\[listener pop3s?\]\n)",
                  rf"\1proxy-networks = {PROXY}/32, ::2\n", text)
    first.config_file.write_text(text)
    first.start()
    yield first
    first.stop()


def logged(server, what):
    servers.until(lambda: what in server.program.text(),
                  what=f"{what!r} in the log")


HEADERS = (
    (line(), f"{CLIENT}:4711"),
    (line(CLIENT6, "TCP6"), f"[{CLIENT6}]:4711"),
    (binary(), f"{CLIENT}:4711"),
    (binary(CLIENT6, tlvs=b"\2\0\4host"), f"[{CLIENT6}]:4711"),
    (b"PROXY UNKNOWN\r\n", rf"{PROXY}:\d+"),
    (binary(command=0x20), rf"{PROXY}:\d+"),
)


@pytest.mark.parametrize("tls", [False, True], ids=["pop3", "pop3s"])
def test_the_log_has_whose_it_is(server, tls):
    for header, address in HEADERS:
        for pieces in (0, 11):
            before = server.program.text().count(" login id=")
            with Proxied(server, header, tls=tls, pieces=pieces) as wire:
                assert wire.login().startswith("+OK")
                assert wire.ask("QUIT").startswith("+OK")
            logins = servers.until(lambda: re.findall(
                r" login id=\S+ addr=(\S+)",
                server.program.text())[before:], what="the login in the log")
            assert len(logins) == 1, (header, logins)
            assert re.fullmatch(address if "\\" in address
                                else re.escape(address), logins[0]), header


def test_the_client_may_speak_at_once(server):
    """Header and commands in one write."""
    for header in (line(), binary()):
        wire = Proxied(server, header + b"USER alice\r\nPASS demo\r\nQUIT\r\n")
        assert [wire.line()[:3] for _ in range(4)] == [b"+OK"] * 4
        wire.close()


def test_a_proxy_that_does_not_say_is_sent_away(server):
    for said, why in (
            (b"USER alice\r\n", "it sends none"),
            (b"PROXY TCP4 192.0.2.1 995\r\n", "its line is not of version 1"),
            (binary(tlvs=b"\3\0\4abcd"), "its checksum is wrong"),
            (b"", "the proxy left before it said whose it is")):
        wire = Proxied(server, said)
        if not said:
            wire.socket.shutdown(socket.SHUT_WR)
        try:
            assert wire.line() == b""
        except ConnectionResetError:
            pass
        wire.close()
        # A line of this kind is written once a second.
        time.sleep(1.1)
        logged(server, f'proxy-refused addr={PROXY}:')
        logged(server, f'why="{why}"')


def test_nobody_else_is_believed(server):
    """From elsewhere it is a bad command, and no address."""
    with Proxied(server, line(), source=OTHER) as wire:
        assert wire.line().startswith(b"+OK")
        assert wire.line().startswith(b"-ERR")
        assert wire.ask("USER alice").startswith("+OK")
        assert wire.ask("PASS demo").startswith("+OK")
    assert CLIENT not in server.program.text()
    client = wires.pop3s(server)
    client.quit()


def test_penalties_are_the_clients(server):
    with Proxied(server, line()) as wire:
        assert wire.login("wrong").startswith("-ERR [AUTH]")
    assert CLIENT in server.ctl("status").stdout.decode()
    assert PROXY not in server.ctl("status").stdout.decode()
    # Another one behind the same proxy does not wait for him.
    with Proxied(server, line("192.0.2.78")) as wire:
        assert wire.login().startswith("+OK")


def test_the_limit_is_of_the_client(server):
    held = [Proxied(server, line()) for _ in range(20)]
    assert all(w.line().startswith(b"+OK") for w in held)
    with Proxied(server, line()) as wire:
        assert wire.line().startswith(b"-ERR [SYS/TEMP] ")
        assert wire.line() == b""
    logged(server, f"connection-refused addr={CLIENT}:4711")
    with Proxied(server, line("192.0.2.78"), tls=True) as wire:
        assert wire.login().startswith("+OK")
    for wire in held:
        wire.close()
