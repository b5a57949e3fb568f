# SPDX-License-Identifier: ISC
"""restante discover and account add, with a DNS server, a web server and POP3
servers of the test."""
import contextlib
import json
import subprocess
import time

import pytest

import clients
import hostile
import mail
import servers
import socks
from hostile import Server
from nameserver import Nameserver
from webserver import Webserver

DOMAIN = "example.test"
ADDRESS = f"alice@{DOMAIN}"
WEB = ("autoconfig.example.test", DOMAIN, "database.test",
       "autoconfig.provider.test", "autoconfig.mail.provider.test",
       "autoconfig.xn--bcher-kva.test")
MAIL = ("pop.example.test", "mail.example.test", "pop.provider.test",
        "pop.xn--bcher-kva.test")
FILE = "/mail/config-v1.1.xml"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"
DATABASE = "https://database.test/v1.1/"
CAPABILITIES = hostile.CAPABILITIES + ("SASL PLAIN", "STLS")


class Certificates:
    """Of the web servers, of the mail servers, of one that is for the mail
    domain too, of one that nobody trusts."""

    def __init__(self, place):
        self.web = self._make(place, "web", WEB)
        self.mail = self._make(place, "mail", MAIL)
        self.domain = self._make(place, "domain", ("pop.provider.test", DOMAIN))
        self.other = self._make(place, "other", WEB + MAIL)
        self.ca = place / "ca.pem"
        self.ca.write_text("".join(
            pair[0].read_text() for pair in (self.web, self.mail, self.domain)))

    @staticmethod
    def _make(place, name, names):
        pair = place / f"{name}.pem", place / f"{name}.key"
        servers.make_certificate(*pair, names=names)
        return pair


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


def xml(*found, login="password-cleartext", kind="pop3"):
    """found: (host, port, socketType, username)"""
    inner = "".join(f"""
    <incomingServer type="{kind}">
      <hostname>{host}</hostname>
      <port>{port}</port>
      <socketType>{socket}</socketType>
      <username>{user}</username>
      <authentication>{login}</authentication>
    </incomingServer>""" for host, port, socket, user in found)
    return (200, {"Content-Type": "text/xml"}, f"""<?xml version="1.0"?>
<clientConfig version="1.1">
  <emailProvider id="{DOMAIN}">
    <domain>{DOMAIN}</domain>{inner}
    <outgoingServer type="smtp"><hostname>smtp.{DOMAIN}</hostname>
    </outgoingServer>
  </emailProvider>
</clientConfig>
""".encode())


class World:
    """What restante sees of the network."""

    def __init__(self, place, certificates):
        self.place, self.certificates = place, certificates
        self.stack = contextlib.ExitStack()
        self.records, self.pages = {}, {}
        self.names = self.stack.enter_context(Nameserver(self.records))
        self.web = self.stack.enter_context(
            Webserver(self.pages, certificates.web))
        self.detours = [f":443::{self.web.port}"]
        self.config = place / "restante.conf"
        self.config.write_text(f"[client]\nprovider-database = {DATABASE}\n")

    def has(self, *names):
        for name in names:
            self.records[name, "A"] = ["127.0.0.1"]

    def page(self, host, path, page):
        self.has(host)
        self.pages[host, path] = page

    def pop3(self, certificate=None, starttls=False, **more):
        """A POP3 server; over TLS by the certificate of the mail names."""
        return self.stack.enter_context(Server(
            [("u1", mail.plain("one"))], CAPABILITIES,
            certificate=certificate or self.certificates.mail,
            starttls=starttls, **more))

    def options(self):
        return ["--dns-server", self.names.address, "--ca-file",
                self.certificates.ca, "--connect-to", ",".join(self.detours)]

    def run(self, *words, ok=(0,), **more):
        done = clients.restante(self.place, "-c", self.config, *words,
                                ok=ok, timeout=60, **more)
        for alarm in servers.ALARMS:
            assert alarm.encode() not in done.stderr, done.stderr.decode()
        return done

    def discover(self, address=ADDRESS, ok=(0,)):
        done = self.run("discover", address, "--json", *self.options(), ok=ok)
        return json.loads(done.stdout)

    def result_of(self, found, where):
        return next(s for s in found["steps"] if where in s["where"])


