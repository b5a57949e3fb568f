# SPDX-License-Identifier: ISC
"""Sessions on Maildirs that other programs change all the while: mail comes,
goes and is renamed as mail programs do it. What must be so all the same is
checked by what stands in each message: its number and a digest of its body."""
import collections
import hashlib
import os
import poplib
import random
import re
import threading
import time

import wires

START_MESSAGES = 40
# The disturber keeps about so many: enough to go on reading, few to list.
FEWEST, MOST = 20, 80
RETRIEVED, DELETED = 25, 2  # at most, of a session
PAUSE_SECONDS = 0.0003      # between two changes
FLAGS = ("", "S", "RS", "FS", "FRS", "ST")


def make(identity, chance):
    """CRLF; the body has dots and empty lines."""
    body = b"".join(chance.choice((b"", b".", b"..", b"x")) + b"y"
                    * chance.randrange(70) + b"\r\n"
                    for _ in range(chance.randrange(1, 30)))
    digest = hashlib.sha256(body).hexdigest()
    return (f"Subject: {identity}\r\nX-Digest: {digest}\r\n\r\n".encode()
            + body)


def identity_of(octets):
    """Of a message that came whole; whatever is not is no message of ours."""
    head, _, body = octets.replace(b"\r\n", b"\n").replace(
        b"\n", b"\r\n").partition(b"\r\n\r\n")
    identity = re.search(rb"Subject: (\S+)", head)
    digest = re.search(rb"X-Digest: (\S+)", head)
    assert identity and digest, octets
    assert digest[1].decode() == hashlib.sha256(body).hexdigest(), octets
    return identity[1].decode()


def base_of(name):
    return name.partition(":")[0].partition(",")[0]


class Maildir:
    """As another program sees it. Its thread is the only one that renames."""

    def __init__(self, folder, seed):
        self.folder, self.chance = folder, random.Random(seed)
        self.made, self.removed = 0, set()
        self.identities = {}  # by base name
        self.counts = collections.Counter()
        self.is_ending = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.error = None

    def files(self):
        """[(folder, name)]; one that is renamed now may be missing."""
        return [(folder, name) for folder in ("new", "cur")
                for name in os.listdir(self.folder / folder)]

    def present(self):
        """The identities of what is there now."""
        found = set()
        for folder, name in self.files():
            base = base_of(name)
            if base not in self.identities:
                try:
                    octets = (self.folder / folder / name).read_bytes()
                except FileNotFoundError:
                    continue
                self.identities[base] = identity_of(octets)
            found.add(self.identities[base])
        return found

    def is_there(self, identity):
        """Looks more than once: it may be on its way to another name."""
        for _ in range(20):
            if identity in self.present():
                return True
            time.sleep(0.01)
        return False

    def deliver(self):
        self.made += 1
        identity = f"{self.folder.name}-{self.made}"
        octets = make(identity, self.chance)
        if self.chance.random() < 0.5:
            octets = octets.replace(b"\r\n", b"\n")
        base = f"{1700000000 + self.made}.M{self.made}P1.host"
        name = base + self.chance.choice(("", f",S={len(octets)}"))
        (self.folder / "tmp" / name).write_bytes(octets)
        self.identities[base] = identity
        os.rename(self.folder / "tmp" / name, self.folder / "new" / name)
        self.counts["delivered"] += 1

    def rename(self, folder, name):
        """From new/ to cur/ with flags, other flags, or back."""
        plain = name.partition(":")[0]
        to = ("new/" + plain if folder == "cur" and self.chance.random() < 0.1
              else f"cur/{plain}:2,{self.chance.choice(FLAGS)}")
        os.rename(self.folder / folder / name, self.folder / to)
        self.counts["renamed"] += 1

    def remove(self, folder, name):
        base = base_of(name)
        if base not in self.identities:
            self.identities[base] = identity_of(
                (self.folder / folder / name).read_bytes())
        self.removed.add(self.identities[base])
        os.unlink(self.folder / folder / name)
        self.counts["removed"] += 1

    def change(self):
        files = self.files()
        what = self.chance.random()
        if len(files) < FEWEST or (what < 0.15 and len(files) < MOST):
            self.deliver()
            return
        try:
            (self.remove if what > 0.9 else self.rename)(
                *self.chance.choice(files))
        except FileNotFoundError:
            pass  # the server was faster

    def _run(self):
        try:
            while not self.is_ending.wait(PAUSE_SECONDS):
                self.change()
        except Exception as error:
            self.error = error

    def end(self):
        self.is_ending.set()
        self.thread.join()
        if self.error:
            raise self.error


