# SPDX-License-Identifier: ISC
"""POP3 sessions: one at a time, the same mail after a restart, many at once."""
import collections
import concurrent.futures
import poplib
import socket
import time

import pytest

import mail
import servers
import wires

CLIENTS = 50
MESSAGES_EACH = 8


@pytest.mark.sanitize
def test_second_login_is_in_use(server):
    server.lmtp(mail.plain("kept"))
    first = wires.pop3s(server)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[IN-USE\]"):
        wires.pop3s(server)
    # The refused one must not have freed the first one's lock.
    with pytest.raises(poplib.error_proto, match=r"-ERR \[IN-USE\]"):
        wires.pop3(server)
    assert first.stat()[0] == 1
    first.quit()
    assert wires.pop3s(server).stat()[0] == 1


def test_the_same_message_again_has_another_uidl(server):
    with wires.Lmtp(server.lmtp_port) as wire:
        for _ in range(3):
            wire.deliver(mail.plain("again"), "alice", "bob")
    kept = wires.uidls(wires.pop3s(server)) + \
        wires.uidls(wires.pop3s(server, "bob"))
    assert len(set(kept)) == 6


@pytest.mark.sanitize
def test_a_dropped_line_frees_the_mailbox_and_deletes_nothing(server):
    server.lmtp(mail.plain("kept"))
    client = wires.pop3(server)
    client.dele(1)
    client.sock.shutdown(socket.SHUT_RDWR)
    client.close()

    def enters():
        try:
            return wires.pop3(server)
        except poplib.error_proto:
            return None
    # Well before the 30 s after which a lock counts as forgotten.
    again = servers.until(enters, 15, "the lock of a dropped connection")
    assert again.stat()[0] == 1


def test_mail_that_comes_during_a_session_waits_for_the_next(server):
    server.lmtp(mail.plain("first"))
    client = wires.pop3s(server)
    server.lmtp(mail.plain("second"))
    assert client.stat()[0] == 1
    client.dele(1)
    client.quit()
    client = wires.pop3s(server)
    assert mail.subject(wires.octets(client, 1)) == "second"


@pytest.mark.sanitize
def test_restart_keeps_mail_and_uidls(server):
    for n in range(5):
        server.lmtp(mail.plain(f"number {n}"))
    client = wires.pop3s(server)
    client.dele(2)
    client.quit()
    client = wires.pop3s(server)
    before = wires.all_octets(client), wires.uidls(client)
    client.quit()
    server.restart()
    client = wires.pop3s(server)
    assert (wires.all_octets(client), wires.uidls(client)) == before
    assert len(set(before[1])) == 4


def test_killed_server_keeps_what_it_acknowledged(server):
    with wires.Lmtp(server.lmtp_port) as wire:
        for n in range(20):
            wire.deliver(mail.plain(f"number {n}"), "alice")
    client = wires.pop3s(server)
    client.dele(1)
    client.quit()
    uidls = wires.uidls(wires.pop3s(server))
    roles = server.roles()
    server.program.process.kill()
    server.program.process.wait()
    # Roles do not outlive their parent.
    servers.until(lambda: not any(
        servers.is_role(pid) for pid in roles.values()), 10, "roles to end")
    server.start()
    assert wires.uidls(wires.pop3s(server)) == uidls
    assert len(uidls) == 19


class Account:
    """What one thread does, from an address of its own, so that the limit of
    connections an address does not come into it."""

    def __init__(self, server, number):
        self.server, self.number = server, number

    def connect(self, port):
        wire = wires.Wire.__new__(wires.Wire)
        wire.socket = socket.create_connection(
            ("127.0.0.1", port), wires.TIMEOUT, (f"127.0.1.{self.number}", 0))
        wire.file = wire.socket.makefile("rb")
        return wire

    def deliver(self):
        user = ("alice", "bob")[self.number % 2]
        for n in range(MESSAGES_EACH):
            _, done = self.server.lmtp(
                mail.plain(f"{user} {self.number} {n}"), user)
            assert done[0][0] == 250
        return []

    def collect(self):
        """Everything in a maildrop, deleted; [] when another has it."""
        user = ("alice", "bob")[self.number % 2]
        wire = self.connect(self.server.pop3_port)
        assert wire.line().startswith(b"+OK")
        assert wire.ask(f"USER {user}").startswith("+OK")
        reply = wire.ask("PASS demo")
        if reply.startswith("-ERR [IN-USE]"):
            wire.close()
            return []
        assert reply.startswith("+OK"), reply
        count = int(wire.ask("STAT").split()[1])
        found = []
        for n in range(1, count + 1):
            assert wire.ask(f"RETR {n}").startswith("+OK")
            lines = list(iter(wire.line, b".\r\n"))
            found.append(mail.subject(b"".join(lines)))
            assert wire.ask(f"DELE {n}").startswith("+OK")
        assert wire.ask("QUIT").startswith("+OK")
        wire.close()
        return found

    def collect_for_a_while(self):
        found = []
        for _ in range(10):
            found += self.collect()
            time.sleep(0.05)
        return found


def test_fifty_clients_deliver_and_collect(server):
    half = CLIENTS // 2
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        jobs = [pool.submit(Account(server, n + 1).deliver)
                for n in range(half)]
        jobs += [pool.submit(Account(server, n + 101).collect_for_a_while)
                 for n in range(half)]
        found = [s for job in jobs for s in job.result()]
    found += Account(server, 200).collect() + Account(server, 201).collect()
    expected = {f"{('alice', 'bob')[n % 2]} {n} {m}"
                for n in range(1, half + 1) for m in range(MESSAGES_EACH)}
    assert set(found) == expected
    assert max(collections.Counter(found).values()) == 1
