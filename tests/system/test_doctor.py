# SPDX-License-Identifier: ISC
"""restante doctor: what is wrong is found at its step, with what to do."""
import json
import os
import re

import pytest

import clients
import hostile
import mail
import servers
import socks
from hostile import Account, Server

GONE = "nowhere.invalid"
CAPABILITIES = hostile.CAPABILITIES + ("SASL PLAIN",)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    place = tmp_path_factory.mktemp("certificate")
    pair = place / "certificate.pem", place / "key.pem"
    servers.make_certificate(*pair, days=60)
    return pair


def one():
    return [("u1", mail.plain("one"))]


def an_account(place, server, certificate, **settings):
    settings = {"host": "localhost", "tls": "implicit",
                "ca_file": certificate[0], **settings}
    return Account(place, server, **settings)


def examine(account, ok=0):
    """{step: (result, text, advice)}; what is bad is the last of its name."""
    done = clients.restante(account.place, "-c", account.config, "doctor",
                            account.name, "--json", ok=(ok,), timeout=60)
    for alarm in servers.ALARMS:
        assert alarm.encode() not in done.stderr, done.stderr.decode()
    found = json.loads(done.stdout)
    assert found["is_good"] == (ok == 0)
    return {s["step"]: (s["result"], s["text"], s["advice"])
            for s in found["steps"]}


def assert_bad(found, step, text, advice):
    result, said, advised = found[step]
    assert result == "bad", found
    assert text in said, said
    assert advice in advised, advised
    assert [s for s, (r, _, _) in found.items() if r == "bad"] == [step]


def test_all_is_well(place, certificate):
    with Server(one(), CAPABILITIES, certificate=certificate) as server:
        account = an_account(place, server, certificate)
        found = examine(account)
        assert {s: r for s, (r, _, _) in found.items()} == dict.fromkeys(
            ["password", "name", "port", "TLS", "certificate", "greeting",
             "CAPA", "ledger", "login", "mailbox", "delivery", "disk",
             "clock"], "good")
        assert "127.0.0.1" in found["name"][1]
        assert re.search("good for (59|60) days", found["certificate"][1])
        assert found["mailbox"][1].startswith("1 messages")
        assert "1 are new" in found["mailbox"][1]
        # Nothing was collected, and nothing made.
        assert not server.asked_ever("RETR") and not account.mail.exists()
        account.fetch()
        assert "0 are new" in examine(account)["mailbox"][1]

        text = clients.restante(place, "-c", account.config, "doctor",
                                "alice").stdout.decode()
        assert "  ok    login        as alice\n" in text
        assert "\033" not in text


def test_the_password_cannot_be_read(place, certificate):
    with Server(one(), certificate=certificate) as server:
        account = an_account(place, server, certificate)
        (place / "password").chmod(0o644)
        found = examine(account, ok=77)
        assert_bad(found, "password", "chmod 600", "restante.conf:1")
        assert found["login"][0] == "skipped"
        assert not server.asked_ever("PASS")


def test_nobody_has_the_name(place, certificate):
    with Server(one(), certificate=certificate) as server:
        account = an_account(place, server, certificate, host=GONE)
        assert_bad(examine(account, ok=68), "name", GONE,
                   "restante discover alice")


def test_the_port_is_closed(place, certificate):
    with Server(one(), certificate=certificate) as server:
        account = an_account(place, server, certificate,
                             port=servers.free_port())
        assert_bad(examine(account, ok=75), "port", "refused", "firewall")


def test_tls_and_no_tls(place, certificate):
    """The two ends mean another port."""
    with Server(one(), CAPABILITIES) as clear:
        account = an_account(place, clear, certificate)
        assert_bad(examine(account, ok=77), "TLS", "", "tls = starttls")
        account.change("tls", "starttls")
        assert_bad(examine(account, ok=77), "TLS", "STLS", "tls = implicit")


def test_the_certificate_is_for_another(place, tmp_path):
    pair = tmp_path / "c.pem", tmp_path / "k.pem"
    servers.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "60", "-subj",
                "/CN=x", "-addext", "subjectAltName=DNS:pop.example.test",
                "-keyout", pair[1], "-out", pair[0])
    with Server(one(), certificate=pair) as server:
        account = an_account(place, server, pair)
        found = examine(account, ok=77)
        assert_bad(found, "TLS", "not for localhost", "pop.example.test")
        assert "pop.example.test" in found["certificate"][1]


def test_the_certificate_is_nobodys(place, certificate, tmp_path):
    pair = tmp_path / "c.pem", tmp_path / "k.pem"
    servers.make_certificate(*pair)
    with Server(one(), certificate=pair) as server:
        account = an_account(place, server, certificate)
        assert_bad(examine(account, ok=77), "TLS", "not trusted", "ca-file")


def test_the_certificate_is_nearly_over(place, tmp_path):
    pair = tmp_path / "c.pem", tmp_path / "k.pem"
    servers.make_certificate(*pair, days=5)
    with Server(one(), CAPABILITIES, certificate=pair) as server:
        found = examine(an_account(place, server, pair))
        assert found["certificate"][0] == "warning"
        assert "tell the provider" in found["certificate"][2]


