# SPDX-License-Identifier: ISC
"""[listener setup]: what mail programs and their users are told, by HTTPS with
the certificate of the mail."""
import html.parser
import http.client
import plistlib
import socket
import ssl
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree

import pytest

import clients
import pairs
import servers
from nameserver import Nameserver
from test_web import browser, corner, screenshot

HOST, DOMAIN = "pop.example.test", "example.test"
NAMES = (HOST, DOMAIN, f"autoconfig.{DOMAIN}", f"autodiscover.{DOMAIN}")
ADDRESS = f"alice@{DOMAIN}"
EVIL = "\"'><script>alert(1)</script>&@example.test"
FILE = "/mail/config-v1.1.xml"
OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/" \
          "responseschema/2006a}"
QUESTION = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/\
outlook/requestschema/2006"><Request><EMailAddress>{}</EMailAddress>
<AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/\
outlook/responseschema/2006a</AcceptableResponseSchema></Request>
</Autodiscover>"""


class Site:
    def __init__(self, post, settings="submission = smtp.example.test:465\n",
                 more=""):
        # The server's own are free now, since it is not running.
        taken = {post.server.base + n for n in (110, 995, 24, 80)}
        self.port = next(port for port in iter(servers.free_port, None)
                         if port not in taken)
        self.certificate = pairs.make_pair(post.place, "site", NAMES)
        self.server = post.start(
            f"[tls]\ncertificate = {self.certificate[0]}\n"
            f"key = {self.certificate[1]}\n{more}\n"
            f"[listener setup]\naddress = 127.0.0.1:{self.port}\n\n"
            f"[setup]\n{settings}", hostname=HOST)
        self.log = post.server.program.text

    def connect(self, name=HOST, alpn=("h2", "http/1.1")):
        context = ssl.create_default_context(cafile=self.certificate[0])
        context.set_alpn_protocols(list(alpn))
        raw = socket.create_connection(("127.0.0.1", self.port), 20)
        return context.wrap_socket(raw, server_hostname=name)

    def say(self, octets, **more):
        """All that comes back until the connection is closed."""
        with self.connect(**more) as wire:
            wire.sendall(octets)
            return b"".join(iter(lambda: wire.recv(65536), b""))

    def ask(self, path, method="GET", body=b"", name=HOST, **headers):
        connection = http.client.HTTPSConnection(name, self.port)
        connection.sock = self.connect(name)
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        answer.text = answer.read().decode()
        return answer


@pytest.fixture
def site(post):
    return Site(post)


class Words(html.parser.HTMLParser):
    """Tags with their attributes, and what is read."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words += data

    def names(self):
        return {tag for tag, _ in self.tags}


@pytest.mark.sanitize
def test_the_page(site):
    answer = site.ask("/")
    assert answer.status == 200 and answer.headers["Connection"] == "close"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "form-action 'self'" in policy
    page = Words(answer.text)
    assert not {"script", "img", "link", "iframe"} & page.names()
    for word in (HOST, str(site.server.pop3s_port), "SSL/TLS", "STARTTLS",
                 "smtp.example.test", "465", "your whole mail address"):
        assert word in page.words, word
    # It asks for an address, for nothing else.
    assert [a["type"] for t, a in page.tags if t == "input"] == ["email"]
    assert "mobileconfig" not in answer.text
    page = Words(site.ask(f"/?emailaddress={ADDRESS}").text)
    assert page.words.count(ADDRESS) == 3
    links = [a["href"] for t, a in page.tags if t == "a"]
    assert links == ["/mail.mobileconfig?emailaddress=alice%40example.test"]
    # The log knows what was asked, and not who asked.
    servers.until(lambda: "setup-request" in site.log(), 10)
    assert 'path="/"' in site.log() and ADDRESS not in site.log()


