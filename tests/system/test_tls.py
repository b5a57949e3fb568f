# SPDX-License-Identifier: ISC
"""TLS: which certificate, reloads, tickets, what is refused."""
import os
import re
import socket
import ssl
import sys

import pytest

import servers
import wires
from pairs import der, make_pair, section, shown, unchecked


# Of struct tcp_info, linux/tcp.h.
DATA_SEGMENTS_IN = 152


class Segments:
    """TLS over a socket whose segments are counted."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port),
                                               wires.TIMEOUT)
        self.come, self.go = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = unchecked().wrap_bio(self.come, self.go,
                                        server_hostname="localhost")
        self.counted = 0

    def count(self):
        """How many came with octets since the last call."""
        before, info = self.counted, self.socket.getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, DATA_SEGMENTS_IN + 4)
        self.counted = int.from_bytes(info[DATA_SEGMENTS_IN:], sys.byteorder)
        return self.counted - before

    def until(self, step):
        """Its result, when the server has sent what it needs."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.socket.sendall(self.go.read())
                if not (octets := self.socket.recv(1 << 16)):
                    return None
                self.come.write(octets)

    def line(self, command=b""):
        if command:
            self.tls.write(command)
            self.socket.sendall(self.go.read())
        return self.until(lambda: self.tls.read(512))


@pytest.mark.sanitize
def test_what_belongs_together_comes_in_one_segment(server):
    wire = Segments(server.pop3s_port)
    wire.until(wire.tls.do_handshake)
    wire.count()
    # The ticket and the greeting.
    assert wire.line().startswith(b"+OK") and wire.count() == 1
    assert wire.line(b"NOOP\r\n").startswith(b"-ERR") and wire.count() == 1
    # The reply, close_notify and the end of the stream.
    assert wire.line(b"QUIT\r\n").startswith(b"+OK")
    assert wire.socket.recv(1 << 16) == b""
    assert wire.count() == 1
    wire.socket.close()


# ---- which certificate ----

@pytest.mark.sanitize
def test_by_name_and_by_kind(post):
    one, two, three = (make_pair(post.place, "one"),
                       make_pair(post.place, "two", kind="rsa"),
                       make_pair(post.place, "three",
                                 ("mail.example.com", "*.pop.example.com")))
    server = post.start(section(one, two)
                        + section(three, name="example.com"))
    for name, pair in ((None, one), ("localhost", one), ("no.such", one),
                       ("example.com", three), ("MAIL.example.com", three),
                       ("a.pop.example.com", three), ("pop.example.com", one)):
        assert shown(server.pop3s_port, name) == der(pair[0]), name
    rsa = unchecked(ssl.TLSVersion.TLSv1_2)
    rsa.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    assert shown(server.pop3s_port, None, rsa) == der(two[0])
    # The key role signs for all of them, after STLS too.
    with wires.Wire(server.pop3_port) as wire:
        assert wire.line().startswith(b"+OK")
        assert wire.ask("STLS").startswith("+OK")
        tls = unchecked().wrap_socket(wire.socket,
                                      server_hostname="mail.example.com")
        assert tls.getpeercert(True) == der(three[0])
        tls.close()


def test_an_alien_protocol_is_sent_away(server):
    with socket.create_connection(("127.0.0.1", server.pop3s_port)) as raw:
        with pytest.raises(ssl.SSLError, match="no application protocol"):
            unchecked(alpn=["http/1.1", "imap"]).wrap_socket(raw)
    with socket.create_connection(("127.0.0.1", server.pop3s_port)) as raw:
        wire = unchecked(alpn=["h2", "pop3"]).wrap_socket(raw)
        assert wire.selected_alpn_protocol() == "pop3"
        wire.close()


# ---- reload ----

def replace(pair, fresh):
    """As certbot does it: a link points elsewhere, one after the other."""
    for link, target in zip(pair, fresh):
        temporary = link.with_suffix(link.suffix + ".next")
        temporary.symlink_to(target)
        os.replace(temporary, link)


def live_pair(place, number, **more):
    pair = make_pair(place, f"archive{number}", **more)
    links = (place / "live.pem", place / "live.key")
    return pair, links


def start_live(post, **more):
    pair, links = live_pair(post.place, 1, **more)
    replace(links, pair)
    server = post.start(section(links))
    return server, pair, links


def test_files_that_change_are_taken(post):
    server, old, links = start_live(post)
    assert shown(server.pop3s_port) == der(old[0])
    with wires.Wire(server.pop3s_port, unchecked()) as client:
        client.line()
        client.ask("USER alice")
        assert client.ask("PASS demo").startswith("+OK")
        fresh = make_pair(post.place, "archive2", kind="rsa")
        replace(links, fresh)
        servers.until(lambda: shown(server.pop3s_port) == der(fresh[0]),
                      what="the new certificate")
        assert client.ask("NOOP").startswith("+OK")
        assert client.ask("QUIT").startswith("+OK")
    assert "reload-failed" not in server.program.text()