class Reader:
    """The sessions of one user, one after the other."""

    def __init__(self, server, user, seed):
        self.server, self.user = server, user
        self.maildir = Maildir(server.directory / "mail" / user, seed)
        self.chance = random.Random(seed + 1)
        self.identities, self.uidls = {}, {}  # what a UIDL is, and the reverse
        self.deleted = set()                  # UIDLs
        self.counts = collections.Counter()
        self.sent = 0

    def log_in(self):
        client = wires.pop3(self.server, self.user)
        client.sizes = [int(line.split()[1]) for line in client.list()[1]]
        client.uidls = wires.uidls(client)
        assert len(client.uidls) == len(client.sizes) == client.stat()[0]
        assert len(set(client.uidls)) == len(client.uidls), client.uidls
        again = self.deleted & set(client.uidls)
        assert not again, f"deleted and there again: {again}"
        return client

    def retrieve(self, client, number):
        """Whether it was there; it must be what its UIDL always was."""
        uidl = client.uidls[number - 1]
        try:
            octets = wires.octets(client, number)
        except poplib.error_proto as refused:
            self.counts["gone"] += 1
            known = self.identities.get(uidl)
            assert known is None or known in self.maildir.removed, (
                known, refused)
            return False
        assert len(octets) == client.sizes[number - 1], number
        identity = identity_of(octets)
        assert self.identities.setdefault(uidl, identity) == identity, (
            f"UIDL {uidl} was {self.identities[uidl]}, is {identity}")
        assert self.uidls.setdefault(identity, uidl) == uidl, (
            f"{identity} had the UIDL {self.uidls[identity]}, has {uidl}")
        self.counts["retrieved"] += 1
        return True

    def delete(self, client, numbers):
        uidls = [client.uidls[number - 1] for number in numbers]
        for number in numbers:
            client.dele(number)
        try:
            client.quit()
        except poplib.error_proto as refused:
            self.counts["not deleted"] += 1
            assert any(self.maildir.is_there(self.identities[uidl])
                       for uidl in uidls), refused
            return
        left = {self.identities[uidl] for uidl in uidls
                } & self.maildir.present()
        assert not left, f"deleted and still there: {left}"
        self.deleted.update(uidls)
        self.counts["deleted"] += len(uidls)

    def deliver(self):
        self.sent += 1
        octets = make(f"{self.user}-lmtp-{self.sent}", self.chance)
        replies = wires.lmtp(self.server.lmtp_port, octets, self.user)[1]
        assert replies[0][0] == 250, replies

    def session(self):
        if self.chance.random() < 0.3:
            self.deliver()
        client = self.log_in()
        numbers = range(1, len(client.uidls) + 1)
        chosen = self.chance.sample(numbers, min(RETRIEVED, len(numbers)))
        there = [n for n in chosen if self.retrieve(client, n)]
        self.delete(client, there[:self.chance.randrange(DELETED + 1)])
        self.counts["sessions"] += 1

    def run(self, sessions):
        for _ in range(START_MESSAGES):
            self.maildir.deliver()
        self.maildir.thread.start()
        try:
            for _ in range(sessions):
                self.session()
        finally:
            self.maildir.end()
        self.settle()

    def settle(self):
        """In peace: all that lies there, and nothing else."""
        client = self.log_in()
        for number in range(1, len(client.uidls) + 1):
            assert self.retrieve(client, number)
        found = {self.identities[uidl] for uidl in client.uidls}
        client.quit()
        assert found == self.maildir.present()


def run(server, users, sessions, seed):
    """Of all users together; what was done, added up."""
    readers = [Reader(server, user, seed + 2 * n)
               for n, user in enumerate(users)]
    roles, errors = server.roles(), []

    def of(reader):
        try:
            reader.run(sessions // len(users))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=of, args=(r,)) for r in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    assert server.roles() == roles, "a process of the server was replaced"
    return sum((r.counts + r.maildir.counts for r in readers),
               collections.Counter())
