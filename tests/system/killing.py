# SPDX-License-Identifier: ISC
"""Kills `restante` at points spread over a run, lets it run again to the end,
and compares what was filed with what was sent."""
import collections
import pathlib
import random
import subprocess
import tempfile
import threading
import time

import mail
from hostile import RUN_SECONDS, Account, Server

MESSAGES = 60
# Between two lines of the server: the client has something to do meanwhile.
STEP_SECONDS = 0.0002


def messages(count=MESSAGES):
    """Few lines each, since every line of a server is a point in time."""
    chance = random.Random(1)
    return [(f"u{n}", mail.plain(f"number {n}", b"".join(
        b"x" * chance.randrange(2000) + chance.choice(
            (b"\r\n", b"\r\n", b"\n", b"\r\n.\r\n", b"\0\r\n"))
        for _ in range(chance.randrange(5))) + b"end\r\n"))
        for n in range(count)]


class Clock:
    """When the server took which step; kills at one of them, if told so."""

    def __init__(self, step=0, delay=0.0):
        self.step, self.delay = step, delay
        self.times, self.process = [], None
        self.timer = None

    def __call__(self, number):
        self.times.append(time.monotonic())
        if number == self.step:
            self.timer = threading.Timer(self.delay, self.kill)
            self.timer.start()
        time.sleep(STEP_SECONDS)

    def kill(self):
        self.process.kill()

    def run(self, account):
        """True: it was killed, and had not come to its end."""
        self.process = subprocess.Popen(
            account.command(), env=account.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        code = self.process.wait(RUN_SECONDS)
        self.times.append(time.monotonic())
        if self.timer:
            self.timer.cancel()
            self.timer.join()
        assert code in (0, -9), code
        return code == -9


def spread(clock, count):
    """`count` points over the whole run: (a step, seconds behind it)."""
    begin, end = clock.times[0], clock.times[-1]
    found = []
    for number in range(count):
        at = begin + (end - begin) * number / count
        step = max(n for n, then in enumerate(clock.times) if then <= at)
        found.append((step + 1, at - clock.times[step]))
    return found


class Mailbox:
    """A server with mail, an account on it, and what became of it."""

    def __init__(self, place, sent, keep):
        self.sent = [octets for _, octets in sent]
        self.keep = keep
        self.server = Server(sent)
        self.account = Account(place, self.server, keep=keep)

    def run(self, clock):
        self.server.on_step, self.server.steps = clock, self.server.count()
        return clock.run(self.account)

    def finish(self):
        """To the end, and once more, when nothing is left to do."""
        self.server.on_step = None
        self.account.fetch()
        assert self.account.fetch()["stored_messages"] == 0
        left = len(self.server.mail)
        assert left == (len(self.sent) if self.keep == "yes" else 0), left

    def compare(self):
        """(lost, duplicated)"""
        sent = collections.Counter(self.sent)
        filed = collections.Counter(self.account.filed())
        assert all(octets in sent for octets in filed), "torn or altered"
        return (sent - filed).total(), (filed - sent).total()


def at_point(sent, keep, points, with_reader):
    """Killed at each of `points` in turn; (times killed, lost, duplicated)"""
    with tempfile.TemporaryDirectory(prefix="restante-kill-") as name:
        box = Mailbox(pathlib.Path(name), sent, keep)
        killed = 0
        with box.server:
            for step, delay in points:
                killed += box.run(Clock(step, delay))
                if with_reader and box.account.mail.is_dir():
                    box.account.read_all()
            box.finish()
            return killed, *box.compare()


def at_call(sent, keep, call, number, with_reader):
    """Killed as it enters a system call for the `number`th time; (killed,
    lost, duplicated)"""
    with tempfile.TemporaryDirectory(prefix="restante-kill-") as name:
        box = Mailbox(pathlib.Path(name), sent, keep)
        with box.server:
            code = subprocess.run(
                ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}",
                 "-e", f"inject={call}:signal=KILL:when={number}",
                 *map(str, box.account.command())],
                env=box.account.environment(), capture_output=True,
                timeout=RUN_SECONDS).returncode
            if with_reader:
                box.account.read_all()
            box.finish()
            return code != 0, *box.compare()


def timeline(sent, keep):
    with tempfile.TemporaryDirectory(prefix="restante-kill-") as name:
        box = Mailbox(pathlib.Path(name), sent, keep)
        with box.server:
            clock = Clock()
            assert not box.run(clock)
            assert box.compare() == (0, 0)
            return clock


def kill_test(count, keep, say=lambda text: None, number=MESSAGES):
    """`count` points, every third one with a second kill in the run that
    should have made it good, every other one with a user who reads what has
    come. (times killed, lost, duplicated), all added up."""
    sent = messages(number)
    points = spread(timeline(sent, keep), count)
    chance = random.Random(count)
    killed = lost = duplicated = 0
    for n, point in enumerate(points):
        chain = [point] + [chance.choice(points)] * (n % 3 == 2)
        result = at_point(sent, keep, chain, with_reader=n % 2 == 1)
        killed, lost, duplicated = (
            a + b for a, b in zip((killed, lost, duplicated), result))
        say(f"keep = {keep}: point {n + 1} of {count}, step {point[0]} + "
            f"{point[1] * 1000:.1f} ms: killed {result[0]}, lost "
            f"{result[1]}, duplicated {result[2]}")
    return killed, lost, duplicated
