# SPDX-License-Identifier: ISC
"""Talking to a server octet by octet, where a library would tidy up."""
import poplib
import re
import smtplib
import socket
import ssl

# A long line is no reason to fail: the server sends what it was given.
poplib._MAXLINE = 1 << 20
TIMEOUT = 60


class Wire:
    """A line protocol over a socket."""

    def __init__(self, port, context=None, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), TIMEOUT)
        if context:
            self.start_tls(context)
        self.file = self.socket.makefile("rb")

    def start_tls(self, context):
        self.socket = context.wrap_socket(self.socket,
                                          server_hostname="localhost")
        self.file = self.socket.makefile("rb")

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self):
        return self.file.readline()

    def ask(self, command):
        self.send(command.encode() + b"\r\n")
        return self.line().decode("utf-8", "replace").rstrip("\r\n")

    def close(self):
        self.file.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Lmtp(Wire):
    """Sends the octets given, stuffing only where RFC 5321 asks for it."""

    def __init__(self, port):
        super().__init__(port)
        assert self.reply()[0] == 220
        self.command("LHLO test.example.org")

    def reply(self):
        while True:
            line = self.line().decode()
            assert re.match(r"\d{3}[ -]", line), line
            if line[3] == " ":
                return int(line[:3]), line[4:].rstrip()

    def command(self, text):
        self.send(text.encode() + b"\r\n")
        return self.reply()

    def deliver(self, octets, *recipients, sender="ruth@example.org"):
        """The reply to each RCPT, then to the body for each accepted one."""
        assert self.command(f"MAIL FROM:<{sender}>")[0] == 250
        replies = [self.command(f"RCPT TO:<{r}>") for r in recipients]
        accepted = [r for r in replies if r[0] == 250]
        if not accepted:
            self.command("RSET")
            return replies, []
        assert self.command("DATA")[0] == 354
        stuffed = re.sub(rb"(\A|\r\n)\.", rb"\1..", octets)
        self.send(stuffed + b".\r\n")
        return replies, [self.reply() for _ in accepted]


def lmtp(port, octets, *recipients):
    with Lmtp(port) as wire:
        replies, done = wire.deliver(octets, *recipients)
        wire.command("QUIT")
    return replies, done


def smtplib_lmtp(port, octets, *recipients):
    """By the library; returns the refused recipients."""
    with smtplib.LMTP("127.0.0.1", port, timeout=TIMEOUT) as client:
        return client.sendmail("ruth@example.org", recipients, octets)


def trust(ca_file):
    return ssl.create_default_context(cafile=str(ca_file))


def pop3s(server, user="alice", password="demo"):
    client = poplib.POP3_SSL("localhost", server.pop3s_port, timeout=TIMEOUT,
                             context=trust(server.ca_file))
    client.user(user)
    client.pass_(password)
    return client


def pop3(server, user="alice", password="demo", stls=False):
    client = poplib.POP3("127.0.0.1", server.pop3_port, timeout=TIMEOUT)
    if stls:
        client.host = "localhost"
        client.stls(context=trust(server.ca_file))
    client.user(user)
    client.pass_(password)
    return client


def reply_to_login(server, name, password):
    """To PASS, without TLS. Who failed need not wait for the next try."""
    with Wire(server.pop3_port) as wire:
        wire.line()
        wire.ask(f"USER {name}")
        reply = wire.ask(f"PASS {password}")
        if reply.startswith("+OK"):
            wire.ask("QUIT")
        else:
            server.ctl("forgive", "127.0.0.1")
        return reply


def octets(client, msgno):
    return b"\r\n".join(client.retr(msgno)[1]) + b"\r\n"


def all_octets(client):
    return [octets(client, n + 1) for n in range(client.stat()[0])]


def uidls(client):
    return [line.split()[1].decode() for line in client.uidl()[1]]
