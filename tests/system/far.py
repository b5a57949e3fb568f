#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""Another machine, from which peers can vanish: a network namespace that a pair
of interfaces joins to this one. Needs root.

As a program, started there, it is the peer: it logs in by TLS, does what its
mode says, prints "ready", and is there until it is told to go on or killed.
"""
import itertools
import os
import re
import socket
import ssl
import subprocess
import sys
import time

import servers

PATIENCE_SECONDS = 60
# A namespace takes a moment to go: none comes twice.
NUMBERS = itertools.count(os.getpid() * 16)


def ip(*arguments, ok=(0,)):
    return servers.run("ip", *arguments, ok=ok)


def is_possible():
    """Containers without CAP_NET_ADMIN have neither of them."""
    if os.geteuid() != 0 or not servers.installed("ip"):
        return False
    probe = f"far-probe-{os.getpid()}"
    if ip("netns", "add", probe, ok=range(256)).returncode:
        return False
    made = ip("link", "add", f"fp{os.getpid()}", "type", "veth", "peer",
              "name", "far", "netns", probe, ok=range(256))
    ip("netns", "del", probe)
    return made.returncode == 0


class Far:
    """Made at once; `address` is ours as seen from there."""

    def __init__(self):
        number = next(NUMBERS) % 16384
        net = f"198.18.{number // 64}.{number % 64 * 4}"
        self.name, self.link = f"restante-far-{number}", f"rf{number}"
        first = net.rpartition(".")[0], int(net.rpartition(".")[2])
        self.address = f"{first[0]}.{first[1] + 1}"
        self.there = f"{first[0]}.{first[1] + 2}"
        self.peers = []
        ip("netns", "add", self.name)
        ip("link", "add", self.link, "type", "veth", "peer", "name", "far",
           "netns", self.name)
        ip("addr", "add", f"{self.address}/30", "dev", self.link)
        ip("link", "set", self.link, "up")
        ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev", "far")
        ip("-n", self.name, "link", "set", "far", "up")

    def command(self, *command):
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def peer(self, mode, port, user):
        """Returns when it has got so far."""
        peer = subprocess.Popen(
            self.command(sys.executable, __file__, mode, self.address, port,
                         user),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.peers.append(peer)
        assert peer.stdout.readline() == "ready\n", mode
        return peer

    def vanish(self):
        """What comes there is for nobody, and nobody says so."""
        shown = ip("-n", self.name, "link", "show", "far").stdout.decode()
        [mac] = re.findall(r"link/ether (\S+)", shown)
        ip("neigh", "replace", self.there, "lladdr", mac, "dev", self.link,
           "nud", "permanent")
        ip("-n", self.name, "addr", "flush", "dev", "far")

    def close(self):
        for peer in self.peers:
            peer.kill()
            peer.communicate()
        ip("netns", "del", self.name)


# ---- the peer ----


def connect(host, port):
    wire = socket.socket()
    # A small window: the server soon has something to send that waits.
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    wire.settimeout(PATIENCE_SECONDS)
    wire.connect((host, port))
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(wire)


def log_in(wire, user):
    answers = wire.makefile("rb")
    wire.sendall(f"USER {user}\r\nPASS demo\r\n".encode())
    for _ in range(3):
        assert answers.readline().startswith(b"+OK")


def crowd(host, port, count):
    """So many that have not logged in."""
    held = [connect(host, port) for _ in range(count)]
    print("ready", flush=True)
    sys.stdin.readline()
    del held


def be(mode, host, port, user):
    if mode == "crowd":
        crowd(host, port, int(user))
        return
    wire = connect(host, port)
    if mode != "stranger":
        log_in(wire, user)
    if mode in ("reading", "full", "slow"):
        wire.sendall(b"RETR 1\r\n")
        wire.recv(4096)
    print("ready", flush=True)
    if mode == "reading":  # until nothing comes any more
        wire.settimeout(None)
        while wire.recv(512):
            time.sleep(0.05)
    sys.stdin.readline()
    if mode == "slow":
        octets = 4096
        while octets < 2_000_000:
            octets += len(wire.recv(65536))
        wire.sendall(b"QUIT\r\n")
        print(octets, flush=True)


if __name__ == "__main__":
    be(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
