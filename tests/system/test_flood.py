# SPDX-License-Identifier: ISC
"""A flood of wrong passwords costs who sends it, and nobody else."""
import statistics

import pytest

import flood
import wires

pytestmark = pytest.mark.alone

ADDRESSES, AT_ONCE, ATTEMPTS = 200, 5, 1000
# What the attack may add to an honest login. On a machine that does other
# things besides, single logins are late for other reasons: the median counts.
MORE_SECONDS = 0.1


def test_an_honest_user_does_not_notice(server):
    idle, under, got = flood.measure(
        server, lambda: wires.pop3s(server).quit(), ADDRESSES, AT_ONCE,
        ATTEMPTS)
    print(flood.show(idle, under, got))
    assert len(under) >= 10
    assert got["answered"] + got["closed"] == ATTEMPTS
    # They did wait: five from one address, one after the other.
    assert got["longest"] > 10
    assert statistics.median(under) < statistics.median(idle) + MORE_SECONDS
