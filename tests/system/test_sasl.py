# SPDX-License-Identifier: ISC
"""Every SASL mechanism against the real server: over STLS and POP3S, with the
right password and a wrong one, with somebody between."""
import base64
import os
import re
import signal
import sqlite3

import pytest

import scram
import servers
import wires

DENIED = "-ERR [AUTH] wrong user name or password"
BOUND = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"]
UNBOUND = ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"]


def plain(caller, user="alice", password="demo"):
    response = scram.encode(f"\0{user}\0{password}".encode())
    return caller.ask(f"AUTH PLAIN {response}")


def log_in(mechanism, caller, password="demo"):
    if mechanism == "PLAIN":
        return plain(caller, password=password)
    return scram.Scram(caller, mechanism, password=password).log_in()


def restart_with(server, section, *lines):
    text = server.config_file.read_text()
    head = f"[{section}]\n"
    if head not in text:
        text += f"\n{head}"
    server.config_file.write_text(text.replace(
        head, head + "".join(f"{line}\n" for line in lines)))
    server.restart()


@pytest.mark.sanitize
@pytest.mark.parametrize("stls", [False, True], ids=["pop3s", "stls"])
def test_every_mechanism(server, stls):
    """RFC 5034 section 6: PLAIN is there; SCRAM besides."""
    with scram.Caller(server, stls=stls) as caller:
        assert caller.mechanisms() == BOUND + UNBOUND
    for number, mechanism in enumerate(UNBOUND):
        with scram.Caller(server, stls=stls) as caller:
            assert log_in(mechanism, caller).startswith("+OK maildrop")
            assert caller.ask("STAT") == "+OK 0 0"
            assert caller.ask("QUIT").startswith("+OK")
        with scram.Caller(server, f"127.0.1.{number + 1}", stls) as caller:
            assert log_in(mechanism, caller, "demos") == DENIED
            # The connection is none the worse for it.
            assert caller.ask("QUIT").startswith("+OK")
    for number, mechanism in enumerate(BOUND):
        code, said = scram.gnu_sasl(
            server, "--mechanism", mechanism, stls=stls)
        assert code == 0 and "verified: yes" in said, said
        code, said = scram.gnu_sasl(
            server, "--mechanism", mechanism, password="demos", stls=stls,
            address=f"127.0.2.{number + 1}")
        assert code == 1 and DENIED in said, said


@pytest.mark.sanitize
def test_an_independent_client_binds_and_sees_a_downgrade(server):
    # GNU SASL, left to choose, and OpenSSL's exporter.
    code, said = scram.gnu_sasl(server)
    assert code == 0, said
    assert "mechanism: SCRAM-SHA-256-PLUS over TLSv1.3" in said
    assert "verified: yes" in said
    # Before TLS 1.3 it is tls-unique, and nothing without RFC 7627.
    code, said = scram.gnu_sasl(server, "--tls12")
    assert code == 0, said
    assert "mechanism: SCRAM-SHA-256-PLUS over TLSv1.2" in said
    code, said = scram.gnu_sasl(server, "--tls12", "--no-ems")
    assert code == 0, said
    assert "-PLUS" not in said and "mechanism: SCRAM-SHA-256 over" in said
    # Somebody between has two connections, and ends one of ours.
    code, said = scram.gnu_sasl(server, "--other-binding",
                                address="127.0.3.1")
    assert code == 1 and DENIED in said, said
    # Or takes what binds off the list: the client says that it could ("y"),
    # which its proof covers, and here we could too.
    with scram.Caller(server, "127.0.3.2") as caller:
        reply = scram.Scram(caller, header="y,,").log_in()
        assert reply.startswith("-ERR that is not how"), reply
    # GNU SASL itself does not go on then.
    code, said = scram.gnu_sasl(server, "--stripped", address="127.0.3.3")
    assert code == 1 and "client: " in said, said
    # A client that cannot bind is let in, and so is one that says "y" where
    # we cannot either.
    with scram.Caller(server) as caller:
        assert scram.Scram(caller).log_in().startswith("+OK")
    log = server.program.text()
    assert re.search(r"auth-attacked id=\S+ addr=127\.0\.3\.1:\d+ "
                     r'why="bound to another connection', log)
    assert re.search(r"auth-attacked id=\S+ addr=127\.0\.3\.2:\d+ "
                     r'why="the client can bind', log)