@pytest.mark.sanitize
def test_nothing_that_was_asked_becomes_markup(site):
    asked = urllib.parse.quote(EVIL)
    answer = site.ask(f"/?emailaddress={asked}")
    page = Words(answer.text)
    assert "script" not in page.names() and "<script" not in answer.text
    assert EVIL in page.words
    assert [a["value"] for t, a in page.tags if t == "input"] == [EVIL]
    for wrong in ("alice", "a%0d%0aSet-Cookie:x@example.test", "%00@x",
                  "a@<b>", "@", "a@", "%ff@example.test", "%zz",
                  "a" * 65 + "@example.test"):
        answer = site.ask(f"/?emailaddress={wrong}")
        assert answer.status == 200 and answer.headers["Set-Cookie"] is None
        assert not Words(answer.text).tags[-1:] == [("b", {})]
    profile = site.ask(f"/mail.mobileconfig?emailaddress={asked}")
    plist = plistlib.loads(profile.text.encode())
    assert plist["PayloadContent"][0]["EmailAddress"] == EVIL
    body = QUESTION.format("&quot;&apos;&gt;&lt;script>&amp;@example.test")
    answer = site.ask("/autodiscover/autodiscover.xml", "POST", body)
    logins = [e.text for e in ElementTree.fromstring(answer.text).iter(
        OUTLOOK + "LoginName")]
    assert logins == ["\"'><script>&@example.test"] * 3


@pytest.mark.sanitize
def test_mozillas_autoconfig(site):
    for path, name in ((FILE, f"autoconfig.{DOMAIN}"),
                       ("/.well-known/autoconfig" + FILE, DOMAIN)):
        answer = site.ask(path, name=name)
        assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
        found = ElementTree.fromstring(answer.text)
        assert found.attrib == {"version": "1.1"}
        assert found.find("emailProvider/domain").text == DOMAIN
        incoming = found.findall("emailProvider/incomingServer")
        assert [(s.attrib["type"], s.find("hostname").text,
                 int(s.find("port").text), s.find("socketType").text,
                 s.find("username").text) for s in incoming] == [
            ("pop3", HOST, site.server.pop3s_port, "SSL", "%EMAILADDRESS%"),
            ("pop3", HOST, site.server.pop3_port, "STARTTLS",
             "%EMAILADDRESS%")]
        outgoing = found.find("emailProvider/outgoingServer")
        assert outgoing.find("hostname").text == "smtp.example.test"
    answer = site.ask(f"{FILE}?emailaddress=bob@other.test")
    assert "<domain>other.test</domain>" in answer.text


@pytest.mark.sanitize
def test_outlooks_autodiscover(site):
    for path in ("/autodiscover/autodiscover.xml",
                 "/Autodiscover/Autodiscover.xml"):
        answer = site.ask(path, "POST", QUESTION.format(ADDRESS))
        found = [{e.tag.removeprefix(OUTLOOK): e.text for e in protocol}
                 for protocol in ElementTree.fromstring(answer.text).iter(
                     OUTLOOK + "Protocol")]
        assert [(p["Type"], p["Server"], int(p["Port"]), p["LoginName"],
                 p["Encryption"]) for p in found] == [
            ("POP3", HOST, site.server.pop3s_port, ADDRESS, "SSL"),
            ("POP3", HOST, site.server.pop3_port, ADDRESS, "TLS"),
            ("SMTP", "smtp.example.test", 465, ADDRESS, "SSL")]
    for wrong in ("", "<a>", QUESTION.format("nobody"),
                  "<!DOCTYPE a [<!ENTITY b 'c'>]><EMailAddress>a@b"
                  "</EMailAddress>", "<a>" * 100):
        answer = site.ask("/autodiscover/autodiscover.xml", "POST", wrong)
        assert answer.status == 200 and "<ErrorCode>600<" in answer.text
    assert site.ask("/autodiscover/autodiscover.xml").status == 405


