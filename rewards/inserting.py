"""One transfer, one statement: its row is inserted if the money is there and nobody was first.

The guards' trigger moves both balances within the same statement, so nothing lies between looking and taking.
"""

from functools import cache

from django.db import connection
from django.utils import timezone

from .models import MOST, ROUTES, Role, Transfer

INSERT = """
    INSERT INTO rewards_transfer
        (budget_id, debit_id, credit_id, amount, kind, reference, "key", resolves_id, corrects_id, day, created)
    SELECT budget.id, debit.id, credit.id, %(amount)s, %(kind)s, %(reference)s, %(key)s, %(resolves_id)s,
        %(corrects_id)s, {day}, %(created)s
    FROM rewards_budget budget, rewards_account debit, rewards_account credit
    WHERE budget.id = %(budget_id)s AND {debit} AND {credit} AND debit.balance - %(amount)s >= {least}
        AND {within}
    {lock}
    ON CONFLICT DO NOTHING
    RETURNING id, debit_id, credit_id, day"""

# PostgreSQL: the budget's row is the gate to all its accounts. Whoever moves its money passes it first and holds it
# until the transaction ends, so two of them never wait for each other, in whatever order they go on. The debit account
# is locked too, since only a row that is locked is read anew. SQLite has one writer at a time and needs neither.
LOCK = "FOR NO KEY UPDATE OF budget, debit"

# A reservation counts on the day it is made. The budget's day never goes back: a clock behind the others at midnight
# would begin the day anew.
TODAY = "CASE WHEN budget.day > %(day)s THEN budget.day ELSE %(day)s END"
WITHIN = """(budget.daily_limit IS NULL OR
            CASE WHEN budget.day >= %(day)s THEN budget.day_spent ELSE 0 END + %(amount)s <= budget.daily_limit)"""


def _account(side, role):
    owner = "= %(user_id)s" if role == Role.WORKER else "IS NULL"
    return f"{side}.budget_id = budget.id AND {side}.role = '{role}' AND {side}.user_id {owner}"


@cache
def _statement(debit, credit, locks, daily):
    return INSERT.format(
        day=TODAY if daily else "CAST(NULL AS date)",
        within=WITHIN if daily else "1 = 1",
        debit=_account("debit", debit),
        credit=_account("credit", credit),
        least=-MOST if debit == Role.FUNDING else 0,
        lock=LOCK if locks else "",
    )


def insert(
    kind,
    budget_id,
    amount,
    user_id=None,
    *,
    route=None,
    reference="",
    key=None,
    resolves_id=None,
    corrects_id=None,
    day=None,
) -> Transfer | None:
    """The new transfer, or None: the debit account holds too little, an account is not there, or the key or the
    reservation's resolution is already taken. `route` is (debit role, credit role) where the kind has several; `day`
    is that of a reservation, and None also follows where the day's limit leaves too little."""
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
            _statement(debit, credit, connection.features.has_select_for_no_key_update, day is not None),
            facts
            | {
                "user_id": user_id,
                "created": connection.ops.adapt_datetimefield_value(created),
                "day": connection.ops.adapt_datefield_value(day),
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    transfer = Transfer(id=row[0], debit_id=row[1], credit_id=row[2], created=created, **facts)
    transfer.day = Transfer._meta.get_field("day").to_python(row[3])  # SQLite gives it as text
    transfer._state.adding = False
    transfer._state.db = connection.alias
    return transfer
