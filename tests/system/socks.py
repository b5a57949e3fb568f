# SPDX-License-Identifier: ISC
"""A SOCKS5 proxy (RFC 1928, 1929) that connects names to places of the test."""
import contextlib
import socket
import struct
import threading


class Proxy:
    """places: {(name, port): port on loopback}; login: (user, password)."""

    def __init__(self, places, login=None, dribble=False):
        self.places, self.login, self.dribble = places, login, dribble
        self.asked = []  # (name, port), as the clients said them
        self.logins = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.listener.accept()[0]
                threading.Thread(target=self._serve, args=(client,),
                                 daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError, EOFError), client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._greet(client) and (server := self._connect(client)):
                with server:
                    back = threading.Thread(
                        target=self._copy, args=(server, client), daemon=True)
                    back.start()
                    self._copy(client, server)
                    back.join(30)

    @staticmethod
    def _take(client, octets):
        got = b""
        while len(got) < octets:
            more = client.recv(octets - len(got))
            if not more:
                raise EOFError
            got += more
        return got

    def _say(self, client, octets):
        for piece in ([octets[n:n + 1] for n in range(len(octets))]
                      if self.dribble else [octets]):
            client.sendall(piece)

    def _greet(self, client):
        version, count = self._take(client, 2)
        methods = self._take(client, count)
        wanted = 2 if self.login else 0
        assert version == 5
        if wanted not in methods:
            self._say(client, b"\5\xff")
            return False
        self._say(client, bytes([5, wanted]))
        if not self.login:
            return True
        self._take(client, 1)
        user = self._take(client, self._take(client, 1)[0]).decode()
        password = self._take(client, self._take(client, 1)[0]).decode()
        self.logins.append((user, password))
        is_good = (user, password) == self.login
        self._say(client, b"\1\0" if is_good else b"\1\1")
        return is_good

    def _connect(self, client):
        _, command, _, kind = self._take(client, 4)
        assert command == 1
        if kind == 3:
            name = self._take(client, self._take(client, 1)[0]).decode()
        else:
            name = socket.inet_ntop(
                socket.AF_INET if kind == 1 else socket.AF_INET6,
                self._take(client, 4 if kind == 1 else 16))
        port, = struct.unpack("!H", self._take(client, 2))
        self.asked.append((name, port))
        place = self.places.get((name, port))
        if not place:
            self._say(client, b"\5\4\0\1" + bytes(6))
            return None
        server = socket.create_connection(("127.0.0.1", place))
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The address has a name here, as it may.
        self._say(client, b"\5\0\0\3\4here\0\0")
        return server

    @staticmethod
    def _copy(one, other):
        with contextlib.suppress(OSError):
            while octets := one.recv(65536):
                other.sendall(octets)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
