"""Installs the ledger's triggers and says which are missing: nothing that moves money may be served without them.

SQLite drops a table's triggers without a word whenever a migration rebuilds the table; so they come back after every
migrate. `install` and `remove` belong to migrations and to the flush of the test database, to nobody else.
"""

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from .triggers import TRIGGERS

HINT = "Run `python3 manage.py migrate`, which installs them, and then `python3 manage.py audit_ledger`."

INSTALLED = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": """
        SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE t.tgenabled <> 'D' AND t.tgrelid IN
            (to_regclass('rewards_budget'), to_regclass('rewards_account'), to_regclass('rewards_transfer'))""",
}


def _triggers(connection):
    if connection.vendor not in TRIGGERS or not connection.features.can_return_columns_from_insert:
        version = ".".join(map(str, connection.get_database_version()))
        raise ImproperlyConfigured(
            f"The ledger needs SQLite 3.35 or newer, or PostgreSQL; this is {connection.display_name} {version}."
        )
    return TRIGGERS[connection.vendor]


def _execute(connection, statements):
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def missing(connection) -> list[str]:
    """Names of the guards that are absent, switched off or not as this version of the code has them."""
    triggers = _triggers(connection)
    with connection.cursor() as cursor:
        cursor.execute(INSTALLED[connection.vendor])
        installed = dict(cursor.fetchall())
    return [trigger.name for trigger in triggers if installed.get(trigger.name) != trigger.source]


def install(connection):
    if not missing(connection):
        return  # each statement would wait for every reader of the ledger
    remove(connection)
    _execute(connection, [statement for trigger in _triggers(connection) for statement in trigger.create])


def remove(connection):
    on = " ON {}" if connection.vendor == "postgresql" else ""
    _execute(
        connection,
        [f'DROP TRIGGER IF EXISTS "{trigger.name}"{on.format(trigger.table)}' for trigger in _triggers(connection)],
    )


def require(using=DEFAULT_DB_ALIAS):
    """Raise ImproperlyConfigured unless every guard is in place; for the start of anything that serves."""
    if absent := missing(connections[using]):
        raise ImproperlyConfigured(f"The ledger's guards are missing: {', '.join(absent)}. {HINT}")


def ledger_exists(connection) -> bool:
    return {"rewards_account", "rewards_transfer"} <= set(connection.introspection.table_names())


def before_migrating(using, plan=(), **_):
    """SQLite cannot rebuild a table that a trigger of another table names."""
    connection = connections[using]
    if connection.vendor == "sqlite" and any(migration.app_label == "rewards" for migration, _ in plan):
        remove(connection)


def after_migrating(using, **_):
    if ledger_exists(connections[using]):
        install(connections[using])
