# SPDX-License-Identifier: ISC
"""The web listener: metrics for programs, a page for the administrator."""
import html.parser
import http.client
import re
import urllib.error
import urllib.request

import pytest

import clients
import mail
import servers
import wires


def get(server, path, method="GET"):
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.web_port}{path}", method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.headers, answer.read().decode()


def metrics(server):
    headers, text = get(server, "/metrics")
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            assert re.fullmatch(r"[a-z_]+(\{[a-z]+=\"[^\"]*\"(,[a-z]+="
                                r"\"[^\"]*\")*\})?", name), line
            assert name not in found
            found[name] = float(value)
    return found


@pytest.mark.sanitize
def test_metrics_count(server):
    # A session is counted when it has ended; some made the mailboxes empty.
    servers.until(lambda: metrics(server)["restante_sessions"] == 0, 10)
    before = metrics(server)
    server.lmtp(mail.ORDINARY["plain"], "alice")
    client = wires.pop3s(server)
    octets = len(wires.octets(client, 1))
    client.dele(1)
    client.quit()
    with pytest.raises(Exception):
        wires.pop3s(server, "alice", "wrong")

    def grown():
        now = metrics(server)
        return {name: value - before.get(name, 0)
                for name, value in now.items() if value != before.get(name)}
    wanted = {
        'restante_deliveries_total{result="ok"}': 1,
        'restante_logins_total{result="ok"}': 1,
        'restante_logins_total{result="failed"}': 1,
        "restante_retrieved_messages_total": 1,
        "restante_retrieved_bytes_total": octets,
        "restante_deleted_messages_total": 1,
        'restante_tls_handshakes_total{result="ok"}': 2,
    }
    try:
        servers.until(lambda: wanted.items() <= grown().items(), 10)
    except AssertionError:
        assert {n: grown().get(n) for n in wanted} == wanted


class Tags(html.parser.HTMLParser):
    """Every tag that is opened is closed."""
    VOID = {"meta", "rect"}

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.sanitize
def test_status_page(server):
    headers, text = get(server, "/")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    assert "svg" in tags.seen and "script" not in tags.seen
    for name, pid in server.roles().items():
        assert f"<tr><td>{name}</td><td>{pid}</td>" in text


def test_what_is_not_there(server):
    for path, method, code in (("/x", "GET", 404), ("/", "POST", 405),
                               ("/../etc/passwd", "GET", 404),
                               ("/metrics", "DELETE", 405)):
        with pytest.raises(urllib.error.HTTPError) as error:
            get(server, path, method)
        assert error.value.code == code


def test_many_and_slow_readers(server):
    """Those who say nothing keep nobody out for longer than they may."""
    idle = [http.client.HTTPConnection("127.0.0.1", server.web_port)
            for _ in range(40)]
    for connection in idle:
        connection.connect()
    assert "restante_sessions" in str(metrics(server))
    for connection in idle:
        connection.close()
    assert wires.pop3s(server).stat()[0] == 0


def test_only_on_loopback(place):
    config = place / "restante.conf"
    config.write_text("[listener web]\naddress = 0.0.0.0:8080\n")
    done = servers.run(servers.BUILD / "restanted", "-n", "-c", config,
                       ok=(78,))
    assert b"nobody's business" in done.stderr


def test_curl(server):
    if not servers.installed("curl"):
        pytest.skip("curl is not installed")
    out = servers.run("curl", "-sI", f"http://127.0.0.1:{server.web_port}/")
    assert out.stdout.startswith(b"HTTP/1.1 200")
    assert clients.curl(server, "").strip() == b""
