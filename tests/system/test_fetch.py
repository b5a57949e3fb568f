# SPDX-License-Identifier: ISC
"""restante against restanted and against a server we did not write."""
import json
import sqlite3

import pytest

import clients
import mail
import wires

WAYS = {"implicit": ("pop3s_port", "implicit"),
        "starttls": ("pop3_port", "starttls"),
        "none": ("pop3_port", "none")}


def add(server, place, *options, way="implicit", password=b"demo\n", ok=(0,)):
    port, tls = WAYS[way]
    ca_file = () if way == "none" else ("--ca-file", server.ca_file)
    return clients.restante(
        place, "account", "add", "alice", "--host", "127.0.0.1", "--port",
        getattr(server, port), "--tls", tls, *ca_file, "--maildir",
        place / "Mail", "--password-stdin", *options, ok=ok, input=password)


def filed(place):
    return [p.read_bytes() for p in clients.maildir_files(place / "Mail")]


def events(output):
    return [json.loads(line) for line in output.splitlines()]


def last(output):
    return events(output)[-1]


@pytest.mark.sanitize
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("keep", [True, False], ids=["keep", "delete"])
def test_ordinary_mail(server, place, way, keep):
    for octets in mail.ORDINARY.values():
        server.lmtp(octets)
    add(server, place, "--keep" if keep else "--delete", way=way)
    done = last(clients.restante(place, "fetch", "--json").stdout)
    assert done["outcome"] == "ok"
    assert done["stored_messages"] == len(mail.ORDINARY)
    assert done["deleted_messages"] == (0 if keep else len(mail.ORDINARY))
    got = {mail.subject(octets): octets for octets in filed(place)}
    for sent in mail.ORDINARY.values():
        mail.same(got[mail.subject(sent)], sent)
    again = last(clients.restante(place, "fetch", "--json").stdout)
    assert again["stored_messages"] == 0
    assert len(filed(place)) == len(mail.ORDINARY)
    left = wires.pop3s(server).stat()[0]
    assert left == (len(mail.ORDINARY) if keep else 0)


def test_ten_mib_unchanged(server, place):
    big = mail.every_octet()
    assert server.lmtp(big)[1][0][0] == 250
    add(server, place)
    clients.restante(place, "fetch")
    [octets] = filed(place)
    mail.same(octets, big)
    # And the ledger knows it by the same digest.
    ledger = sqlite3.connect(
        place / "home/.local/share/restante/ledger.db")
    [(digest,)] = ledger.execute("SELECT sha256 FROM message").fetchall()
    assert digest.hex() == mail.digest(octets)


@pytest.mark.parametrize("way", WAYS)
def test_from_dovecot(dovecot, place, way):
    sent = [octets for octets in mail.ORDINARY.values()
            if b"dot" not in octets[:200]]
    for number, octets in enumerate(sent):
        dovecot.put(octets, number)
    add(dovecot, place, "--delete", way=way)
    done = last(clients.restante(place, "fetch", "--json").stdout)
    assert done["outcome"] == "ok"
    assert done["deleted_messages"] == len(sent)
    assert sorted(map(mail.digest, filed(place))) == \
        sorted(map(mail.digest, sent))
    assert not clients.maildir_files(dovecot.mail)


def test_many_from_dovecot(dovecot, place):
    """More than one window and one batch."""
    sent = [mail.plain(f"number {n}", b"x" * (n * 37 % 5000) + b"\r\n")
            for n in range(1200)]
    for number, octets in enumerate(sent):
        dovecot.put(octets, number)
    add(dovecot, place)
    clients.restante(place, "fetch", "-q")
    assert sorted(map(mail.digest, filed(place))) == \
        sorted(map(mail.digest, sent))


def test_lf_line_ends(server, place):
    server.lmtp(mail.ORDINARY["dots"])
    add(server, place)
    config = place / "home/.config/restante/restante.conf"
    config.write_text(config.read_text() + "line-ends = lf\n")
    clients.restante(place, "fetch")
    [octets] = filed(place)
    assert b"\r" not in octets
    mail.same(octets.replace(b"\n", b"\r\n"), mail.ORDINARY["dots"])


def test_dry_run_changes_nothing(server, place):
    server.lmtp(mail.ORDINARY["plain"])
    add(server, place, "--delete")
    text = clients.restante(place, "fetch", "--dry-run").stdout.decode()
    assert "would collect 1 of 1 message" in text and "delete 1" in text
    assert not (place / "Mail").exists()
    assert wires.pop3s(server).stat()[0] == 1
    assert clients.restante(place, "status").stdout.count(b"never") == 1


# ---- account add ----

def test_wrong_password_saves_nothing(server, place):
    done = add(server, place, password=b"wrong\n", ok=(77,))
    assert b"login was refused" in done.stderr
    assert b"wrong\n" not in done.stderr
    assert not (place / "home/.config").exists()


def test_untrusted_certificate(server, place):
    done = clients.restante(
        place, "account", "add", "alice", "--host", "127.0.0.1", "--port",
        server.pop3s_port, "--password-stdin", ok=(77,), input=b"demo\n")
    assert b"certificate" in done.stderr


def test_no_clear_text_beyond_loopback(place):
    """An address of this machine that is not loopback will do."""
    done = clients.restante(
        place, "account", "add", "alice", "--host", "192.0.2.1", "--tls",
        "none", "--password-stdin", ok=(77,), input=b"demo\n")
    assert b"not on this machine" in done.stderr


def test_secrets_are_private(server, place):
    add(server, place)
    home = place / "home/.config/restante"
    for path in (home / "secrets/alice", home / "restante.conf"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert "demo\n" not in (home / "restante.conf").read_text()
    (home / "secrets/alice").chmod(0o644)
    done = clients.restante(place, "fetch", ok=(77,))
    assert b"can be read by others" in done.stderr


def test_password_command(server, place):
    server.lmtp(mail.ORDINARY["plain"])
    clients.restante(
        place, "account", "add", "alice", "--host", "127.0.0.1", "--port",
        server.pop3s_port, "--ca-file", server.ca_file, "--maildir",
        place / "Mail", "--password-command", "echo demo; echo more")
    clients.restante(place, "fetch")
    assert len(filed(place)) == 1
    assert not (place / "home/.config/restante/secrets").exists()


def test_status_and_list(server, place):
    server.lmtp(mail.ORDINARY["plain"])
    add(server, place)
    clients.restante(place, "fetch")
    [account] = json.loads(
        clients.restante(place, "account", "list", "--json").stdout)
    assert account["account"] == "alice" and account["keep"] is True
    [status] = json.loads(clients.restante(place, "status", "--json").stdout)
    assert status["last_run"]["is_good"] is True
    assert status["last_run"]["stored_messages"] == 1
    assert status["last_run"]["on_server"] == 1
    server.stop()
    clients.restante(place, "fetch", ok=(75,))
    text = clients.restante(place, "status").stdout
    assert b"cannot connect" in text
    server.start()


def test_no_account_yet(place):
    done = clients.restante(place, "fetch", ok=(78,))
    assert b"account add" in done.stderr


def test_settings_are_checked(place):
    config = place / "restante.conf"
    config.write_text("[account a]\nhots = x\n")
    done = clients.restante(place, "-c", config, "fetch", ok=(78,))
    assert f"{config}:2:".encode() in done.stderr
    assert b'did you mean "host"' in done.stderr
