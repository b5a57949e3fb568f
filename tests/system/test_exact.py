# SPDX-License-Identifier: ISC
"""Octet by octet through the whole system: in by LMTP, out by every way."""
import re

import pytest

import clients
import mail
import wires


def with_crlf(octets):
    return re.sub(rb"(?<!\r)\n", b"\r\n", octets)


@pytest.fixture(scope="module")
def big():
    return mail.every_octet()


def test_ten_mib_by_poplib(server, big):
    assert server.lmtp(big)[1][0][0] == 250
    mail.same(wires.octets(wires.pop3s(server), 1), big)
    mail.same(wires.octets(wires.pop3(server), 1), big)


@pytest.mark.parametrize("client", ["curl"], indirect=True)
def test_ten_mib_by_curl(server, client, big):
    assert server.lmtp(big)[1][0][0] == 250
    mail.same(clients.curl(server, 1), big)
    mail.same(clients.curl(server, 1, "pop3", "--ssl-reqd"), big)


@pytest.mark.parametrize("client", ["curl"], indirect=True)
def test_ten_mib_with_bare_line_feeds(server, client, big):
    """They come out as CRLF; nothing else changes."""
    header, _, body = big.partition(b"\r\n\r\n")
    body = body.replace(b"\r\n.", b"\n.").replace(b"e", b"\n")
    sent = header + b"\r\n\r\n" + body
    assert len(sent) < len(with_crlf(sent))
    assert server.lmtp(sent)[1][0][0] == 250
    mail.same(wires.octets(wires.pop3s(server), 1), with_crlf(sent))
    mail.same(clients.curl(server, 1), with_crlf(sent))


@pytest.mark.sanitize
def test_every_octet_small(server):
    sent = mail.every_octet(300_000)
    assert server.lmtp(sent)[1][0][0] == 250
    mail.same(wires.octets(wires.pop3s(server), 1), sent)


# Only CRLF.CRLF ends a message; a bare LF is stored as CRLF, no more.
@pytest.mark.sanitize
@pytest.mark.parametrize("body", [
    b"one\ntwo\r\n", b"a\n.\nb\r\n", b"a\n.\r\nb\r\n", b"a\r\n.\nb\r\n",
    b"a\r.\rb\r\n", b"\n\n\r\n", b"a\r\r\nb\r\n"], ids=repr)
def test_bare_newline(server, body):
    sent = mail.plain("bare newline", body)
    assert server.lmtp(sent)[1][0][0] == 250
    client = wires.pop3s(server)
    assert client.stat()[0] == 1
    mail.same(wires.octets(client, 1), with_crlf(sent))


@pytest.mark.sanitize
def test_nul(server):
    sent = mail.plain("nul", b"a\0b\r\n\0\r\n")
    assert server.lmtp(sent)[1][0][0] == 250
    mail.same(wires.octets(wires.pop3s(server), 1), sent)


@pytest.mark.parametrize("octets", [b"\r\n", b"x\r\n", b".\r\n",
                                    b"Subject: no end\r\n"], ids=repr)
def test_odd_messages(server, octets):
    assert server.lmtp(octets)[1][0][0] == 250
    client = wires.pop3s(server)
    got = wires.octets(client, 1)
    mail.same(got, octets)
    assert client.stat() == (1, len(got))
