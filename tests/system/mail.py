# SPDX-License-Identifier: ISC
"""Messages to send, and what they must look like when they come back."""
import base64
import hashlib
import random
import re

STAMPS = (b"Return-Path:", b"Delivered-To:", b"Received:")
TEN_MIB = 10 << 20


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


def header(subject, *more):
    fields = ["From: Ruth <ruth@example.org>", "To: Alice <alice@localhost>",
              f"Subject: {subject}", "Date: Mon, 02 Nov 2026 10:00:00 +0000",
              f"Message-ID: <{hashlib.md5(subject.encode()).hexdigest()}"
              "@example.org>", *more]
    return "\r\n".join(fields).encode() + b"\r\n"


def plain(subject, body=b"One line.\r\n"):
    return header(subject) + b"\r\n" + body


def with_attachment(octets=100_000):
    noise = base64.encodebytes(random.Random(1).randbytes(octets))
    return header(
        "The plans", "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="b1"') + (
        b"\r\n--b1\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n"
        + "Gr\u00fc\u00dfe, \u03b1\u03b2\u03b3.\r\n".encode()
        + b"--b1\r\nContent-Type: application/octet-stream; name=plans.bin\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + noise.replace(b"\n", b"\r\n") + b"--b1--\r\n")


# Mail as people send it: whatever the client, it has to arrive.
ORDINARY = {
    "plain": plain("plain"),
    "dots": plain("dots", b".\r\n..\r\n...\r\n.hidden\r\na.b\r\n.\r\n"),
    "dot-last": plain("dot-last", b"the end\r\n."  b"\r\n"),
    "empty-body": header("empty-body") + b"\r\n",
    "blank-lines": plain("blank-lines", b"\r\n\r\n\r\n"),
    "utf8-header": header("Gr\u00fc\u00dfe") + b"\r\nbody\r\n",
    "attachment": with_attachment(),
    "long-line": plain("long-line", b"x" * 998 + b"\r\n"),
    "looks-like-mbox": plain("looks-like-mbox",
                             b"From here on\r\n>From there\r\n"),
    "looks-like-replies": plain("looks-like-replies",
                                b"-ERR no\r\n+OK 3\r\n+ \r\nQUIT\r\n"),
}


def without_utf8(octets):
    """What a client sees that did not give UTF8, of a message whose header has
    UTF-8 in Subject alone: RFC 6858."""
    def encoded(match):
        words = [w if w.isascii() else b"=?UTF-8?B?" + base64.b64encode(w)
                 + b"?=" for w in match[1].split(b" ")]
        return b"Subject: " + b" ".join(words) + b"\r\n"
    head, empty, body = octets.partition(b"\r\n\r\n")
    head = re.sub(rb"Subject: (.*)\r\n", encoded, head + b"\r\n")
    assert head.isascii()
    return head[:-2] + empty + body


def every_octet(size=TEN_MIB):
    """All octets but NUL; LF only in CRLF; lone CRs; dots at line starts; lines
    of 0 to 2,000 octets and one of 100,000."""
    chance = random.Random(2)
    alphabet = bytes(o for o in range(1, 256) if o != 10)
    table = bytes(alphabet[i % len(alphabet)] for i in range(256))
    lines, total = [bytes(alphabet), b"x" * 100_000], 0
    while total < size:
        line = chance.randbytes(chance.randrange(2000)).translate(table)
        line = b"." * chance.choice((0, 0, 0, 1, 2, 3)) + line
        lines.append(line)
        total += len(line) + 2
    lines += [b".", b"..", b"\r", b".\r", b"end"]
    return header("every octet") + b"\r\n" + b"\r\n".join(lines) + b"\r\n"


def without_stamps(octets):
    """Takes off the three fields that final delivery put in front."""
    for name in STAMPS:
        assert octets.startswith(name), octets[:200]
        end = octets.index(b"\r\n") + 2
        while octets[end:end + 1] in (b" ", b"\t"):
            end = octets.index(b"\r\n", end) + 2
        octets = octets[end:]
    return octets


def same(octets, sent):
    """The message that was sent by LMTP, and nothing else, came back."""
    got = without_stamps(octets)
    assert len(got) == len(sent)
    assert digest(got) == digest(sent)


def subject(octets):
    for line in octets.split(b"\r\n\r\n")[0].split(b"\r\n"):
        if line.lower().startswith(b"subject:"):
            return line[8:].strip().decode()
    return None
