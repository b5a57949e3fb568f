# SPDX-License-Identifier: ISC
"""Postfix in front: a message comes by SMTP, goes on by LMTP, is collected."""
import pytest

import mail
import postfix
import servers
import wires


SOCKET = """
[listener lmtp]
address = unix:{path}
group = postfix
"""


@pytest.fixture
def relay(server):
    if why := postfix.why_not():
        pytest.skip(why)
    path = server.place / "lmtp.sock"
    server.stop()
    with open(server.config_file, "a", encoding="utf-8") as config:
        config.write(SOCKET.format(path=path))
    server.start()
    relay = postfix.Postfix(server.place, f"unix:{path}")
    try:
        yield relay.start()
    finally:
        relay.stop()


def wait_for_mail(server, user, count):
    def has():
        client = wires.pop3s(server, user)
        found = wires.all_octets(client)
        client.quit()
        return found if len(found) >= count else None
    return servers.until(has, 30, f"{count} messages for {user}")


def test_through_postfix(server, relay):
    for octets in mail.ORDINARY.values():
        relay.send(octets, "alice@example.net")
    arrived = wait_for_mail(server, "alice", len(mail.ORDINARY))
    by_subject = {mail.subject(o): o for o in arrived}
    # poplib does not give UTF8.
    for octets in map(mail.without_utf8, mail.ORDINARY.values()):
        got = mail.without_stamps(by_subject.pop(mail.subject(octets)))
        # Postfix puts its own Received in front and changes nothing else.
        assert got.startswith(b"Received: from ")
        assert mail.digest(got[-len(octets):]) == mail.digest(octets)
    assert not by_subject


def test_unknown_user_bounces(server, relay):
    relay.send(mail.plain("to both"), "alice@example.net",
               "nobody-here@example.net")
    assert mail.subject(wait_for_mail(server, "alice", 1)[0]) == "to both"
    bounced = servers.until(
        lambda: [line for line in relay.log().splitlines()
                 if "to=<nobody-here@example.net>" in line], what="the bounce")
    assert "dsn=5.1.1" in bounced[0] and "status=bounced" in bounced[0]
    assert "550 5.1.1" in bounced[0]


def test_the_bounce_comes_back_by_lmtp(server, relay):
    relay.send(mail.plain("lost"), "nobody-here@example.net",
               sender="alice@example.net")
    bounce = wait_for_mail(server, "alice", 1)[0]
    assert bounce.startswith(b"Return-Path: <>\r\n")
    assert b"550 5.1.1" in bounce and b"nobody-here@example.net" in bounce


def test_postfix_keeps_mail_while_the_server_is_away(server, relay):
    server.stop()
    relay.send(mail.plain("patient"), "alice@example.net")
    servers.until(lambda: "status=deferred" in relay.log(),
                  what="the message to be deferred")
    server.start()
    relay.flush()
    assert mail.subject(wait_for_mail(server, "alice", 1)[0]) == "patient"