def test_sighup_takes_them_at_once(post):
    server, _, links = start_live(post)
    fresh = make_pair(post.place, "archive2")
    replace(links, fresh)
    server.program.process.send_signal(1)
    servers.until(lambda: shown(server.pop3s_port) == der(fresh[0]),
                  what="the new certificate")


def reload_failures(server):
    return re.findall("reload-failed .*", server.program.text())


def test_a_pair_that_does_not_fit_is_not_taken(post):
    """The log names the files; the next good pair ends the trouble."""
    server, old, links = start_live(post)
    replace(links[:1], make_pair(post.place, "archive2")[:1])
    failures = servers.until(lambda: reload_failures(server),
                             what="the refusal")
    assert f"{links[0]}, {links[1]}" in failures[0]
    assert shown(server.pop3s_port) == der(old[0])
    fresh = make_pair(post.place, "archive3")
    replace(links, fresh)
    servers.until(lambda: shown(server.pop3s_port) == der(fresh[0]),
                  what="the good certificate")
    assert len(reload_failures(server)) == 1


def test_files_that_are_broken_are_not_taken(post):
    server, old, links = start_live(post)

    def ruin(link, text):
        link.unlink()
        if text:
            link.write_text(text)
        count = len(reload_failures(server))
        server.program.process.send_signal(1)
        failures = servers.until(
            lambda: f if len(f := reload_failures(server)) > count else None,
            what="the refusal")
        assert str(link) in failures[count]
        assert shown(server.pop3s_port) == der(old[0])
        replace(links, old)
    ruin(links[0], "-----BEGIN CERTIFICATE-----\nnonsense\n")
    ruin(links[1], "")
    ruin(links[1], "-----BEGIN PRIVATE KEY-----\nAA==\n")


@pytest.mark.sanitize
def test_one_broken_pair_holds_up_no_other(post):
    good, bad = make_pair(post.place, "good"), make_pair(post.place, "bad")
    server = post.start(section(bad) + section(good, name="example.com"))
    before = der(bad[0])
    bad[0].write_text("nonsense")
    make_pair(post.place, "good")
    server.program.process.send_signal(1)
    servers.until(lambda: shown(server.pop3s_port, "example.com")
                  == der(good[0]), what="the other certificate")
    assert shown(server.pop3s_port) == before
    assert "reload-failed" in server.program.text()


def test_a_start_names_the_file(post):
    certificate, _ = make_pair(post.place, "one")
    _, key = make_pair(post.place, "two")
    config = post.settings(section((certificate, key), name="x.example"))
    for more in ([], ["-n"]):
        done = servers.run(servers.BUILD / "restanted", "-c", config, *more,
                           ok=(78,))
        error = done.stderr.decode()
        assert f"{certificate}, {key}: the key does not belong" in error


# ---- tickets ----

def resumes(server, session_file, version, ok=True):
    """A connection with the ticket of the last; was it good?"""
    out = ["-sess_out", session_file]
    into = ["-sess_in", session_file] if session_file.exists() else []
    done = servers.run("openssl", "s_client", "-connect",
                       f"127.0.0.1:{server.pop3s_port}", "-ign_eof", version,
                       *out, *into,
                       input=b"QUIT\r\n", ok=(0, 1))
    assert b"Cipher is" in done.stdout, done
    return b"\nReused, " in done.stdout


def session_processes(server):
    return [name for name in server.roles() if name.startswith("session")]


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_tickets_are_good_in_every_process(server, version):
    """The kernel deals connections out: of twenty one hits another one."""
    assert len(session_processes(server)) >= 1
    ticket = server.place / "session"
    assert not resumes(server, ticket, version)
    for _ in range(20 if len(session_processes(server)) > 1 else 3):
        assert resumes(server, ticket, version)


def rotations(server):
    return server.program.text().count("ticket-keys rotated=yes")


def is_good_after_one_rotation(server, ticket, version):
    """Or None: the machine was too slow to say."""
    begun = rotations(server)
    ticket.unlink(missing_ok=True)
    resumes(server, ticket, version)
    kept = ticket.read_bytes()
    servers.until(lambda: rotations(server) > begun, what="a rotation")
    is_good = resumes(server, ticket, version)
    now = rotations(server)
    ticket.write_bytes(kept)
    return is_good if now == begun + 1 else None


def test_tickets_outlive_one_rotation(post):
    server = post.start("[tls]\nticket-rotation = 2s\n", log_level="debug")
    ticket, old = post.place / "ticket", post.place / "old"
    for version in ("-tls1_2", "-tls1_3"):
        servers.until(lambda: is_good_after_one_rotation(
            server, ticket, version), what="a ticket that outlives its key")
        kept = ticket.read_bytes()

        def is_good():
            old.write_bytes(kept)
            return resumes(server, old, version)
        servers.until(lambda: not is_good(), what="the end of an old ticket")
