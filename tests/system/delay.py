# SPDX-License-Identifier: ISC
"""A line that takes its time: a proxy on loopback that delays every octet and
counts round trips."""
import queue
import socket
import threading
import time


class Line:
    """delay: seconds each way. round_trips: how often both had nothing to do
    but wait, the greeting included; DELE that goes out while messages come in
    costs none."""

    def __init__(self, port, delay=0.0):
        self.to, self.delay = port, delay
        self.lock, self.round_trips = threading.Lock(), 0
        self.is_asked, self.heard_at = True, 0.0
        self.open = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                client = self.listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self.to))
                self.open += [client, server]
                self.is_asked, self.heard_at = True, 0.0
                for source, sink, is_client in ((client, server, True),
                                                (server, client, False)):
                    source.setsockopt(socket.IPPROTO_TCP,
                                      socket.TCP_NODELAY, 1)
                    self._carry(source, sink, is_client)
        except OSError:
            pass

    def _carry(self, source, sink, is_client):
        under_way = queue.SimpleQueue()

        def read():
            octets = b"."
            while octets:
                try:
                    octets = source.recv(1 << 18)
                except OSError:
                    octets = b""
                if octets:
                    self._count(is_client)
                under_way.put((time.monotonic() + self.delay, octets))

        def write():
            while True:
                due, octets = under_way.get()
                time.sleep(max(0, due - time.monotonic()))
                try:
                    if not octets:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(octets)
                except OSError:
                    return

        for part in (read, write):
            threading.Thread(target=part, daemon=True).start()

    def _count(self, is_client):
        """A reply that comes a round trip or more behind the one before."""
        now = time.monotonic()
        with self.lock:
            if is_client:
                self.is_asked = True
                return
            if self.is_asked and now - self.heard_at > 1.6 * self.delay:
                self.round_trips += 1
            self.is_asked, self.heard_at = False, now

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        for connection in self.open:
            connection.close()