@pytest.fixture
def world(place, certificates):
    world = World(place, certificates)
    with world.stack:
        yield world


def assert_found(found, host, port, source, trust, tls="implicit",
                 user=ADDRESS):
    assert found["is_found"], found["steps"]
    assert found["server"]["host"] == host
    assert found["server"]["port"] == port
    assert found["server"]["tls"] == tls
    assert found["server"]["user"] == user
    assert found["source"] == source
    assert found["trust"] == trust
    assert found["probe"]["tls"].startswith("TLSv1.3/")
    assert found["dnssec"] == "unknown"


# ---- in order ----

def test_the_domains_autoconfig_comes_first(world):
    server = world.pop3()
    world.has("pop.example.test")
    world.page("autoconfig.example.test", FILE, xml(
        ("pop.example.test", server.port, "SSL", "%EMAILLOCALPART%")))
    world.page(DOMAIN, WELL_KNOWN, xml(("wrong.test", 995, "SSL", "x")))
    found = world.discover()
    assert_found(found, "pop.example.test", server.port, "autoconfig",
                 "domain", user="alice")
    # One file, with the address; nobody else was asked.
    assert world.web.asked == [
        ("autoconfig.example.test", f"{FILE}?emailaddress=alice@{DOMAIN}")]
    assert {kind for _, kind in world.names.asked} <= {"A", "AAAA"}
    assert found["section"] == (
        f"[account {ADDRESS}]\nhost = pop.example.test\n"
        f"port = {server.port}\nuser = alice\n")
    certificate = found["probe"]["certificate"]
    assert "pop.example.test" in certificate["names"]
    assert not certificate["is_for_domain"]
    assert 28 <= (certificate["good_until_seconds"] - time.time()) / 86400 <= 30.01
    assert certificate["pin"].startswith("sha256//")
    assert "PIPELINING" in found["probe"]["capabilities"]
    assert found["probe"]["mechanisms"] == "PLAIN"
    # The greeting is all that came before CAPA; nobody logged in.
    said(server, ["CAPA", "QUIT"])


def said(server, commands):
    """The last may come after the program has ended."""
    servers.until(lambda: server.sessions[-1].commands == commands,
                  what=f"{commands}, not {server.sessions[-1].commands}")


def test_well_known_comes_next(world):
    server = world.pop3(starttls=True)
    world.has("pop.example.test")
    world.page(DOMAIN, WELL_KNOWN, xml(
        ("pop.%EMAILDOMAIN%", server.port, "STARTTLS", "%EMAILADDRESS%")))
    world.page("database.test", f"/v1.1/{DOMAIN}",
               xml(("wrong.test", 995, "SSL", "x")))
    found = world.discover()
    assert_found(found, "pop.example.test", server.port, "well-known",
                 "domain", tls="starttls")
    # In clear nothing was said but how to leave it.
    said(server, ["CAPA", "STLS", "CAPA", "QUIT"])
    assert (DOMAIN, WELL_KNOWN) in world.web.asked


def test_then_the_database(world):
    server = world.pop3()
    world.has("pop.provider.test")
    world.page("database.test", f"/v1.1/{DOMAIN}", xml(
        ("pop.provider.test", server.port, "SSL", "%EMAILADDRESS%")))
    found = world.discover()
    assert_found(found, "pop.provider.test", server.port, "database",
                 "provider")
    # It learns of the domain, not of who asks.
    assert ("database.test", f"/v1.1/{DOMAIN}") in world.web.asked
    assert all("alice" not in path for host, path in world.web.asked
               if host == "database.test")


@pytest.mark.parametrize("source, host, path", [
    ("exchange-autoconfig", "autoconfig.mail.provider.test", FILE),
    ("exchange-autoconfig", "autoconfig.provider.test", FILE),
    ("exchange-database", "database.test", "/v1.1/provider.test"),
])
def test_then_the_exchanges_domain(world, source, host, path):
    server = world.pop3()
    world.has("pop.provider.test")
    world.records[DOMAIN, "MX"] = [(20, "other.test"),
                                   (10, "mx1.mail.provider.test")]
    world.page(host, path, xml(
        ("pop.provider.test", server.port, "SSL", "%EMAILADDRESS%")))
    found = world.discover()
    assert_found(found, "pop.provider.test", server.port, source, "none")
    # DNS named it: the address stays here.
    assert all("alice" not in asked for _, asked in world.web.asked)