def test_bound_by_hand(server):
    """Python's TLS knows tls-unique."""
    for number, mechanism in enumerate(BOUND):
        with scram.Caller(server, tls12=True) as caller:
            login = scram.Scram(caller, mechanism, header="p=tls-unique,,",
                                binding=caller.unique())
            assert login.log_in().startswith("+OK"), login.replies
        # A binding that there is not on TLS 1.2, and none at all.
        for header in ("p=tls-exporter,,", "n,,"):
            with scram.Caller(server, tls12=True) as caller:
                login = scram.Scram(caller, mechanism, header=header,
                                    binding=caller.unique())
                assert login.log_in().startswith("-ERR that is"), header
        # The wrong octets, with the right password.
        with scram.Caller(server, f"127.0.4.{number + 1}",
                          tls12=True) as caller:
            login = scram.Scram(caller, mechanism, header="p=tls-unique,,",
                                binding=caller.unique()[::-1])
            assert login.log_in() == DENIED


def steps(server, user, password, address, mechanism):
    """What a login that fails looks like, with what is random left out."""
    with scram.Caller(server, address) as caller:
        login = scram.Scram(caller, mechanism, user, password, initial=False)
        assert login.log_in() == DENIED
        shapes = [re.sub(r"^\+ .+", lambda m: f"+ {len(m[0])}", reply)
                  for reply in login.replies]
        return login.salt, login.iterations, shapes


@pytest.mark.parametrize("mechanism", UNBOUND[:2])
def test_an_unknown_user_looks_like_any_other(server, mechanism):
    names = {"alice": "demos", "nobody-is-called-that": "demo",
             "alice%telephone": "demo", "../alice": "demo"}
    seen = {name: steps(server, name, password, f"127.0.5.{number + 1}",
                        mechanism)
            for number, (name, password) in enumerate(names.items())}
    salts = {salt for salt, _, _ in seen.values()}
    assert len(salts) == len(names)
    assert len({len(salt) for salt in salts}) == 1
    assert len({iterations for _, iterations, _ in seen.values()}) == 1
    # Not sooner, and not in other words.
    shapes = [shape for _, _, shape in seen.values()]
    assert all(shape == shapes[0] for shape in shapes), shapes
    # The salt is the name's, whoever asks, when, and how it is written.
    server.restart()
    again = steps(server, "nobody-is-called-that", "x", "127.0.5.100",
                  mechanism)
    capitals = steps(server, "Nobody-Is-Called-That", "x", "127.0.5.101",
                     mechanism)
    assert again[0] == capitals[0] == seen["nobody-is-called-that"][0]


def test_what_ends_an_exchange(server):
    with scram.Caller(server) as caller:
        login = scram.Scram(caller)
        assert login.first()
        assert caller.ask("*") == "-ERR login cancelled"
    with scram.Caller(server) as caller:
        login = scram.Scram(caller)
        assert login.first()
        reply = login.final()
        assert reply.startswith("+ ") and login.verifies(reply)
        assert caller.ask("*") == "-ERR login cancelled"
        assert caller.ask("STAT").startswith("-ERR log in first")
    with scram.Caller(server) as caller:
        # RFC 5034 section 4: the last word is an empty line.
        login = scram.Scram(caller)
        assert login.first() and login.final().startswith("+ ")
        assert caller.ask(scram.encode(b"more")).startswith("-ERR that is not")
    with scram.Caller(server) as caller:
        # A replayed proof has another nonce.
        old = scram.Scram(caller)
        assert old.first()
        caller.ask("*")
        fresh = scram.Scram(caller)
        assert fresh.first()
        fresh.full_nonce = old.full_nonce
        assert fresh.final().startswith("-ERR that is not how")


