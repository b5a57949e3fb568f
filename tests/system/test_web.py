# SPDX-License-Identifier: ISC
"""The web listener: metrics for programs, a page for the administrator."""
import html.parser
import http.client
import json
import re
import shutil
import urllib.error
import urllib.request
import zlib

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
            assert re.fullmatch(r"[a-z0-9_]+(\{[a-z]+=\"[^\"]*\"(,[a-z]+="
                                r"\"[^\"]*\")*\})?", name), line
            assert name not in found
            found[name] = float(value)
    return found


def families(server):
    """As Prometheus' own parser reads them, which is strict."""
    try:
        from prometheus_client.openmetrics import parser
    except ImportError:
        pytest.skip("python3-prometheus-client is not installed")
    text = get(server, "/metrics")[1]
    return {f.name: f for f in parser.text_string_to_metric_families(text)}


def test_metrics_by_the_rules(server):
    """OpenMetrics' parser takes them; nobody is named."""
    server.lmtp(mail.ORDINARY["plain"], "alice")
    wires.pop3s(server).quit()
    found = families(server)
    for family in found.values():
        assert family.name.startswith("restante_")
        assert family.documentation.endswith(".")
        assert family.name.endswith(family.unit)
        for sample in family.samples:
            assert not {"user", "account", "mailbox"} & set(sample.labels)
            assert "alice" not in sample.labels.values()
    for name in ("restante_store_sync_seconds",
                 "restante_maildrop_open_seconds"):
        assert found[name].type == "histogram"
    opened = {s.labels.get("le", s.name): s.value for s
              in found["restante_maildrop_open_seconds"].samples}
    assert opened["restante_maildrop_open_seconds_count"] >= 1
    assert opened["+Inf"] == opened["restante_maildrop_open_seconds_count"]
    assert opened["restante_maildrop_open_seconds_sum"] > 0
    synced = sum(s.value for s in found["restante_store_sync_seconds"].samples
                 if s.name.endswith("_count"))
    assert synced >= 1


def test_mailboxes_and_penalties_are_shown(server):
    """They are asked for ahead: what comes is on the next page."""
    server.lmtp(mail.ORDINARY["plain"], "alice")
    with pytest.raises(Exception):
        wires.pop3s(server, "bob", "wrong")

    def is_shown():
        page = get(server, "/")[1]
        return (re.search(r"<td>alice</td><td>\d+</td><td>[\d.]+ \w+</td>"
                          r"<td>\d+ \w+</td>", page)
                and re.search(r"<td>127.0.0.1</td>|<td>bob</td>", page))
    servers.until(is_shown, 20)
    servers.until(lambda: metrics(server)["restante_penalties"] >= 1, 20)
    assert metrics(server)["restante_mailboxes"] >= 1
    told = json.loads(server.ctl("status", "--json").stdout)
    assert "alice" in [m["mailbox"] for m in told["mailboxes"]["largest"]]
    assert set(told["history"]) == {"step_seconds", "logins", "failed_logins",
                                    "deliveries", "retrieved_octets"}
    shown = server.ctl("status").stdout.decode()
    assert "LARGEST MAILBOXES" in shown and "LAST DAY" in shown
    server.ctl("forgive", "127.0.0.1")
    server.ctl("forgive", "bob")


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
        'restante_logins_total{mechanism="USER",result="ok"}': 1,
        'restante_logins_total{mechanism="USER",result="failed"}': 1,
        'restante_pop3_commands_total{command="RETR"}': 1,
        'restante_pop3_commands_total{command="PASS"}': 2,
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
    VOID = {"meta", "path"}

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
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


BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def browser():
    found = [b for b in map(shutil.which, BROWSERS) if b]
    if not found:
        pytest.skip("chromium is not installed: apt-get install chromium")
    return found[0]


def corner(png):
    """The first pixel: in the first line no filter changes it."""
    octets = png.read_bytes()
    assert octets[:8] == b"\x89PNG\r\n\x1a\n"
    at, data = 8, b""
    while at < len(octets):
        length = int.from_bytes(octets[at:at + 4], "big")
        if octets[at + 4:at + 8] == b"IDAT":
            data += octets[at + 8:at + 8 + length]
        at += 12 + length
    return zlib.decompress(data)[1:4]


def screenshot(place, url, width, is_dark, height=1600):
    """A picture of the page; chromium without its sandbox, since root has
    none, and our own page is all it sees."""
    png = place / f"{width}-{is_dark}.png"
    servers.run(browser(), "--headless=old", "--no-sandbox", "--disable-gpu",
                "--hide-scrollbars", f"--user-data-dir={place}/profile",
                "--ignore-certificate-errors", f"--window-size={width},{height}",
                f"--blink-settings=preferredColorScheme={int(not is_dark)}",
                f"--screenshot={png}", url, timeout=120)
    return png


@pytest.mark.parametrize("width", (390, 1280))
def test_in_a_browser(server, place, width):
    """Drawn, dark and light as the browser asks for."""
    url = f"http://127.0.0.1:{server.web_port}/"
    light = screenshot(place, url, width, is_dark=False)
    dark = screenshot(place, url, width, is_dark=True)
    assert corner(light) == bytes.fromhex("f4f4f1")
    assert corner(dark) == bytes.fromhex("171716")


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
