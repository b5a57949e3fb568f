# SPDX-License-Identifier: ISC
"""SASL by hand: a client that can be told to lie."""
import base64
import hashlib
import hmac
import secrets
import ssl
import subprocess

import servers
import wires

PEER = servers.BUILD / "tests" / "peers" / "scram-client"


def encode(octets):
    return base64.b64encode(octets).decode()


def xor(left, right):
    return bytes(a ^ b for a, b in zip(left, right))


class Caller(wires.Wire):
    """POP3 over TLS, from an address of its choice: who failed must wait,
    and tests have no time for that."""

    def __init__(self, server, address="127.0.0.1", stls=False, tls12=False,
                 certificate=None):
        port = server.pop3_port if stls else server.pop3s_port
        context = wires.trust(server.ca_file)
        if tls12:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if certificate:
            context.load_cert_chain(*certificate)
        self.socket = wires.socket.create_connection(
            ("127.0.0.1", port), wires.TIMEOUT, (address, 0))
        if stls:
            self.file = self.socket.makefile("rb")
            assert self.line().startswith(b"+OK")
            assert self.ask("STLS").startswith("+OK")
        self.start_tls(context)
        if not stls:
            assert self.line().startswith(b"+OK")

    def lines(self, command):
        """Of a multi-line reply."""
        assert self.ask(command).startswith("+OK")
        return [line for line in iter(
            lambda: self.line().decode().rstrip("\r\n"), ".")]

    def mechanisms(self):
        """CAPA's; a bare AUTH must say the same."""
        found = [line.split()[1:] for line in self.lines("CAPA")
                 if line.startswith("SASL ")]
        assert self.lines("AUTH") == (found[0] if found else [])
        return found[0] if found else []

    def unique(self):
        """tls-unique; before TLS 1.3 alone."""
        return self.socket.get_channel_binding("tls-unique")


class Scram:
    """RFC 5802. After log_in: `replies`, all that the server said."""

    def __init__(self, caller, mechanism="SCRAM-SHA-256", user="alice",
                 password="demo", header="n,,", binding=b"", initial=True):
        self.caller, self.mechanism = caller, mechanism
        self.user, self.password = user, password
        self.header, self.binding, self.initial = header, binding, initial
        self.digest = "sha256" if "256" in mechanism else "sha1"
        self.replies = []
        self.salt = self.iterations = None

    def _ask(self, text):
        self.replies.append(self.caller.ask(text))
        return self.replies[-1]

    def _hmac(self, key, text):
        return hmac.digest(key, text.encode(), self.digest)

    def first(self):
        """The server's first message, or None when it refuses."""
        self.nonce = secrets.token_urlsafe(18)
        self.bare = f"n={self.user},r={self.nonce}"
        text = encode(f"{self.header}{self.bare}".encode())
        if self.initial:
            reply = self._ask(f"AUTH {self.mechanism} {text}")
        else:
            assert self._ask(f"AUTH {self.mechanism}") == "+ "
            reply = self._ask(text)
        if not reply.startswith("+ "):
            return None
        self.server_first = base64.b64decode(reply[2:]).decode()
        nonce, salt, iterations = self.server_first.split(",")
        assert nonce.startswith(f"r={self.nonce}")
        assert len(nonce) >= len(self.nonce) + 2 + 18
        self.full_nonce = nonce[2:]
        self.salt = base64.b64decode(salt[2:])
        self.iterations = int(iterations[2:])
        return self.server_first

    def final(self):
        """The server's reply to the proof."""
        bound = encode(self.header.encode() + self.binding)
        without = f"c={bound},r={self.full_nonce}"
        self.message = f"{self.bare},{self.server_first},{without}"
        salted = hashlib.pbkdf2_hmac(self.digest, self.password.encode(),
                                     self.salt, self.iterations)
        client_key = self._hmac(salted, "Client Key")
        stored_key = hashlib.new(self.digest, client_key).digest()
        proof = xor(client_key, self._hmac(stored_key, self.message))
        self.server_key = self._hmac(salted, "Server Key")
        return self._ask(encode(f"{without},p={encode(proof)}".encode()))

    def verifies(self, reply):
        """Has the server shown that it knows the password?"""
        signature = self._hmac(self.server_key, self.message)
        return base64.b64decode(reply[2:]).decode() == f"v={encode(signature)}"

    def log_in(self):
        """The last reply."""
        if not self.first():
            return self.replies[-1]
        reply = self.final()
        if not reply.startswith("+ "):
            return reply
        assert self.verifies(reply)
        return self._ask("")


def gnu_sasl(server, *options, user="alice", password="demo", stls=False,
             address="127.0.0.1"):
    """The exit code of tests/peers/scram_client.c, and what it printed."""
    port = server.pop3_port if stls else server.pop3s_port
    done = subprocess.run(
        [str(PEER), "--from", address, *(("--stls",) if stls else ()),
         *options, str(port), user, password],
        capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, done.stdout.decode()