def test_a_certificate_for_the_domain_proves_it(world):
    """RFC 7817: whoever named it."""
    server = world.pop3(certificate=world.certificates.domain)
    world.has("pop.provider.test")
    world.records["_pop3s._tcp.example.test", "SRV"] = [
        (0, 0, server.port, "pop.provider.test")]
    found = world.discover()
    assert_found(found, "pop.provider.test", server.port, "srv", "domain")
    assert found["probe"]["certificate"]["is_for_domain"]


@pytest.mark.parametrize("target, trust", [
    ("pop.example.test", "name"), ("pop.provider.test", "none")])
def test_then_srv(world, target, trust):
    """RFC 2782: the lowest priority, of those the heaviest."""
    server = world.pop3()
    world.has("pop.example.test", "pop.provider.test")
    world.records["_pop3s._tcp.example.test", "SRV"] = [
        (20, 0, 1, "late.test"), (10, 1, 2, "light.test"),
        (10, 5, server.port, target)]
    found = world.discover()
    assert_found(found, target, server.port, "srv", trust)


def test_srv_with_stls(world):
    """RFC 6186 section 3.3; "." says that there is no POP3S."""
    server = world.pop3(starttls=True)
    world.has("pop.example.test")
    world.records["_pop3s._tcp.example.test", "SRV"] = [(0, 0, 0, ".")]
    world.records["_pop3._tcp.example.test", "SRV"] = [
        (0, 0, server.port, "pop.example.test")]
    found = world.discover()
    assert_found(found, "pop.example.test", server.port, "srv", "name",
                 tls="starttls")


def test_at_last_the_usual_names(world):
    """TLS first on any name is better than STLS on another."""
    with_stls, with_tls = world.pop3(starttls=True), world.pop3()
    world.has("pop.example.test", "mail.example.test")
    gone = servers.free_port()
    world.detours += [f"pop.example.test:110::{with_stls.port}",
                      f"mail.example.test:995::{with_tls.port}",
                      f":995::{gone}", f":110::{gone}"]
    found = world.discover()
    assert_found(found, "mail.example.test", 995, "guess", "name")
    assert found["section"] == (
        f"[account {ADDRESS}]\nhost = mail.example.test\n")
    with_tls.stop()
    found = world.discover()
    assert_found(found, "pop.example.test", 110, "guess", "name",
                 tls="starttls")


def test_nothing_is_found(world):
    found = world.discover(ok=(68,))
    assert not found["is_found"] and "section" not in found
    assert [s["source"] for s in found["steps"]] == [
        "autoconfig", "well-known", "database", "exchange-autoconfig", "srv",
        "srv", "guess"]
    done = world.run("discover", ADDRESS, *world.options(), ok=(68,))
    assert b"--host" in done.stderr and b"no such name" in done.stderr


def test_a_silent_nameserver_is_given_up(world):
    world.names.is_silent = True
    began = time.monotonic()
    found = world.discover(ok=(68,))
    assert time.monotonic() - began < 40
    assert "do not answer" in found["steps"][-3]["text"]


# ---- never in clear ----

@pytest.mark.parametrize("to", [
    "http://{name}:{port}/", "HTTP://{name}:{port}/x?emailaddress=alice",
    "ftp://{name}:{port}/"])
def test_nothing_goes_over_http(world, to):
    """CVE-2026-113866: neither the address nor anything else."""
    with Webserver({}) as clear:
        url = to.format(name=DOMAIN, port=clear.port)
        for host, path in (("autoconfig.example.test", FILE),
                           (DOMAIN, WELL_KNOWN)):
            world.page(host, path, (302, {"Location": url}, b""))
        found = world.discover(ok=(68,))
        step = world.result_of(found, "autoconfig.example.test")
        assert step["result"] == "failed"
        assert "without TLS" in step["text"]
        assert not clear.asked


