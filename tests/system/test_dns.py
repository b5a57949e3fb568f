# SPDX-License-Identifier: ISC
"""restantectl dns, with a DNS server of the test."""
import hashlib
import json

import pytest

import pairs
import servers
from nameserver import Nameserver

DOMAIN, HOST = "example.test", "pop.example.test"
SUBMISSION = "submission = smtp.example.test:465\n"


class Zone:
    def __init__(self, place):
        self.certificate = pairs.make_pair(place, "pair", (HOST,))
        self.config = place / "restante.conf"
        self.place = place
        self.settings()
        self.records = {
            (DOMAIN, "MX"): [(10, "mx.example.test")],
            (HOST, "A"): ["192.0.2.1"],
            (HOST, "AAAA"): ["2001:db8::1"],
            (f"_pop3s._tcp.{DOMAIN}", "SRV"): [(5, 3, 995, "POP.example.test")],
            (f"_pop3._tcp.{DOMAIN}", "SRV"): [(0, 1, 110, HOST)],
            (f"_submissions._tcp.{DOMAIN}", "SRV"): [
                (0, 1, 465, "smtp.example.test")],
            (f"autoconfig.{DOMAIN}", "A"): ["192.0.2.1"],
            (f"autodiscover.{DOMAIN}", "AAAA"): ["2001:db8::1"],
        }

    def settings(self, pop3="0.0.0.0:110", page="0.0.0.0:443",
                 more=SUBMISSION):
        sections = [f"[server]\nhostname = {HOST}\nstate = {self.place}",
                    f"[tls]\ncertificate = {self.certificate[0]}\n"
                    f"key = {self.certificate[1]}",
                    "[listener pop3s]\naddress = 0.0.0.0:995"]
        if pop3:
            sections.append(f"[listener pop3]\naddress = {pop3}")
        if page:
            sections.append(f"[listener setup]\naddress = {page}")
        self.config.write_text("\n\n".join(sections) + f"\n\n[setup]\n{more}")

    def ask(self, *words, ok=(0,), domain=DOMAIN, silent=False):
        with Nameserver(self.records, silent) as names:
            return servers.run(
                servers.BUILD / "restantectl", "-c", self.config, "dns",
                domain, "--dns-server", names.address, *words,
                ok=ok).stdout.decode()

    def states(self, ok=(0,)):
        rows = json.loads(self.ask("--json", ok=ok))["records"]
        return {(r["name"].removesuffix("."), r["type"]): r["state"]
                for r in rows}

    def tlsa(self):
        """Another program's idea of it."""
        key = servers.run("openssl", "x509", "-in", self.certificate[0],
                          "-noout", "-pubkey").stdout
        der = servers.run("openssl", "pkey", "-pubin", "-outform", "DER",
                          input=key).stdout
        return hashlib.sha256(der).digest()


@pytest.fixture
def zone(place):
    return Zone(place)


@pytest.mark.sanitize
def test_all_is_there(zone):
    states = zone.states()
    optional = {(DOMAIN, "CAA"): "missing",
                (f"_995._tcp.{HOST}", "TLSA"): "missing"}
    assert states == {
        **{key: "ok" for key in zone.records if key[1] in ("MX", "SRV")},
        (HOST, "A"): "ok", (f"autoconfig.{DOMAIN}", "CNAME"): "ok",
        (f"autodiscover.{DOMAIN}", "CNAME"): "ok", **optional}
    text = zone.ask()
    assert f"_pop3s._tcp.{DOMAIN}. IN SRV 0 1 995 {HOST}.\n  ; ok: 5 3 995 " \
        f"{HOST}." in text
    assert f"\nautoconfig.{DOMAIN}. IN CNAME {HOST}.\n" in text
    # What is not ours to fill in is a comment.
    assert f"\n; {DOMAIN}. IN MX 10 YOUR-MAIL" in text
    assert "missing, and need not be there" in text


@pytest.mark.parametrize("name", ("_pop3s._tcp", "_pop3._tcp",
                                  "_submissions._tcp", "autoconfig",
                                  "autodiscover"))
