# SPDX-License-Identifier: ISC
"""What the shells offer, asked of the shells."""
import pytest

import servers


@pytest.fixture(params=["restante", "restantectl"])
def program(request):
    return request.param


def script_of(program, shell, place):
    path = place / f"{program}.{shell}"
    path.write_bytes(servers.run(servers.BUILD / program, "--completion",
                                 shell).stdout)
    return path


def by_bash(program, place, line):
    """What Tab offers behind `line`."""
    script = f"""
        source {script_of(program, "bash", place)}
        COMP_WORDS=({line.rstrip()} {"''" if line.endswith(" ") else ""})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _{program}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return servers.run("bash", "-c", script).stdout.decode().split()


def by_fish(program, place, line):
    script = (f'source {script_of(program, "fish", place)}; '
              f'complete -C "{line}"')
    out = servers.run("fish", "--no-config", "-c", script).stdout.decode()
    return [row.split("\t")[0] for row in out.splitlines()]


SHELLS = {"bash": by_bash, "fish": by_fish}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("line, offered", [
    ("restante acc", ["account"]),
    ("restante account ", ["add", "list"]),
    ("restante -c some.conf sta", ["status"]),
    ("restante account add --dele", ["--delete"]),
    ("restante fetch --j", ["--json"]),
    ("restantectl user ", ["add", "disable", "enable", "limit", "list", "passwd",
                           "remove"]),
    ("restantectl alias ", ["add", "list", "remove"]),
])
def test_offers(place, shell, line, offered):
    if not servers.installed(shell):
        pytest.skip(f"{shell} is not installed")
    got = SHELLS[shell](line.split()[0], place, line)
    assert set(offered) <= set(got)
    word = line.rpartition(" ")[2]
    assert all(one.startswith(word) for one in got)


def test_zsh_reads_it(place, program):
    if not servers.installed("zsh"):
        pytest.skip("zsh is not installed")
    servers.run("zsh", "-n", script_of(program, "zsh", place))


def test_unknown_shell(program):
    done = servers.run(servers.BUILD / program, "--completion", "csh",
                       ok=(64,))
    assert b"bash, zsh or fish" in done.stderr
