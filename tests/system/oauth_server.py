# SPDX-License-Identifier: ISC
"""An OAuth 2.0 server that does as it is told: device codes (RFC 8628), codes
for a browser with PKCE (RFC 7636), and tokens that are replaced at each use."""
import base64
import hashlib
import http.server
import json
import ssl
import threading
import urllib.parse

CLIENT = "restante-test"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        octets = int(self.headers["Content-Length"])
        form = dict(urllib.parse.parse_qsl(self.rfile.read(octets).decode()))
        status, answer = self.server.owner.answer(self.path, form)
        octets = answer if isinstance(answer, bytes) else \
            json.dumps(answer).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)
        except OSError:
            pass  # it was too much, or took too long

    def log_message(self, *_):
        pass


class OAuthServer:
    """instead: path -> (status, answer), or a function of the form. pending:
    what is said before a code is typed. rotates: a refresh token is good once."""

    def __init__(self, certificate=None, pending=(), rotates=True,
                 expires_in=3600, **instead):
        self.pending, self.instead = list(pending), instead
        self.rotates, self.expires_in = rotates, expires_in
        self.asked, self.number = [], 0
        self.refresh, self.access = set(), set()
        self.challenges = {}
        self.http = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        self.http.daemon_threads, self.http.owner = True, self
        self.port = self.http.server_address[1]
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.http.socket = context.wrap_socket(
                self.http.socket, server_side=True)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def url(self, path):
        host = "localhost" if self.scheme == "https" else "127.0.0.1"
        return f"{self.scheme}://{host}:{self.port}/{path}"

    def settings(self):
        return {"oauth": "custom", "oauth_client_id": CLIENT,
                "oauth_scope": "mail", "password_file": None,
                "oauth_device_url": self.url("device"),
                "oauth_authorize_url": self.url("authorize"),
                "oauth_token_url": self.url("token"),
                "oauth_loopback_http":
                    "yes" if self.scheme == "http" else "no"}

    # ---- what it answers ----

    def tokens(self):
        self.number += 1
        access, refresh = f"access-{self.number}", f"refresh-{self.number}"
        self.access.add(access)
        self.refresh.add(refresh)
        return 200, {"access_token": access, "token_type": "Bearer",
                     "refresh_token": refresh, "expires_in": self.expires_in}

    def refuse(self, error):
        return 400, {"error": error, "error_description": f"about {error}"}

    def answer(self, path, form):
        self.asked.append((path, form))
        instead = self.instead.get(path[1:])
        if instead:
            return instead(form) if callable(instead) else instead
        if form.get("client_id") != CLIENT:
            return self.refuse("invalid_client")
        if path == "/device":
            return 200, {"device_code": "device", "user_code": "WDJB-MJHT",
                         "verification_uri": "https://example.test/device",
                         "expires_in": 60, "interval": 1}
        return getattr(self, "on_" + form["grant_type"].rpartition(":")[2])(
            form)

    def on_device_code(self, form):
        if form["device_code"] != "device":
            return self.refuse("invalid_grant")
        return self.refuse(self.pending.pop(0)) if self.pending \
            else self.tokens()

    def on_refresh_token(self, form):
        token = form["refresh_token"]
        if token not in self.refresh:
            return self.refuse("invalid_grant")
        if self.rotates:
            self.refresh.remove(token)
        return self.tokens()

    def on_authorization_code(self, form):
        proof = base64.urlsafe_b64encode(hashlib.sha256(
            form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        expected = self.challenges.pop(form["code"], None)
        return self.tokens() if expected == (proof, form["redirect_uri"]) \
            else self.refuse("invalid_grant")

    # ---- the person ----

    def consent(self, url):
        """Where the browser is sent back to, after "yes"."""
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))
        assert query["code_challenge_method"] == "S256"
        code = f"code+/{len(self.challenges)}"
        self.challenges[code] = query["code_challenge"], query["redirect_uri"]
        return query["redirect_uri"], {"state": query["state"], "code": code}
