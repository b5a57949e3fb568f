# SPDX-License-Identifier: ISC
"""restantectl on the running server."""
import json
import os
import poplib
import re

import pytest

import mail
import servers
import wires

pytestmark = pytest.mark.sanitize


def refuses(server, user, password):
    with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\]"):
        wires.pop3s(server, user, password)


def test_user_add_passwd_remove(server):
    server.ctl("user", "add", "carol", "--password-stdin", input=b"one\n")
    assert wires.pop3s(server, "carol", "one").stat()[0] == 0
    assert server.lmtp(mail.plain("hello"), "carol")[1][0][0] == 250
    server.ctl("user", "passwd", "carol", "--password-stdin", input=b"two\n")
    refuses(server, "carol", "one")
    assert wires.pop3s(server, "carol", "two").stat()[0] == 1
    server.ctl("user", "remove", "carol")
    refuses(server, "carol", "two")
    assert server.lmtp(mail.plain("hello"), "carol")[0][0][0] == 550


def test_user_add_twice_is_refused(server):
    done = server.ctl("user", "add", "alice", "--password-stdin",
                      input=b"other\n", ok=range(1, 128))
    assert b"alice" in done.stderr
    assert wires.pop3s(server, "alice", "demo").stat()[0] == 0


def test_user_list(server):
    lines = server.ctl("user", "list").stdout.decode()
    assert "alice" in lines and "bob" in lines
    listed = json.loads(server.ctl("user", "list", "--json").stdout)
    assert {"alice", "bob"} <= {user["name"] for user in listed}


@pytest.mark.parametrize("name", ["", "../alice", "a/b", "-x", "a b",
                                  "x" * 300])
def test_names_that_cannot_be(server, name):
    server.ctl("user", "add", "--password-stdin", "--", name,
               input=b"one\n", ok=range(1, 128))


def test_deliver(server):
    octets = mail.ORDINARY["dots"]
    server.ctl("deliver", "alice", input=octets)
    client = wires.pop3s(server)
    assert client.stat()[0] == 1
    mail.same(wires.octets(client, 1), octets)
    done = server.ctl("deliver", "nobody-here", input=octets,
                      ok=range(1, 128))
    assert b"nobody-here" in done.stderr
    # The empty sender of a bounce, as some mail servers write it.
    server.ctl("deliver", "alice", "-f", "<>", input=octets)
    for words in (["a b"], ["alice", "-f", "<a@example.org>"]):
        done = server.ctl("deliver", *words, input=octets, ok=(65,))
        assert words[-1].encode() in done.stderr


def test_deliver_takes_local_line_ends(server):
    octets = mail.ORDINARY["utf8-header"]
    server.ctl("deliver", "alice", input=octets.replace(b"\r\n", b"\n"))
    mail.same(wires.octets(wires.pop3s(server), 1), mail.without_utf8(octets))


def test_status_and_mailbox_list(server):
    server.lmtp(mail.plain("one"))
    assert b"session" in server.ctl("status").stdout
    json.loads(server.ctl("status", "--json").stdout)
    assert b"alice" in server.ctl("mailbox", "list").stdout
    assert b"[server]" in server.ctl("config", "show").stdout


def check(server, config, code):
    """restanted -n on a changed configuration; what it says of it."""
    file = server.place / "changed.conf"
    file.write_text(config)
    return servers.run(servers.BUILD / "restanted", "-n", "-c", file,
                       ok=(code,)).stderr


def test_group_of_a_unix_socket(server):
    config = server.config_file.read_text()
    on_unix = config + "[listener lmtp]\naddress = unix:/run/x\ngroup = daemon\n"
    on_port = config + "[listener lmtp]\naddress = 127.0.0.1:1\ngroup = daemon\n"
    assert check(server, on_unix, 0) == b""
    assert b"only unix: addresses" in check(server, on_port, 78)
    assert b"stands twice" in check(server, on_unix + "group = daemon\n", 78)
    # What only this machine can tell: beside the server that runs.
    for address, why in (("unix:/run/x", b"stands in two places"),
                         ("192.0.2.7:110", b"has no such address"),
                         ("localhost:110", b"is no address with a port")):
        assert why in check(server, on_unix.replace("group = daemon\n", "")
                            + f"[listener pop3s]\naddress = {address}\n", 78)
    assert b"no such group" in check(
        server, on_unix.replace("daemon", "no-such-group"), 78)
    away = re.sub("(?m)^state = .*", "state = /nonexistent/state", config)
    assert b"[server] state: /nonexistent" in check(server, away, 78)
    if os.geteuid() == 0:
        nobody = re.sub("(?m)^key-user = .*", "key-user = no-such-user",
                        config)
        assert b"[server] key-user = no-such-user" in check(
            server, nobody, 78)
    server.config_file.write_text(on_unix)
    shown = server.ctl("config", "show").stdout.decode()
    assert ("address = unix:/run/x ; restart\ngroup = daemon ; restart\n"
            in shown)
    settings = json.loads(server.ctl("config", "show", "--json").stdout)
    assert settings["listener lmtp"][1:] == [{
        "address": "unix:/run/x", "group": "daemon"}]
    assert settings["listener lmtp"][0].keys() == {"address"}
    assert settings["server"]["hostname"] in on_unix


def test_check_of_the_configuration(server):
    servers.run(servers.BUILD / "restanted", "-n", "-c", server.config_file)
    said = check(server, server.config_file.read_text().replace(
        "hostname", "hostnam"), 78)
    assert b"hostnam" in said and b"changed.conf" in said
