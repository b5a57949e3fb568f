# SPDX-License-Identifier: ISC
"""The rows of DESIGN section 11 that a load generator measures: what mail each
needs, one round of it on one server, and what its figures mean."""
import dataclasses
import itertools
import time

import corpus
import processes

GB = 1e9
MIB = 1 << 20
# Whose second run takes longer than this goes that one round.
SLOW_SECONDS = 10
SETTLE_SECONDS = 0.3


@dataclasses.dataclass(frozen=True)
class Metric:
    key: str
    label: str
    unit: str
    goal: float = None
    # What arithmetic says, where no responder can show it.
    limit: float = None
    # The goal is so many times what Dovecot does.
    goal_factor: float = None
    is_less_better: bool = True
    digits: int = 0
    # From the start of one to its end: who is not done yet has a least.
    is_time: bool = False


class Row:
    """One kind of work. `users` boxes of `messages` each, by make()."""
    users, messages, make = 1, 0, staticmethod(corpus.message)
    # Sessions (or messages) of the first, unmeasured run.
    least = 1
    # How long one round should take, in seconds; a plan is made from it.
    seconds, short_seconds = 2.0, 0.2
    needs_lmtp = False
    # The limit has a figure: the responder can play this row.
    has_limit = True
    # Rows whose work is part of this one's: who was too slow there is here.
    includes = ()
    # Before all others, while no mail of theirs is in the page cache.
    comes_first = False

    def __init__(self, bench):
        self.bench = bench
        self.counts = {}
        if bench.is_short:
            self.shrink()

    def shrink(self):
        self.users = min(self.users, 4)
        self.messages = min(self.messages, 20)

    @property
    def prefix(self):
        return self.key.replace("-", "") + "x"

    def user_names(self):
        return [f"{self.prefix}{n:04d}" for n in range(self.users)]

    def takes(self, server):
        if server.is_out or self.key in server.lacks:
            return False
        if server.is_limit and not self.has_limit:
            return False
        return not self.needs_lmtp or server.lmtp_port is not None

    def takers(self):
        """Who is measured, in turn."""
        return [s for s in self.bench.servers if self.takes(s)]

    def prepare(self):
        """The mail, once for all servers."""
        self.share(self.user_names())

    def share(self, names):
        for index, name in enumerate(names):
            first = index * self.messages
            for server in self.bench.servers:
                if self.takes(server):
                    self.put(server, name, first)

    def put(self, server, name, first=0):
        server.put_box(self.bench.corpus_box(
            self.make, first, self.messages, server.line_end), name)

    def plan(self, server):
        """A first run, also to warm caches and indexes; from its speed, how
        much a round does. What the second gave, when that was slow and is to be
        the only round."""
        self.once(server, self.least)
        values = self.once(server, self.least)
        wanted = self.short_seconds if self.bench.is_short else self.seconds
        turns = max(1, min(2000, round(wanted / max(values["elapsed"], 1e-4))))
        self.counts[server.name] = self.least * turns
        return self.planned(values)

    @staticmethod
    def planned(values):
        """What counts as the only round."""
        return values if values["elapsed"] > SLOW_SECONDS else None

    def round(self, server):
        return self.once(server, self.counts[server.name])

    def more_than(self, seconds):
        """Of who was not done with one in so many seconds: what is known."""
        per_second = {"s": 1, "ms": 1e3}
        return {m.key: seconds * per_second[m.unit] for m in self.metrics
                if m.is_time}

    def once(self, server, count):
        raise NotImplementedError

    def load(self, server, mode, count, *more, is_tls=False, prefix=None):
        """The load generator's line and the CPU seconds of the server."""
        before = processes.cpu_seconds(server.pid)
        done = self.bench.load(server, mode, "--user", prefix or self.prefix,
                               "--users", self.users, "--count", count, *more,
                               is_tls=is_tls)
        done["cpu"] = processes.cpu_seconds(server.pid) - before
        done["elapsed"] = done["seconds"]
        return done


