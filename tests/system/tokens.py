# SPDX-License-Identifier: ISC
"""Those who give tokens out: keys that sign JWTs, and an introspection server.
By Python's cryptography, which shares no code with what is tested."""
import base64
import http.server
import json
import threading
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

ISSUER = "https://issuer.example"
AUDIENCE = "pop3"


def encode(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def number(value, octets=None):
    length = octets or (value.bit_length() + 7) // 8
    return encode(value.to_bytes(length, "big"))


class Key:
    """One that signs tokens: RS256 or ES256."""

    def __init__(self, algorithm, name):
        self.algorithm, self.name = algorithm, name
        self.key = (rsa.generate_private_key(65537, 2048)
                    if algorithm == "RS256"
                    else ec.generate_private_key(ec.SECP256R1()))

    def jwk(self):
        public = self.key.public_key().public_numbers()
        if self.algorithm == "RS256":
            return dict(kty="RSA", kid=self.name, use="sig",
                        n=number(public.n), e=number(public.e))
        return dict(kty="EC", kid=self.name, crv="P-256",
                    x=number(public.x, 32), y=number(public.y, 32))

    def _signature(self, text):
        if self.algorithm == "RS256":
            return self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        der = self.key.sign(text, ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def token(self, user, header=None, **claims):
        head = dict(alg=self.algorithm, typ="JWT", kid=self.name)
        head.update(header or {})
        body = dict(iss=ISSUER, aud=AUDIENCE, email=user,
                    exp=int(time.time()) + 600)
        body.update(claims)
        text = ".".join(encode(json.dumps(part).encode())
                        for part in (head, body))
        return f"{text}.{encode(self._signature(text.encode()))}"


def write_jwks(path, *keys):
    """Put in its place whole."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"keys": [key.jwk() for key in keys]}))
    fresh.replace(path)


class Introspection:
    """RFC 7662 on a free port. `known` holds what is answered of a token;
    `broken` is a status to answer instead, `silent` makes it hang."""

    def __init__(self, client=("pop3", "s3cret:/"), context=None):
        self.known, self.asked = {}, []
        self.broken, self.silent = None, threading.Event()
        self.client = client
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def _is_client(self, headers):
        quoted = ":".join(urllib.parse.quote(part, safe="")
                          for part in self.client)
        wanted = base64.b64encode(quoted.encode()).decode()
        return headers.get("Authorization") == f"Basic {wanted}"

    def answer(self, request):
        length = int(request.headers["Content-Length"])
        form = urllib.parse.parse_qs(request.rfile.read(length).decode())
        token = form["token"][0]
        self.asked.append(token)
        while self.silent.is_set():
            time.sleep(0.05)
        status, body = 200, self.known.get(token, {"active": False})
        if not self._is_client(request.headers):
            status, body = 401, {"error": "invalid_client"}
        if self.broken:
            status, body = self.broken
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(octets)))
        request.end_headers()
        request.wfile.write(octets)

    def close(self):
        self.silent.clear()
        self.server.shutdown()
        self.server.server_close()
