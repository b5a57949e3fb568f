# SPDX-License-Identifier: ISC
"""What sslscan finds on a port, and a ClientHello that no library sends."""
import os
import socket
import struct
import xml.etree.ElementTree

import servers


def scan_text(port, *options):
    done = servers.run("sslscan", "--no-colour", "--sni-name=localhost",
                       *options, f"127.0.0.1:{port}")
    return done.stdout.decode()


def scan(port, *options):
    """{"protocols": {"TLS 1.2", ...}, "ciphers": {(protocol, name, bits)},
    "renegotiation": bool, "groups": {...}, "heartbleed": bool}"""
    tree = xml.etree.ElementTree.fromstring(scan_text(
        port, "--xml=-", *options))
    test = tree.find("ssltest")
    return {
        "protocols": {f"{p.get('type').upper()} {p.get('version')}"
                      for p in test.findall("protocol")
                      if p.get("enabled") == "1"},
        "ciphers": {(c.get("sslversion"), c.get("cipher"), int(c.get("bits")))
                    for c in test.findall("cipher")},
        "groups": {g.get("name") for g in test.findall("group")},
        "renegotiation": test.find("renegotiation").get("supported") == "1",
        "heartbleed": any(h.get("vulnerable") == "1"
                          for h in test.findall("heartbleed")),
    }


def hello_with_compression():
    """TLS 1.2, DEFLATE before none, EC and RSA ciphers that the server has."""
    def extension(number, octets):
        return struct.pack("!HH", number, len(octets)) + octets
    extensions = (extension(10, b"\0\4\0\x17\0\x1d")  # P-256, X25519
                  + extension(11, b"\1\0")
                  + extension(13, b"\0\6\4\3\x08\4\4\1")
                  + extension(0xff01, b"\0"))
    body = (b"\3\3" + os.urandom(32) + b"\0"
            + b"\0\4\xc0\x2b\xc0\x2f" + b"\2\1\0"
            + struct.pack("!H", len(extensions)) + extensions)
    message = b"\1" + struct.pack("!I", len(body))[1:] + body
    return b"\x16\3\1" + struct.pack("!H", len(message)) + message


def compression_chosen(port):
    """The number of the method in the ServerHello; 0 is none."""
    with socket.create_connection(("127.0.0.1", port), 30) as wire:
        wire.sendall(hello_with_compression())
        file = wire.makefile("rb")
        kind, _, octets = struct.unpack("!BHH", file.read(5))
        hello = file.read(octets)
    assert kind == 22 and hello[0] == 2, (kind, hello[:4])
    # type and length 4, version 2, random 32, then the session's id
    at = 38 + 1 + hello[38]
    return hello[at + 2]