def test_redirections_over_https_are_followed(world):
    server = world.pop3()
    world.has("pop.example.test")
    world.page("autoconfig.example.test", FILE,
               (301, {"Location": "/elsewhere"}, b""))
    world.page("autoconfig.example.test", "/elsewhere",
               (302, {"Location": f"https://{DOMAIN}/there"}, b""))
    world.page(DOMAIN, "/there", xml(
        ("pop.example.test", server.port, "SSL", "%EMAILADDRESS%")))
    assert_found(world.discover(), "pop.example.test", server.port,
                 "autoconfig", "domain")


def test_redirections_have_their_maximum(world):
    world.page("autoconfig.example.test", FILE,
               (302, {"Location": FILE}, b""))
    found = world.discover(ok=(68,))
    step = world.result_of(found, "autoconfig.example.test")
    assert "on and on" in step["text"]
    assert len([h for h, _ in world.web.asked
                if h == "autoconfig.example.test"]) == 4


def test_a_web_server_nobody_trusts_is_not_believed(world):
    with Webserver({("autoconfig.example.test", FILE): xml(
            ("pop.provider.test", 995, "SSL", "x"))},
            world.certificates.other) as false:
        world.has("autoconfig.example.test")
        world.detours.insert(0, f"autoconfig.example.test:443::{false.port}")
        found = world.discover(ok=(68,))
        step = world.result_of(found, "autoconfig.example.test")
        assert step["result"] == "failed"
        assert "certificate" in step["text"]
        assert not false.asked


# ---- files that do harm ----

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE clientConfig [<!ENTITY a "ha">""" + b"".join(
    b'<!ENTITY a%d "%s">' % (n, b"&a%s;" % (b"%d" % (n - 1) if n else b"") * 10)
    for n in range(10)) + b"""]>
