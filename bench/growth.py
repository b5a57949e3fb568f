# SPDX-License-Identifier: ISC
"""How the cost of one unit of work changes when there is more of everything:
messages, connections, octets, session processes. It should not."""
import functools
import resource
import statistics
import subprocess

import contestants
import corpus
import plots
import rows

KIB, MIB = 1 << 10, 1 << 20
# Octets read at each size, so that ticks of the clock are many.
VOLUME = 1 << 30
# That store has open for each session, and for all else; what the service's unit
# allows is more.
DESCRIPTORS, OTHER_DESCRIPTORS = 3, 1000
FILES_WANTED = 10_000 * DESCRIPTORS + OTHER_DESCRIPTORS


def sized(octets):
    """A maker of messages of about so many octets."""
    lines = corpus.text(corpus.random.Random(octets), octets)

    def make(number):
        return corpus.four_kib(number)[:600].rpartition(b"\r\n")[0] + (
            b"\r\n\r\n" + lines)
    make.__name__ = f"of-{octets}"
    return make


class Curve(rows.Row):
    """Its points are rows of their own, one server, one after the other."""
    points, short_points = (), ()
    rounds = 3
    # The boxes of curves with the same word here are the same.
    boxes = None

    def __init__(self, bench):
        super().__init__(bench)
        self.points = self.short_points if bench.is_short else self.points

    def shrink(self):
        self.rounds = 1

    def user(self, point):
        return f"{self.boxes or self.key}p{point}x"

    def user_names(self):
        return [f"{self.user(p)}{n:04d}" for p in self.points
                for n in range(self.users_at(p))]

    def users_at(self, point):
        return 1

    def box_at(self, point):
        """(make, messages)"""
        return corpus.small, point

    def begin(self, point):
        server = self.bench.servers[0]
        self.users = self.users_at(point)
        make, messages = self.box_at(point)
        box = self.bench.corpus_box(make, 0, messages)
        for number in range(self.users):
            server.put_box(box, f"{self.user(point)}{number:04d}")
        return server

    def measure(self):
        """[(x, y)]; the first round warms index and caches."""
        found = []
        for point in self.points:
            server = self.begin(point)
            values = [self.at(server, point)
                      for _ in range(self.rounds + 1)][1:]
            found.append((point, statistics.median(values)))
        return found

    def listings(self, server, point, count):
        return self.load(server, "listing", count, prefix=self.user(point))


class StatByMessages(Curve):
    key, title, boxes = "gstat", "Log in, STAT, QUIT", "gbox"
    x, y = "messages in the mailbox", "CPU us"
    points = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
    short_points = (10, 100)

    def at(self, server, point):
        count = 20 if self.bench.is_short else 2000
        done = self.load(server, "login", count, prefix=self.user(point))
        return max(done["cpu"], 0.01) / count * 1e6


