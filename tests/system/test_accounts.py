# SPDX-License-Identifier: ISC
"""Devices, aliases, who may only read: what restantectl makes of accounts, and
what the running server makes of that, at once."""
import json
import os
import re
import sqlite3
import time

import pytest

import mail
import servers
import wires


def enters(server, name, password):
    return wires.reply_to_login(server, name, password).startswith("+OK")


def is_denied(server, name, password):
    return wires.reply_to_login(server, name, password).startswith("-ERR [AUTH]")


def data(server, *arguments):
    return json.loads(server.ctl(*arguments, "--json").stdout)


def add_device(server, device, *options, user="alice"):
    """Its password."""
    return data(server, "device", "add", user, device, *options)["password"]


def test_devices(server):
    phone = add_device(server, "phone")
    assert re.fullmatch(r"([a-km-np-z2-9]{4}-){6}[a-km-np-z2-9]{4}", phone)
    laptop = add_device(server, "Laptop")
    assert phone != laptop
    for name in ("alice", "alice%phone", "ALICE%Phone"):
        assert enters(server, name, phone), name
    # Again: from the cache.
    assert enters(server, "alice", phone)
    assert enters(server, "alice", laptop)
    assert enters(server, "alice", "demo")
    assert enters(server, "alice%main", "demo")
    assert is_denied(server, "alice%laptop", phone)
    assert is_denied(server, "alice%phone", "demo")
    assert is_denied(server, "alice%tablet", phone)
    assert is_denied(server, "bob", phone)
    listed = data(server, "device", "list", "alice")
    assert [d["device"] for d in listed] == ["main", "laptop", "phone"]
    assert all(d["has_scram"] for d in listed)
    # Gone at once, though it was right a moment ago, and the others stay.
    server.ctl("device", "remove", "alice", "phone")
    assert is_denied(server, "alice", phone)
    assert enters(server, "alice", laptop)
    # One that has the same name again has another password.
    assert add_device(server, "phone") != phone
    assert is_denied(server, "alice", phone)


def test_a_chosen_password(server):
    server.ctl("device", "add", "alice", "scanner", "--password-stdin",
               input=b"of the scanner\n")
    assert enters(server, "alice", "of the scanner")
    server.ctl("user", "passwd", "alice", "--password-stdin", input=b"new\n")
    assert enters(server, "alice", "new")
    assert enters(server, "alice", "of the scanner")
    assert is_denied(server, "alice", "demo")
    # All passwords of an account have one salt: one hash at each login.
    file = server.directory / "state" / "accounts" / "accounts.db"
    with sqlite3.connect(file) as db:
        hashes = [row[0] for row in db.execute(
            "SELECT c.hash FROM credential c JOIN account a "
            "ON a.id = c.account WHERE a.name = 'alice'")]
    db.close()
    assert len({h.rpartition("$")[0] for h in hashes}) == 1
    assert len(set(hashes)) == 2


def test_conditions_are_asked_at_every_login(server):
    """Also of a password that is in the cache, and of open connections: of the
    next login."""
    password = add_device(server, "phone", "--networks", "127.0.0.0/8, ::1")
    assert enters(server, "alice", password)
    server.ctl("device", "set", "alice", "phone", "--networks", "192.0.2.0/24")
    assert is_denied(server, "alice", password)
    server.ctl("device", "set", "alice", "phone", "--networks", "any",
               "--expires", "2020-01-01")
    assert is_denied(server, "alice", password)
    listed = server.ctl("device", "list", "alice").stdout.decode()
    assert re.search(r"^phone +password +\S+ +2020-01-01 \(over\) +any$",
                     listed, re.M)
    server.ctl("device", "set", "alice", "phone", "--expires", "1d")
    assert enters(server, "alice", password)
    server.ctl("user", "disable", "alice")
    assert is_denied(server, "alice", password)
    assert is_denied(server, "alice", "demo")
    assert "disabled" in server.ctl("user", "list").stdout.decode()
    server.ctl("deliver", "alice", input=b"still taken\n")
    server.ctl("user", "enable", "alice")
    assert enters(server, "alice", password)


def test_a_password_expires_while_it_is_cached(server):
    password = add_device(server, "phone", "--expires", "4s")
    made = time.monotonic()
    assert enters(server, "alice", password) or time.monotonic() > made + 3
    servers.until(lambda: is_denied(server, "alice", password),
                  what="the end of the password")


