# SPDX-License-Identifier: ISC
"""200 sessions while other programs change the Maildirs; script/stress does
the same for as long as one likes."""
import stress

SESSIONS, SEED = 200, 1


def test_sessions_while_others_change_the_mail(server, record_property):
    counts = stress.run(server, ("alice", "bob"), SESSIONS, SEED)
    assert counts["sessions"] == SESSIONS
    # It was not idle: sessions saw what they are to stand.
    for what in ("renamed", "delivered", "removed", "retrieved", "deleted"):
        assert counts[what] > SESSIONS / 10, counts
    record_property("figure", "stress: " + ", ".join(
        f"{count} {what}" for what, count in counts.items()))