<clientConfig><emailProvider>&a9;</emailProvider></clientConfig>"""


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        while True:
            handler.wfile.write(b"<x>" * 4096)


@pytest.mark.parametrize("page, why", [
    ((200, {}, LAUGHS), "document type"),
    ((200, {}, b"<html>welcome</html>"), "another kind of XML"),
    ((200, {}, b"not at all"), "no autoconfig file"),
    ((200, {}, b"<clientConfig>" + b"<a>" * 100), "nested too deeply"),
    ((200, {}, b"x" * (300 << 10)), "more than"),
    (endless, "more than"),
    ((500, {}, b""), "answers 500"),
    (xml(("pop.example.test", 110, "plain", "x")), "without TLS"),
    (xml(("pop.example.test", 0, "SSL", "x")), "no name, port or login"),
    (xml(("../../etc", 995, "SSL", "x")), "no name, port or login"),
    (xml(("pop.example.test", 995, "SSL", "x&#10;keep = no")),
     "no name, port or login"),
    (xml(("imap.example.test", 993, "SSL", "x"), kind="imap"),
     "one for IMAP"),
])
def test_files_that_are_no_good(world, page, why):
    world.page("autoconfig.example.test", FILE, page)
    found = world.discover(ok=(68,))
    step = world.result_of(found, "autoconfig.example.test")
    assert why in step["text"], step


def test_a_server_that_is_no_good_is_passed_over(world):
    """The next one that the file names, then the next source."""
    false = world.pop3(certificate=world.certificates.other)
    silent = world.pop3(greeting=b"-ERR go away\r\n")
    good = world.pop3()
    world.has("pop.example.test")
    world.page("autoconfig.example.test", FILE, xml(
        ("pop.example.test", false.port, "SSL", "%EMAILADDRESS%"),
        ("pop.example.test", silent.port, "SSL", "%EMAILADDRESS%")))
    world.page(DOMAIN, WELL_KNOWN, xml(
        ("pop.example.test", good.port, "SSL", "%EMAILADDRESS%")))
    found = world.discover()
    assert_found(found, "pop.example.test", good.port, "well-known", "domain")
    refused = [s for s in found["steps"] if s["result"] == "refused"]
    assert "not trusted" in refused[0]["text"]
    assert "go away" in refused[1]["text"]


def test_tls_first_before_stls(world):
    with_stls, with_tls = world.pop3(starttls=True), world.pop3()
    world.has("pop.example.test")
    world.page("autoconfig.example.test", FILE, xml(
        ("pop.example.test", with_stls.port, "STARTTLS", "%EMAILADDRESS%"),
        ("pop.example.test", with_tls.port, "SSL", "%EMAILADDRESS%")))
    assert_found(world.discover(), "pop.example.test", with_tls.port,
                 "autoconfig", "domain")
    assert not with_stls.sessions


# ---- names ----

def test_domains_of_other_scripts(world):
    server = world.pop3()
    world.has("pop.xn--bcher-kva.test")
    world.page("autoconfig.xn--bcher-kva.test", FILE, xml(
        ("pop.bücher.test", server.port, "SSL", "%EMAILADDRESS%")))
    found = world.discover("Alice@BÜCHER.test")
    assert found["domain"] == "xn--bcher-kva.test"
    assert_found(found, "pop.xn--bcher-kva.test", server.port, "autoconfig",
                 "domain", user="Alice@xn--bcher-kva.test")


@pytest.mark.parametrize("address", [
    "alice", "@example.test", "alice@", "alice@ex ample", "alice@-x.test",
    "a b@example.test", "alice@example.test/../x", "alice@[127.0.0.1]"])
def test_what_is_no_address(world, address):
    done = world.run("discover", address, ok=(65,))
    assert b"no mail address" in done.stderr or b"no domain" in done.stderr
    assert not world.names.asked


# ---- a proxy ----

def test_with_a_proxy_nothing_goes_past_it(world):
    server = world.pop3()
    world.pages["autoconfig.example.test", FILE] = xml(
        ("pop.example.test", 995, "SSL", "%EMAILADDRESS%"))
    with socks.Proxy({("autoconfig.example.test", 443): world.web.port,
                      ("pop.example.test", 995): server.port}) as proxy:
        done = world.run(
            "discover", ADDRESS, "--json", "--ca-file",
            world.certificates.ca, "--proxy",
            f"socks5://127.0.0.1:{proxy.port}")
        found = json.loads(done.stdout)
        assert_found(found, "pop.example.test", 995, "autoconfig", "domain")
        assert proxy.asked == [("autoconfig.example.test", 443),
                               ("pop.example.test", 995)]
        proxy.places.clear()
        done = world.run(
            "discover", ADDRESS, "--json", "--ca-file",
            world.certificates.ca, "--proxy",
            f"socks5://127.0.0.1:{proxy.port}", ok=(68,))
        skipped = [s["where"] for s in json.loads(done.stdout)["steps"]
                   if s["result"] == "skipped"]
        assert skipped == [f"MX of {DOMAIN}", f"_pop3s._tcp.{DOMAIN}",
                           f"_pop3._tcp.{DOMAIN}"]


# ---- for people ----

def test_what_is_printed_is_a_file_of_settings(world):
    server = world.pop3()
    world.has("pop.example.test")
    world.page("autoconfig.example.test", FILE, xml(
        ("pop.example.test", server.port, "SSL", "alice"), login="OAuth2"))
    done = world.run("discover", ADDRESS, *world.options())
    text = done.stdout.decode()
    assert f"restante account add {ADDRESS}" in done.stderr.decode()
    for word in ("trust         good", "TLSv1.3", "good for ",
                 "OAuth2", "DNSSEC is not checked"):
        assert word in text, text
    world.config.write_text(text)
    done = world.run("account", "list", "--json")
    assert json.loads(done.stdout)[0]["host"] == "pop.example.test"


# ---- account add ----

def test_account_add_where_no_password_is_taken(world):
    """Nobody is asked for a password that the server would not take."""
    server = world.pop3()
    world.has("pop.example.test")
    world.page("autoconfig.example.test", FILE, xml(
        ("pop.example.test", server.port, "SSL", "alice"), login="OAuth2"))
    done = world.run("account", "add", ADDRESS, *world.options(), ok=(69,))
    assert "wants OAuth2" in done.stderr.decode()
    done = world.run("account", "list", "--json")
    assert json.loads(done.stdout) == []
    assert server.asked_ever("AUTH") == server.asked_ever("PASS") == []



def add(world, *more, ok=(0,), password=hostile.PASSWORD):
    return world.run("account", "add", ADDRESS, "--password-stdin",
                     *world.options(), *more, ok=ok,
                     input=password.encode() + b"\n")


@pytest.fixture
def local(world):
    """A server that DNS of this machine knows too."""
    pair = world.place / "local.pem", world.place / "local.key"
    servers.make_certificate(*pair)
    world.certificates_file = world.place / "all.pem"
    world.certificates_file.write_text(
        world.certificates.ca.read_text() + pair[0].read_text())
    server = world.pop3(certificate=pair)
    world.options = lambda: [
        "--dns-server", world.names.address, "--ca-file",
        world.certificates_file, "--connect-to", ",".join(world.detours)]
    return server


def test_an_address_is_enough(world, local):
    world.page("autoconfig.example.test", FILE, xml(
        ("localhost", local.port, "SSL", "%EMAILLOCALPART%")))
    done = add(world)
    assert b"the login works" in done.stdout
    assert b"trust" in done.stdout
    assert local.asked_ever("AUTH")
    section = world.config.read_text()
    assert f"[account {ADDRESS}]" in section
    assert f"port = {local.port}\n" in section and "user = alice\n" in section
    world.run("fetch")
    assert len(clients.maildir_files(
        world.place / "home" / "Mail" / ADDRESS)) == 1


def test_a_wrong_password_is_not_saved(world, local):
    world.page("autoconfig.example.test", FILE, xml(
        ("localhost", local.port, "SSL", "%EMAILADDRESS%")))
    done = add(world, ok=(77,), password="wrong")
    assert b"Nothing was saved" in done.stderr
    assert "account" not in world.config.read_text()
    assert len(local.asked_ever("AUTH")) == 1


def test_no_password_to_whom_dns_alone_names(world, local):
    """RFC 6186 section 6: a person has to agree."""
    world.records["_pop3s._tcp.example.test", "SRV"] = [
        (0, 0, local.port, "localhost")]
    done = add(world, ok=(77,))
    assert b"only DNS says" in done.stderr and b"--yes" in done.stderr
    assert not local.asked_ever("AUTH")
    assert "account" not in world.config.read_text()
    add(world, "--yes")
    assert local.asked_ever("AUTH")


def test_nothing_found_saves_nothing(world):
    done = add(world, ok=(68,))
    assert b"--host HOST" in done.stderr
    assert "account" not in world.config.read_text()


def test_the_keyring_keeps_it(world, local):
    """By secret-tool, which never has it among its arguments."""
    tool = world.place / "bin" / "secret-tool"
    tool.parent.mkdir()
    tool.write_text(f"""#!/bin/sh