def test_read_only(server):
    password = add_device(server, "display", "--read-only")
    for name in ("one", "two"):
        server.lmtp(mail.plain(name, b"x\r\n"))
    client = wires.pop3s(server, password=password)
    assert client.stat()[0] == 2
    assert b"Subject: one" in b"\r\n".join(client.retr(1)[1])
    assert len(client.list()[1]) == 2
    with pytest.raises(Exception, match="this login may only read"):
        client.dele(1)
    client.quit()
    client = wires.pop3s(server)
    assert client.stat()[0] == 2
    client.dele(1)
    client.quit()
    assert "user=\"alice\"" in server.program.text()
    assert "read-only=yes" in server.program.text()
    server.ctl("device", "set", "alice", "display", "--read-write")
    client = wires.pop3s(server, password=password)
    client.dele(1)
    client.quit()
    assert wires.pop3s(server).stat()[0] == 0


def test_aliases(server):
    server.ctl("user", "add", "carol@example.org", "--password-stdin",
               input=b"sesame\n")
    server.ctl("alias", "add", "Postmaster@example.org", "carol@example.org")
    server.ctl("alias", "add", "@Example.net", "alice")
    assert data(server, "alias", "list") == [
        {"name": "@example.net", "account": "alice"},
        {"name": "postmaster@example.org", "account": "carol@example.org"}]
    assert data(server, "alias", "list", "alice") == [
        {"name": "@example.net", "account": "alice"}]
    # A login by an alias is one of the account.
    assert enters(server, "postmaster@example.org", "sesame")
    assert is_denied(server, "postmaster@example.org", "demo")
    # Nobody logs in by what takes a whole domain.
    assert is_denied(server, "anybody@example.net", "demo")
    assert is_denied(server, "@example.net", "demo")
    for recipient in ("postmaster@example.org", "POSTMASTER+x@example.org",
                      "carol+postmaster@example.org"):
        assert server.lmtp(mail.plain("for carol"), recipient)[1][0][0] == 250
    for recipient in ("anybody@example.net", "other+detail@EXAMPLE.net"):
        assert server.lmtp(mail.plain("for alice"), recipient)[1][0][0] == 250
    # An account of its own goes first, with a detail too.
    for recipient in ("bob@example.net", "bob+x@example.net"):
        assert server.lmtp(mail.plain("for bob"), recipient)[1][0][0] == 250
    assert server.lmtp(mail.plain("for nobody"),
                       "nobody@example.org")[0][0][0] == 550
    boxes = {b["mailbox"]: b["count"] for b in data(server, "mailbox", "list")}
    assert boxes["carol@example.org"] == 3
    assert boxes["alice"] == 2
    assert boxes["bob"] == 2
    server.ctl("alias", "remove", "@example.net")
    assert server.lmtp(mail.plain("for nobody"),
                       "anybody@example.net")[0][0][0] == 550
    server.ctl("user", "remove", "carol@example.org")
    assert data(server, "alias", "list") == []


def test_aliases_never_go_in_circles(server):
    server.ctl("alias", "add", "al", "alice")
    done = server.ctl("alias", "add", "ali", "al", ok=(65,))
    assert b"al is an alias itself" in done.stderr
    assert b"restantectl alias add ali alice" in done.stderr
    assert b"there is a user bob already" in server.ctl(
        "alias", "add", "bob", "alice", ok=(73,)).stderr
    assert b"there is no user zoe" in server.ctl(
        "alias", "add", "z", "zoe", ok=(67,)).stderr
    assert b"al is an alias of alice already" in server.ctl(
        "user", "add", "al", "--password-stdin", input=b"x\n",
        ok=(73,)).stderr


def test_a_quota_of_ones_own(server):
    server.ctl("user", "limit", "bob", "--messages", "1", "--quota", "1MiB")
    server.ctl("deliver", "bob", input=b"one\n")
    server.ctl("deliver", "bob", input=b"two\n", ok=(73,))
    server.ctl("deliver", "alice", input=b"one\n")
    server.ctl("deliver", "alice", input=b"two\n")
    bob = next(u for u in data(server, "user", "list") if u["name"] == "bob")
    assert (bob["quota_messages"], bob["quota_octets"]) == (1, 1 << 20)
    server.ctl("user", "limit", "bob", "--messages", "0")
    server.ctl("deliver", "bob", input=b"two\n")


