# SPDX-License-Identifier: ISC
"""A service manager's ear."""
import socket

import servers


class Manager:
    """Hears what the server tells; a socket of the test's own."""

    def __init__(self, place):
        self.path = place / "notify.sock"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.settimeout(0.05)
        self.heard = []

    def hear(self):
        try:
            while True:
                self.heard += self.socket.recv(4096).decode().split("\n")
        except TimeoutError:
            return self.heard

    def wait_for(self, word):
        servers.until(lambda: word in self.hear(), what=word)