def test_a_pin_alone_is_warned_of(place, certificate):
    with Server(one(), CAPABILITIES, certificate=certificate) as server:
        account = an_account(place, server, certificate)
        pin = examine(account)["certificate"][1].rpartition(" ")[2]
        account.change("tls-pin", pin)
        assert examine(account)["tls-pin"][0] == "warning"
        other = "sha256//" + "A" * 43 + "="
        account.change("tls-pin", f"{pin}, {other}")
        assert "tls-pin" not in examine(account)
        account.change("tls-pin", other)
        assert_bad(examine(account, ok=77), "TLS", pin, "compare the key")


def test_the_server_says_no(place, certificate):
    with Server(one(), certificate=certificate,
                greeting=b"-ERR full today\r\n") as server:
        account = an_account(place, server, certificate)
        assert_bad(examine(account, ok=75), "dialog", "full today", "later")


def test_it_is_no_pop3_server(place, certificate):
    with Server(one(), certificate=certificate,
                greeting=b"220 smtp\r\n") as server:
        account = an_account(place, server, certificate)
        assert_bad(examine(account, ok=76), "dialog", "not speak POP3", "")


def test_the_login_is_refused(place, certificate):
    """And tried again when a person asks again."""
    with Server(one(), CAPABILITIES, certificate=certificate) as server:
        account = an_account(place, server, certificate)
        clients.write_private(place / "password", "wrong\n")
        for _ in range(2):
            assert_bad(examine(account, ok=77), "login", "refused",
                       "app password")
        assert len(server.asked_ever("AUTH")) == 2


def test_the_list_is_refused(place, certificate):
    with Server(one(), CAPABILITIES, certificate=certificate,
                UIDL=b"-ERR no\r\n") as server:
        account = an_account(place, server, certificate)
        found = examine(account, ok=75)
        assert found["login"][0] == "bad"
        assert "UIDL" in found["login"][1]


def test_an_old_server_is_warned_of(place, certificate):
    with Server(one(), (), certificate=certificate,
                CAPA=b"-ERR what?\r\n") as server:
        found = examine(an_account(place, server, certificate))
        assert found["CAPA"][0] == "warning"


@pytest.mark.parametrize("days, result", [
    ("0", "warning"), ("30", "warning"), ("NEVER", None)])
def test_mail_that_does_not_stay_is_warned_of(
        place, certificate, days, result):
    with Server(one(), (*CAPABILITIES, f"EXPIRE {days}"),
                certificate=certificate) as server:
        found = examine(an_account(place, server, certificate))
        assert found.get("EXPIRE", (None,))[0] == result


def test_the_proxy_is_asked(place, certificate):
    with Server(one(), CAPABILITIES, certificate=certificate) as server, \
            socks.Proxy({("localhost", 995): server.port}) as proxy:
        account = an_account(place, server, certificate, port=995,
                             proxy=f"socks5://127.0.0.1:{proxy.port}")
        assert "by the proxy" in examine(account)["name"][1]
        proxy.places.clear()
        assert_bad(examine(account, ok=75), "port", "cannot find or reach",
                   "")


def test_the_ledger_is_damaged(place, certificate):
    with Server([(f"u{n}", mail.plain(f"{n}")) for n in range(300)],
                CAPABILITIES, certificate=certificate) as server:
        account = an_account(place, server, certificate)
        account.fetch()
        with account.ledger() as ledger:
            ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        path = place / "home/.local/share/restante/ledger.db"
        octets = bytearray(path.read_bytes())
        octets[8192:] = os.urandom(len(octets) - 8192)
        path.write_bytes(octets)
        found = examine(account, ok=74)
        assert found["ledger"][0] == "bad" and found["login"][0] == "skipped"


@pytest.mark.parametrize("settings, text", [
    ({"deliver": "pipe", "deliver_command": "no-such-program x"},
     "no program"),
    ({"deliver": "lmtp", "deliver_server": "127.0.0.1:1",
      "deliver_recipient": "alice@example.org", "deliver_tls": "none"},
     "refused"),
    ({"maildir": "PLACE/password/mail"}, "Not a directory"),
    ({"deliver": "mbox", "mbox": "PLACE/password/mail"}, "Not a directory"),
])
def test_mail_cannot_be_delivered(place, certificate, settings, text):
    with Server(one(), CAPABILITIES, certificate=certificate) as server:
        settings = {key: value.replace("PLACE", str(place))
                    for key, value in settings.items()}
        account = an_account(place, server, certificate, **settings)
        done = clients.restante(
            place, "-c", account.config, "doctor", "alice", "--json",
            ok=(73, 75, 78))
        steps = {s["step"]: s for s in json.loads(done.stdout)["steps"]}
        assert steps["delivery"]["result"] == "bad"
        assert text in steps["delivery"]["text"]
        assert steps["delivery"]["advice"]


def test_another_collects_it(place, certificate):
    with Server(one(), CAPABILITIES, certificate=certificate,
                PASS=b"-ERR [IN-USE] busy\r\n",
                AUTH=b"-ERR [IN-USE] busy\r\n") as server:
        account = an_account(place, server, certificate)
        assert_bad(examine(account, ok=75), "login", "busy", "another device")


def test_there_is_no_such_account(place, certificate):
    with Server() as server:
        account = an_account(place, server, certificate)
        done = clients.restante(place, "-c", account.config, "doctor", "bob",
                                ok=(64,))
        assert b"no account bob" in done.stderr
