"""What every test stands on: a database in a file (threads fail on SQLite's in-memory one) and a guarded ledger."""

import sys

import pytest
from django.db import connections
from django.test import TransactionTestCase

from tests.misleading import WRONG


@pytest.fixture(autouse=True, scope="session")
def flush_past_the_guards():
    """A transactional test ends by emptying every table, which the ledger's guards refuse: so they step aside for the
    flush and come back after it. Nothing else may do this."""
    from rewards import guards

    flush = TransactionTestCase._fixture_teardown

    def teardown(case):
        guarded = [connections[alias] for alias in case._databases_names(include_mirrors=False)]
        for connection in guarded:
            guards.remove(connection)
        try:
            flush(case)
        finally:
            for connection in guarded:
                guards.install(connection)

    TransactionTestCase._fixture_teardown = teardown
    yield
    TransactionTestCase._fixture_teardown = flush


@pytest.fixture(autouse=True)
def fresh_beliefs():
    """Each test's database numbers its refits from the beginning."""
    yield
    if believing := sys.modules.get("labeling.believing"):
        believing._of.cache_clear()


@pytest.fixture
def own_arrays(settings, tmp_path):
    """Arrays in a folder of the test."""
    settings.STORAGES = settings.STORAGES | {
        "arrays": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    }
    settings.ARRAYS_CACHE = tmp_path / "cache"


@pytest.fixture
def misled(own_arrays, settings):
    """Classifiers that go wrong beside one that learns quickly."""
    settings.CLASSIFIERS = settings.CLASSIFIERS | WRONG


@pytest.fixture
def storage(tmp_path, settings):
    """Contents of each test lie in a folder of its own."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path / "stored")}}
    }
    return tmp_path / "stored"
