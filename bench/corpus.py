# SPDX-License-Identifier: ISC
"""Mail to measure with: the same octets in every run.

usage: corpus.py FOLDER COUNT [--small] [--lf]     one Maildir

Sizes follow what mailboxes hold: most messages are small, most octets are
attachments. Of a hundred, 62 are plain text of 1 to 8 KiB, 26 are text and HTML
of 10 to 60 KiB, 12 carry a base64 attachment of 40 KiB to 1.8 MiB; the mean is
about 58 KiB. One in eight has lines that begin with a dot.
"""
import base64
import math
import os
import pathlib
import random
import sys

WORDS = ("the of and to in is it you that he was for on are with as his they "
         "be at one have this from or had by hot but some what there we can "
         "out other were all your when up use word how said an each she which "
         "do their time if will way about many then them would write like "
         "invoice meeting schedule attached regards project deadline").split()
FIRST_SECOND = 1_700_000_000
# Maildirs of servers that store CRLF or LF; `W=` is what POP3 says either way.
CRLF, LF = b"\r\n", b"\n"


def header(chance, number, kind):
    id_ = f"{chance.getrandbits(64):016x}.{number}@mail.example.org"
    return (f"Return-Path: <ruth{number % 97}@example.org>\r\n"
            f"Received: from mx{number % 5}.example.org (mx.example.org"
            f" [192.0.2.{number % 250 + 1}])\r\n"
            "\tby mail.example.net (Postfix) with ESMTPS id"
            f" {chance.getrandbits(40):010X}\r\n"
            "\tfor <alice@example.net>; Mon,  2 Nov 2026 10:00:00 +0000"
            " (UTC)\r\n"
            f"From: Ruth <ruth{number % 97}@example.org>\r\n"
            "To: Alice <alice@example.net>\r\n"
            f"Subject: {' '.join(chance.choices(WORDS, k=6))}\r\n"
            "Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n"
            f"Message-ID: <{id_}>\r\n"
            f"MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n").encode()


def text(chance, octets, has_dots=False):
    """Lines of words; every twelfth begins with a dot when asked for."""
    lines, total = [], 0
    while total < octets:
        line = " ".join(chance.choices(WORDS, k=13))[:74]
        if has_dots and len(lines) % 12 == 5:
            line = "..." + line
        lines.append(line)
        total += len(line) + 2
    return ("\r\n".join(lines) + "\r\n").encode()


def between(chance, low, high):
    """Small more often than large: the logarithm is uniform."""
    return round(math.exp(chance.uniform(math.log(low), math.log(high))))