@pytest.mark.sanitize
def test_apples_profile(site):
    answer = site.ask(f"/mail.mobileconfig?emailaddress={ADDRESS}")
    assert answer.headers["Content-Type"] == "application/x-apple-aspen-config"
    profile = plistlib.loads(answer.text.encode())
    account, = profile["PayloadContent"]
    assert account["PayloadType"] == "com.apple.mail.managed"
    assert account["EmailAccountType"] == "EmailTypePOP"
    assert account["EmailAddress"] == ADDRESS
    for way, host, port in (
            ("Incoming", HOST, site.server.pop3s_port),
            ("Outgoing", "smtp.example.test", 465)):
        assert account[f"{way}MailServerHostName"] == host
        assert account[f"{way}MailServerPortNumber"] == port
        assert account[f"{way}MailServerUseSSL"] is True
        assert account[f"{way}MailServerUsername"] == ADDRESS
    assert not [key for key in account if "Password" in key
                and account[key] is not True]
    # The same address gets the same profile, another one another.
    assert site.ask(answer_path(ADDRESS)).text == answer.text
    other = plistlib.loads(site.ask(answer_path("bob@b.test")).text.encode())
    assert other["PayloadUUID"] != profile["PayloadUUID"]


def answer_path(address):
    return f"/mail.mobileconfig?emailaddress={address}"


def test_without_submission(post):
    """Where nobody says how mail is sent, no profile can be made."""
    site = Site(post, "user-name = local-part\nname = <Co> & Sons\n")
    text = site.ask(f"/?emailaddress={ADDRESS}").text
    assert "&lt;Co&gt; &amp; Sons" in text and "SMTP" not in text
    assert "<dt>User name</dt><dd>alice</dd>" in text
    assert "mobileconfig" not in text
    assert site.ask(answer_path(ADDRESS)).status == 404
    assert "%EMAILLOCALPART%" in site.ask(f"{FILE}?emailaddress={ADDRESS}").text


@pytest.mark.sanitize
def test_what_the_administrator_sees_is_not_there(site):
    for path in ("/metrics", "/status", "/../metrics", "/%2e%2e/", "//",
                 "/mail", "/.well-known/"):
        assert site.ask(path).status == 404, path
    assert "restante_" not in site.ask("/").text
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        assert site.ask("/", method).status == 405
    head = site.ask("/", "HEAD")
    assert head.status == 200 and head.text == ""
    assert int(head.headers["Content-Length"]) == len(
        site.ask("/").text.encode())