def test_one_is_missing(zone, name):
    name = f"{name}.{DOMAIN}"
    for key in [k for k in zone.records if k[0] == name]:
        del zone.records[key]
    states = zone.states(ok=(78,))
    assert [k[0] for k, s in states.items() if s == "missing"
            and k[1] not in ("CAA", "TLSA")] == [name]


@pytest.mark.sanitize
def test_some_differ(zone):
    zone.records[f"_pop3s._tcp.{DOMAIN}", "SRV"] = [(0, 1, 993, HOST)]
    zone.records[f"_pop3._tcp.{DOMAIN}", "SRV"] = [(0, 1, 110, "old.test")]
    zone.records[f"autoconfig.{DOMAIN}", "A"] = ["192.0.2.2"]
    states = zone.states(ok=(78,))
    assert {k[0] for k, s in states.items() if s == "differs"} == {
        f"_pop3s._tcp.{DOMAIN}", f"_pop3._tcp.{DOMAIN}",
        f"autoconfig.{DOMAIN}"}
    assert "; differs: 0 1 110 old.test." in zone.ask(ok=(78,))


def test_a_server_without_an_address(zone):
    del zone.records[HOST, "A"], zone.records[HOST, "AAAA"]
    assert zone.states(ok=(78,))[HOST, "A"] == "missing"


@pytest.mark.sanitize
def test_tlsa(zone):
    """Optional; one that does not fit shuts out who looks at it."""
    name = f"_995._tcp.{HOST}"
    zone.records[name, "TLSA"] = [b"\3\1\1" + zone.tlsa()]
    assert zone.states()[name, "TLSA"] == "ok"
    assert f"{name}. IN TLSA 3 1 1 {zone.tlsa().hex()}\n  ; ok" in zone.ask()
    zone.records[name, "TLSA"] = [b"\3\1\1" + bytes(32)]
    assert zone.states(ok=(78,))[name, "TLSA"] == "differs"
    zone.records[DOMAIN, "CAA"] = [b"\0\5issueca.test; \"a=b\""]
    assert "; ok: 0 issue \"ca.test;??a=b?\"" in zone.ask(ok=(78,))


def test_what_is_not_served_is_not_wanted(zone):
    zone.settings(pop3="", page="", more="")
    zone.records = {key: value for key, value in zone.records.items()
                    if key[0] in (HOST, f"_pop3s._tcp.{DOMAIN}")}
    states = zone.states()
    assert states[f"_pop3._tcp.{DOMAIN}", "SRV"] == "missing"
    assert (f"autoconfig.{DOMAIN}", "CNAME") not in states
    assert "there is no [listener setup] on port 443" in zone.ask()
    zone.records[f"_pop3._tcp.{DOMAIN}", "SRV"] = [(0, 0, 0, "")]
    assert zone.states()[f"_pop3._tcp.{DOMAIN}", "SRV"] == "ok"
    # Another one than ours is wrong.
    zone.records[f"_pop3._tcp.{DOMAIN}", "SRV"] = [(0, 0, 110, "a.test")]
    assert zone.states(ok=(78,))[f"_pop3._tcp.{DOMAIN}", "SRV"] == "differs"


def test_a_page_elsewhere(zone):
    zone.settings(page="127.0.0.1:8443",
                  more=SUBMISSION + f"url = https://{HOST}/mail\n")
    assert zone.states()[f"autoconfig.{DOMAIN}", "CNAME"] == "ok"
    zone.settings(page="127.0.0.1:8443")
    assert (f"autoconfig.{DOMAIN}", "CNAME") not in zone.states()


def test_no_answer(zone):
    states = json.loads(zone.ask("--json", ok=(69,), silent=True))["records"]
    assert {r["state"] for r in states} == {"unanswered"}


def test_mistakes(zone):
    for domain in ("", "a b", "[::1]", "-"):
        zone.ask(ok=(64,), domain=domain)
    done = servers.run(servers.BUILD / "restantectl", "-c", zone.config, "dns",
                       DOMAIN, "--dns-server", "name.test", ok=(64,))
    assert b"is no DNS server" in done.stderr
