import pytest
from django.contrib.auth.models import User

from rewards import ledger


@pytest.fixture
def ada(db):
    return User.objects.create_user("ada")


@pytest.fixture
def ben(db):
    return User.objects.create_user("ben")


@pytest.fixture
def budget(db):
    """A budget funded with 100 points."""
    budget = ledger.open_budget("Birds")
    ledger.fund(budget, 100)
    return budget
