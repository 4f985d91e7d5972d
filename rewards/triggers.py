"""The guards' SQL: what may not happen to the ledger, said once, and how SQLite and PostgreSQL are told.

What a CHECK or UNIQUE constraint can say stands in models.py; here is what needs a look at another row.
"""

from typing import NamedTuple

from .models import ROUTES


class Guard(NamedTuple):
    """Refuses an event when the SQL condition `wrong` holds of the rows OLD and NEW; the name is the refusal.

    `only` is a quick condition on the row alone, so that the others need no look.
    """

    name: str
    table: str
    event: str
    wrong: str
    only: str = "1 = 1"


class Trigger(NamedTuple):
    """One trigger as a database is told it; `source` is the text by which the installed one is recognised."""

    name: str
    table: str
    source: str
    create: list[str]


ALLOWED_ROUTES = ", ".join(f"'{kind}:{debit}:{credit}'" for kind in ROUTES for debit, credit in ROUTES[kind])

GUARDS = [
    Guard("an account opens empty", "rewards_account", "BEFORE INSERT", "NEW.balance <> 0 OR NEW.latest <> 0"),
    Guard(
        "an account keeps its owner",
        "rewards_account",
        "BEFORE UPDATE OF id, budget_id, role, user_id",
        """NEW.id <> OLD.id OR NEW.budget_id <> OLD.budget_id OR NEW.role <> OLD.role
        OR COALESCE(NEW.user_id, -1) <> COALESCE(OLD.user_id, -1)""",
    ),
    Guard(
        "a balance moves only by a transfer",
        "rewards_account",
        "BEFORE UPDATE OF balance, latest",
        """{replayed} OR NOT EXISTS (
        SELECT 1 FROM rewards_transfer t WHERE t.id = NEW.latest AND NEW.balance - OLD.balance =
        CASE NEW.id WHEN t.debit_id THEN -t.amount WHEN t.credit_id THEN t.amount END)""",
    ),
    Guard(
        "a transfer runs between the accounts of its kind",
        "rewards_transfer",
        "BEFORE INSERT",
        f"""NOT EXISTS (
        SELECT 1 FROM rewards_account debit, rewards_account credit
        WHERE debit.id = NEW.debit_id AND credit.id = NEW.credit_id
        AND debit.budget_id = NEW.budget_id AND credit.budget_id = NEW.budget_id
        AND NEW.kind || ':' || debit.role || ':' || credit.role IN ({ALLOWED_ROUTES}))""",
    ),
    Guard(  # after the insert, so that a second resolution meets its UNIQUE constraint first
        "a reservation gives no more than it holds",
        "rewards_transfer",
        "AFTER INSERT",
        """NOT EXISTS (
        SELECT 1 FROM rewards_transfer r
        WHERE r.id = NEW.resolves_id AND r.kind = 'reserve' AND r.budget_id = NEW.budget_id
        AND r.amount >= (SELECT SUM(amount) FROM rewards_transfer WHERE resolves_id = NEW.resolves_id))""",
        only="NEW.resolves_id IS NOT NULL",
    ),
    Guard("a budget opens with nothing spent", "rewards_budget", "BEFORE INSERT", "NEW.day_spent <> 0"),
    Guard(
        "a reservation counts on a day that is not over",
        "rewards_transfer",
        "BEFORE INSERT",
        "NEW.day IS NULL OR EXISTS (SELECT 1 FROM rewards_budget b WHERE b.id = NEW.budget_id AND b.day > NEW.day)",
        only="NEW.kind = 'reserve'",
    ),
    Guard(  # lowered while the day lasts, a limit still lets the day give back
        "a day keeps to its limit",
        "rewards_budget",
        "BEFORE UPDATE OF day, day_spent",
        "OLD.day IS NULL OR NEW.day <> OLD.day OR NEW.day_spent > OLD.day_spent",
        only="NEW.day_spent > NEW.daily_limit",
    ),
    Guard(
        "the sum of a day moves only by a transfer",
        "rewards_budget",
        "BEFORE UPDATE OF day, day_spent, latest",
        """{replayed} OR NOT EXISTS (
        SELECT 1 FROM rewards_transfer t LEFT JOIN rewards_transfer r ON r.id = t.resolves_id
        WHERE t.id = NEW.latest AND t.budget_id = NEW.id AND NEW.day = COALESCE(r.day, t.day)
        AND (t.kind = 'reserve' OR OLD.day = NEW.day)
        AND NEW.day_spent = CASE WHEN OLD.day = NEW.day THEN OLD.day_spent ELSE 0 END +
        CASE t.kind WHEN 'reserve' THEN t.amount WHEN 'void' THEN -t.amount WHEN 'rest' THEN -t.amount END)""",
    ),
    Guard("a transfer is never changed", "rewards_transfer", "BEFORE UPDATE", "1 = 1"),
    Guard("a transfer is never deleted", "rewards_transfer", "BEFORE DELETE", "1 = 1"),
]

