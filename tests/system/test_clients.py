# SPDX-License-Identifier: ISC
"""The programs that people use: what goes in by LMTP comes out whole.
test_client_matrix.py has more of them, and a mailbox of awkward mail."""
import poplib

import pytest

import clients
import mail
import wires

needs = pytest.mark.parametrize


def fill(server):
    """Delivers every ordinary message; the octets, in order, that clients get
    which know nothing of UTF8: all of these."""
    for octets in mail.ORDINARY.values():
        replies, done = server.lmtp(octets)
        assert [r[0] for r in replies + done] == [250, 250]
    return [mail.without_utf8(octets) for octets in mail.ORDINARY.values()]


def check_all(got, sent):
    assert len(got) == len(sent)
    for g, s in zip(got, sent):
        mail.same(g, s)


@pytest.mark.sanitize
@pytest.mark.parametrize("stls", [False, True], ids=["plain", "stls"])
def test_poplib(server, stls):
    sent = fill(server)
    client = wires.pop3(server, stls=stls)
    check_all(wires.all_octets(client), sent)
    client.quit()


@pytest.mark.sanitize
def test_poplib_tls(server):
    sent = fill(server)
    client = wires.pop3s(server)
    got = wires.all_octets(client)
    check_all(got, sent)
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    assert sizes == [len(octets) for octets in got]
    assert client.stat()[0] == len(sent)
    head = b"\r\n".join(client.top(2, 1)[1]) + b"\r\n"
    assert head == got[1][:len(head)] and head.endswith(b"\r\n\r\n.\r\n")
    for n in range(len(sent)):
        client.dele(n + 1)
    client.quit()
    assert wires.pop3s(server).stat() == (0, 0)


def test_poplib_utf8(server):
    """UTF8: mail as it was sent, and STAT the sum of LIST."""
    fill(server)
    client = poplib.POP3_SSL("localhost", server.pop3s_port, timeout=60,
                             context=wires.trust(server.ca_file))
    assert client.utf8().startswith(b"+OK")
    client.user("alice")
    client.pass_("demo")
    got = wires.all_octets(client)
    check_all(got, list(mail.ORDINARY.values()))
    sizes = [int(line.split()[1]) for line in client.list()[1]]
    assert sizes == [len(octets) for octets in got]
    assert client.stat() == (len(got), sum(sizes))


# smtplib reads one reply to the body, whatever the number of recipients.
def test_smtplib_lmtp(server):
    for user in ("alice", "bob"):
        refused = wires.smtplib_lmtp(server.lmtp_port, mail.ORDINARY["dots"],
                                     user)
        assert refused == {}
        mail.same(wires.octets(wires.pop3s(server, user), 1),
                  mail.ORDINARY["dots"])


@needs("client", ["curl"], indirect=True)
@pytest.mark.parametrize("scheme, more", [
    ("pop3s", ()), ("pop3", ("--ssl-reqd",)), ("pop3", ())],
    ids=["tls", "stls", "plain"])
def test_curl(server, client, scheme, more):
    sent = fill(server)
    check_all([clients.curl(server, n + 1, scheme, *more)
               for n in range(len(sent))], sent)
    listed = clients.curl(server, "", scheme, *more)
    assert len(listed.splitlines()) == len(sent)


@needs("client", ["curl"], indirect=True)
def test_curl_deletes(server, client):
    fill(server)
    clients.curl(server, 1, "pop3s", "--request", "DELE", "--head")
    assert wires.pop3s(server).stat()[0] == len(mail.ORDINARY) - 1


@needs("client", ["openssl"], indirect=True)
@pytest.mark.parametrize("starttls", [False, True], ids=["tls", "stls"])
def test_s_client(server, client, starttls):
    server.lmtp(mail.ORDINARY["dots"])
    out = clients.s_client(
        server, ["USER alice", "PASS demo", "RETR 1", "QUIT"], starttls)
    reply = out[out.index(b" octets\r\n") + 9:]
    body = reply[:reply.index(b"\r\n.\r\n") + 2]
    mail.same(body.replace(b"\r\n..", b"\r\n."), mail.ORDINARY["dots"])
