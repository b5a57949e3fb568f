# SPDX-License-Identifier: ISC
"""What the administrator is told of certificates: in time, and rightly."""
import json
import re
import socket
import time

import pytest

import servers
import wires
from pairs import der, make_pair, section, shown, sign
from test_web import metrics

CHECK_BAD, NO_SERVER = 78, 69


def check(server, *arguments, ok=(0,), **more):
    return json.loads(server.ctl("tls", "check", "--json", *arguments, ok=ok,
                                 **more).stdout)


def problems(found):
    return " | ".join(p for row in found["certificates"] + found["listeners"]
                      for p in row["problems"])


def log_lines(server, word):
    return re.findall(f"(?:warning|error) {word} .*", server.program.text())


# ---- tls check ----

def test_all_is_well(post):
    server = post.start(
        section(make_pair(post.place, "ec"),
                make_pair(post.place, "rsa", kind="rsa"))
        + section(make_pair(post.place, "other", ("mail.example.com",)),
                  name="example.com"))
    found = check(server)
    assert problems(found) == "" and found["problems"] == 0
    assert [row["key"] for row in found["certificates"]] == [
        "EC P-256", "RSA 2048", "EC P-256"]
    assert [row["covers_hostname"] for row in found["certificates"]] == [
        True, True, False]
    assert {(row["listener"], row["name"]) for row in found["listeners"]} == {
        (listener, name) for listener in ("pop3", "pop3s")
        for name in ("localhost", "example.com")}
    assert all(row["protocol"].startswith("TLSv1.3/")
               for row in found["listeners"])
    text = server.ctl("tls", "check").stdout.decode()
    assert text.endswith("all is well\n")
    # A name of a customer: his certificate alone, and it is for him.
    found = check(server, "mail.example.com")
    assert [row["domain"] for row in found["certificates"]] == ["example.com"]
    found = check(server, "nobody.example", ok=(CHECK_BAD,))
    assert found["uncovered"] == "nobody.example"


@pytest.mark.sanitize
def test_what_is_wrong_is_found(post):
    place = post.place
    root = make_pair(place, "root", ("root.test",))
    middle = sign(place, "middle", root, ("middle.test",), is_ca=True)
    half = sign(place, "half", middle)
    over = sign(place, "over", None, ("over.test",), until="20200101000000Z")
    soon = make_pair(place, "soon", ("soon.test",), days=5)
    soon[1].chmod(0o644)
    server = post.start(
        section(half) + section(over, name="over.test")
        + section(soon, name="soon.test"), hostname="mail.example.org")
    found = check(server, ok=(CHECK_BAD,))
    rows = {row["domain"]: row for row in found["certificates"]}
    assert rows[""]["chain"] == "incomplete"
    assert "/CN=middle" in rows[""]["problems"][0]
    assert rows["over.test"]["problems"] == ["it has expired"]
    assert rows["over.test"]["days_left"] < -2000
    assert re.search("it expires in [45] days",
                     rows["soon.test"]["problems"][0])
    assert f"read or write {soon[1]}" in rows["soon.test"]["problems"][1]
    assert found["uncovered"] == "mail.example.org"
    assert found["problems"] == 5
    assert b"  valid     not since 2020-01-01\n" in server.ctl(
        "tls", "check", ok=(CHECK_BAD,)).stdout
    # With what was missing, and the root trusted, the chain is whole.
    half[0].write_text(half[0].read_text() + middle[0].read_text())
    found = check(server, ok=(CHECK_BAD,), env={"SSL_CERT_FILE": str(root[0])})
    assert found["certificates"][0]["chain"] == "complete, trusted here"


def test_files_that_the_server_has_not_read(post):
    one = make_pair(post.place, "one")
    server = post.start(section(one))
    server.program.process.send_signal(19)  # SIGSTOP: it sees no change
    try:
        make_pair(post.place, "one")
        found = check(server, ok=(CHECK_BAD,))
        assert "none of the files" in problems(found)
    finally:
        server.program.process.send_signal(18)


