# SPDX-License-Identifier: ISC
"""A message of 50 MiB goes into each sink, and `restante` does not grow."""
import hashlib
import socket
import threading

import pytest

import clients
import hostile
import mail
from hostile import Account, Server

LARGE_OCTETS = 50 << 20
PEAK_OCTETS = 24 << 20
LINE = b"y" * 76 + b"\r\n"


@pytest.fixture(scope="module")
def large():
    return mail.plain("large", LINE * (LARGE_OCTETS // len(LINE) + 1))


class Taker(threading.Thread):
    """An LMTP server that keeps the digest of a message, not the message."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.digests = []
        self.start()

    def run(self):
        try:
            self.serve(self.listener.accept()[0])
        except OSError:
            pass

    def serve(self, connection):
        lines = connection.makefile("rb")
        connection.sendall(b"220 ready\r\n")
        while line := lines.readline():
            verb = line.split()[0].upper()
            if verb == b"DATA":
                connection.sendall(b"354 go\r\n")
                digest = hashlib.sha256()
                field = lines.readline()
                assert field.startswith(b"X-Restante-ID: ")
                while (line := lines.readline()) != b".\r\n":
                    digest.update(line.removeprefix(b"."))
                self.digests.append(digest.hexdigest())
            connection.sendall(b"250 fine\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


def collect(place, server, **settings):
    account = Account(place, server, keep="no", maximum_message="100MiB",
                      **settings)
    ended, peak = hostile.measured(account, ok=0)
    print(f"peak {peak / (1 << 20):.1f} MiB")
    assert ended["deleted_messages"] == 1
    assert peak < PEAK_OCTETS or hostile.is_sanitized()
    return account


def test_maildir(place, large):
    with Server([("a", large)]) as server:
        account = collect(place, server)
        [path] = clients.maildir_files(account.mail)
        assert digest(path.read_bytes()) == digest(large)


def test_mbox(place, large):
    with Server([("a", large)]) as server:
        collect(place, server, deliver="mbox", mbox=place / "mbox")
        assert (place / "mbox").stat().st_size > LARGE_OCTETS // 79 * 77


def test_pipe(place, large):
    program = place / "take"
    program.write_text(f"#!/bin/sh\nsed 1d > {place}/taken\n")
    program.chmod(0o700)
    with Server([("a", large)]) as server:
        collect(place, server, deliver="pipe", deliver_command=program)
        assert digest((place / "taken").read_bytes()) == digest(large)


def test_lmtp(place, large):
    with Server([("a", large)]) as server, Taker() as target:
        collect(place, server, deliver="lmtp", deliver_tls="none",
                deliver_server=target.address,
                deliver_recipient="alice@example.org")
        assert target.digests == [digest(large)]
