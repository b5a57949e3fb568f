# SPDX-License-Identifier: ISC
"""Delivery: who is known, who is not, and what is refused."""
import pytest

import mail
import wires

pytestmark = pytest.mark.sanitize


def test_unknown_user(server):
    replies, done = server.lmtp(mail.plain("lost"), "nobody-here")
    assert replies[0][0] == 550 and replies[0][1].startswith("5.1.1")
    assert done == []


def test_two_recipients_one_unknown(server):
    with wires.Lmtp(server.lmtp_port) as wire:
        replies, done = wire.deliver(mail.plain("two"), "nobody-here",
                                     "bob@localhost", "alice")
    assert [r[0] for r in replies] == [550, 250, 250]
    assert [d[0] for d in done] == [250, 250]
    for user in ("alice", "bob"):
        client = wires.pop3s(server, user)
        assert client.stat()[0] == 1
        mail.same(wires.octets(client, 1), mail.plain("two"))


def test_replies_to_an_envelope_in_one_piece(server):
    """RFC 2920 section 3.2: what comes together is answered together."""
    with wires.Lmtp(server.lmtp_port) as wire:
        wire.send(b"MAIL FROM:<ruth@example.org>\r\nRCPT TO:<alice>\r\n"
                  b"RCPT TO:<nobody-here>\r\nDATA\r\n")
        replies = wire.socket.recv(4096).decode().splitlines()
    assert [r[:3] for r in replies] == ["250", "250", "550", "354"]


def test_stamps_name_the_delivery(server):
    server.lmtp(mail.plain("stamped"), "Alice@LOCALHOST")
    top = wires.octets(wires.pop3s(server), 1).decode()
    assert top.startswith("Return-Path: <ruth@example.org>\r\n"
                          "Delivered-To: ")
    assert "Received: from test.example.org" in top


def test_bounce_has_an_empty_return_path(server):
    with wires.Lmtp(server.lmtp_port) as wire:
        wire.deliver(mail.plain("bounce"), "alice", sender="")
    assert wires.octets(wires.pop3s(server), 1).startswith(
        b"Return-Path: <>\r\n")


def test_many_messages_on_one_connection(server):
    with wires.Lmtp(server.lmtp_port) as wire:
        for n in range(50):
            _, done = wire.deliver(mail.plain(f"number {n}"), "alice")
            assert done[0][0] == 250
    client = wires.pop3s(server)
    subjects = [mail.subject(o) for o in wires.all_octets(client)]
    assert subjects == [f"number {n}" for n in range(50)]


def test_dropped_in_the_middle_leaves_nothing(server):
    wire = wires.Lmtp(server.lmtp_port)
    wire.command("MAIL FROM:<ruth@example.org>")
    wire.command("RCPT TO:<alice>")
    wire.command("DATA")
    wire.send(mail.plain("half", b"x\r\n" * 50_000))
    wire.close()
    server.lmtp(mail.plain("whole"))
    client = wires.pop3s(server)
    assert [mail.subject(o) for o in wires.all_octets(client)] == ["whole"]


def test_too_large_is_refused_by_size(server):
    with wires.Lmtp(server.lmtp_port) as wire:
        code, text = wire.command(
            "MAIL FROM:<ruth@example.org> SIZE=99999999999")
    assert code == 552 and text.startswith("5.3.4")
