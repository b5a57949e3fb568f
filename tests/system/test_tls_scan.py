# SPDX-License-Identifier: ISC
"""Nothing below TLS 1.2, no weak cipher, as an independent scanner sees it."""
import subprocess

import pytest

import servers
import tls_scan
import wires
from pairs import make_pair, section

# Forward secret, with authenticated encryption (RFC 9325 section 4.2).
GOOD = {
    "TLSv1.3": {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                "TLS_CHACHA20_POLY1305_SHA256"},
    "TLSv1.2": {f"ECDHE-{key}-{cipher}" for key in ("ECDSA", "RSA")
                for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384",
                               "CHACHA20-POLY1305")},
}


@pytest.fixture
def both_kinds(post):
    return post.start(section(make_pair(post.place, "ec"),
                              make_pair(post.place, "rsa", kind="rsa")))


@pytest.mark.skipif(not servers.installed("sslscan"),
                    reason="sslscan is not installed")
@pytest.mark.parametrize("port, options", [
    ("pop3s_port", ()), ("pop3_port", ("--starttls-pop3",))])
def test_sslscan_finds_nothing_weak(both_kinds, port, options):
    found = tls_scan.scan(getattr(both_kinds, port), *options)
    assert found["protocols"] == {"TLS 1.2", "TLS 1.3"}
    assert {p: {c for q, c, _ in found["ciphers"] if q == p}
            for p in GOOD} == GOOD
    assert {p for p, _, _ in found["ciphers"]} == set(GOOD)
    assert min(bits for _, _, bits in found["ciphers"]) >= 128
    assert not found["renegotiation"]
    assert not found["heartbleed"]


def test_nothing_is_compressed(both_kinds):
    """No scanner's OpenSSL can ask for it any more."""
    assert tls_scan.compression_chosen(both_kinds.pop3s_port) == 0


def test_a_client_cannot_renegotiate(both_kinds):
    """`R` makes s_client ask for it, once the greeting is there: octets of
    the server in the middle of a handshake would end it for that reason."""
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect",
         f"127.0.0.1:{both_kinds.pop3s_port}", "-tls1_2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    while line := client.stdout.readline():
        if line.startswith(b"+OK"):
            break
    rest, _ = client.communicate(b"R\nQUIT\r\n", servers.START_SECONDS)
    assert b"RENEGOTIATING" in rest
    assert b"no renegotiation" in rest
    wires.Wire(both_kinds.pop3_port).close()