@pytest.mark.parametrize("arguments, code, words", [
    (("device", "add", "zoe", "phone"), 67, "there is no user zoe"),
    (("device", "add", "alice", "-x"), 64, "unknown option"),
    (("device", "add", "alice", "a b"), 65, "cannot be a device's name"),
    (("device", "add", "alice", "main"), 64, "user passwd alice"),
    (("device", "add", "alice", "p", "--networks", "10.0.0.0/8,office"), 65,
     '"office" is no network'),
    (("device", "add", "alice", "p", "--expires", "tomorrow"), 65,
     "expected a day like 2027-12-31"),
    (("device", "add", "alice", "p", "--certificate", "sha256:00"), 65,
     "64 hexadecimal digits"),
    (("device", "add", "alice", "p", "--certificate", "/nowhere.pem"), 66,
     "/nowhere.pem: No such file"),
    (("device", "set", "alice", "main"), 64, "give --read-only"),
    (("device", "set", "alice", "p", "--read-only"), 67,
     "there is no device p of user alice"),
    (("device", "remove", "alice", "p"), 67, "there is no device p"),
    (("user", "limit", "alice"), 64, "give --quota or --messages"),
    (("user", "limit", "alice", "--quota", "much"), 65, "a size like 500MiB"),
    (("user", "disable", "zoe"), 67, "there is no user zoe"),
    (("alias", "remove", "zoe"), 67, "there is no alias zoe"),
    (("alias", "add", "@", "alice"), 65, "expected @ and a domain"),
])
def test_complaints(server_of_all, arguments, code, words):
    done = server_of_all.ctl(*arguments, ok=(code,))
    assert words in done.stderr.decode(), done.stderr


@pytest.fixture(scope="module")
def server_of_all(tmp_path_factory):
    """Nothing here needs it to run."""
    place = tmp_path_factory.mktemp("accounts")
    server = servers.Restanted(place).start()
    server.stop()
    return server


def test_certificates(server_of_all, tmp_path):
    """What EXTERNAL will look for; a password it is not."""
    server, pem = server_of_all, tmp_path / "client.pem"
    servers.make_certificate(pem, tmp_path / "key.pem")
    print_ = servers.run("openssl", "x509", "-in", pem, "-noout",
                         "-fingerprint", "-sha256").stdout.decode()
    fingerprint = print_.strip().partition("=")[2]
    server.ctl("device", "add", "alice", "card", "--certificate", pem)
    card = data(server, "device", "list", "alice")[1]
    assert card["kind"] == "certificate"
    assert card["certificate"] == (
        "sha256:" + fingerprint.replace(":", "").lower())
    done = server.ctl("device", "add", "bob", "card", "--certificate",
                      f"sha256:{fingerprint}", ok=(73,))
    assert b"there is a user with this certificate already" in done.stderr
    server.ctl("device", "add", "bob", "card", "--certificate",
               "subject:CN=bob,O=Example")
    server.ctl("device", "remove", "alice", "card")
    server.ctl("device", "add", "bob", "other", "--certificate",
               f"sha256:{fingerprint}")


def test_so_many_devices(server_of_all):
    server = server_of_all
    server.ctl("user", "add", "many", "--password-stdin", input=b"x\n")
    file = server.directory / "state" / "accounts" / "accounts.db"
    with sqlite3.connect(file) as db:
        db.executemany(
            "INSERT INTO credential (account, device, hash, created_seconds) "
            "SELECT id, ?, '*', 0 FROM account WHERE name = 'many'",
            [(f"d{i}",) for i in range(31)])
    db.close()
    done = server.ctl("device", "add", "many", "more", ok=(73,))
    assert b"there are 32 passwords and certificates" in done.stderr


def test_a_password_is_not_cut(server):
    """What stands behind NUL would be forgotten, and any beginning let in."""
    for octets in (b"a\0b\n", b"a" * 1025 + b"\n", b""):
        done = server.ctl("user", "add", "carol", "--password-stdin",
                          input=octets, ok=(66,))
        assert b"without NUL" in done.stderr
    server.ctl("user", "add", "carol", "--password-stdin", input=b"one")
    assert enters(server, "carol", "one")


def test_tables_of_names_in_utf8(server):
    """Each column begins below its head."""
    name = "j\u00f6rg.m\u00fcller@ex\u00e4mple.org"
    server.ctl("user", "add", name, "--password-stdin", input=b"demo\n")
    long = "a" * 50 + "@example.org"
    server.ctl("user", "add", long, "--password-stdin", input=b"demo\n")
    server.ctl("alias", "add", "k\u00f6nig", name)
    done = server.ctl("alias", "add", "k\u00f6nig", name, ok=(73,))
    assert b"there is an alias " in done.stderr
    for command, head in ((("user", "list"), "CREATED"),
                          (("alias", "list"), "USER")):
        lines = server.ctl(*command).stdout.decode().splitlines()
        at = lines[0].index(head)
        assert all(line[at - 2:at] == "  " and line[at] != " "
                   for line in lines), lines
    lines = server.ctl("mailbox", "list").stdout.decode().splitlines()
    assert len({len(line.rpartition("  ")[0]) for line in lines}) == 1, lines
    assert any(line.startswith(long) for line in lines)


def test_who_may_not_look_is_told_so(server):
    """And not that there are no accounts."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    server.config_file.parent.chmod(0o755)
    server.place.chmod(0o755)
    done = servers.run(
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
        servers.BUILD / "restantectl", "-c", server.config_file, "user", "list",
        ok=(77,))
    assert b"Permission denied" in done.stderr
    assert b"no accounts" not in done.stderr
