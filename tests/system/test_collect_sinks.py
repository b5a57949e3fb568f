# SPDX-License-Identifier: ISC
"""Where collected mail goes: mbox, LMTP, SMTP, a command, IMAP. What is refused
stays on the server and holds up nothing; nothing is lost when an answer is."""
import base64
import ssl

import pytest

import hostile
import mail
import servers
from hostile import Account, Server
from targets import Imap, Mailer, id_of, mbox_of


def numbered(count):
    return [(f"u{n}", mail.plain(f"number {n}")) for n in range(count)]


# ---- servers to deliver to ----

@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    files = folder / "key.pem", folder / "certificate.pem"
    servers.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                "-keyout", files[0], "-out", files[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1], files[0])
    return context, files[1]


# ---- mbox ----

def test_mbox(place):
    odd = [("froms", mail.plain("froms", b"From me\r\n>From you\r\n"
                                b">>From them\r\n> From\r\n>x\r\nFrom\r\n")),
           ("end", mail.plain("end", b"no line end"))]
    path = place / "mbox"
    with Server(odd) as server:
        account = Account(place, server, keep="no", deliver="mbox", mbox=path)
        assert account.fetch()["deleted_messages"] == 2
        assert path.read_bytes() == mbox_of(*(o for _, o in odd))
        server.mail = [(u.encode(), o) for u, o in numbered(3)]
        account.fetch()
        assert path.read_bytes() == mbox_of(
            *(o for _, o in odd + numbered(3)))
    assert not (place / "mbox.lock").exists()


# ---- LMTP and SMTP ----

def relay(place, server, target, **more):
    return Account(place, server, keep="no", deliver_server=target.address,
                   deliver_recipient="alice@example.org",
                   deliver_timeout="5s", **more)


@pytest.mark.parametrize("protocol", ["lmtp", "smtp"])
def test_relay_exact(place, protocol):
    sent = numbered(3) + [
        ("dots", mail.plain("dots", b".\r\n..\r\n.x\r\n\0\r\n"))]
    with Server(sent) as server, Mailer() as target:
        account = relay(place, server, target, deliver=protocol,
                        deliver_tls="none")
        assert account.fetch()["deleted_messages"] == 4
        taken = [id_of(octets) for octets in target.taken]
        assert [rest for _, rest in taken] == [o for _, o in sent]
        assert len({field for field, _ in taken}) == 4
        assert target.connections == 1
        assert target.commands[1:3] == [
            "MAIL FROM:<>", "RCPT TO:<alice@example.org>"]
        assert not list((place / "home/.local/share/restante/spool/alice")
                        .iterdir())


@pytest.mark.parametrize("way", ["implicit", "starttls"])
def test_smtp_with_tls_and_auth(place, certificate, way):
    context, ca_file = certificate
    password = place / "secret"
    password.write_text("pass word\n")
    password.chmod(0o600)
    with Server(numbered(2)) as server, \
            Mailer(context, way == "implicit") as target:
        account = relay(place, server, target, deliver="smtp",
                        deliver_tls=way, deliver_ca_file=ca_file,
                        deliver_user="me", deliver_password_file=password)
        assert account.fetch()["deleted_messages"] == 2
        assert len(target.taken) == 2 and target.secured
        secret = base64.b64encode(b"\0me\0pass word").decode()
        assert f"AUTH PLAIN {secret}" in target.commands


def test_no_secret_and_no_mail_without_tls(place, certificate):
    """STARTTLS that is not offered, a certificate that nobody knows."""
    password = place / "secret"
    password.write_text("pass word\n")
    password.chmod(0o600)
    context, ca_file = certificate
    with Server(numbered(1)) as server, Mailer() as plain, \
            Mailer(context, True) as unknown:
        account = relay(place, server, plain, deliver="smtp",
                        deliver_tls="starttls", deliver_ca_file=ca_file,
                        deliver_user="me", deliver_password_file=password)
        assert "not offered" in account.fetch(ok=77)["text"]
        account.change("deliver-server", unknown.address)
        account.change("deliver-tls", "implicit")
        account.change("deliver-ca-file", "")
        account.fetch(ok=77)
        for target in plain, unknown:
            assert not target.taken
            assert not [c for c in target.commands if "AUTH" in c]
        assert len(server.mail) == 1


@pytest.mark.parametrize("answer", ["550 no", "452 full"])
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "end"])
def test_relay_refuses_one(place, step, answer):
    """It stays on the server, the others come; the next run has it."""
    with Server(numbered(3)) as server, Mailer() as target:
        target.answers[step] = [answer]
        account = relay(place, server, target, deliver="lmtp",
                        deliver_tls="none")
        ended = account.fetch(ok=75)
        assert ended["stored_messages"] == ended["deleted_messages"] == 2
        assert answer in account.warnings()[0]
        assert [u for u, _ in server.mail] == [b"u0"]
        assert account.fetch()["deleted_messages"] == 1
        assert sorted(id_of(o)[1] for o in target.taken) == sorted(
            o for _, o in numbered(3))


