# SPDX-License-Identifier: ISC
"""import-state: mailboxes that the real fetchmail, getmail, mpop and fdm have
collected, and `restante` after them collects only what is new."""
import os

import pytest

import clients
import hostile
import mail
import servers
from hostile import PASSWORD, Account, Server

IMPORTED = 6
USER = "alice@example.org"


def mailbox():
    """A blank in a UIDL makes fdm give up; a "/" becomes "-" in getmail."""
    return [("u1", mail.plain("one")), ("a~b", mail.plain("two")),
            ("../x", mail.plain("three")), ("4", mail.plain("four"))]


def run(place, *command, ok=(0,)):
    return servers.run(*command, ok=ok, env=dict(os.environ, HOME=str(place)))


def fetchmail(place, port):
    config = clients.write_private(place / "fetchmailrc", (
        f"poll localhost protocol pop3 service {port} uidl\n"
        f'user "{USER}" password "{PASSWORD}" keep sslproto ""\n'
        f'mda "cat >> {place}/fetchmail.mbox"\n'))
    run(place, "fetchmail", "--nodetach", "--nosyslog", "--fetchmailrc",
        config, "--idfile", place / "fetchids", "--pidfile", place / "pid")
    return place / "fetchids"


def mpop(place, port):
    for part in ("new", "cur", "tmp"):
        (place / "mpop" / part).mkdir(parents=True)
    config = clients.write_private(place / "mpoprc", (
        f"account a\nhost localhost\nport {port}\nuser {USER}\n"
        f"password {PASSWORD}\nauth user\ntls off\nkeep on\n"
        f"delivery maildir {place}/mpop\nuidls_file {place}/mpop.uidls\n"))
    run(place, "mpop", "--file", config, "a")
    return place / "mpop.uidls"


def getmail(place, port):
    """Root may not deliver into files of its own by getmail."""
    folder = place / "getmail"
    folder.mkdir(mode=0o700)
    clients.write_private(folder / "getmailrc", (
        f"[retriever]\ntype = SimplePOP3Retriever\nserver = localhost\n"
        f"port = {port}\nusername = {USER}\npassword = {PASSWORD}\n"
        "[destination]\ntype = MDA_external\npath = /usr/bin/tee\n"
        f'arguments = ("-a", "{folder}/mail")\nallow_root_commands = true\n'
        "[options]\ndelete = false\nread_all = false\n"))
    run(place, "getmail", "--getmaildir", folder)
    return folder / f"oldmail-localhost-{port}-{USER}"


def fdm(place, port):
    """As root it works as a user of its own, which must get there."""
    folder = place / "fdm"
    folder.mkdir()
    for path in (place, folder):
        path.chmod(0o777)
    config = clients.write_private(place / "fdm.conf", (
        f'set lock-file "{place}/fdm.lock"\n'
        f'account "a" pop3 server "localhost" port {port} user "{USER}"\n'
        f'pass "{PASSWORD}" new-only cache "{folder}/cache"\n'
        f'action "keep" mbox "{folder}/mbox"\nmatch all action "keep"\n'))
    run(place, "fdm", "-f", config, "-k", "fetch")
    return folder / "cache"


PROGRAMS = {"fetchmail": fetchmail, "mpop": mpop, "getmail": getmail,
            "fdm": fdm}


def import_state(account, *more, **how):
    return clients.restante(account.place, "-c", account.config,
                            "import-state", *more, **how)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("keep", ["yes", "no"])
