"""One transfer, one statement: its row is inserted if the money is there and nobody was first.

The guards' trigger moves both balances within the same statement, so nothing lies between looking and taking.
"""

from functools import cache

from django.db import connection
from django.utils import timezone

from .models import MOST, ROUTES, Role, Transfer

# PostgreSQL re-reads a balance that it locks. SQLite needs no lock: it has one writer at a time.
LOCK = "FOR NO KEY UPDATE OF debit"
WORTH_LOCKING = (Role.AVAILABLE, Role.WORKER)  # the accounts that can run dry

INSERT = """
    INSERT INTO rewards_transfer
        (budget_id, debit_id, credit_id, amount, kind, reference, "key", resolves_id, corrects_id, created)
    SELECT debit.budget_id, debit.id, credit.id, %(amount)s, %(kind)s, %(reference)s, %(key)s, %(resolves_id)s,
        %(corrects_id)s, %(created)s
    FROM rewards_account debit, rewards_account credit
    WHERE {debit} AND {credit} AND debit.balance - %(amount)s >= {least}
    {lock}
    ON CONFLICT DO NOTHING
    RETURNING id, debit_id, credit_id"""


def _account(side, role):
    owner = "= %(user_id)s" if role == Role.WORKER else "IS NULL"
    return f"{side}.budget_id = %(budget_id)s AND {side}.role = '{role}' AND {side}.user_id {owner}"


@cache
def _statement(debit, credit, locks):
    return INSERT.format(
        debit=_account("debit", debit),
        credit=_account("credit", credit),
        least=-MOST if debit == Role.FUNDING else 0,
        lock=LOCK if locks and debit in WORTH_LOCKING else "",
    )


def insert(
    kind, budget_id, amount, user_id=None, *, route=None, reference="", key=None, resolves_id=None, corrects_id=None
) -> Transfer | None:
    """The new transfer, or None: the debit account holds too little, an account is not there, or the key or the
    reservation's resolution is already taken. `route` is (debit role, credit role) where the kind has several."""
    debit, credit = route or ROUTES[kind][0]
    facts = {
        "budget_id": budget_id,
        "amount": amount,
        "kind": str(kind),
        "reference": reference,
        "key": key,
        "resolves_id": resolves_id,
        "corrects_id": corrects_id,
    }
    created = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _statement(debit, credit, connection.features.has_select_for_no_key_update),
            facts | {"user_id": user_id, "created": connection.ops.adapt_datetimefield_value(created)},
        )
        row = cursor.fetchone()
    if row is None:
        return None
    transfer = Transfer(id=row[0], debit_id=row[1], credit_id=row[2], created=created, **facts)
    transfer._state.adding = False
    transfer._state.db = connection.alias
    return transfer
