"""The system check that refuses to serve a ledger without its guards (`manage.py check --database default`)."""

import sys

from django.core.checks import Error
from django.db import connections

from . import guards


def guards_are_installed(app_configs, databases, **_):
    if sys.argv[1:2] == ["migrate"]:  # which checks first and installs them last
        return []
    return [error for using in databases or [] for error in _errors(connections[using])]


def _errors(connection):
    if not guards.ledger_exists(connection):
        return []  # nothing to guard yet; the server's own check of migrations speaks of it
    return [
        Error(f"The ledger's guard is missing: {name}.", hint=guards.HINT, id="rewards.E001")
        for name in guards.missing(connection)
    ]