def test_switching_repeats_nothing(place, program, keep):
    if not servers.installed(program):
        pytest.skip(f"{program} is not installed")
    sent = mailbox()
    with Server(sent) as server:
        file = PROGRAMS[program](place, server.port)
        # fetchmail asks for whole messages by TOP.
        assert len(server.asked_ever("RETR") + server.asked_ever("TOP")) == 4
        account = Account(place, server, host="localhost", user=USER,
                          keep=keep)
        told = import_state(account, file, "alice", "--from", program).stdout
        assert told.decode() == (
            f"alice: 4 messages of {program} will not be collected; 0 of "
            "them were known\n")
        server.mail.append((b"new", mail.plain("new")))
        ended = account.fetch()
        assert server.asked("RETR") == ["5"]
        assert account.filed() == [mail.plain("new")]
        # What another program has, nobody knows here: it is not deleted.
        assert server.asked("DELE") == ([] if keep == "yes" else ["5"])
        assert ended["stored_messages"] == 1
        assert account.fetch()["received_messages"] == 0
        # Once more changes nothing.
        told = import_state(account, file, "alice", "--from", program).stdout
        assert b"4 of them were known" in told
        assert account.fetch()["received_messages"] == 0


def test_what_is_known_stays_known(place):
    """An import says nothing of what was collected here."""
    with Server(mailbox()) as server:
        account = Account(place, server)
        account.fetch()
        known = account.states()
        file = place / "cache"
        file.write_text("2 u1\n")
        import_state(account, file, "alice", "--from", "fdm")
        assert account.states() == known


def test_a_uidl_with_a_slash_and_one_with_a_dash(place):
    """They are two messages, whatever getmail calls the one."""
    with Server([("a/b", mail.plain("slash")),
                 ("a-b", mail.plain("dash"))]) as server:
        account = Account(place, server)
        file = place / "oldmail"
        file.write_bytes(b"a-b\x001700000000\n")
        import_state(account, file, "alice", "--from", "getmail")
        account.fetch()
        assert account.filed() == [mail.plain("slash")]


def test_of_several_mailboxes(place):
    file = place / "fetchids"
    file.write_text("bob@localhost 1\nalice@one.example 2\n"
                    "alice@two.example 3\nalice@two.example with blank\n")
    with Server([]) as server:
        account = Account(place, server, user="alice")
        done = import_state(account, file, "alice", "--from", "fetchmail",
                            ok=(65,))
        assert b"several mailboxes for alice" in done.stderr
        assert b"alice@two.example" in done.stderr
        import_state(account, file, "alice", "--from", "fetchmail",
                     "--mailbox", "alice@two.example")
        assert account.states() == {b"3": IMPORTED, b"with blank": IMPORTED}
        # A name that is mistyped is not the same as nothing to take.
        done = import_state(account, file, "alice", "--from", "fetchmail",
                            "--mailbox", "alice@too.example", ok=(65,))
        assert b"no mailbox for alice@too.example" in done.stderr
        assert b"alice@two.example" in done.stderr
        # Where one of them is at the account's host, that is it.
        account.change("host", "one.example")
        import_state(account, file, "alice", "--from", "fetchmail")
        assert account.states()[b"2"] == IMPORTED
        account.change("user", "carol")
        done = import_state(account, file, "alice", "--from", "fetchmail",
                            ok=(65,))
        assert b"no mailbox for carol" in done.stderr


@pytest.mark.parametrize("program, text, line", [
    ("fetchmail", b"alice@a u1\nnothing\n", 2), ("mpop", b"u1\n", 1),
    ("mpop", b" x localhost alice\nu1\n", 1), ("getmail", b"u1\n", 1),
    ("fdm", b"2 u1\n3 u1\n", 2), ("fdm", b"2 \1\2\n", 1)])
def test_the_wrong_file(place, program, text, line):
    file = place / "file"
    file.write_bytes(text)
    with Server([]) as server:
        account = Account(place, server)
        done = import_state(account, file, "alice", "--from", program,
                            ok=(65,))
        assert f"{file}:{line}: " in done.stderr.decode()
        import_state(account, place / "none", "alice", "--from", program,
                     ok=(66,))
        import_state(account, file, "alice", ok=(64,))
        import_state(account, file, "alice", "--from", "mutt", ok=(64,))
        import_state(account, file, "nobody", "--from", program, ok=(64,))