def test_nobody_acts_as_somebody_else(server):
    for header, is_in in (("n,a=alice,", True), ("n,a=bob,", False)):
        with scram.Caller(server) as caller:
            reply = scram.Scram(caller, header=header).log_in()
            assert reply.startswith("+OK" if is_in else DENIED), header


@pytest.mark.sanitize
def test_passwords_from_before_scram_get_keys(server):
    database = server.directory / "state" / "accounts" / "accounts.db"
    server.stop()
    with sqlite3.connect(database, timeout=30) as accounts:
        accounts.execute("UPDATE credential SET scram_sha_1 = NULL, "
                         "scram_sha_256 = NULL")
    accounts.close()
    server.start()
    with scram.Caller(server, "127.0.6.1") as caller:
        assert scram.Scram(caller).log_in() == DENIED
    with scram.Caller(server) as caller:
        assert plain(caller).startswith("+OK")
        caller.ask("QUIT")
    for mechanism in UNBOUND[:2]:
        with scram.Caller(server) as caller:
            login = scram.Scram(caller, mechanism)
            assert login.log_in().startswith("+OK"), login.replies
    assert "scram-keys user=\"alice\"" in server.program.text()


def test_a_new_password_has_new_keys(server):
    server.ctl("user", "passwd", "alice", "--password-stdin", input=b"other\n")
    with scram.Caller(server, "127.0.7.1") as caller:
        assert scram.Scram(caller).log_in() == DENIED
    with scram.Caller(server) as caller:
        assert scram.Scram(caller, password="other").log_in().startswith("+OK")


def test_failures_delay_who_failed(server):
    with scram.Caller(server, "127.0.8.1") as caller:
        assert scram.Scram(caller, password="x").log_in() == DENIED
    told = server.ctl("status").stdout.decode()
    assert "127.0.8.1" in told and "alice" in told


def test_settings_choose_what_is_offered(server):
    restart_with(server, "auth", "mechanisms = plain, Scram-SHA-256",
                 "login = yes")
    with scram.Caller(server) as caller:
        assert caller.mechanisms() == ["SCRAM-SHA-256", "PLAIN", "LOGIN"]
        assert caller.ask("AUTH SCRAM-SHA-1") == "-ERR no such mechanism"
        assert base64.b64decode(caller.ask("AUTH LOGIN")[2:]) == b"Username:"
        caller.ask(scram.encode(b"alice"))
        assert caller.ask(scram.encode(b"demo")).startswith("+OK")
    # Nothing that binds is offered: who could bind has missed nothing.
    with scram.Caller(server) as caller:
        assert scram.Scram(caller, header="y,,").log_in().startswith("+OK")
    bad = server.place / "bad.conf"
    bad.write_text(server.config_file.read_text().replace(
        "plain, Scram", "plain, Scran"))
    done = servers.run(servers.BUILD / "restanted", "-n", "-c", bad, ok=(78,))
    assert b'there is no "Scran-SHA-256"' in done.stderr


# ---- certificates of clients ----

class Authority:
    """Whoever issues certificates for clients: openssl(1)."""

    def __init__(self, place, name="authority"):
        self.place, self.name = place, name
        self.file = place / f"{name}.pem"
        self.key = place / f"{name}.key"
        servers.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN={name}", "-keyout", self.key,
                    "-out", self.file)

    def issue(self, name, common_name="Alice", email="alice@example.org",
              days=30):
        """A certificate and its key."""
        request = self.place / f"{name}.csr"
        certificate = self.place / f"{name}.pem"
        key = self.place / f"{name}.key"
        servers.run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    f"/O=Example/CN={common_name}", "-keyout", key,
                    "-out", request)
        names = self.place / f"{name}.ext"
        names.write_text(f"subjectAltName=email:{email}\n"
                         "extendedKeyUsage=clientAuth\n")
        servers.run("openssl", "x509", "-req", "-in", request, "-CA",
                    self.file, "-CAkey", self.key, "-CAcreateserial",
                    "-days", str(days), "-extfile", names,
                    "-out", certificate)
        return certificate, key


