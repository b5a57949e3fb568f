# SPDX-License-Identifier: ISC
"""A DNS server of a few records, on loopback (RFC 1035, 2782)."""
import contextlib
import socket
import struct
import threading

TYPES = {"A": 1, "MX": 15, "AAAA": 28, "SRV": 33, "TLSA": 52, "CAA": 257}


def name_of(text):
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in text.rstrip(".").split(".") if label) + b"\0"


def data_of(kind, value):
    if kind == "A":
        return socket.inet_aton(value)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == "MX":
        return struct.pack("!H", value[0]) + name_of(value[1])
    if kind in ("TLSA", "CAA"):
        return value  # octets
    priority, weight, port, target = value
    return struct.pack("!HHH", priority, weight, port) + name_of(target)


class Nameserver:
    """records: {(name, type): [value, ...]}; what is not there does not
    exist. asked: (name, type) of every question."""

    def __init__(self, records, is_silent=False):
        self.records, self.is_silent = records, is_silent
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                question, who = self.socket.recvfrom(4096)
                if not question:
                    return
                if answer := self._answer(question):
                    self.socket.sendto(answer, who)

    def _answer(self, question):
        labels, at = [], 12
        while octets := question[at]:
            labels.append(question[at + 1:at + 1 + octets].decode())
            at += 1 + octets
        name = ".".join(labels).lower()
        number, = struct.unpack("!H", question[at + 1:at + 3])
        kind = {v: k for k, v in TYPES.items()}.get(number, number)
        self.asked.append((name, kind))
        if self.is_silent:
            return None
        found = self.records.get((name, kind), [])
        exists = any(n == name for n, _ in self.records)
        flags = 0x8180 if exists else 0x8183  # NXDOMAIN
        answers = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", number, 1, 60, len(data)) + data
            for data in (data_of(kind, value) for value in found))
        return (question[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0)
                + question[12:at + 5] + answers)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A thread in recvfrom(2) is not woken by close(2).
        self.socket.sendto(b"", ("127.0.0.1", self.port))
        self.socket.close()