@pytest.mark.parametrize("step", ["greeting", "MAIL", "DATA"])
def test_relay_is_away(place, step):
    with Server(numbered(3)) as server, Mailer() as target:
        target.answers[step] = None
        account = relay(place, server, target, deliver="smtp",
                        deliver_tls="none")
        account.fetch(ok=75)
        assert len(server.mail) == 3 and not target.taken
        del target.answers[step]
        assert account.fetch()["deleted_messages"] == 3
        assert len(target.taken) == 3


def test_relay_whose_answer_is_lost(place):
    """What was in flight comes again, with the same name; nothing else."""
    with Server(numbered(3)) as server, Mailer() as target:
        target.answers["end"] = ["250 taken", "250 lost"]
        account = relay(place, server, target, deliver="lmtp",
                        deliver_tls="none")
        account.fetch(ok=75)
        assert account.fetch()["stored_messages"] == 2
        names = [id_of(octets)[0] for octets in target.taken]
        assert len(names) == 4 and len(set(names)) == 3
        assert server.mail == []


# ---- a command ----

def test_pipe(place):
    """No shell, one run a message, its environment, its exit code."""
    out = place / "out put"
    out.mkdir()
    program = place / "take it"
    program.write_text(
        "#!/bin/sh\n[ -e \"$1/fail\" ] && exit $(cat \"$1/fail\")\n"
        "[ \"$2\" = '$HOME;' ] || exit 1\n"
        "cat > \"$1/$RESTANTE_ACCOUNT-$RESTANTE_ID\"\n")
    program.chmod(0o700)
    with Server(numbered(3)) as server:
        account = Account(place, server, keep="no", deliver="pipe",
                          deliver_command=f"'{program}' \"{out}\" '$HOME;'")
        for code in ("75", "1", "65"):
            (out / "fail").write_text(code)
            account.fetch(ok=75)
            assert f"ended with {code}" in account.warnings()[0]
            assert len(server.mail) == 3
        (out / "fail").unlink()
        assert account.fetch()["deleted_messages"] == 3
        taken = {p.name: p.read_bytes() for p in out.iterdir()}
        for name, octets in taken.items():
            field, _ = id_of(octets)
            assert name == "alice-" + field.decode().split()[1]
        assert sorted(id_of(o)[1] for o in taken.values()) == sorted(
            o for _, o in numbered(3))


def test_pipe_that_hangs(place):
    with Server(numbered(1)) as server:
        account = Account(place, server, keep="no", deliver="pipe",
                          deliver_command="sleep 1000", deliver_timeout="1s")
        account.fetch(ok=75)
        assert "took too long" in account.warnings()[0]
        assert len(server.mail) == 1


# ---- IMAP ----

RECEIVED = (b"Received: from a.example by b.example; Tue, 03 Nov 2026 11:22:33"
            b" +0200\r\nStatus: RO\r\n")


def imap(place, server, target, **more):
    password = place / "secret"
    password.write_text('pass"word\n')
    password.chmod(0o600)
    return Account(place, server, keep="no", deliver="imap",
                   deliver_server=target.address, deliver_user="me",
                   deliver_password_file=password, deliver_timeout="5s",
                   **more)


def test_imap(place, certificate):
    """The original date, \\Seen, every octet; a folder that is made."""
    context, ca_file = certificate
    sent = [("a", RECEIVED + mail.plain("a")), ("b", mail.plain("b"))]
    with Server(sent) as server, Imap(context, True) as target:
        account = imap(place, server, target, deliver_folder="Old mail",
                       deliver_ca_file=ca_file)
        assert account.fetch()["deleted_messages"] == 2
        assert [id_of(o)[1] for _, o in target.taken] == [o for _, o in sent]
        commands = [c for c, _ in target.taken]
        assert commands[0].startswith(
            'APPEND "Old mail" (\\Seen) "03-Nov-2026 09:22:33 +0000" {')
        assert commands[1].startswith(
            'APPEND "Old mail" "02-Nov-2026 10:00:00 +0000" {')
        assert 'LOGIN "me" "pass\\"word"' in target.commands
        assert 'CREATE "Old mail"' in target.commands


def test_imap_looks_for_what_may_be_there(place):
    """The answer to an APPEND is lost: it is found, and not put twice."""
    with Server(numbered(3)) as server, Imap() as target:
        target.answers["APPEND"] = ["OK taken", "OK lost"]
        account = imap(place, server, target, deliver_tls="none")
        account.fetch()
        assert len(target.taken) == 3 and server.mail == []


@pytest.mark.parametrize("verb", ["LOGIN", "EXAMINE", "APPEND"])
def test_imap_refuses(place, verb):
    with Server(numbered(2)) as server, Imap() as target:
        target.answers[verb] = "NO never"
        target.answers["CREATE"] = "NO neither"
        account = imap(place, server, target, deliver_tls="none")
        account.fetch(ok=77 if verb == "LOGIN" else 75)
        assert len(server.mail) == 2 and not target.taken
        target.answers.clear()
        assert account.fetch()["deleted_messages"] == 2
