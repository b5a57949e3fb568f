# SPDX-License-Identifier: ISC
"""Collectors over a long line: `restante fetch` and mpop, both from restanted,
into a Maildir on this disk."""
import os
import shutil
import time

import contestants
import corpus
import proxy
import rows
import servers
import wires

CLIENT_SECONDS = 600


class Collector:
    """A program with a home of its own, that collects by proxy.Line."""
    is_limit = has_loose_sizes = False
    lacks, lmtp_port = {}, None

    def __init__(self, bench, server):
        self.bench, self.server = bench, server
        self.home = bench.place / f"home-{self.name}"

    def begin(self, user, line, keeps, is_tls):
        """Forgets everything, then is set up for this account."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        self.mail = self.home / "Mail"
        self.set_up(user, line.port, keeps, is_tls)

    def environment(self):
        kept = {k: v for k, v in os.environ.items()
                if not k.startswith("XDG_")}
        return {**kept, "HOME": str(self.home), "NO_COLOR": "1"}

    def execute(self, *command, **more):
        return servers.run(*command, env=self.environment(),
                           timeout=CLIENT_SECONDS, **more)

    def collected(self):
        return sum(len(os.listdir(self.mail / f)) for f in ("new", "cur"))


class Restante(Collector):
    name = "Restante"

    def set_up(self, user, port, keeps, is_tls):
        self.execute(
            contestants.BUILD / "restante", "account", "add", user, "--host",
            "127.0.0.1", "--port", port, "--user", user, "--tls",
            "implicit" if is_tls else "none", "--ca-file",
            self.bench.certificate, "--maildir", self.mail,
            "--keep" if keeps else "--delete", "--password-stdin",
            "--no-test", input=f"{contestants.PASSWORD}\n".encode())

    def fetch(self):
        self.execute(contestants.BUILD / "restante", "fetch", "--json")


class Mpop(Collector):
    """As its manual sets it up, with pipelining as the server offers it."""
    name = "mpop"

    def set_up(self, user, port, keeps, is_tls):
        for folder in ("new", "cur", "tmp"):
            (self.mail / folder).mkdir(parents=True)
        self.config = self.home / "mpoprc"
        self.config.write_text(
            f"defaults\ntls {'on' if is_tls else 'off'}\ntls_starttls off\n"
            f"tls_trust_file {self.bench.certificate}\nreceived_header off\nauth user\n"
            f"uidls_file {self.home}/uidls\nkeep {'on' if keeps else 'off'}\n"
            f"account default\nhost localhost\nport {port}\nuser {user}\n"
            f"password {contestants.PASSWORD}\n"
            f"delivery maildir {self.mail}\n")
        self.config.chmod(0o600)

    def fetch(self):
        self.execute("mpop", "--file", self.config, "--quiet")


class Collect(rows.Row):
    messages, make = 1000, staticmethod(corpus.four_kib)
    rtt, is_tls, keeps = 0.1, False, False
    key = "collect"
    title = "collect and DELE 1,000 messages of 4 KiB, plain, 100 ms"
    metrics = (rows.Metric("s", "time", "s", goal=1.6, limit=1.3, digits=2),
               rows.Metric("trips", "round trips", "", goal=7, limit=5))

    def __init__(self, bench):
        super().__init__(bench)
        self.turn = 0

    def shrink(self):
        self.messages, self.rtt = 20, 0.02

    def takers(self):
        restanted = self.bench.servers[0]
        return [kind(self.bench, restanted) for kind in (Restante, Mpop)]

    def user_names(self):
        return [f"{self.key.replace('-', '')}{n}"
                for n in range(2 * (self.bench.rounds + 1))]

    def prepare(self):
        """Each round empties its own box."""

    def fresh_box(self):
        user = self.user_names()[self.turn]
        self.turn += 1
        server = self.bench.servers[0]
        server.put_box(self.bench.corpus_box(self.make, 0, self.messages),
                       user)
        self.warm(server, user)
        return user

    def warm(self, server, user):
        """The index is not what is measured here."""
        wires.pop3(server, user, contestants.PASSWORD).quit()

    def plan(self, client):
        """Once, so that the programs are in memory."""
        self.round(client)

    def line(self, client):
        port = (client.server.pop3s_port if self.is_tls
                else client.server.pop3_port)
        return proxy.Line(port, self.rtt)

    def timed(self, client, line):
        line.trips, began = 0, time.monotonic()
        client.fetch()
        return {"s": time.monotonic() - began, "trips": line.trips}

    def round(self, client):
        with self.line(client) as line:
            client.begin(self.fresh_box(), line, self.keeps, self.is_tls)
            found = self.timed(client, line)
        self.check(client)
        return found

    def check(self, client):
        if client.collected() != self.messages:
            raise RuntimeError(f"{self.key}: {client.name} collected "
                               f"{client.collected()} of {self.messages}")


class CollectTls(Collect):
    key, is_tls = "collect-tls", True
    title = "the same over TLS"
    metrics = tuple(rows.Metric(m.key, m.label, m.unit, digits=m.digits)
                    for m in Collect.metrics)


class Poll(Collect):
    messages, make, keeps = 10_000, staticmethod(corpus.small), True
    key, title = "poll", "nothing new, 10,000 kept on the server, plain, 100 ms"
    metrics = (rows.Metric("s", "time", "s", goal=0.6, limit=0.5, digits=2),
               rows.Metric("trips", "round trips", "", limit=5))

    def shrink(self):
        self.messages, self.rtt = 100, 0.02

    def takers(self):
        self.clients = super().takers()
        return self.clients

    def plan(self, client):
        """All is collected once, over a short line that then grows long."""
        client.kept_line = self.line(client)
        client.kept_line.rtt = 0
        client.kept_line.__enter__()
        client.begin(self.fresh_box(), client.kept_line, True, self.is_tls)
        client.fetch()
        client.kept_line.rtt = self.rtt

    def round(self, client):
        found = self.timed(client, client.kept_line)
        self.check(client)
        return found


ROWS = (Collect, CollectTls, Poll)
