# SPDX-License-Identifier: ISC
"""The server's side of SCRAM (RFC 5802, RFC 7677) for the scripted server, with
every step to be replaced by what no server should say."""
import base64
import hashlib
import hmac

SALT, ITERATIONS = b"salt of the test", 4096


def encode(octets):
    return base64.b64encode(octets).decode()


class Scram:
    """AUTH for hostile.Server. first, final: in place of the server's message,
    a function of it; ok: what ends it well."""

    def __init__(self, password, digest="sha256", first=None, final=None,
                 ok=b"+OK\r\n"):
        self.password, self.digest = password.encode(), digest
        self.first = first or (lambda message: encode(message.encode()))
        self.final = final or (lambda message: encode(message.encode()))
        self.ok, self.answers = ok, []

    def hmac(self, key, octets):
        return hmac.digest(key, octets, self.digest)

    def keys(self, iterations=ITERATIONS):
        salted = hashlib.pbkdf2_hmac(
            self.digest, self.password, SALT, iterations)
        return (self.hmac(salted, b"Client Key"),
                self.hmac(salted, b"Server Key"))

    def say(self, session, text):
        """A challenge; the answer to it, or None when it is cancelled."""
        session.send(b"+ " + text.encode() + b"\r\n")
        answer = session.line()
        self.answers.append(answer)
        return None if answer == "*" else base64.b64decode(answer).decode()

    def __call__(self, session, argument):
        _, _, initial = argument.partition(" ")
        bare = base64.b64decode(initial).decode().split(",", 2)[2]
        nonce = bare.rpartition("r=")[2] + "server"
        message = f"r={nonce},s={encode(SALT)},i={ITERATIONS}"
        final = self.say(session, self.first(message))
        if final is None:
            return b"-ERR cancelled\r\n"
        without, _, proof = final.rpartition(",p=")
        client_key, server_key = self.keys()
        signed = ",".join((bare, message, without)).encode()
        stored = hashlib.new(self.digest, client_key).digest()
        expected = bytes(a ^ b for a, b in zip(
            client_key, self.hmac(stored, signed)))
        if base64.b64decode(proof) != expected:
            return b"-ERR [AUTH] no\r\n"
        signature = self.final("v=" + encode(self.hmac(server_key, signed)))
        if signature is None:
            return self.ok
        answer = self.say(session, signature)
        return b"-ERR cancelled\r\n" if answer is None else self.ok