@pytest.mark.sanitize
def test_what_is_no_request(site):
    for octets, status in (
            (b"EHLO x\r\n\r\n", 400), (b"\r\n\r\n", 400),
            (b"GET / HTTP/1.1\nHost: a\n\r\n\r\n", 400),
            (b"GET http://a/ HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            (b"GET / HTTP/2.0\r\n\r\n", 505),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             411),
            (b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n", 413),
            (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1"
             b"\r\n\r\na", 400),
            (b"GET / HTTP/1.1\r\nA: " + b"b" * 9000, 431),
            (b"GET /\0 HTTP/1.1\r\n\r\n", 400)):
        answer = site.say(octets)
        assert answer.startswith(b"HTTP/1.1 %d " % status), (octets, answer)
    # Octet by octet, and with a body that waits to be asked for.
    with site.connect() as wire:
        for octet in f"GET {FILE} HTTP/1.1\r\nHost: {DOMAIN}\r\n\r\n".encode():
            wire.sendall(bytes([octet]))
        assert wire.recv(20).startswith(b"HTTP/1.1 200 OK")
    body = QUESTION.format(ADDRESS).encode()
    with site.connect() as wire:
        wire.sendall(b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\n"
                     b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n"
                     % len(body))
        assert wire.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.sendall(body)
        assert wire.recv(20).startswith(b"HTTP/1.1 200 OK")


def test_browsers_here_and_pop3_there(site):
    """docs/decisions/alpn.md, from both sides."""
    with site.connect() as wire:
        assert wire.selected_alpn_protocol() == "http/1.1"
    with site.connect(alpn=()) as wire:
        assert wire.selected_alpn_protocol() is None
    with pytest.raises(ssl.SSLError):
        site.connect(alpn=["pop3"])
    with pytest.raises(OSError):
        context = pairs.unchecked(alpn=["http/1.1"])
        with socket.create_connection(
                ("127.0.0.1", site.server.pop3s_port)) as raw:
            context.wrap_socket(raw).recv(100)


def test_no_certificate_is_asked_for(post):
    """POP3 wants one; the page is for those who have none yet, and what its
    TLS session leaves opens no other door."""
    ca = pairs.sign(post.place, "ca", None, is_ca=True)
    site = Site(post, more=f"client-ca = {ca[0]}\n"
                "client-certificate = require\n")
    assert site.ask("/").status == 200
    context = pairs.unchecked(maximum=ssl.TLSVersion.TLSv1_2)
    with socket.create_connection(("127.0.0.1", site.port)) as raw:
        with context.wrap_socket(raw) as wire:
            session = wire.session
            assert session is None or not session.has_ticket


def test_restante_discovers_it(site, place):
    """The collector finds its own server, by nothing but the address."""
    records = {(name, "A"): ["127.0.0.1"] for name in NAMES}
    with Nameserver(records) as names:
        config = place / "client.conf"
        config.write_text("")
        done = clients.restante(
            place, "-c", config, "discover", ADDRESS, "--dns-server",
            names.address, "--ca-file", site.certificate[0], "--connect-to",
            f":443::{site.port}", timeout=60)
    assert f"host = {HOST}".encode() in done.stdout, done.stdout
    assert f"port = {site.server.pop3s_port}".encode() in done.stdout


def test_settings_change_while_it_runs(site):
    path = site.server.config_file
    path.write_text(path.read_text().replace(
        "smtp.example.test:465", "other.example.test:587"))
    assert "smtp.example.test" in site.ask("/").text
    site.server.ctl("reload")
    servers.until(lambda: "other.example.test" in site.ask("/").text, 10)
    assert "<dd>587</dd><dt>Encryption</dt><dd>STARTTLS</dd>" in site.ask(
        "/").text


def test_the_settings(place):
    def check(text):
        path = place / "restante.conf"
        path.write_text("[server]\nhostname = mail.example.org\n" + text)
        return servers.run(servers.BUILD / "restanted", "-n", "-c", path,
                           ok=(78,)).stderr.decode()
    listener = "[listener setup]\naddress = 127.0.0.1:8443\n"
    assert "there is no [listener pop3s]" in check(listener)
    pop3s = "[listener pop3s]\naddress = 127.0.0.1:9995\n"
    assert "must be a host and a port" in check(
        pop3s + listener + "[setup]\nsubmission = smtp\n")
    assert "must begin with https://" in check(
        pop3s + listener + "[setup]\nurl = http://x/\n")


@pytest.mark.parametrize("width", (390, 1280))
def test_in_a_browser(site, place, width):
    """With the code that is read back, where a reader is at hand."""
    browser()
    url = f"https://127.0.0.1:{site.port}/?emailaddress={ADDRESS}"
    light = screenshot(place, url, width, is_dark=False, height=2400)
    assert corner(light) == bytes.fromhex("f4f4f1")
    dark = screenshot(place, url, width, is_dark=True, height=2400)
    assert corner(dark) == bytes.fromhex("171716")
    if not servers.installed("zbarimg"):
        pytest.skip("zbar-tools are not installed: the code was not read")
    for picture in (light, dark):
        read = subprocess.run(["zbarimg", "-q", "--raw", picture], timeout=60,
                              capture_output=True, check=False)
        assert read.stdout.decode().strip() == f"https://{HOST}:{site.port}/"