def external(caller, authzid=""):
    text = scram.encode(authzid.encode()) or "="
    return caller.ask(f"AUTH EXTERNAL {text}")


@pytest.mark.sanitize
@pytest.mark.parametrize("stls", [False, True], ids=["pop3s", "stls"])
def test_a_certificate_logs_in(server, place, stls):
    authority = Authority(place)
    mine = authority.issue("mine")
    unknown = authority.issue("unknown", "Nobody", "nobody@example.org")
    forged = Authority(place, "forger").issue("forged")
    expired = authority.issue("expired", days=-1)
    restart_with(server, "tls", f"client-ca = {authority.file}",
                 "client-certificate = ask")
    server.ctl("device", "add", "alice", "laptop", "--certificate", mine[0])
    with scram.Caller(server, stls=stls, certificate=mine) as caller:
        assert "EXTERNAL" in caller.mechanisms()
        # Asked first, it says nothing: the certificate says all.
        assert caller.ask("AUTH EXTERNAL") == "+ "
        assert caller.ask("").startswith("+OK maildrop")
    for authzid in ("", "alice", "ALICE"):
        with scram.Caller(server, stls=stls, certificate=mine) as caller:
            assert external(caller, authzid).startswith("+OK"), authzid
    with scram.Caller(server, "127.0.9.1", stls, certificate=mine) as caller:
        assert external(caller, "bob") == DENIED
    with scram.Caller(server, "127.0.9.2", stls,
                      certificate=unknown) as caller:
        assert external(caller) == DENIED
    # What cannot be believed is as good as none; passwords still do.
    for certificate in (forged, expired, None):
        with scram.Caller(server, stls=stls,
                          certificate=certificate) as caller:
            assert "EXTERNAL" not in caller.mechanisms()
            assert external(caller) == "-ERR no such mechanism"
            assert plain(caller).startswith("+OK")
    assert re.search(r'client-certificate id=\S+ addr=\S+ '
                     r'why="certificate has expired"', server.program.text())


def test_a_certificate_is_a_device_like_any_other(server, place):
    authority = Authority(place)
    mine = authority.issue("mine")
    restart_with(server, "tls", f"client-ca = {authority.file}",
                 "client-certificate = ask")
    server.ctl("device", "add", "alice", "laptop", "--certificate", mine[0],
               "--read-only")
    server.lmtp(b"Subject: stays\r\n\r\nHello.\r\n")
    with scram.Caller(server, certificate=mine) as caller:
        assert external(caller).startswith("+OK")
        assert caller.ask("DELE 1").startswith("-ERR")
        assert caller.ask("QUIT").startswith("+OK")
    server.ctl("device", "remove", "alice", "laptop")
    with scram.Caller(server, "127.0.9.3", certificate=mine) as caller:
        assert external(caller) == DENIED


def test_a_device_has_keys_of_its_own(server):
    server.ctl("device", "add", "alice", "phone", "--password-stdin",
               input=b"telephone\n")
    with scram.Caller(server) as caller:
        login = scram.Scram(caller, user="alice%phone", password="telephone")
        assert login.log_in().startswith("+OK"), login.replies
    for number, (user, password) in enumerate(
            (("alice", "telephone"), ("alice%phone", "demo"))):
        with scram.Caller(server, f"127.0.9.{number + 10}") as caller:
            assert scram.Scram(caller, user=user,
                               password=password).log_in() == DENIED


