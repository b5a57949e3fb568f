#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Makes the seeds of the fuzz targets, one folder for each, out of what the
tests hold: what clients say in the transcripts, what our server says to them
there, and settings of the golden tests.

usage: corpus.py TESTS TO STAMP
"""
import base64
import pathlib
import re
import sys

ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "\\": b"\\"}
# Requests of tests/fuzz/fuzz_pop3_client.c by verb; its table says which.
REQUESTS = {"CAPA": 0, "USER": 1, "STAT": 2, "UIDL": 3, "LIST": 4, "RETR": 5,
            "DELE": 6, "QUIT": 7, "TOP": 8, "AUTH": 10, "STLS": 11,
            "NOOP": 12}
# Flags of the targets: the input goes on from a state that is hard to reach.
HEADS = {"pop3-server": (0, 2, 4, 8), "lmtp-server": (0, 1, 4)}


def unescape(text):
    """As tests/transcripts/README.md has it."""
    out, at = b"", 0
    while at < len(text):
        if text[at] != "\\":
            out += text[at].encode()
            at += 1
        elif text[at + 1] == "x":
            out += bytes([int(text[at + 2:at + 4], 16)])
            at += 4
        elif text[at + 1] == "(":
            end = text.index(")", at)
            count, repeated = text[at + 2:end].split(" ", 1)
            # Long lines are made by the fuzzer itself when they matter.
            out += unescape(repeated) * min(int(count), 1100)
            at = end + 1
        else:
            out += ESCAPES[text[at + 1]]
            at += 2
    return out


def said(transcript, who):
    out = b""
    for line in transcript.splitlines():
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == who:
            out += value.replace("*", "text").encode() + b"\r\n"
        elif key == f"{who}-raw":
            out += unescape(value)
    return out


def requests(transcript):
    """What the client asks, as pairs of octets."""
    pairs = []
    for line in re.findall(r"^C: (.*)$", transcript, re.M):
        verb, _, argument = line.partition(" ")
        if verb in REQUESTS:
            number = int(argument) if argument.isdigit() else 1
            pairs.append(bytes([REQUESTS[verb], number % 256]))
    return pairs[:15]


def client_seed(transcript):
    pairs = requests(transcript)
    return (bytes([len(pairs), 3]) + b"".join(pairs)
            + said(transcript, "S"))


def seeds(tests):
    """(target, name, octets)"""
    for protocol in ("pop3", "lmtp"):
        target = f"{protocol}-server"
        for file in sorted((tests / "transcripts" / protocol).glob("*.txt")):
            text = file.read_text("utf-8")
            client = said(text, "C")
            for flags in HEADS[target]:
                yield target, f"{file.stem}.{flags}", bytes([flags, 7]) + client
            yield "line-reader", f"{protocol}-{file.stem}", b"\0\7" + client
            if protocol == "pop3":
                yield "pop3-client", file.stem, client_seed(text)
            for message in re.findall(r"^message: (.*)$", text, re.M):
                yield "dot", f"{file.stem}-message", b"\0\3" + unescape(message)
            if "\r\n.\r\n".encode() in client:
                yield "dot", f"{protocol}-{file.stem}", b"\1\3" + client
    for file in sorted((tests / "golden" / "files").glob("*.conf")):
        yield "settings", file.stem, b"\0\0" + file.read_bytes()
    yield "settings", "collector", (
        b"\1\0[client]\nstate = s\n[account a@b.example]\nhost = h\n"
        b"keep = yes\nmaildir = ~/M\ntls = starttls\n")
    # Header, three messages, a tombstone, a trailer: as few octets as it takes.
    message = b"\0\x10\x20\x10\0\x1a\0A"
    yield "index", "dense", b"\0\0" + 3 * message + b"\4\3\0\3\0"
    yield "index", "another-count", b"\1\0" + 3 * message + b"\4\3\0\3\0"
    yield "index", "another-sum", b"\4\0" + 3 * message + b"\4\3\0\3\0"
    yield "index", "deleted", (b"\0\0" + 3 * message + b"\3\1\0"
                               + b"\4\2\0\0\0")
    for name in ("127.0.0.1:995", "[::1]:110", "[2001:db8::1]:1",
                 "unix:/run/lmtp.sock", "2001:db8::/64"):
        yield "address", re.sub(r"\W", "-", name), name.encode()
    mbox = (b"From a Thu Nov 19 08:30:00 2026\nStatus: RO\n\nbody\n\n"
            b"From b Fri Nov 20 08:30 2026\n>From x\n>>From y\r\n\r\n\n")
    yield "mbox", "file", b"\0\0" + mbox
    yield "mbox", "message", b"\1\1" + mbox.replace(b"\n", b"\r\n") + b"From "
    yield "message", "fields", (b"\5\0\1\2\3\4" + b"\1" + b"\2\0\0\0"
                                + b"\3" + bytes(7) + b"\2\0\0\0ab"
                                + b"\1\0\0\0c")
    # Alice reads, deletes and commits; bob may only read; mail for carol.
    yield "role-messages", "session", (b"\0\0" + b"\4\1\0\0\x40"
                                       + b"\4\2\0" + b"\4\4" + b"\4\x0a")
    yield "role-messages", "read-only", b"\x08\5" + b"\x0c\0\0\2" + b"\x0c\4"
    yield "role-messages", "delivery", (b"\x11\x08\0" + b"\x14\6\0" + b"\x14\7"
                                        + b"\x14\7" + b"\x14\x08")
    yield "role-messages", "another", b"\0\0\2\x30\3abc\3" + b"\0\0"
    yield "names", "mailbox", b"\0\0alice@example.org\nbob\n%d/%n"
    yield "names", "file", (b"\1\1001700000000.R0123456789abcdefghjkmnpqrs.host"
                            b",S=1,W=1:2,S\n\n%u")
    yield "names", "slash", b"\0\0x/../../cur/alice\n\n%u"
    yield "uidls", "given", (b"\0\0" + b"\2" * 8 + b"\1" + bytes(23)
                             + b"\2" * 8 + b"\2\5" + bytes(22)
                             + b"given" + bytes(91))
    yield "deletions", "two", b"\1\0" + bytes(16) + b"\2" + bytes(79)
    yield "deliveries", "four", b"\0\0\2" + b"\x20a\1\x40b\2\x60c\4" * 6
    yield "autoconfig", "pop3", (
        b"\0\0<?xml version=\"1.0\"?><clientConfig version=\"1.1\">"
        b"<emailProvider id=\"x\"><incomingServer type=\"pop3\">"
        b"<hostname>pop.%EMAILDOMAIN%</hostname><port>995</port>"
        b"<socketType>SSL</socketType><username>%EMAILADDRESS%</username>"
        b"<authentication>OAuth2</authentication></incomingServer>"
        b"</emailProvider></clientConfig>")
    yield "autoconfig", "doctype", (
        b"\0\0<!DOCTYPE x [<!ENTITY a \"b\"><!ENTITY c \"&a;&a;\">]>"
        b"<clientConfig>&c;</clientConfig>")
    yield "oauth-answer", "tokens", (
        b"\0\0{\"access_token\": \"a\", \"refresh_token\": \"b\", "
        b"\"expires_in\": 3600}")
    yield "oauth-answer", "device", (
        b"\0\0{\"device_code\": \"d\", \"user_code\": \"U\", \"interval\": "
        b"\"5\", \"verification_uri\": \"https://a.test/\"}")
    yield "oauth-answer", "error", (
        b"\0\0{\"error\": \"slow_down\", \"error_description\": \"why\"}")
    yield "oauth-answer", "request", (
        b"\1\0GET /?state=state&code=a%2Fb+c HTTP/1.1")
    yield "autoconfig", "host", b"\1\0b\xc3\xbccher.Example.ORG."
    yield "autoconfig", "detour", b"\2\0a.example:995::1995,:443:b:"
    question = b"\0\0\x81\x80\0\1\0\2\0\0\0\0\1a\4test\0"
    yield "resolver", "srv", (
        b"\2\0" + question + b"\0\x21\0\1" + 2 * (
            b"\xc0\x0c\0\x21\0\1\0\0\0\x3c\0\x0b\0\5\0\3\3\xe3\2\1b\xc0"
            b"\x0c"))
    yield "resolver", "caa", (
        b"\5\0" + question + b"\1\1\0\1" + 2 * (
            b"\xc0\x0c\1\1\0\1\0\0\0\x3c\0\x0a\0\5issuec\"\0"))
    yield "setup", "page", (
        b"\0\0GET /?emailaddress=alice%40example.org HTTP/1.1\r\n"
        b"Host: mail.example.org\r\n\r\n")
    yield "setup", "autoconfig", (
        b"\1\0HEAD /mail/config-v1.1.xml?emailaddress=a+b HTTP/1.0\r\n"
        b"Host: autoconfig.example.org:443\r\nAccept: */*\r\n\r\n")
    yield "setup", "profile", (
        b"\0\3GET /mail.mobileconfig?emailaddress=%26%3c%c3%bc@a.b HTTP/1.1"
        b"\r\n\r\n")
    yield "setup", "autodiscover", (
        b"\2\0POST /Autodiscover/Autodiscover.xml HTTP/1.1\r\n"
        b"Expect: 100-continue\r\nContent-Length: 61\r\n\r\n"
        b"<a xmlns=\"b\"><EMailAddress>x&amp;y@example.org</EMailAddress></a>")
    yield "socks5", "reply", b"\0\3\5\0\5\0\0\1\0\0\0\0\0\0+OK ready\r\n"
    yield "socks5", "login", b"\1\3\5\2\1\0\5\0\0\3\4host\0\0"
    yield "socks5", "url", b"\4\0socks5://us%65r:secret@[::1]:1080"
    yield "proxy-header", "line", (
        b"\0\3PROXY TCP6 2001:db8::1 ::ffff:192.0.2.2 1 995\r\nCAPA\r\n")
    yield "proxy-header", "checked", (
        b"\0\3\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x13\xc0\0\2\1\xc0\0\2\2"
        b"\x12\x67\3\xe3\3\0\4\xd9\x57\5\x81CAPA\r\n")
    yield "passwd-file", "users", (
        b"\0\0# users\nAlice@example.org:{SSHA256.hex}" + b"ab" * 36
        + b":::\nbob:$1$HHS1IAzx$Znp2/zM0EaodhQYwc1zOy/:1:1::/home::"
        b"allow_nets=10.0.0.0/8,::1 userdb_quota_rule=*:storage=1G nologin\n"
        b"carol:{SCRAM-SHA-1}4096,rTWg6nQD4Ffm1w95qIMr4w==,"
        b"PosnyVjX7YeAK2xsasX/0hTXjjg=,JHwbkp2pQVb1hqo4zrUJ6Sxt+bU=\n"
        b"dave:{PBKDF2}$1$s$5000$665b5ded3755272aab4596e1c25b20d377504a47\n"
        b"eve:{PLAIN.b64}eA==\nfrank:{OTP}x\n")
    yield "importing", "fetchmail", b"\0\0alice@a.example u1\nbob@b u 2\n"
    yield "importing", "mpop", (
        b"\1\0# a comment\n 2 a.example alice@x\nu1\nu2\n 0 b bob\n")
    yield "importing", "getmail", b"\2\0u1\0001700000000\nu-2\0001\n"
    yield "importing", "fdm", b"\3\0002 u1\n4 ../x\n"
    yield "rules", "pattern", b"\1\0*ab?\\**\nxxabc*yy"
    yield "rules", "rules", (
        b"\2\0[rule a]\nheader = Subject: *x*\nlarger-than = 1KiB\n"
        b"action = skip\n[rule b]\naccount = alice* | bob\nnot-header = "
        b"X-Spam: yes\nolder-than = 1d\n[rule c]\nrecipient = *@b.example\n"
        b"folder = %d/%n\n\0Delivered-To: <eve@b.example>\r\nSubject: x\r\n"
        b"\r\nbody\r\n")
    yield "oauth", "keys", (
        b'\1\0{"keys":[{"kty":"EC","kid":"e","crv":"P-256",'
        b'"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
        b'"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},'
        b'{"kty":"RSA","n":"AQAB","e":"AQAB","use":"sig","alg":"RS256"}]}')
    yield "oauth", "answer", (
        b'\2\0{"active":true,"email":"anna@example.org","exp":1000001,'
        b'"nbf":1,"aud":["a","b"],"scope":"a b","token_type":"Bearer"}')
    yield "oauth", "token", b"\0\0eyJhbGciOiJFUzI1NiJ9.e30." + b"M" * 86
    yield "oauth", "parts", (
        b'\4\0{"alg":"ES256","kid":"e","typ":"at+jwt"}\n'
        b'{"email":"anna@example.org","exp":1000001}')
    yield "sasl", "bearer", (
        b"\4\0" + base64.b64encode(b"n,a=u,\1host=h\1auth=Bearer t\1\1")
        + b"\nAQ==\n")
    yield "sasl", "xoauth2", (
        b"\7\0" + base64.b64encode(b"user=u\1auth=Bearer t\1\1") + b"\n")
    yield "sasl", "plain", b"\0\0AGFsaWNlAHNlY3JldA==\n"
    # RFC 7677 section 3; by whom, bound or not, is for the flags to say.
    nonce = b"rOprNGfwEbeRWgbNEkqO"
    yield "scram", "honest", b"\x08\0n,,n=user,r=" + nonce
    yield "scram", "bound", (b"\x09\0p=tls-exporter,a=x=2Cy,n=a=3Db,r="
                             + nonce + b",e=xtension")
    yield "scram", "final", (b"\0\0n,,n=user,r=" + nonce + b"\nc=biws,r="
                             + nonce + b"server,p=dHzbZapWIk4jUhN+Ute9ytag9zjf"
                             b"MHgsqmmiz7AndVQ=\n\n")
    yield "scram", "client", (b"\x04\0r=clientx,s=c2FsdA==,i=4096\n"
                              b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
                              b"\n")
    yield "scram", "refused", b"\x05\0r=clientx,s=c2FsdA==,i=4096\ne=no\n"
    yield "sasl", "login", b"\3\0YWxpY2U=\nc2VjcmV0\n"


def main():
    tests, to, stamp = map(pathlib.Path, sys.argv[1:])
    for target, name, octets in seeds(tests):
        (to / target).mkdir(parents=True, exist_ok=True)
        (to / target / name).write_bytes(octets)
    stamp.write_text("")


main()
