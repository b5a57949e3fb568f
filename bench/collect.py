# SPDX-License-Identifier: ISC
"""Collectors over a long line: `restante fetch`, mpop, fetchmail, getmail6 and
fdm, all from restanted, into a Maildir on this disk."""
import contextlib
import dataclasses
import os
import re
import shutil
import subprocess
import threading
import time

import contestants
import corpus
import proxy
import rows
import servers
import wires

CLIENT_SECONDS = 1200
# From here on the line is what takes the time of a client that waits for each
# message: such ones run beside each other, once.
PATIENT_RTT, LOOK_SECONDS = 0.01, 0.1
# And from here on it takes so little of a core that other work is measured beside.
LONG_RTT = 0.1
GETMAIL_TRIES, STALL_SECONDS = 8, 10


class Collector:
    """A program with a home of its own, that collects by proxy.Line."""
    is_limit = has_loose_sizes = is_out = False
    lacks, lmtp_port = {}, None
    # It waits for each message; what it is, where it is not installed.
    is_patient, program = False, None

    def __init__(self, bench, server, row):
        self.bench, self.server = bench, server
        self.home = bench.place / f"home-{row}-{self.name}"

    @classmethod
    def version(cls):
        said = subprocess.run(
            ["dpkg-query", "-W", "-f", "${Version}", cls.name],
            capture_output=True, text=True)
        return said.stdout or "of its makers"

    @classmethod
    def setting(cls):
        return " ".join(cls.__doc__.split())

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

    def folders(self):
        for folder in ("new", "cur", "tmp"):
            (self.mail / folder).mkdir(parents=True)

    def write(self, name, text):
        """Settings, which nobody else may read; lines that go on are put
        together."""
        path = self.home / name
        path.write_text(re.sub(r"\n +", " ", text))
        path.chmod(0o600)
        return path

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
    name = program = "mpop"

    def set_up(self, user, port, keeps, is_tls):
        self.folders()
        self.config = self.write(
            "mpoprc", f"defaults\ntls {'on' if is_tls else 'off'}\ntls_starttls off\n"
            f"tls_trust_file {self.bench.certificate}\nreceived_header off\nauth user\n"
            f"uidls_file {self.home}/uidls\nkeep {'on' if keeps else 'off'}\n"
            f"account default\nhost localhost\nport {port}\nuser {user}\n"
            f"password {contestants.PASSWORD}\n"
            f"delivery maildir {self.mail}\n")

    def fetch(self):
        self.execute("mpop", "--file", self.config, "--quiet")


class Fetchmail(Collector):
    """With a delivery agent that costs next to nothing: cat into a file."""
    name = program = "fetchmail"
    is_patient = True

    def set_up(self, user, port, keeps, is_tls):
        self.folders()
        self.config = self.write("fetchmailrc", f"""set no bouncemail
poll localhost protocol pop3 service {port} uidl
 username {user} password {contestants.PASSWORD}
 {"ssl" if is_tls else 'sslproto ""'} sslcertck
 sslcertfile {self.bench.certificate} {"keep" if keeps else "no keep"}
 no rewrite mda "cat > $(mktemp -p {self.mail}/new)"
""")

    def environment(self):
        return {**super().environment(), "FETCHMAILHOME": str(self.home)}

    def remember(self, user, uidls):
        """As after a run that kept these on the server."""
        self.write("fetchids", "".join(f"{user}@localhost {uidl}\n"
                                       for uidl in uidls))

    def fetch(self):
        # 1: there was no mail.
        self.execute("fetchmail", "--fetchmailrc", self.config, "--invisible",
                     "--idfile", self.home / "fetchids", "--pidfile",
                     self.home / "fetchmail.pid", ok=(0, 1))


class Fdm(Collector):
    """As its manual sets it up."""
    name = program = "fdm"
    is_patient = True

    def set_up(self, user, port, keeps, is_tls):
        self.folders()
        self.config = self.write("fdm.conf", f"""set no-received
set lock-file "{self.home}/fdm.lock"
set verify-certificates
account "a" {"pop3s" if is_tls else "pop3"} server "localhost" port {port}
 user "{user}" pass "{contestants.PASSWORD}" no-apop
 {"keep" if keeps else ""} cache "{self.home}/fdm.cache"
action "store" maildir "{self.mail}"
match all action "store"
""")

    def environment(self):
        return {**super().environment(),
                "SSL_CERT_FILE": str(self.bench.certificate)}

    def fetch(self):
        self.execute("fdm", "-f", self.config, "fetch")


