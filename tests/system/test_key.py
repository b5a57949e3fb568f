# SPDX-License-Identifier: ISC
"""The TLS key is where it signs, and nowhere else."""
import base64
import os
import re
import ssl

import pytest

import servers
import wires
from pairs import der, make_pair, section, shown, unchecked

looks_inside = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root may look into the roles")


def memory_has(pid, *needles):
    """Which of these octets stand in the writable memory of a process."""
    found = set()
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, flags = line.split()[:2]
            if not flags.startswith("rw") or "[v" in line:
                continue
            start, end = (int(x, 16) for x in span.split("-"))
            memory.seek(start)
            try:
                octets = memory.read(end - start)
            except OSError:
                continue
            found |= {n for n in needles if n in octets}
    return found


def secrets_of(key_file):
    """The private number as it may lie in memory: as DER and as OpenSSL has
    it while it counts, and the text of the file."""
    text = servers.run("openssl", "ec", "-in", key_file, "-noout",
                       "-text").stdout.decode()
    digits = re.search(r"priv:\s*([0-9a-f:\s]+)pub:", text)[1]
    number = bytes.fromhex(re.sub(r"[^0-9a-f]", "", digits))[-32:]
    body = key_file.read_text().split("-----")[2].split()
    base64.b64decode("".join(body))
    return number, number[::-1], body[0].encode()


@looks_inside
def test_no_other_role_has_the_key(server):
    needles = secrets_of(server.ca_file.parent / "key.pem")
    wires.pop3s(server).quit()
    holders = {name.split()[0] for name, pid in server.roles().items()
               if memory_has(pid, *needles)}
    assert holders == {"key"}


def test_a_handshake_while_key_is_away(server):
    """It may fail; the next key role serves the next client."""
    before = server.roles()
    os.kill(before["key 0"], 9)

    def enters():
        try:
            return wires.pop3s(server)
        except OSError:
            return None
    client = servers.until(enters, what="a handshake after the kill")
    client.quit()
    after = servers.until(
        lambda: r if (r := server.roles()).keys() == before.keys() else None,
        what="a new key role")
    assert {n for n in before if before[n] != after[n]} == {"key 0"}


def test_a_key_that_does_not_fit_is_not_taken(server):
    old = server.ca_file.read_bytes()
    servers.make_certificate(server.ca_file.parent / "other.pem",
                             server.ca_file.parent / "key.pem")
    server.program.process.send_signal(1)
    servers.until(lambda: "reload-failed" in server.program.text(),
                  what="the refusal")
    assert server.ca_file.read_bytes() == old
    wires.pop3s(server).quit()


def reloads(server):
    return server.program.text().count("reloaded what=certificate")


def reload(server):
    before = reloads(server)
    server.program.process.send_signal(1)
    servers.until(lambda: reloads(server) > before, what="the reload")


@looks_inside
def test_a_key_that_was_replaced_is_forgotten(server):
    """After some reloads, so that no handshake is left that needs it."""
    key_file = server.ca_file.parent / "key.pem"
    needles = secrets_of(key_file)
    key_role = server.roles()["key 0"]
    assert memory_has(key_role, *needles)
    for _ in range(4):
        servers.make_certificate(server.ca_file, key_file)
        reload(server)
        wires.pop3s(server).quit()
    # The number of the key itself: other text may lie in freed memory.
    assert not memory_has(key_role, *needles[:2])


def test_a_key_that_stays_survives_every_reload(server):
    for _ in range(5):
        reload(server)
        wires.pop3s(server).quit()


def test_an_rsa_certificate(server):
    """Signed for with PSS in TLS 1.3, with PKCS 1 too in TLS 1.2."""
    servers.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                "-days", "30", "-subj", "/CN=localhost", "-addext",
                "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout",
                server.ca_file.parent / "key.pem", "-out", server.ca_file)
    server.program.process.send_signal(1)
    servers.until(lambda: "reloaded what=certificate" in
                  server.program.text(), what="the reload")

    def works(*options):
        done = servers.run(
            "openssl", "s_client", "-quiet", "-verify_return_error",
            "-CAfile", server.ca_file, "-connect",
            f"localhost:{server.pop3s_port}", *options, input=b"QUIT\r\n",
            ok=(0, 1))
        return done.stdout.startswith(b"+OK")
    servers.until(lambda: works("-tls1_3"), what="TLS 1.3 by RSA")
    assert works("-tls1_2")
    assert works("-tls1_2", "-sigalgs", "RSA+SHA256")


# ---- without the role ----

WITHOUT = "key-role = no"


@pytest.mark.sanitize
@pytest.mark.parametrize("more, has_role", [(WITHOUT, False), ("", True)])
def test_by_name_and_by_kind(post, more, has_role):
    one, two, three = (make_pair(post.place, "one"),
                       make_pair(post.place, "two", kind="rsa"),
                       make_pair(post.place, "three", ("mail.example.com",)))
    server = post.start(section(one, two, more=more)
                        + section(three, name="example.com"))
    assert ("key 0" in server.roles()) == has_role
    assert shown(server.pop3s_port, None) == der(one[0])
    assert shown(server.pop3s_port, "mail.example.com") == der(three[0])
    rsa = unchecked(ssl.TLSVersion.TLSv1_2)
    rsa.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")
    assert shown(server.pop3s_port, None, rsa) == der(two[0])
    assert server.ctl("tls", "check").stdout.endswith(b"all is well\n")


def test_sessions_get_the_keys_and_their_successors(post):
    first, second = (make_pair(post.place, n) for n in ("first", "second"))
    links = (post.place / "live.pem", post.place / "live.key")
    for link, path in zip(links, first):
        link.symlink_to(path)
    server = post.start(section(links, more=WITHOUT))
    before = server.roles()
    if os.geteuid() == 0:
        holders = {name.split()[0] for name, pid in before.items()
                   if memory_has(pid, *secrets_of(first[1])[:2])}
        assert holders == {"session"}
    for link, path in zip(links, second):
        link.unlink()
        link.symlink_to(path)
    reload(server)
    servers.until(lambda: shown(server.pop3s_port) == der(second[0]),
                  what="the new pair")
    # A session that is started anew gets them too.
    for name, pid in before.items():
        if name.startswith("session"):
            os.kill(pid, 9)

    def enters():
        try:
            return shown(server.pop3s_port)
        except OSError:
            return None
    assert servers.until(enters, what="new sessions") == der(second[0])