def test_listeners_for_this_machine_as_a_proxy(post):
    config = post.settings(section(make_pair(post.place, "one")))
    for kind in ("pop3", "pop3s"):
        with socket.create_server(("127.0.0.1", 0)) as free, open(
                config, "a", encoding="ascii") as file:
            file.write(f"\n[listener {kind} proxied]\n"
                       f"address = 127.0.0.1:{free.getsockname()[1]}\n"
                       "proxy-networks = 127.0.0.0/8\n")
    found = check(post.server.start())
    assert problems(found) == "" and len(found["listeners"]) == 4
    assert "proxy-refused" not in post.server.program.text()


def test_a_server_that_is_away(post):
    config = post.settings(section(make_pair(post.place, "one")))
    done = servers.run(servers.BUILD / "restantectl", "-c", config, "tls",
                       "check", ok=(NO_SERVER,))
    assert done.stdout.count(b"PROBLEM") == 2
    assert b"cannot connect: Connection refused" in done.stdout


# ---- without being asked ----

@pytest.mark.sanitize
def test_ends_are_told_of(post):
    soon = make_pair(post.place, "soon", days=5)
    over = sign(post.place, "over", None, ("over.test",),
                until="20200101000000Z")
    later = make_pair(post.place, "later", ("later.test",), days=60)
    soon[1].chmod(0o606)
    server = post.start(section(soon) + section(over, name="over.test")
                        + section(later, name="later.test"))
    expires, = log_lines(server, "certificate-expires")
    assert re.match(f"warning .* file={soon[0]} days=[45] until=", expires)
    expired, = log_lines(server, "certificate-expired")
    assert f"file={over[0]} days=-" in expired and "error" in expired
    exposed, = log_lines(server, "key-exposed")
    assert f"file={soon[1]} " in exposed
    told = servers.until(
        lambda: {k: v for k, v in metrics(server).items() if "expiry" in k},
        what="the metrics")
    name = "restante_certificate_expiry_timestamp_seconds"
    key = f'{name}{{domain="%s",key="EC P-256"}}'
    assert told.keys() == {key % d for d in ("", "over.test", "later.test")}
    assert abs(told[key % ""] - time.time() - 5 * 86400) < 600
    assert told[key % "over.test"] == 1577836800
    status = json.loads(server.ctl("status", "--json").stdout)["certificates"]
    assert [row["domain"] for row in status["soonest"]] == [
        "over.test", "", "later.test"]
    assert re.search(r"(?m)^over.test +EC P-256 +expired$",
                     server.ctl("status").stdout.decode())
    # What replaces it is asked too.
    make_pair(post.place, "soon", days=20)
    servers.until(lambda: re.search("days=(19|20) ", log_lines(
        server, "certificate-expires")[-1]), what="the new warning")


def test_a_check_of_the_settings_warns(post):
    soon = make_pair(post.place, "soon", days=5)
    soon[1].chmod(0o644)
    config = post.settings(section(soon))
    done = servers.run(servers.BUILD / "restanted", "-n", "-c", config)
    exposed, expires = done.stderr.decode().splitlines()
    assert exposed == (f"restanted: warning: {soon[1]}: every user of this "
                       "machine may read or write the key: chmod o= it")
    assert re.fullmatch(f"restanted: warning: {soon[0]}: it expires in [45] "
                        "days", expires)


# ---- the one that is made ----

def own_files(server):
    return server.ca_file, server.ca_file.parent / "key.pem"


def test_the_own_certificate_is_made_anew_in_time(post):
    certificate, key = own_files(post.server)
    key.unlink()
    fresh = make_pair(post.place, "fresh", days=29)
    certificate.write_bytes(fresh[0].read_bytes())
    key.write_bytes(fresh[1].read_bytes())
    server = post.start()
    assert "ends soon" in log_lines(server, "certificate-made")[0]
    assert der(certificate) != der(fresh[0])
    assert shown(server.pop3s_port) == der(certificate)
    assert key.stat().st_mode & 0o777 == 0o600
    wires.pop3s(server).quit()


def test_the_own_certificate_that_does_not_fit_is_made_anew(post):
    """As a crash between the two files leaves them."""
    certificate, key = own_files(post.server)
    key.write_bytes(make_pair(post.place, "fresh")[1].read_bytes())
    server = post.start()
    assert "does not belong" in log_lines(server, "certificate-made")[0]
    wires.pop3s(server).quit()
    before = certificate.read_bytes()
    server.restart()
    assert certificate.read_bytes() == before