class Login(Row):
    users, messages, make = 64, 10, staticmethod(corpus.small)
    connections = 8
    # Each user once, so that no password is hashed in a round.
    least = 64
    is_tls = False
    key, title = "login-plain", "log in, STAT, QUIT"
    metrics = (Metric("cpu_us", "CPU a session", "us", goal=120),
               Metric("rate", "sessions a second", "1/s",
                      is_less_better=False),
               Metric("median_us", "median time of one", "us"))

    def shrink(self):
        super().shrink()
        self.users, self.least = 8, 8

    def once(self, server, count):
        done = self.load(server, "login", count, "--connections",
                         self.connections, is_tls=self.is_tls)
        return {"elapsed": done["elapsed"], "median_us": done["median_us"],
                "cpu_us": done["cpu"] / count * 1e6,
                "rate": count / done["seconds"]}


class LoginTls(Login):
    key = "login-tls"
    title = "the same, new TLS 1.3 connection, P-256"
    is_tls = True
    metrics = (dataclasses.replace(Login.metrics[0], goal=400),
               *Login.metrics[1:])


class Retr(Row):
    users, messages = 8, 250
    connections, window, is_tls = 8, 32, False
    key, title = "retr-plain", "RETR, plain, pipelined"
    metrics = (Metric("cpu_gb", "CPU s a GB", "s/GB", goal=0.7, digits=2),
               Metric("mb_s", "MB a second", "MB/s", is_less_better=False))

    def shrink(self):
        super().shrink()
        self.connections = self.users

    @property
    def least(self):
        return self.users

    # All retr rows read the same boxes.
    prefix = "retr"

    def once(self, server, count):
        done = self.load(
            server, "retr", count, "--connections", self.connections,
            "--window", self.window, is_tls=self.is_tls)
        self.bench.same_mail(self, server, int(done["digest"], 16),
                             count // self.users)
        return {"elapsed": done["elapsed"],
                "cpu_gb": done["cpu"] / (done["octets"] / GB),
                "mb_s": done["octets"] / 1e6 / done["seconds"]}


class RetrLockstep(Retr):
    key, title = "retr-lockstep", "RETR, plain, lockstep, 8 connections"
    window = 1
    metrics = (dataclasses.replace(Retr.metrics[0], goal=None),
               dataclasses.replace(Retr.metrics[1], goal=1200))


class RetrTls(Retr):
    key, title, is_tls = "retr-tls", "RETR, TLS, pipelined", True
    metrics = (dataclasses.replace(Retr.metrics[0], goal=1.5),
               Retr.metrics[1])


class Million(Row):
    """One box with more messages than a client should leave there."""
    messages, make = 1_000_000, staticmethod(corpus.small)
    prefix = "million"
    has_limit = False

    def shrink(self):
        self.messages = 2_000


class StatMillion(Million):
    key, title = "stat-million", "log in, STAT on 1,000,000 messages, warm"
    metrics = (Metric("ms", "time of one", "ms", goal=5, digits=1,
                      is_time=True),
               Metric("cpu_ms", "CPU of one", "ms", digits=1))

    def once(self, server, count):
        done = self.load(server, "login", count)
        return {"elapsed": done["elapsed"], "ms": done["median_us"] / 1e3,
                "cpu_ms": done["cpu"] / count * 1e3}


class ListMillion(Million):
    key = "list-million"
    title = "STAT, UIDL, LIST on 1,000,000 messages, warm"
    has_limit = True
    includes = ("stat-million",)
    metrics = (Metric("s", "time of one", "s", goal=0.3, digits=3,
                      is_time=True),
               Metric("cpu_s", "CPU of one", "s", digits=3))

    def once(self, server, count):
        done = self.load(server, "listing", count)
        return {"elapsed": done["elapsed"], "s": done["median_us"] / 1e6,
                "cpu_s": done["cpu"] / count}


class ListMillionCold(ListMillion):
    key, title = "list-million-cold", "the same, index deleted"
    has_limit, comes_first = False, True
    metrics = (dataclasses.replace(ListMillion.metrics[0], goal=3),
               ListMillion.metrics[1])

    def plan(self, server):
        """One is enough, and every time it is the first; but this one makes
        the index and has the files read."""
        self.counts[server.name] = 1
        super().once(server, 1)

    def once(self, server, count):
        server.forget_index(self.user_names()[0])
        return super().once(server, 1)


class Idle(Row):
    users, messages, make = 1000, 2, staticmethod(corpus.small)
    is_tls = False
    key, title = "idle-plain", "memory of an idle session, plain"
    metrics = (Metric("kib", "PSS a session", "KiB", goal=3, digits=1),)

    def shrink(self):
        self.users = 16

    def plan(self, server):
        pass

    def round(self, server):
        """A new server: memory given back once hides what the next takes."""
        server.stop()
        server.start()
        self.hold(server, min(16, self.users))
        # Until processes that ended are gone.
        time.sleep(SETTLE_SECONDS)
        return {"kib": self.hold(server, self.users)}

    def hold(self, server, users):
        before = processes.pss_kib(server.pid)
        with self.bench.load_process(
                server, "idle", "--user", self.prefix, "--users", users,
                "--connections", users, is_tls=self.is_tls) as load:
            said = load.stdout.readline()
            held = processes.pss_kib(server.pid) - before
            load.stdin.close()
            load.wait(120)
        if said != b"ready\n" or load.returncode:
            raise servers_failed(self, server, load)
        return held / users


def servers_failed(row, server, load):
    return RuntimeError(f"{row.key}: {server.name}: load generator ended "
                        f"with {load.returncode}")


class IdleTls(Idle):
    key, title = "idle-tls", "memory of an idle session, TLS"
    is_tls = True
    prefix = "idleplainx"
    metrics = (dataclasses.replace(Idle.metrics[0], goal=20),)


class Lmtp(Row):
    users, connections = 32, 8
    needs_lmtp = True
    prefix = "lmtp"
    octets = 4096
    key, title = "lmtp-8", "LMTP, 4 KiB, durable, 8 connections"
    metrics = (Metric("rate", "messages a second", "1/s", goal_factor=10,
                      is_less_better=False),
               Metric("cpu_us", "CPU a message", "us", goal=300),
               Metric("median_us", "median time of one", "us"))

    def shrink(self):
        self.users = 32

    @property
    def least(self):
        return 4 * self.connections

    def prepare(self):
        """Nothing is there yet; the first delivery makes the mailbox."""

    def once(self, server, count):
        before = server.count_messages(self.user_names())
        done = self.load(server, "lmtp", count, "--connections",
                         self.connections, "--octets", self.octets)
        stored = server.count_messages(self.user_names()) - before
        if stored != count and not server.is_limit:
            raise RuntimeError(f"{server.name}: {count} messages delivered, "
                               f"{stored} stored")
        return {"elapsed": done["elapsed"], "rate": count / done["seconds"],
                "cpu_us": done["cpu"] / count * 1e6,
                "median_us": done["median_us"]}


class Lmtp32(Lmtp):
    key, title = "lmtp-32", "LMTP, 4 KiB, durable, 32 connections"
    connections = 32


class Delete(Row):
    users, messages, make = 8, 1000, staticmethod(corpus.small)
    key, title = "retr-dele", "RETR and DELE of everything, QUIT"
    metrics = (Metric("rate", "messages a second", "1/s", goal=20_000,
                      is_less_better=False),
               Metric("cpu_us", "CPU a message", "us", digits=1))

    def __init__(self, bench):
        super().__init__(bench)
        self.fresh = itertools.count()

    def shrink(self):
        super().shrink()
        self.messages = 100

    def sets(self):
        """Of boxes: emptied ones are never filled again."""
        return len(self.bench.servers) * (self.bench.rounds + 1)

    def user_names(self):
        return [f"dele{turn}x{n:04d}" for turn in range(self.sets())
                for n in range(self.users)]

    def prepare(self):
        """Each round makes its own."""

    def plan(self, server):
        self.round(server)

    def round(self, server):
        turn = next(self.fresh)
        names = [f"dele{turn}x{n:04d}" for n in range(self.users)]
        for name in names:
            self.put(server, name)
        return self.once(server, self.users, f"dele{turn}x", names)

    def once(self, server, count, prefix, names):
        more = ["--connections", self.users]
        self.load(server, "listing", count, *more, prefix=prefix)
        done = self.load(server, "retr", count, *more, "--window", 32,
                         "--delete", prefix=prefix)
        left = server.count_messages(names)
        if left and not server.is_limit:
            raise RuntimeError(f"{server.name}: {left} messages not deleted")
        return {"rate": done["messages"] / done["seconds"],
                "cpu_us": done["cpu"] / done["messages"] * 1e6}


ROWS = (Login, LoginTls, Retr, RetrLockstep, RetrTls, StatMillion,
        ListMillion, ListMillionCold, Idle, IdleTls, Lmtp, Lmtp32, Delete)