class Getmail(Collector):
    """It forks for each message and misses the end of a child that is faster
    than itself, as happens on a busy machine: then it stands still, and begins
    anew. So it comes before all others where it may (SCHED_FIFO)."""
    name, program, is_patient = "getmail6", "getmail", True

    def set_up(self, user, port, keeps, is_tls):
        self.folders()
        owner = ""
        if contestants.IS_ROOT:  # which it files no mail as
            owner = "user = nobody"
            for folder in (self.mail, *self.mail.iterdir()):
                shutil.chown(folder, "nobody")
        self.old_mail = f"oldmail-localhost-{port}-{user}"
        kind = "SimplePOP3SSL" if is_tls else "SimplePOP3"
        trust = f"ca_certs = {self.bench.certificate}" if is_tls else ""
        self.config = self.write("getmailrc", f"""[retriever]
type = {kind}Retriever
server = localhost
port = {port}
username = {user}
password = {contestants.PASSWORD}
timeout = 60
{trust}
[destination]
type = Maildir
path = {self.mail}/
{owner}
[options]
read_all = false
delete = {not keeps}
delivered_to = false
received = false
""")

    def remember(self, user, uidls):
        self.write(self.old_mail, "".join(f"{uidl}\0{int(time.time())}\n"
                                          for uidl in uidls))

    def fetch(self):
        first = ["chrt", "--fifo", "1"] if contestants.IS_ROOT else []
        program = subprocess.Popen(
            [*first, "getmail", "--getmaildir", self.home, "--rcfile", self.config,
             "--quiet"], env=self.environment(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        collected, moved = -1, time.monotonic()
        while program.returncode is None:
            if self.collected() != collected:
                collected, moved = self.collected(), time.monotonic()
            if time.monotonic() - moved > STALL_SECONDS:
                program.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(LOOK_SECONDS)
        if program.returncode:
            raise TimeoutError


KINDS = (Restante, Mpop, Fetchmail, Getmail, Fdm)


class Collect(rows.Row):
    messages, make = 1000, staticmethod(corpus.four_kib)
    rtt, is_tls, keeps = 0.1, False, False
    kinds = KINDS
    key = "collect"
    title = "collect and DELE 1,000 messages of 4 KiB, plain, 100 ms"
    metrics = (rows.Metric("s", "time", "s", goal=1.6, limit=1.3, digits=2,
                           is_time=True),
               rows.Metric("trips", "round trips", "", goal=7, limit=5))

    def __init__(self, bench):
        super().__init__(bench)
        self.turn = 0

    def shrink(self):
        self.messages, self.rtt = 20, min(self.rtt, 0.02)

    def clients(self):
        """Those that are installed."""
        restanted = self.bench.servers[0]
        found = []
        for kind in self.kinds:
            if kind.is_patient and not self.bench.has_collectors:
                continue
            if kind.program and not shutil.which(kind.program):
                self.bench.notes.append(
                    f"{self.title}: {kind.name} is not installed.")
            else:
                found.append(kind(self.bench, restanted, self.key))
        return found

    def takers(self):
        return [c for c in self.clients() if not self.waits(c)]

    def patient(self):
        return [c for c in self.clients() if self.waits(c)]

    def user_names(self):
        boxes = self.bench.rounds + 1 + GETMAIL_TRIES
        return [f"{self.prefix}{n}"
                for n in range(len(self.kinds) * boxes)]

    def prepare(self):
        """Each round empties its own box."""

    def fresh_box(self):
        with self.bench.lock:
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

    def waits(self, client):
        return client.is_patient and self.rtt >= PATIENT_RTT

    def plan(self, client):
        """Once, so that the programs are in memory."""
        return self.planned(self.round(client))

    def line(self, client):
        port = (client.server.pop3s_port if self.is_tls
                else client.server.pop3_port)
        return proxy.Line(port, self.rtt)

    def timed(self, client, line):
        line.trips, began = 0, time.monotonic()
        client.fetch()
        seconds = time.monotonic() - began
        return {"elapsed": seconds, "s": seconds, "trips": line.trips}

    def once(self, client):
        with self.line(client) as line:
            client.begin(self.fresh_box(), line, self.keeps, self.is_tls)
            found = self.timed(client, line)
        self.check(client, self.messages)
        return found

    def round(self, client):
        """getmail6 may stand still; it is not tried until the day ends."""
        began, tries = time.monotonic(), 0
        while (tries < GETMAIL_TRIES
               and time.monotonic() - began < CLIENT_SECONDS / 2):
            try:
                return self.once(client)
            except TimeoutError:
                tries += 1
        raise RuntimeError(f"it stood still {tries} times")

    def check(self, client, messages):
        if client.collected() != messages:
            raise RuntimeError(f"{self.key}: {client.name} collected "
                               f"{client.collected()} of {messages}")


def without_goals(*, trips=None):
    """Time and round trips; the goal of these, when there is one."""
    return tuple(dataclasses.replace(
        m, goal=trips if m.key == "trips" else None, limit=None)
        for m in Collect.metrics)


class CollectNear(Collect):
    key, rtt, metrics = "collect-0", 0.0, without_goals()
    title = "collect and DELE 1,000 messages of 4 KiB, plain, 0 ms"


class Collect20(Collect):
    key, rtt, metrics = "collect-20", 0.02, without_goals(trips=7)
    title = "collect and DELE 1,000 messages of 4 KiB, plain, 20 ms"


class Collect300(Collect):
    key, rtt, metrics = "collect-300", 0.3, without_goals(trips=7)
    title = "collect and DELE 1,000 messages of 4 KiB, plain, 300 ms"


class CollectAgain(Collect):
    """A mailbox that was collected before: what the server can do is known."""
    # TCP's handshake is one of them.
    key, metrics = "collect-again", without_goals(trips=6)
    title = ("collect and DELE 1,000 messages of 4 KiB, plain, 100 ms, "
             "capabilities known")
    kinds = (Restante,)

    def once(self, client):
        user, server = self.fresh_box(), self.bench.servers[0]
        with self.line(client) as line:
            client.begin(user, line, self.keeps, self.is_tls)
            client.fetch()
            shutil.rmtree(server.box(user))
            server.put_box(self.bench.corpus_box(
                self.make, self.messages, self.messages), user)
            self.warm(server, user)
            found = self.timed(client, line)
        if client.collected() != 2 * self.messages:
            raise RuntimeError(f"{self.key}: collected {client.collected()}")
        return found


class CollectTls(Collect):
    key, is_tls = "collect-tls", True
    title = "collect and DELE 1,000 messages of 4 KiB, TLS, 100 ms"
    kinds = (Restante, Mpop)
    metrics = without_goals()


class Poll(Collect):
    messages, make, keeps = 10_000, staticmethod(corpus.small), True
    key, title = "poll", "nothing new, 10,000 kept on the server, plain, 100 ms"
    metrics = (rows.Metric("s", "time", "s", goal=0.6, limit=0.5, digits=2),
               rows.Metric("trips", "round trips", "", limit=5))

    def shrink(self):
        self.messages, self.rtt = 100, 0.02

    # fdm collects again what it has kept.
    kinds = (Restante, Mpop, Fetchmail, Getmail)

    def waits(self, client):
        """There is no message to wait for."""
        return False

    def plan(self, client):
        """All is collected once, over a short line that then grows long; who
        takes minutes for that is told that it has it all."""
        client.kept_line = self.line(client)
        client.kept_line.rtt = 0
        client.kept_line.__enter__()
        user = self.fresh_box()
        client.begin(user, client.kept_line, True, self.is_tls)
        if client.is_patient:
            client.remember(user, self.uidls(user))
        client.fetch()
        client.kept_line.rtt = self.rtt

    def uidls(self, user):
        session = wires.pop3(self.bench.servers[0], user, contestants.PASSWORD)
        found = wires.uidls(session)
        session.quit()
        return found

    def round(self, client):
        found = self.timed(client, client.kept_line)
        self.check(client, 0 if client.is_patient else self.messages)
        return found


ROWS = (CollectNear, Collect20, Collect, Collect300, CollectAgain, CollectTls,
        Poll)


class Patient:
    """`with Patient(...)`: clients that wait for each message, each in a thread,
    from whoever the collectors' rows collect from. Those of a long line begin at
    once, beside what is measured meanwhile; the others when the block has
    ended. Its figures go into `found`, a row at a time."""

    def __init__(self, bench, chosen, found, say):
        self.bench, self.found, self.say = bench, found, say
        self.jobs = [(row, c) for row in chosen for c in row.patient()]
        self.threads = []

    def __enter__(self):
        self.begin(lambda rtt: rtt >= LONG_RTT)

    def __exit__(self, kind, *_):
        if kind:
            return
        self.begin(lambda rtt: rtt < LONG_RTT)
        for thread in self.threads:
            thread.join()

    def begin(self, is_meant):
        for row, client in self.jobs:
            if is_meant(row.rtt):
                self.threads.append(threading.Thread(
                    target=self.collect, args=(row, client), daemon=True))
                self.threads[-1].start()

    def collect(self, row, client):
        figures = {client.name: {m.key: [] for m in row.metrics}}
        self.bench.guarded(row, client, figures, self.bench.one_round)
        self.say(f"{row.key}: {client.name} {figures[client.name]}")
        with self.bench.lock:
            self.found.setdefault(row.key, {}).update(figures)


# Of which the report speaks.
PATIENCE = """\
Collectors that wait for each message (fdm, fetchmail, getmail6) went one round at
20, 100 and 300 ms, beside each other: the line is what takes their time. Those at
100 and 300 ms ran beside the other collectors' rows, the million step by step and
the curves, of which they took a few hundredths of a core; those at 20 ms after all
else."""
