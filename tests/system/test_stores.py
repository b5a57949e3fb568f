# SPDX-License-Identifier: ISC
"""Stores without message files behind the real server: one in memory, whose
locks run out, and mbox files that other programs write to."""
import fcntl
import os
import poplib
import signal
import socket
import time

import pytest

import mail
import servers
import wires

LEASE_SECONDS = 6  # MEMORY_LEASE_MS of src/server/store_role.c
FROM = b"From ruth@example.org Thu Nov 19 08:30:00 2026\n"


def start(place, kind):
    """The demo's server with another store."""
    server = servers.Restanted(place).start()
    server.stop()
    text = server.config_file.read_text()
    mails = server.directory / "other"
    mails.mkdir()
    if os.geteuid() == 0:
        os.chown(mails, *[getattr(os.stat(server.directory / "mail"), f"st_{n}")
                          for n in ("uid", "gid")])
    text = text.replace("[server]", f"[server]\nstore = {kind}", 1)
    text = "\n".join(f"mail = {mails}/%u" if line.startswith("mail =") else line
                     for line in text.splitlines())
    server.config_file.write_text(text + "\n")
    server.start()
    server.empty()  # of what the demo puts there
    return server, mails


@pytest.fixture
def memory(place):
    server, _ = start(place, "memory")
    yield server
    server.stop()


@pytest.fixture
def mbox(place):
    server, mails = start(place, "mbox")
    yield server, mails / "alice"
    server.stop()


@pytest.mark.parametrize("kind", ["memory", "mbox"])
def test_ten_mebibytes(place, kind):
    server, _ = start(place, kind)
    try:
        sent = mail.every_octet()
        small = mail.plain("small")
        assert server.lmtp(sent)[1][0][0] == 250
        assert server.lmtp(small)[1][0][0] == 250
        for log_in in (wires.pop3, wires.pop3s):
            client = log_in(server)
            assert client.stat()[0] == 2
            octets = wires.octets(client, 1)
            mail.same(octets, sent)
            assert len(octets) == int(client.list(1).split()[2])
            mail.same(wires.octets(client, 2), small)
            assert len(client.top(1, 0)[1]) < 20
            client.quit()
        client = wires.pop3(server)
        client.dele(1)
        client.quit()
        assert wires.pop3s(server).stat()[0] == 1
    finally:
        server.stop()


def test_who_does_not_read_holds_nobody_up(memory):
    """A client asks for much and takes nothing; memory stays bounded, another
    one is served, and going away in the middle is no harm."""
    memory.lmtp(mail.every_octet())
    memory.lmtp(mail.plain("for bob"), "bob")
    slow = socket.create_connection(("127.0.0.1", memory.pop3_port))
    slow.sendall(b"USER alice\r\nPASS demo\r\nRETR 1\r\nRETR 1\r\n")
    servers.until(lambda: b"octets" in slow.recv(4096), what="a first octet")
    assert wires.pop3(memory, "bob").stat()[0] == 1
    slow.close()
    client = servers.until(lambda: try_login(memory), what="a free maildrop")
    assert client.stat()[0] == 1
    client.quit()


def try_login(server):
    try:
        return wires.pop3(server)
    except poplib.error_proto as refused:
        assert b"IN-USE" in refused.args[0]
        return None


def test_a_lease_is_kept(memory):
    memory.lmtp(mail.plain("stays"))
    client = wires.pop3(memory)
    end = time.monotonic() + LEASE_SECONDS + 1
    while time.monotonic() < end:
        time.sleep(0.5)
        with pytest.raises(poplib.error_proto, match="IN-USE"):
            wires.pop3(memory)
    client.dele(1)
    client.quit()
    assert wires.pop3(memory).stat()[0] == 0


def test_a_lease_that_is_lost_deletes_nothing(memory):
    memory.lmtp(mail.plain("must stay"))
    client = wires.pop3(memory)
    client.dele(1)
    store = memory.roles()["store 0"]
    os.kill(store, signal.SIGSTOP)
    time.sleep(LEASE_SECONDS + 1)
    os.kill(store, signal.SIGCONT)
    assert client.sock.recv(512).startswith(b"-ERR [SYS/TEMP]")
    assert client.sock.recv(512) == b""
    client = servers.until(lambda: try_login(memory), what="a free maildrop")
    assert client.stat()[0] == 1
    assert "lease-lost" in memory.program.text()


def test_mbox_of_others(mbox):
    server, inbox = mbox
    inbox.write_bytes(FROM + b"Subject: a\n\nbody\n\n"
                      + FROM + b"Subject: b\n\n.dot\n>From here\n\n")
    if os.geteuid() == 0:
        os.chown(inbox, *[getattr(os.stat(inbox.parent), f"st_{n}")
                          for n in ("uid", "gid")])
    client = wires.pop3(server)
    before = wires.uidls(client)
    assert wires.octets(client, 1) == b"Subject: a\r\n\r\nbody\r\n"
    # Mail comes while the session is open, from who knows locks alone.
    with open(inbox, "ab") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.write(FROM + b"Subject: late\n\n\n")
    assert wires.octets(client, 2) == b"Subject: b\r\n\r\n.dot\r\nFrom here\r\n"
    client.dele(1)
    client.quit()
    assert inbox.read_bytes() == (
        FROM + b"Subject: b\n\n.dot\n>From here\n\n"
        + FROM + b"Subject: late\n\n\n")
    client = wires.pop3s(server)
    assert wires.uidls(client)[0] == before[1]
    assert client.stat()[0] == 2
    client.close()


def test_mbox_delivered_and_locked(mbox):
    server, inbox = mbox
    server.lmtp(mail.plain("one", b"From me\r\n"))
    server.lmtp(mail.plain("two"))
    text = inbox.read_bytes()
    assert text.startswith(b"From ruth@example.org ")
    assert b"\n>From me\n\nFrom ruth" in text and b"\r" not in text
    with open(inbox, "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        with pytest.raises(poplib.error_proto, match="IN-USE"):
            wires.pop3(server)
    client = wires.pop3(server)
    mail.same(wires.octets(client, 1), mail.plain("one", b"From me\r\n"))
    # Another program writes all of it anew: no octet of another message.
    inbox.write_bytes(FROM + b"Subject: z\n\nother\n\n" * 9)
    with pytest.raises(poplib.error_proto):
        client.retr(2)
    client.close()
    server.restart()
    assert wires.pop3(server).stat()[0] == 1


def test_mbox_killed_while_it_deletes(mbox):
    """kill -9 of store at any moment: all or nothing, and the rest whole."""
    server, inbox = mbox
    for round_number in range(6):
        inbox.write_bytes(b"".join(
            FROM + b"Subject: %d\n\n" % n + b"x" * 60 * (n + 1) + b"\n\n"
            for n in range(40)))
        client = servers.until(lambda: try_login_again(server),
                               what="a login")
        for n in range(0, 40, 2):
            client.dele(n + 1)
        client._putcmd("QUIT")
        time.sleep(round_number * 0.002)
        os.kill(server.roles()["store 0"], signal.SIGKILL)
        client.close()
        client = servers.until(lambda: try_login_again(server),
                               what="a login")
        subjects = [mail.subject(wires.octets(client, n + 1))
                    for n in range(client.stat()[0])]
        client.quit()
        assert subjects in ([str(n) for n in range(40)],
                            [str(n) for n in range(1, 40, 2)]), subjects


def try_login_again(server):
    try:
        return wires.pop3(server)
    except (poplib.error_proto, OSError):
        return None
