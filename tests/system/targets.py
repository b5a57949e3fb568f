# SPDX-License-Identifier: ISC
"""Where collected mail is delivered to in tests: servers that do as they are
told, and what the mail looks like there."""
import contextlib
import re
import socket
import threading

import hostile


def id_of(octets):
    """The stable name a message has, and the message without it."""
    field, _, rest = octets.partition(b"\r\n")
    assert re.fullmatch(rb"X-Restante-ID: [0-9a-z]{26}", field)
    return field, rest


def mbox_of(*messages):
    """mboxrd, as it should be."""
    out = b""
    for octets in messages:
        body = octets.replace(b"\r\n", b"\n")
        body = re.sub(rb"(?m)^(>*From )", rb">\1", body)
        out += (b"From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n" + body
                + (b"\n" if body.endswith(b"\n") else b"\n\n"))
    return out


class Target:
    """A line server on loopback; `serve` speaks with one connection."""

    def __init__(self, context=None, implicit=False):
        self.context, self.implicit = context, implicit
        self.taken, self.commands, self.answers = [], [], {}
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"localhost:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self.listener.accept()[0]
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,),
                                 daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, hostile.Closed):
            self.secured = False
            if self.implicit:
                connection = self.start_tls(connection)
            self.serve(connection)
        connection.close()

    def start_tls(self, connection):
        self.secured = True
        return self.context.wrap_socket(connection, server_side=True)

    def answer(self, command, default):
        """What the test wants, once or always; None ends the connection."""
        answer = self.answers.get(command, default)
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else default
        if answer is None:
            raise hostile.Closed
        return answer.encode() + b"\r\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


class Mailer(Target):
    """LMTP and SMTP."""

    def serve(self, connection):
        lines = connection.makefile("rb")
        connection.sendall(self.answer("greeting", "220 ready"))
        while line := lines.readline():
            line = line.decode().rstrip("\r\n")
            self.commands.append(line)
            verb = line.split(" ")[0].upper()
            if verb in ("EHLO", "LHLO"):
                offers = "" if self.secured or not self.context \
                    else "250-STARTTLS\r\n"
                connection.sendall(
                    (f"250-me\r\n{offers}250 AUTH PLAIN LOGIN\r\n").encode())
            elif verb == "STARTTLS":
                connection.sendall(b"220 go\r\n")
                connection = self.start_tls(connection)
                lines = connection.makefile("rb")
            elif verb == "DATA":
                answer = self.answer("DATA", "354 go")
                connection.sendall(answer)
                if not answer.startswith(b"354"):
                    continue
                octets = b""
                while not octets.endswith(b"\r\n.\r\n"):
                    line = lines.readline()
                    if not line:
                        raise hostile.Closed
                    octets += line
                octets = re.sub(rb"(\A|\r\n)\.\.", rb"\1.", octets[:-3])
                answer = self.answer("end", "250 taken")
                if answer.startswith(b"250"):
                    self.taken.append(octets)
                if answer.startswith(b"250 lost"):
                    raise hostile.Closed
                connection.sendall(answer)
            else:
                connection.sendall(self.answer(verb, "250 fine"))


class Imap(Target):
    """As much of IMAP as APPEND needs."""

    def literal(self, lines, octets):
        return lines.read(octets)

    def serve(self, connection):
        lines = connection.makefile("rb")
        self.folders = getattr(self, "folders", {'"INBOX"'})
        connection.sendall(b"* OK ready\r\n")
        while line := lines.readline():
            line = line.decode().rstrip("\r\n")
            tag, _, command = line.partition(" ")
            self.commands.append(command)
            verb = command.split(" ")[0]
            if verb == "UID":
                wanted = command.split(" ")[-1].encode()
                found = [n for n, (_, o) in enumerate(self.taken, 1)
                         if b"X-Restante-ID: " + wanted in o]
                connection.sendall(
                    f"* SEARCH {' '.join(map(str, found))}\r\n".encode())
            elif verb == "EXAMINE" and command[8:] not in self.folders:
                connection.sendall(f"{tag} NO none\r\n".encode())
                continue
            elif verb == "CREATE":
                self.folders.add(command[7:])
            elif verb == "APPEND":
                size = int(re.search(r"\{(\d+)\}$", command)[1])
                connection.sendall(b"+ go\r\n")
                octets = self.literal(lines, size)
                if lines.readline() != b"\r\n":
                    raise hostile.Closed
                answer = self.answer("APPEND", "OK taken")
                if b"OK" in answer:
                    self.taken.append((command, octets))
                if b"lost" in answer:
                    raise hostile.Closed
                connection.sendall(tag.encode() + b" " + answer)
                continue
            connection.sendall(
                tag.encode() + b" " + self.answer(verb, "OK"))