# A transfer that has moved a balance may not be named again to move it once more. SQLite writes one transfer after
# the other, so the newest has the highest id. On PostgreSQL ids may commit out of order, but it knows who is calling.
REPLAYED = {"sqlite": "NEW.latest <= OLD.latest", "postgresql": "pg_trigger_depth() < 2"}

MOVER = "a transfer moves its balances"
MOVE = """
    UPDATE rewards_account SET balance = balance - NEW.amount, latest = NEW.id WHERE id = NEW.debit_id;
    UPDATE rewards_account SET balance = balance + NEW.amount, latest = NEW.id WHERE id = NEW.credit_id;
    UPDATE rewards_budget SET day_spent = CASE WHEN day = NEW.day THEN day_spent ELSE 0 END + NEW.amount,
        day = NEW.day, latest = NEW.id WHERE id = NEW.budget_id AND NEW.kind = 'reserve';
    UPDATE rewards_budget SET day_spent = day_spent - NEW.amount, latest = NEW.id
        WHERE id = NEW.budget_id AND NEW.kind IN ('void', 'rest')
        AND day = (SELECT day FROM rewards_transfer WHERE id = NEW.resolves_id);"""


def _sqlite(name, table, event, body, when="1 = 1"):
    sql = f'CREATE TRIGGER "{name}" {event} ON {table} WHEN {when}\nBEGIN {body} END'
    return Trigger(name, table, sql, [sql])


def _postgresql(name, table, event, body, each="ROW", when="1 = 1"):
    body = f"-- {event} when {when}\n{body}"  # a function's text is what can be read back
    function = f'CREATE OR REPLACE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS $${body}$$'
    trigger = f'CREATE TRIGGER "{name}" {event} ON {table} FOR EACH {each} WHEN ({when}) EXECUTE FUNCTION "{name}"()'
    return Trigger(name, table, body, [function, trigger])


def _sqlite_refusal(guard):
    when = f"{guard.only} AND ({guard.wrong.format(replayed=REPLAYED['sqlite'])})"
    return _sqlite(guard.name, guard.table, guard.event, f"SELECT RAISE(ABORT, '{guard.name}');", when)


def _postgresql_refusal(guard):
    wrong = guard.wrong.format(replayed=REPLAYED["postgresql"])
    row = "OLD" if "DELETE" in guard.event else "NEW"
    body = f"BEGIN IF {wrong} THEN {_raise(guard.name)} END IF; RETURN {row}; END"
    return _postgresql(guard.name, guard.table, guard.event, body, when=guard.only)


def _never_emptied(table):
    sentence = f"{table} is never emptied"
    return _postgresql(sentence, table, "BEFORE TRUNCATE", f"BEGIN {_raise(sentence)} END", each="STATEMENT")


def _raise(sentence):
    return f"RAISE EXCEPTION '{sentence}' USING ERRCODE = 'check_violation';"


TRIGGERS = {
    "sqlite": [
        *map(_sqlite_refusal, GUARDS),
        _sqlite(MOVER, "rewards_transfer", "AFTER INSERT", MOVE),
    ],
    "postgresql": [
        *map(_postgresql_refusal, GUARDS),
        *map(_never_emptied, ["rewards_account", "rewards_transfer"]),
        _postgresql(MOVER, "rewards_transfer", "AFTER INSERT", f"BEGIN {MOVE} RETURN NULL; END"),
    ],
}