@pytest.mark.parametrize("setting, kept_as, common_name, email", [
    ("credential", "subject:CN=Alice,O=Example", "Alice", "x@example.org"),
    ("email", None, "somebody", "bob"),
    ("common-name", None, "Bob", "x@example.org"),
])
def test_whose_a_certificate_is(server, place, setting, kept_as, common_name,
                                email):
    authority = Authority(place)
    named = authority.issue("named", common_name, email)
    restart_with(server, "auth", f"external-name = {setting}")
    restart_with(server, "tls", f"client-ca = {authority.file}",
                 "client-certificate = ask")
    if kept_as:
        server.ctl("device", "add", "alice", "laptop", "--certificate",
                   kept_as)
    server.lmtp(b"Subject: for bob\r\n\r\nHello.\r\n", "bob")
    with scram.Caller(server, certificate=named) as caller:
        assert external(caller).startswith("+OK")
        assert caller.ask("STAT").split()[1] == ("0" if kept_as else "1")


def resumes(server, certificate, session=None):
    """The TLS session of a new connection, and whether it is an old one."""
    context = wires.trust(server.ca_file)
    context.maximum_version = scram.ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(*certificate)
    raw = wires.socket.create_connection(
        ("127.0.0.1", server.pop3s_port), wires.TIMEOUT)
    if session:
        context = session[1]
    with context.wrap_socket(raw, server_hostname="localhost",
                             session=session and session[0]) as tls:
        assert tls.recv(100).startswith(b"+OK")
        tls.sendall(b"CAPA\r\n")
        reply = b""
        while not reply.endswith(b"\r\n.\r\n"):
            reply += tls.recv(4096)
        return (tls.session, context), tls.session_reused, b"EXTERNAL" in reply


@pytest.mark.sanitize
def test_who_is_believed_changes_without_a_restart(server, place):
    authority, other = Authority(place), Authority(place, "other")
    mine = authority.issue("mine")
    trusted = place / "trusted.pem"
    trusted.write_text(authority.file.read_text() + other.file.read_text())
    restart_with(server, "server", "session-processes = 1")
    restart_with(server, "tls", f"client-ca = {trusted}",
                 "client-certificate = ask")
    session, _, has_external = resumes(server, mine)
    assert has_external
    _, is_resumed, has_external = resumes(server, mine, session)
    assert is_resumed and has_external
    with scram.Caller(server) as open_before:
        trusted.write_text(other.file.read_text())
        os.kill(server.pid, signal.SIGHUP)
        # Neither a new handshake nor a ticket of before brings it back.
        servers.until(lambda: not resumes(server, mine)[2])
        assert resumes(server, mine, session)[1:] == (False, False)
        assert plain(open_before).startswith("+OK")
    trusted.write_text("not a certificate\n")
    os.kill(server.pid, signal.SIGHUP)
    servers.until(lambda: "reload-failed" in server.program.text())
    theirs = other.issue("theirs")
    with scram.Caller(server, certificate=theirs) as caller:
        assert "EXTERNAL" in caller.mechanisms()


def test_nobody_connects_without_a_certificate(server, place):
    authority = Authority(place)
    mine = authority.issue("mine")
    restart_with(server, "tls", f"client-ca = {authority.file}",
                 "client-certificate = require")
    with scram.Caller(server, certificate=mine) as caller:
        assert plain(caller).startswith("+OK")
    for certificate in (None, Authority(place, "forger").issue("forged")):
        with pytest.raises(OSError):
            with scram.Caller(server, certificate=certificate) as caller:
                # TLS 1.3: the alert comes with the first answer.
                if not caller.ask("CAPA"):
                    raise ConnectionResetError
    # A PEM that is none stops the check of the settings.
    bad = place / "bad.pem"
    bad.write_text("nothing\n")
    config = place / "bad.conf"
    config.write_text(server.config_file.read_text().replace(
        str(authority.file), str(bad)))
    done = servers.run(servers.BUILD / "restanted", "-n", "-c", config,
                       ok=(78,))
    assert b"there is no PEM certificate in it" in done.stderr