def with_html(chance, number, has_dots):
    size = between(chance, 10_000, 60_000)
    return (header(chance, number, 'multipart/alternative; boundary="b"')
            + b"--b\r\nContent-Type: text/plain\r\n\r\n"
            + text(chance, size // 6, has_dots)
            + b"--b\r\nContent-Type: text/html\r\n\r\n<html><body>\r\n"
            + text(chance, size * 5 // 6).replace(b"the ", b"<b>the</b> ")
            + b"</body></html>\r\n--b--\r\n")


def with_attachment(chance, number, has_dots):
    size = between(chance, 40_000, 1_800_000)
    noise = base64.encodebytes(chance.randbytes(size * 3 // 4))
    return (header(chance, number, 'multipart/mixed; boundary="b"')
            + b"--b\r\nContent-Type: text/plain\r\n\r\n"
            + text(chance, 800, has_dots)
            + b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n"
            + noise.replace(b"\n", b"\r\n") + b"--b--\r\n")


def message(number):
    """The number-th message of the corpus, with CRLF."""
    chance = random.Random(f"restante {number}")
    has_dots = number % 8 == 3
    kind = number * 37 % 100
    if kind < 62:
        return (header(chance, number, "text/plain; charset=us-ascii")
                + text(chance, between(chance, 700, 8_000), has_dots))
    if kind < 88:
        return with_html(chance, number, has_dots)
    return with_attachment(chance, number, has_dots)


def small(number):
    """About 1 KiB, made fast: for boxes of a million."""
    return SMALL.replace(b"NNNNNNNN", b"%08d" % number)


def four_kib(number):
    return FOUR_KIB.replace(b"NNNNNNNN", b"%08d" % number)


# Each has been received and named once: some servers make UIDLs of that.
NUMBERED = header(random.Random(1), 1, "text/plain").replace(
    b"Message-ID: <", b"Message-ID: <NNNNNNNN.").replace(
    b"ESMTPS id ", b"ESMTPS id NNNNNNNN")
FOUR_KIB = NUMBERED + text(random.Random(2), 3550)
SMALL = NUMBERED + text(random.Random(2), 500)


def file_name(number, octets, wire_octets):
    """As Dovecot names them, sizes included, so that it need not read them."""
    return (f"{FIRST_SECOND + number}.M{number:07d}P1.bench,S={octets},"
            f"W={wire_octets}:2,S")


def make_folders(box, owner=None):
    for name in ("cur", "new", "tmp"):
        (box / name).mkdir(parents=True)
        if owner is not None:
            os.chown(box / name, owner, owner)


def write_part(folder, numbers, make, line_end, owner):
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for number in numbers:
        octets = wire = make(number)
        if line_end == LF:
            octets = wire.replace(CRLF, LF)
        fd = os.open(file_name(number, len(octets), len(wire)),
                     os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600,
                     dir_fd=directory)
        os.write(fd, octets)
        if owner is not None:
            os.fchown(fd, owner, owner)
        os.close(fd)
    os.close(directory)


def on_every_core(count, write, least=1000):
    """write(numbers) by each core with its share of 0 to count - 1."""
    shares = os.cpu_count() if count > least else 1
    if shares == 1:
        write(range(count))
        return
    children = []
    for share in range(shares):
        if pid := os.fork():
            children.append(pid)
            continue
        try:
            write(range(share, count, shares))
            os._exit(0)
        finally:
            os._exit(1)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
             for pid in children]
    if any(codes):
        raise RuntimeError("not all mail could be written")


def write_box(box, count, make=message, first=0, line_end=CRLF, owner=None):
    """A Maildir of `count` messages."""
    make_folders(box, owner)
    on_every_core(count, lambda numbers: write_part(
        box / "cur", (first + n for n in numbers), make, line_end, owner))


def link_files(folder, target):
    """The same files in another folder: nothing is copied."""
    source = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    to = os.open(target, os.O_RDONLY | os.O_DIRECTORY)
    for name in os.listdir(source):
        os.link(name, name, src_dir_fd=source, dst_dir_fd=to)
    os.close(source)
    os.close(to)


def clone_box(box, target):
    make_folders(target)
    link_files(box / "cur", target / "cur")


class Boxes:
    """Maildirs of parts of the corpus, each made once, below one folder."""

    def __init__(self, place, owner, say):
        self.place, self.owner, self.say = place, owner, say
        self.made = {}

    def box(self, make, first, messages, line_end=CRLF):
        key = (make.__name__, first, messages, len(line_end))
        if key not in self.made:
            if messages > 10_000:
                self.say(f"  making {messages:,} messages")
            self.made[key] = self.place / "-".join(map(str, key))
            write_box(self.made[key], messages, make, first, line_end,
                      self.owner)
        return self.made[key]


def give(folder, uid, gid):
    """Everything below belongs to the server's user."""
    for where, _, names in os.walk(folder):
        os.chown(where, uid, gid)
        fd = os.open(where, os.O_RDONLY | os.O_DIRECTORY)
        for name in names:
            os.chown(name, uid, gid, dir_fd=fd, follow_symlinks=False)
        os.close(fd)


def main():
    arguments = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(arguments) != 2:
        sys.exit(__doc__)
    write_box(pathlib.Path(arguments[0]), int(arguments[1]),
              small if "--small" in sys.argv else message,
              line_end=LF if "--lf" in sys.argv else CRLF)


if __name__ == "__main__":
    main()
