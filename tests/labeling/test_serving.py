"""Nothing is served from a ledger without its guards, whichever door is used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command, get_commands
from django.db import connection
from django_q.management.commands import qcluster
from django_q.models import Schedule

from labeling import serving
from rewards import guards

GUARD = "a transfer is never changed"


@pytest.fixture
def unguarded(transactional_db):
    with connection.cursor() as cursor:
        on = " ON rewards_transfer" if connection.vendor == "postgresql" else ""
        cursor.execute(f'DROP TRIGGER "{GUARD}"{on}')
    yield
    guards.install(connection)


@pytest.fixture
def started(monkeypatch):
    """What django-q2's own command was asked to start."""
    calls = []
    monkeypatch.setattr(qcluster.Command, "handle", lambda self, *args, **options: calls.append(options))
    return calls


def test_an_application_is_served_with_its_guards(transactional_db):
    assert serving.guarded(len) is len


def test_no_application_is_served_without_one_of_its_guards(unguarded):
    with pytest.raises(ImproperlyConfigured, match=f"{GUARD}.*manage.py migrate"):
        serving.guarded(len)


@pytest.mark.parametrize("door", ["wsgi", "asgi"])
def test_a_server_cannot_import_its_door_where_the_guards_are_missing(door, tmp_path):
    """On a new machine the database is empty: a sentence says what to do."""
    command = [sys.executable, "-c", f"import labeling.{door}"]
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{tmp_path / 'empty.sqlite3'}"}
    done = subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, text=True, capture_output=True)
    assert done.returncode != 0
    assert "The ledger's guards are missing" in done.stderr and "manage.py migrate" in done.stderr


def test_a_cluster_starts_with_its_schedule(transactional_db, started):
    call_command("qcluster")
    call_command("qcluster")
    assert len(started) == 2
    every_minute = [(f"labeling.tasks.{name}", 1) for name in ("sweep", "watch", "refit")]
    assert list(Schedule.objects.order_by("pk").values_list("func", "minutes")) == every_minute


def test_a_cluster_does_not_start_without_the_guards(unguarded, started):
    with pytest.raises(CommandError, match=GUARD):
        call_command("qcluster")
    assert started == []


def test_the_cluster_command_is_the_one_of_the_house():
    assert get_commands()["qcluster"] == "labeling"
