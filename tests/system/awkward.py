# SPDX-License-Identifier: ISC
"""200 messages that mail programs stumble over; the same in every run. Each
has its number in X-Number, and LF only in CRLF."""
import base64
import random

import mail

COUNT = 200


def dots(chance):
    return b"".join(b"." * chance.randrange(4) + chance.choice(
        (b"", b"x", b" ", b"\t.", b"From ")) + b"\r\n" for _ in range(40))


def replies(chance):
    lines = [b"+OK 3 messages", b"-ERR no", b".", b"..", b"QUIT", b"DELE 1",
             b"+ ", b"RETR 2", b"250 ok"]
    chance.shuffle(lines)
    return b"\r\n".join(lines) + b"\r\n"


def mbox_like(chance):
    return (b"From ruth@example.org Mon Nov  2 10:00:00 2026\r\n>From a\r\n"
            b"\r\nFrom here on\r\n>>From b\r\n from c\r\n")


def blank_lines(chance):
    return b"\r\n" * chance.randrange(1, 30) + b"end\r\n"


def white_space(chance):
    return b" \r\n\t\r\n  x  \r\n\tx\t\r\n \t \r\nlast \r\n"


def long_line(chance):
    return b"y" * chance.choice((998, 999, 1000, 1024, 4096, 8192)) + b"\r\n"


def eight_bit(chance):
    return bytes(o for o in range(128, 256)) + b"\r\n" + \
        "Grüße, αβγ, 日本語.\r\n".encode() * 3


def controls(chance):
    return bytes(o for o in range(1, 32) if o not in (10, 13)) + b"\r\n" + \
        b"\x1b[31mred\x1b[0m\x07\x7f\r\n"


def text(chance):
    words = [b"mail", b"post", b"office", b"keeps", b"until", b"called"]
    return b"".join(b" ".join(chance.choices(words, k=9)) + b"\r\n"
                    for _ in range(chance.randrange(1, 60)))


def attachment(chance):
    octets = base64.encodebytes(chance.randbytes(chance.randrange(60_000)))
    return octets.replace(b"\n", b"\r\n") or b"\r\n"


def nothing(chance):
    return b""


def lone_dot(chance):
    return b".\r\n" * chance.randrange(1, 4)


def bare_cr(chance):
    return b"one\rtwo\r\r\nthree\r.\r\r\n\rfour\r\n"


def nul(chance):
    return b"before\0after\r\n\0\r\nend\r\n"


BODIES = (text, dots, replies, mbox_like, blank_lines, white_space, long_line,
          eight_bit, controls, attachment, nothing, lone_dot, bare_cr, nul)


def fields(number, chance):
    """More header fields, folded and empty ones among them."""
    kinds = (
        [], ["X-Folded: one\r\n two\r\n\tthree"], ["X-Empty:"],
        ["X-Long: " + "z" * 900], [f"X-Many: {n}" for n in range(60)],
        ["Content-Type: text/plain; charset=utf-8",
         "Content-Transfer-Encoding: 8bit"], ["Status: RO", "X-Status: A"],
        ["Content-Length: 3", "Lines: 1"], ["X-UIDL: abc", "X-UID: 7"])
    return [f"X-Number: {number}", *kinds[number % len(kinds)]]


def message(number):
    chance = random.Random(number)
    subject = f"Grüße {number}" if number % 20 == 7 else f"number {number}"
    body = BODIES[number % len(BODIES)](chance)
    head = mail.header(subject, *fields(number, chance))
    # Some have no empty line behind the header either.
    return head if number % 50 == 49 else head + b"\r\n" + body


def messages():
    return [message(number) for number in range(COUNT)]
