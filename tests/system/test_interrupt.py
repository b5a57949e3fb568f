# SPDX-License-Identifier: ISC
"""kill -9 at some of the cut points; script/interrupt takes all of them."""
import os

import pytest

import interrupt


@pytest.fixture(autouse=True)
def _needs_root():
    if os.geteuid() != 0:
        pytest.skip("only root may look into the roles")


def test_collector_killed_takes_up_where_it_was(server, place,
                                                record_property):
    row = interrupt.interrupt_collector(server, place, keep=False, every=3,
                                        first=50, most=25)
    record_property("figure", str(row))
    assert row.is_good(), row


def test_store_killed_keeps_what_it_acknowledged(server, record_property):
    row = interrupt.interrupt_role(server, "store 0", every=3, first=1, most=5)
    record_property("figure", str(row))
    assert row.is_good(), row


def test_deliverer_killed_delivers_once_at_most(server, record_property):
    row = interrupt.interrupt_deliverer(server, every=4, first=1, most=3)
    record_property("figure", str(row))
    assert row.is_good(), row


def test_parent_killed_in_its_start_starts_again(place, record_property):
    row = interrupt.interrupt_parent(place, every=10, first=1, most=3)
    record_property("figure", str(row))
    assert row.is_good(), row