echo "$*" >>{world.place}/arguments
case $1 in
store) cat >{world.place}/kept ;;
lookup) cat {world.place}/kept ;;
esac
""")
    tool.chmod(0o755)
    world.page("autoconfig.example.test", FILE, xml(
        ("localhost", local.port, "SSL", "%EMAILADDRESS%")))
    environment = clients.home_environment(world.place)
    environment["PATH"] = f"{tool.parent}:{environment['PATH']}"
    for words, given in ((["account", "add", ADDRESS, "--password-stdin",
                           "--keyring", *world.options()],
                          hostile.PASSWORD.encode()), (["fetch"], b"")):
        done = subprocess.run(
            [servers.BUILD / "restante", "-c", world.config,
             *map(str, words)], input=given, capture_output=True,
            env=environment, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
    assert "password-keyring = yes" in world.config.read_text()
    assert (world.place / "kept").read_text() == hostile.PASSWORD
    assert hostile.PASSWORD not in (world.place / "arguments").read_text()
    assert not list(world.place.glob("secrets/*"))
    assert len(clients.maildir_files(
        world.place / "home" / "Mail" / ADDRESS)) == 1


@pytest.mark.parametrize("options, why", [
    (["--port", "995"], b"--host"), (["--tls", "starttls"], b"--host"),
    (["--host", "h", "--dns-server", "127.0.0.1"], b"--host"),
    (["--connect-to", "x"], b"--connect-to"),
    (["--dns-server", "nobody"], b"--dns-server"),
    (["--proxy", "http://h"], b"--proxy"),
    (["--proxy", "socks5://h", "--dns-server", "127.0.0.1"], b"--proxy"),
])
def test_options_that_do_not_fit(world, options, why):
    done = world.run("account", "add", ADDRESS, "--password-stdin", *options,
                     ok=(64,), input=b"x\n")
    assert why in done.stderr
