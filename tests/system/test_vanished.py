# SPDX-License-Identifier: ISC
"""Clients that are gone without FIN or RST: their maildrops are free again soon,
while one that is there and slow is let be."""
import poplib
import re
import time

import pytest

import abuse
import far
import mail
import servers
import wires

VANISHED_SECONDS = 6  # of the setting
# A look at those that take nothing comes every 5 s, a tick every second.
NOTICED_SECONDS = VANISHED_SECONDS + 5 + 4
GONE = ("idle", "reading", "full")
LONG_MESSAGE = mail.plain("long", b"long\r\n" * 500_000)


@pytest.fixture
def there():
    if not far.is_possible():
        pytest.skip("needs a network namespace")
    other = far.Far()
    yield other
    other.close()


@pytest.fixture
def server(place, request, there):
    server = request.node.server = servers.Restanted(place).start()
    server.stop()
    text = server.config_file.read_text()
    port = server.pop3s_port
    server.config_file.write_text(text.replace(
        f"127.0.0.1:{port}", f"127.0.0.1:{port}, {there.address}:{port}"))
    abuse.add_users(server, (*GONE, "slow"))
    server.start()
    with server.config_file.open("a") as settings:
        settings.write(f"\n[limits]\nvanished = {VANISHED_SECONDS}s\n")
    server.ctl("reload")
    sent = server.lmtp(LONG_MESSAGE, *GONE, "slow")[1]
    assert [code for code, _ in sent] == [250] * 4
    yield server
    server.stop()


def enters(server, user):
    try:
        wires.pop3s(server, user).quit()
        return True
    except poplib.error_proto as error:
        assert b"[IN-USE]" in error.args[0], error
        return False


def test_maildrop_of_one_that_vanished_is_free_again(server, there):
    for mode in (*GONE, "stranger"):
        there.peer(mode, server.pop3s_port, mode)
    assert not any(enters(server, user) for user in GONE)
    there.vanish()
    for user in GONE:
        servers.until(lambda user=user: enters(server, user), NOTICED_SECONDS,
                      f"the maildrop of {user}")
    ends = re.findall(r'user="(\w+)".* end=vanished', server.program.text())
    assert sorted(ends) == sorted(GONE)


def test_one_that_is_there_and_slow_is_let_be(server, there):
    peer = there.peer("slow", server.pop3s_port, "slow")
    time.sleep(NOTICED_SECONDS)
    assert not enters(server, "slow")
    out, _ = peer.communicate("go on\n")
    assert int(out) >= 2_000_000
    servers.until(lambda: enters(server, "slow"))
