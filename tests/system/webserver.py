# SPDX-License-Identifier: ISC
"""A web server of a few pages, by name of host."""
import http.server
import ssl
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server.owner
        host = self.headers["Host"].partition(":")[0]
        server.asked.append((host, self.path))
        path = self.path.partition("?")[0]
        page = server.pages.get((host, path), (404, {}, b"none"))
        if callable(page):
            page(self)
            return
        status, headers, body = page
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Webserver:
    """pages: {(host, path without query): (status, headers, body)}, or a
    function of the handler. certificate: files of it and its key."""

    def __init__(self, pages, certificate=None):
        self.pages, self.asked = pages, []
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.owner = self
        self.server.handle_error = lambda *_: None
        self.port = self.server.server_address[1]
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(
                self.server.socket, server_side=True,
                do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
