# SPDX-License-Identifier: ISC
"""Kills `restante` at points spread over a run, lets it run again to the end,
and compares what is in a sink with what was sent."""
import collections
import pathlib
import random
import re
import subprocess
import tempfile
import threading
import time

import mail
from hostile import RUN_SECONDS, Account, Server
from targets import Imap, Mailer, id_of, mbox_of

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
            # Told of when it can be joined: the program may end meanwhile.
            timer = threading.Timer(self.delay, self.kill)
            timer.start()
            self.timer = timer
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


# ---- sinks ----

class ToMaildir:
    """Whatever is killed when: each message is there once."""
    may_repeat = False

    def __init__(self, place):
        self.place = place

    def settings(self):
        return {}

    def filed(self, account):
        return account.filed()

    def made_of(self, octets):
        return octets

    def stop(self):
        pass


class ToMbox(ToMaildir):
    def settings(self):
        return {"deliver": "mbox", "mbox": self.place / "mbox"}

    def filed(self, account):
        path = self.place / "mbox"
        text = path.read_bytes() if path.exists() else b""
        front, _, _ = mbox_of(b"").partition(b"\n")
        return text.split(front + b"\n")[1:]

    def made_of(self, octets):
        return mbox_of(octets).partition(b"\n")[2]


class Handed(ToMaildir):
    """Nothing is lost. What was in flight may come again, one message a kill,
    and is known by its X-Restante-ID."""
    may_repeat = True

    def filed(self, account):
        pairs = [id_of(octets) for octets in self.taken()]
        assert len(set(pairs)) == len({field for field, _ in pairs}) == \
            len({rest for _, rest in pairs})
        return [rest for _, rest in pairs]


class ToLmtp(Handed):
    deliver = "lmtp"

    def __init__(self, place):
        super().__init__(place)
        self.target = Mailer()

    def settings(self):
        return {"deliver": self.deliver, "deliver_tls": "none",
                "deliver_server": self.target.address,
                "deliver_recipient": "alice@example.org"}

    def taken(self):
        return list(self.target.taken)

    def made_of(self, octets):
        """SMTP has no bare LF."""
        return re.sub(rb"(?<!\r)\n", b"\r\n", octets)

    def stop(self):
        self.target.listener.close()


class ToSmtp(ToLmtp):
    deliver = "smtp"


class ToPipe(Handed):
    def settings(self):
        folder, program = self.place / "taken", self.place / "take"
        folder.mkdir()
        program.write_text(
            "#!/bin/sh\ncat > $1/.$$ && mv $1/.$$ $1/$RESTANTE_ID.$$\n")
        program.chmod(0o700)
        return {"deliver": "pipe", "deliver_command": f"{program} {folder}"}

    def taken(self):
        return [p.read_bytes() for p in (self.place / "taken").iterdir()
                if p.name[0] != "."]


class ToImap(Handed):
    """It is searched for what may be there before it is put again."""
    may_repeat = False

    def __init__(self, place):
        super().__init__(place)
        self.target = Imap()

    def settings(self):
        secret = self.place / "secret"
        secret.write_text("secret\n")
        secret.chmod(0o600)
        return {"deliver": "imap", "deliver_tls": "none", "deliver_user": "me",
                "deliver_server": self.target.address,
                "deliver_password_file": secret}

    def taken(self):
        return [octets for _, octets in list(self.target.taken)]

    def stop(self):
        self.target.listener.close()


SINKS = {"maildir": ToMaildir, "mbox": ToMbox, "lmtp": ToLmtp,
         "smtp": ToSmtp, "pipe": ToPipe, "imap": ToImap}


# ---- a run ----

class Mailbox:
    """A server with mail, an account on it, and what became of it."""

    def __init__(self, place, sent, keep, sink="maildir"):
        self.sent = [octets for _, octets in sent]
        self.keep = keep
        self.sink = SINKS[sink](place)
        self.server = Server(sent)
        self.account = Account(place, self.server, keep=keep,
                               **self.sink.settings())

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.server.__exit__(*failure)
        self.sink.stop()

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
        sent = collections.Counter(map(self.sink.made_of, self.sent))
        filed = collections.Counter(self.sink.filed(self.account))
        assert all(octets in sent for octets in filed), "torn or altered"
        return (sent - filed).total(), (filed - sent).total()


def at_point(sent, keep, points, with_reader, sink="maildir"):
    """Killed at each of `points` in turn; (times killed, lost, duplicated)"""
    with tempfile.TemporaryDirectory(prefix="restante-kill-") as name, \
            Mailbox(pathlib.Path(name), sent, keep, sink) as box:
        killed = 0
        for step, delay in points:
            killed += box.run(Clock(step, delay))
            if with_reader and box.account.mail.is_dir():
                box.account.read_all()
        box.finish()
        lost, duplicated = box.compare()
        if box.sink.may_repeat:
            assert duplicated <= killed, "more than was in flight"
        return killed, lost, duplicated


def at_call(sent, keep, call, number, with_reader):
    """Killed as it enters a system call for the `number`th time; (killed,
    lost, duplicated)"""
    with tempfile.TemporaryDirectory(prefix="restante-kill-") as name:
        with Mailbox(pathlib.Path(name), sent, keep) as box:
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


def timeline(sent, keep, sink):
    with tempfile.TemporaryDirectory(prefix="restante-kill-") as name, \
            Mailbox(pathlib.Path(name), sent, keep, sink) as box:
        clock = Clock()
        assert not box.run(clock)
        assert box.compare() == (0, 0)
        return clock


def kill_test(count, keep, say=lambda text: None, number=MESSAGES,
              sink="maildir"):
    """`count` points, every third one with a second kill in the run that
    should have made it good, every other one with a user who reads what has
    come. (times killed, lost, duplicated), all added up."""
    sent = messages(number)
    points = spread(timeline(sent, keep, sink), count)
    chance = random.Random(count)
    killed = lost = duplicated = 0
    for n, point in enumerate(points):
        chain = [point] + [chance.choice(points)] * (n % 3 == 2)
        result = at_point(sent, keep, chain, n % 2 == 1, sink)
        killed, lost, duplicated = (
            a + b for a, b in zip((killed, lost, duplicated), result))
        say(f"{sink}, keep = {keep}: point {n + 1} of {count}, step {point[0]} + "
            f"{point[1] * 1000:.1f} ms: killed {result[0]}, lost "
            f"{result[1]}, duplicated {result[2]}")
    return killed, lost, duplicated
