# SPDX-License-Identifier: ISC
"""A message of 50 MiB goes into each sink, and `restante` does not grow."""
import hashlib

import pytest

import clients
import hostile
import mail
import targets
from hostile import Account, Server

LARGE_OCTETS = 50 << 20
PEAK_OCTETS = 24 << 20
LINE = b"y" * 76 + b"\r\n"


@pytest.fixture(scope="module")
def large():
    return mail.plain("large", LINE * (LARGE_OCTETS // len(LINE) + 1))


class Taker(targets.Target):
    """An LMTP and SMTP server that keeps the digest of a message, not the
    message."""

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
                self.taken.append(digest.hexdigest())
            connection.sendall(b"250 fine\r\n")


class ImapTaker(targets.Imap):
    """The same for APPEND."""

    def literal(self, lines, octets):
        field = lines.readline()
        assert field.startswith(b"X-Restante-ID: ")
        rest, sha256 = octets - len(field), hashlib.sha256()
        while rest > 0:
            piece = lines.read(min(rest, 65536))
            sha256.update(piece)
            rest -= len(piece)
        return field + sha256.hexdigest().encode()


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
        assert target.taken == [digest(large)]


def test_smtp(place, large):
    with Server([("a", large)]) as server, Taker() as target:
        collect(place, server, deliver="smtp", deliver_tls="none",
                deliver_server=target.address,
                deliver_recipient="alice@example.org")
        assert target.taken == [digest(large)]


def test_imap(place, large):
    with Server([("a", large)]) as server, ImapTaker() as target:
        collect(place, server, deliver="imap", deliver_tls="none",
                deliver_server=target.address, deliver_user="me",
                deliver_password_file=clients.write_private(
                    place / "secret", "secret\n"))
        [(_, octets)] = target.taken
        assert octets.endswith(digest(large).encode())