class ListByMessages(Curve):
    key, title, boxes = "glist", "UIDL and LIST", "gbox"
    x, y = "messages in the mailbox", "CPU us a message"
    # With fewer the login is what costs.
    points, short_points = StatByMessages.points[2:], (100, 1_000)

    def at(self, server, point):
        most = 20 if self.bench.is_short else 1000
        count = max(2, min(most, 2_000_000 // point))
        done = self.listings(server, point, count)
        return max(done["cpu"], 0.01) / (count * point) * 1e6


class RetrBySize(Curve):
    key, title = "gretr", "RETR, plain"
    x, y = "octets of a message", "CPU s a GB"
    points = (KIB, 16 * KIB, 256 * KIB, 4 * MIB, 50 * MIB)
    short_points = (KIB, 16 * KIB)

    def box_at(self, point):
        most = 20 if self.bench.is_short else 1000
        return sized(point), max(2, min(most, 100 * MIB // point))

    def at(self, server, point):
        messages = self.box_at(point)[1]
        volume = MIB if self.bench.is_short else VOLUME // (
            8 if point < 16 * KIB else 1)
        count = max(1, volume // (messages * point))
        done = self.load(server, "retr", count, "--window", 32,
                         prefix=self.user(point))
        return max(done["cpu"], 0.01) / (done["octets"] / rows.GB)


@functools.cache
def files():
    """How many the server may open; root can mostly allow it more."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    more = ["prlimit", f"--nofile={FILES_WANTED}", "true"]
    if most < FILES_WANTED and not subprocess.run(
            more, capture_output=True).returncode:
        return FILES_WANTED
    return most


def affordable(points, most=None):
    """No more connections than there are descriptors for."""
    most = most or files()
    room = max(1, (most - OTHER_DESCRIPTORS) // DESCRIPTORS)
    return tuple(sorted({min(point, room) for point in points}))


class LoginByConnections(Curve):
    key, title = "gconn", "Log in, STAT, QUIT"
    x, y = "connections at once", "CPU us"
    points, short_points = (1, 10, 100, 1_000, 10_000), (1, 4)

    def __init__(self, bench):
        super().__init__(bench)
        self.points = affordable(self.points)

    def user(self, point):
        """A point with fewer has the first of them."""
        return f"{self.key}x"

    def user_names(self):
        return [f"{self.user(p)}{n:04d}" for p in self.points[-1:]
                for n in range(p)]

    def users_at(self, point):
        return point

    def box_at(self, point):
        return corpus.small, 2

    def begin(self, point):
        """Indexes are made and passwords hashed by a thousand at once."""
        server = super().begin(point)
        self.load(server, "login", point, "--connections", min(point, 1_000),
                  prefix=self.user(point))
        return server

    def at(self, server, point):
        count = max(20 if self.bench.is_short else 3000, point)
        done = self.load(server, "login", count, "--connections", point,
                         prefix=self.user(point))
        return max(done["cpu"], 0.01) / count * 1e6


class MemoryByConnections(rows.Idle):
    """Logged in and silent; a new server for every point."""
    key, title, prefix = "gidle", "Memory of an idle session", "gconnx"
    x, y = "sessions", "KiB PSS"
    # Of fewer, what a page more or less makes is seen.
    points, short_points = (100, 1_000, 10_000), (10, 30)

    def __init__(self, bench):
        super().__init__(bench)
        self.points = affordable(
            self.short_points if bench.is_short else self.points)
        self.users = max(self.points)

    def shrink(self):
        pass

    def measure(self):
        server = self.bench.servers[0]
        box = self.bench.corpus_box(corpus.small, 0, 2)
        for name in self.user_names():
            server.put_box(box, name)
        found = []
        for point in self.points:
            server.stop()
            server.start()
            self.hold(server, 10)
            found.append((point, max(self.hold(server, point), 0.1)))
        return found


class Restante(contestants.Restante):
    """May have ten thousand sessions."""
    hash_is_cheap = True

    def command(self):
        return "prlimit", f"--nofile={files()}", *super().command()


CURVES = (StatByMessages, ListByMessages, RetrBySize, LoginByConnections,
          MemoryByConnections)


class Processes:
    """The same work with one session process and with two."""

    def __init__(self, bench):
        self.bench = bench
        self.rows = rows.Login(bench), rows.Retr(bench)

    def user_names(self):
        return [n for row in self.rows for n in row.user_names()]

    def measure(self):
        """{(title, metric): [of one process, of two]}, medians"""
        server, found = self.bench.servers[0], {}
        for row in self.rows:
            row.prepare()
        for count in (1, 2):
            server.set_processes(count)
            for row in self.rows:
                row.plan(server)
                values = [row.round(server) for _ in range(3)]
                for metric in row.metrics[:2]:
                    found.setdefault((row.title, metric), []).append(
                        statistics.median(v[metric.key] for v in values))
        return found


HOW = """\
Restante alone, on boxes of its own, medians of three rounds behind one that warms.
Accounts have DES hashes, so that ten thousand first logins do not take minutes;
a login after the first hashes nothing. Both axes are logarithmic: what does not
grow is level. Connections end at ten thousand, or where a process may open no
more files: store has up to three a session, and here may have {files:,}. One
connection alone shares no wake-up with others; what a message of 1 KiB costs is
its reply, not its octets.
"""


def run(bench, folder, say, keep):
    """keep(text) after each part with all there is for the report; the plots go
    into `folder`."""
    curves = [kind(bench) for kind in CURVES]
    processes = Processes(bench)
    server = Restante(bench.place, bench.certificate, bench.key)
    bench.servers = [server]
    server.add_users(sorted({n for part in (*curves, processes)
                             for n in part.user_names()}))
    server.start()
    folder.mkdir(exist_ok=True)
    measured = []
    try:
        for curve in curves:
            measured.append((curve, points_of(curve, say)))
            keep(of_curves(measured, folder))
        keep(of_curves(measured, folder) + "\n"
             + of_processes(processes.measure()))
    finally:
        server.stop()


def of_curves(measured, folder):
    return "\n".join((HOW.format(files=files()), as_table(measured), *(
        plot(curve, points, folder) for curve, points in measured if points)))


def points_of(curve, say):
    """None of them when it fails: the others may not."""
    try:
        points = curve.measure()
    except Exception as wrong:
        say(f"{curve.title}, by {curve.x}: {wrong}")
        return []
    say(f"{curve.title}, {curve.y}: " + ", ".join(
        f"{plots.short(x)} {plots.short(y)}" for x, y in points))
    return points


def plot(curve, points, folder):
    file = folder / f"{curve.key[1:]}.svg"
    file.write_text(plots.svg(curve.title, curve.x, curve.y, points))
    return (f"![{curve.title}, {curve.y}, by {curve.x}]"
            f"({folder.name}/{file.name})\n")


def as_table(measured):
    """What one unit costs at each point, and the most over the least."""
    lines = ["| work | cost of | by | figures | most over least |",
             "|---|---|---|---|---|"]
    for curve, points in measured:
        costs = [y for _, y in points] or [1]
        figures = ", ".join(f"{plots.short(x)}: {plots.short(y)}"
                            for x, y in points) or "could not be measured"
        lines.append(f"| {curve.title} | {curve.y} | {curve.x} | {figures} | "
                     f"{max(costs) / min(costs):.2f} |")
    return "\n".join(lines) + "\n"


def of_processes(found):
    lines = ["| work | measure | 1 session process | 2 | 2 over 1 |",
             "|---|---|---|---|---|"]
    for (title, metric), (one, two) in found.items():
        lines.append(f"| {title} | {metric.label}, {metric.unit} | "
                     f"{one:,.{metric.digits}f} | {two:,.{metric.digits}f} | "
                     f"{two / one:.2f} |")
    return "\n".join(lines) + "\n"
