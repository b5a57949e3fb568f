# SPDX-License-Identifier: ISC
"""A server with a configuration of its own, as an administrator would set it
up: no plain password without TLS, LMTP on a Unix socket or a port."""
import os
import poplib

import pytest

import mail
import servers
import wires

pytestmark = pytest.mark.sanitize

CONFIG = """
[server]
hostname = localhost
state = {place}/demo/state
mail = {place}/demo/mail/%u
log = stderr
{users}
[listener pop3]
address = 127.0.0.1:{pop3}
[listener pop3s]
address = 127.0.0.1:{pop3s}
[listener lmtp]
address = 127.0.0.1:{lmtp}
"""
# Numbers that no user of this machine has: a test makes no system users.
USERS = """user = 61701
auth-user = 61702
session-user = 61703
web-user = 61704
key-user = 61705
"""


@pytest.fixture
def strict(place):
    base = servers.free_base((110, 995, 24))
    (place / "demo").mkdir()
    config = place / "restante.conf"
    config.write_text(CONFIG.format(
        place=place, users=USERS if os.geteuid() == 0 else "",
        pop3=base + 110, pop3s=base + 995, lmtp=base + 24))
    server = servers.Restanted(place, base, config,
                               dict(pop3=110, pop3s=995, lmtp=24))
    try:
        server.start()
        server.ctl("user", "add", "alice", "--password-stdin",
                   input=b"demo\n")
        yield server
    finally:
        server.stop()


def capabilities(client):
    return {name: words for name, words in client.capa().items()}


def test_no_plain_password_without_tls(strict):
    client = poplib.POP3("127.0.0.1", strict.pop3_port, timeout=60)
    offered = capabilities(client)
    assert "STLS" in offered and "USER" not in offered
    assert "PLAIN" not in offered.get("SASL", [])
    with pytest.raises(poplib.error_proto):
        client.user("alice")
    with wires.Wire(strict.pop3_port) as wire:
        wire.line()
        assert wire.ask("AUTH PLAIN AGFsaWNlAGRlbW8=").startswith("-ERR")
        assert wire.ask("STAT").startswith("-ERR")


def test_the_same_password_with_tls(strict):
    strict.lmtp(mail.plain("one"))
    client = wires.pop3(strict, stls=True)
    assert client.stat()[0] == 1
    client.quit()
    assert wires.pop3s(strict).stat()[0] == 1


def test_commands_behind_stls_are_thrown_away(strict):
    """Octets sent in one piece with STLS must not run inside TLS."""
    with wires.Wire(strict.pop3_port) as wire:
        wire.line()
        wire.send(b"STLS\r\nUSER mallory\r\nNOOP\r\n")
        assert wire.line().startswith(b"+OK")
        try:
            wire.start_tls(wires.trust(strict.ca_file))
            reply = wire.ask("CAPA")
        except OSError:
            return
        assert reply.startswith("+OK") and "apab" in reply.lower() or (
            wire.line().startswith((b"TOP", b"UIDL", b"USER", b"SASL")))


def test_no_stls_inside_tls(strict):
    with wires.Wire(strict.pop3s_port, wires.trust(strict.ca_file)) as wire:
        wire.line()
        assert wire.ask("STLS").startswith("-ERR")
