"""Writers of one process take turns on SQLite, and give the turn back however their transaction ends."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction

from labeling.sqlite3.base import TURNS

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite has one writer at a time"),
]


def elsewhere(act):
    """What `act` returns in another thread, which has a connection of its own."""

    def run():
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result(timeout=10)


@transaction.atomic
def write(name="ada"):
    return User.objects.create_user(name).pk


def free():
    return not TURNS[str(connection.settings_dict["NAME"])].locked()


def test_the_turn_is_given_back_after_a_commit():
    write("ben")
    assert free() and elsewhere(write)


def test_the_turn_is_held_until_the_outermost_block_ends():
    with transaction.atomic():
        write("ben")
        assert not free()
    assert free()


@pytest.mark.parametrize("failure", [KeyboardInterrupt, IntegrityError, OperationalError])
def test_the_turn_is_given_back_after_a_failure(failure):
    with pytest.raises(failure), transaction.atomic():
        raise failure
    assert free() and elsewhere(write)


def test_the_turn_is_given_back_when_the_connection_closes_in_the_middle():
    with transaction.atomic():
        write("ben")
        connection.close()
        assert free()
    assert elsewhere(write) and User.objects.count() == 1  # what was not committed is gone


def test_the_turn_is_given_back_when_the_transaction_cannot_begin():
    connection.ensure_connection()
    connection.connection.execute("BEGIN IMMEDIATE")  # behind Django's back, so that its own BEGIN fails
    try:
        with pytest.raises(OperationalError):
            write()
    finally:
        connection.connection.execute("ROLLBACK")
    assert free() and elsewhere(write)


def test_what_follows_a_commit_may_write_and_holds_up_nobody():
    with transaction.atomic():
        transaction.on_commit(lambda: elsewhere(write))
        transaction.on_commit(lambda: write("ben"))
    assert free() and User.objects.count() == 2


def test_a_writer_waits_for_its_turn():
    begun, done = Event(), []

    def second():
        begun.set()
        write()
        done.append("second")

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            write("ben")
            waiting = thread.submit(elsewhere, second)
            begun.wait(5)
            done.append("first")
        waiting.result(timeout=10)
    assert done == ["first", "second"]


def test_a_writer_does_not_wait_for_ever(monkeypatch):
    def impatient():
        with pytest.raises(OperationalError, match="database is locked"):
            write()

    with transaction.atomic():
        write("ben")
        with monkeypatch.context() as patient:
            patient.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
            elsewhere(impatient)
    assert elsewhere(write)


def test_readers_take_no_turn():
    with transaction.atomic():
        write("ben")
        assert elsewhere(User.objects.count) == 0
