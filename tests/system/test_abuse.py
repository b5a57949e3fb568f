# SPDX-License-Identifier: ISC
"""Peers that are no honest clients, all at once; script/abuse takes more of them
and longer."""
import os

import pytest

import abuse
import servers

pytestmark = [pytest.mark.alone]


def test_honest_sessions_finish_under_abuse(place, request, record_property):
    if os.geteuid() != 0:
        pytest.skip("only root may look into the roles")
    server = request.node.server = servers.Restanted(place)
    try:
        abuse.prepare(server, 500, 2)
        abuse.open_each_once(server)
        start = abuse.Cost(server)
        row = abuse.suffer(server, start, abuse.everything(500)
                           + [("flood", 300)])
        print(f"{abuse.HEAD}\n{row}")
        record_property("figure", " ".join(row.split()))
    finally:
        server.stop()
