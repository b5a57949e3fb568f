# SPDX-License-Identifier: ISC
"""Clients that pipeline and do not read, or read an octet now and then: they
cost bounded memory, and nobody else a thing."""
import contextlib
import os
import pathlib
import re
import socket
import time

import pytest

import mail
import servers
import wires
from test_policy import CONFIG, USERS

COMMANDS = 100_000
BODY = b"x" * 70 + b"\r\n"
# Of one connection: 64 KiB each way, TLS, its state; and what libc keeps.
GROWTH_KIB = 3072


@pytest.fixture
def impatient(place, request):
    """One session process; 5 s without taking output are too long."""
    base = servers.free_base((110, 995, 24))
    (place / "demo").mkdir()
    config = place / "restante.conf"
    config.write_text(CONFIG.format(
        place=place, users="session-processes = 1\n"
        + (USERS if os.geteuid() == 0 else ""), pop3=base + 110,
        pop3s=base + 995, lmtp=base + 24)
        + "[auth]\nplaintext-without-tls = yes\n[limits]\nstalled = "
        + f"{request.param}\n")
    server = servers.Restanted(place, base, config,
                               dict(pop3=110, pop3s=995, lmtp=24))
    request.node.server = server
    server.start()
    for user in ("alice", "bob"):
        server.ctl("user", "add", user, "--password-stdin", input=b"demo\n")
        for n in range(20):
            server.lmtp(mail.plain(f"number {n}", BODY * 300), user)
    yield server
    server.stop()


def resident_kib(server):
    status = pathlib.Path(f"/proc/{server.roles()['session 0']}/status")
    return int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1])


def login(server, user):
    """A raw socket with a small window, logged in without TLS."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.pop3_port))
    sock.settimeout(60)
    sock.sendall(f"USER {user}\r\nPASS demo\r\n".encode())
    seen = b""
    while seen.count(b"+OK") < 3:
        seen += sock.recv(512)
    return sock


def offer(sock, octets):
    """Sends what the other side takes at once; what is left."""
    with contextlib.suppress(BlockingIOError):
        while octets:
            octets = octets[sock.send(octets):]
    return octets


def is_dropped(sock):
    with contextlib.suppress(BlockingIOError):
        try:
            sock.send(b"NOOP\r\n")
        except (BrokenPipeError, ConnectionResetError):
            return True
    return False


def collect(server, user):
    client = wires.pop3s(server, user)
    got = wires.all_octets(client)
    client.quit()
    return len(got)


@pytest.mark.parametrize("impatient", ["5"], indirect=True)
@pytest.mark.parametrize("command", [b"RETR 1", b"NOOP"])
def test_pipelines_and_never_reads(impatient, command):
    assert collect(impatient, "bob") == 20
    sock = login(impatient, "alice")
    before = resident_kib(impatient)
    sock.setblocking(False)
    most, served, left = before, 0, b""
    while not is_dropped(sock):
        # Short replies fill the kernel's buffers late: there is always more.
        left = offer(sock, left or (command + b"\r\n") * COMMANDS)
        most = max(most, resident_kib(impatient))
        # Others are served meanwhile.
        served += collect(impatient, "bob") == 20
    assert served > 0
    assert most - before < GROWTH_KIB, (before, most)
    servers.until(lambda: 'why="takes no output"' in impatient.program.text(),
                  what="the log")
    sock.close()
    # Its lock is free, and nothing is gone.
    servers.until(lambda: collect_or_none(impatient) == 20,
                  what="the maildrop")


def collect_or_none(server):
    with contextlib.suppress(wires.poplib.error_proto):
        return collect(server, "alice")
    return None


@pytest.mark.parametrize("impatient", ["10m"], indirect=True)
def test_one_octet_a_second(impatient):
    """Ten that read so, and one that wants its mail."""
    slow = [login(impatient, "alice")]
    for _ in range(9):
        sock = socket.create_connection(("127.0.0.1", impatient.pop3_port))
        slow.append(sock)
        sock.sendall(b"CAPA\r\n" * 20)
    slow[0].sendall(b"RETR 1\r\n" * 200)
    end = time.monotonic() + 4
    rounds = 0
    while time.monotonic() < end:
        for sock in slow:
            assert sock.recv(1)
        assert collect(impatient, "bob") == 20
        rounds += 1
        time.sleep(1)
    assert rounds > 0
    assert all(sock.recv(1) for sock in slow)
    for sock in slow:
        sock.close()
