"""What the database refuses whoever asks, by the sentence that names the refusal."""

import re
from datetime import date, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, transaction
from django.db.migrations import Migration
from django.db.models import F
from django.test import TransactionTestCase

from rewards import guards, ledger
from rewards.models import MOST, Account, Budget, Role, Transfer
from rewards.triggers import GUARDS, TRIGGERS

TODAY = date(2026, 3, 2)


@pytest.fixture
def reservation(budget):
    return ledger.reserve(budget, 10, "assignment:1")


@pytest.fixture
def paid(budget, ada):
    return ledger.post(ledger.reserve(budget, 10), ada, 10, "k")


@pytest.fixture
def accounts(budget, ada):
    Account.objects.create(budget=budget, role=Role.WORKER, user=ada)
    return {account.role: account for account in budget.accounts.all()}


@pytest.fixture
def write(budget, accounts):
    """Write a transfer past the ledger's functions."""

    def write(kind, debit, credit, amount=1, **facts):
        return Transfer.objects.create(
            budget=facts.pop("budget", budget),
            kind=kind,
            debit=accounts[debit],
            credit=accounts[credit],
            amount=amount,
            **({"day": TODAY} if kind == "reserve" else {}) | facts,
        )

    return write


def refused(sentence, act, *args, **kwargs):
    """On SQLite a UNIQUE constraint is reported by its columns, so there the sentence is looked up by them."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        act(*args, **kwargs)
    assert sentence in str(refusal.value) or columns(sentence) in str(refusal.value), refusal.value


def columns(sentence):
    """ "table.a, table.b" of the UNIQUE constraint so named."""
    for model in (Budget, Account, Transfer):
        for constraint in model._meta.constraints:
            if constraint.name == sentence and hasattr(constraint, "fields"):
                fields = [model._meta.get_field(name).column for name in constraint.fields]
                return ", ".join(f"{model._meta.db_table}.{column}" for column in fields)
    return sentence


def test_only_funding_is_below_zero(write):
    refused("only funding is below zero", write, "reserve", "available", "reserved", 101)
    refused("only funding is below zero", write, "payout", "worker", "paid")
    refused("only funding is below zero", write, "fund", "funding", "available", MOST)


def test_only_a_worker_account_has_a_user(budget, ada):
    refused("only a worker account has a user", Account.objects.create, budget=budget, role=Role.PAID, user=ada)
    refused("only a worker account has a user", Account.objects.create, budget=budget, role=Role.WORKER)
    refused("only a worker account has a user", Account.objects.create, budget=budget, role="secret", user=ada)


def test_a_worker_has_one_account_per_budget(accounts, budget, ada):
    act = Account.objects.create
    refused("a worker has one account per budget", act, budget=budget, role=Role.WORKER, user=ada)


def test_a_budget_has_one_account_per_role(budget):
    refused("a budget has one account per role", Account.objects.create, budget=budget, role=Role.AVAILABLE)


def test_an_account_opens_empty(budget, ada):
    act, facts = Account.objects.create, {"budget": budget, "role": Role.WORKER, "user": ada}
    refused("an account opens empty", act, balance=5, **facts)
    refused("an account opens empty", act, latest=-5, **facts)


def test_an_account_keeps_its_owner(accounts, ada, ben):
    worker = Account.objects.filter(pk=accounts["worker"].pk)
    other = ledger.open_budget("Other")
    refused("an account keeps its owner", worker.update, user=ben)
    refused("an account keeps its owner", worker.update, budget=other)


def test_a_balance_moves_only_by_a_transfer(budget, ada, paid):
    account = Account.objects.filter(user=ada)
    sentence = "a balance moves only by a transfer"
    refused(sentence, account.update, balance=F("balance") + 1)
    refused(sentence, account.update, balance=F("balance") + 10, latest=paid.pk)
    later = ledger.fund(budget, 10)
    refused(sentence, account.update, balance=F("balance") + 10, latest=later.pk)
    refused(sentence, account.update, latest=0)


def test_a_transfer_that_moved_a_balance_cannot_be_named_again(budget, ada, paid):
    ledger.post(ledger.reserve(budget, 1), ada, 1)
    account = Account.objects.filter(user=ada)
    refused("a balance moves only by a transfer", account.update, balance=F("balance") + 10, latest=paid.pk)


def test_a_transfer_moves_something(write):
    refused("a transfer moves something", write, "fund", "funding", "available", 0)
    refused("a transfer moves something", write, "fund", "funding", "available", -5)
    refused("a transfer moves something", write, "fund", "funding", "available", MOST + 1)


@pytest.mark.parametrize(
    "route",
    [
        ("fund", "available", "funding"),
        ("fund", "funding", "worker"),
        ("post", "available", "worker"),
        ("payout", "reserved", "paid"),
        ("reserve", "worker", "reserved"),
        ("reserve", "available", "available"),
        ("gift", "available", "worker"),
    ],
)
def test_a_transfer_runs_between_the_accounts_of_its_kind(write, route):
    refused("a transfer runs between the accounts of its kind", write, *route)


def test_a_transfer_runs_within_its_budget(write, accounts):
    other = ledger.open_budget("Other")
    ledger.fund(other, 5)
    sentence = "a transfer runs between the accounts of its kind"
    refused(sentence, write, "reserve", "available", "reserved", budget=other)
    accounts["elsewhere"] = other.accounts.get(role=Role.AVAILABLE)
    refused(sentence, write, "reserve", "elsewhere", "reserved")
    refused(sentence, write, "reserve", "elsewhere", "reserved", budget=other)


def test_post_void_and_rest_resolve_a_reservation(write, reservation):
    sentence = "post void and rest resolve a reservation"
    refused(sentence, write, "post", "reserved", "worker")
    refused(sentence, write, "void", "reserved", "available")
    refused(sentence, write, "rest", "reserved", "available")
    refused(sentence, write, "withdraw", "available", "funding", resolves=reservation)


def test_only_a_correction_corrects(write, reservation):
    refused("only a correction corrects", write, "withdraw", "available", "funding", corrects=reservation)
    refused("only a correction corrects", write, "correct", "available", "worker")


def test_a_reservation_is_resolved_once(write, reservation):
    write("post", "reserved", "worker", 1, resolves=reservation)
    refused("a reservation is resolved once", write, "post", "reserved", "worker", 1, resolves=reservation)
    refused("a reservation is resolved once", write, "void", "reserved", "available", 9, resolves=reservation)


def test_a_reservation_returns_one_rest(write, reservation):
    write("post", "reserved", "worker", 1, resolves=reservation)
    write("rest", "reserved", "available", 1, resolves=reservation)
    refused("a reservation returns one rest", write, "rest", "reserved", "available", 8, resolves=reservation)


def test_a_reservation_gives_no_more_than_it_holds(write, budget, reservation):
    sentence = "a reservation gives no more than it holds"
    another = ledger.reserve(budget, 50)
    refused(sentence, write, "post", "reserved", "worker", 11, resolves=reservation)
    write("post", "reserved", "worker", 4, resolves=reservation)
    refused(sentence, write, "rest", "reserved", "available", 7, resolves=reservation)
    refused(sentence, write, "post", "reserved", "worker", 1, resolves=Transfer.objects.get(kind="fund"))
    assert another.amount == 50


def test_a_key_names_one_transfer(write):
    write("withdraw", "available", "funding", key="k")
    refused("a key names one transfer", write, "withdraw", "available", "funding", key="k")


def test_a_transfer_is_never_changed(paid):
    refused("a transfer is never changed", Transfer.objects.filter(pk=paid.pk).update, amount=1000)
    refused("a transfer is never changed", paid.save)


def test_a_transfer_is_never_deleted(paid):
    refused("a transfer is never deleted", Transfer.objects.filter(pk=paid.pk).delete)
    refused("a transfer is never deleted", Transfer.objects.all()._raw_delete, "default")


def test_a_user_with_an_account_is_not_deleted(paid, ada):
    with pytest.raises(IntegrityError):  # PROTECT
        ada.delete()


@pytest.mark.skipif("connection.vendor != 'postgresql'")
@pytest.mark.parametrize("table", ["rewards_account", "rewards_transfer"])
def test_the_ledger_is_never_emptied(paid, table):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        refused(f"{table} is never emptied", cursor.execute, f"TRUNCATE {table} CASCADE")


# --- days ------------------------------------------------------------------------------------------------------------


def test_a_daily_limit_is_an_amount(budget):
    refused("a daily limit is an amount", Budget.objects.filter(pk=budget.pk).update, daily_limit=-1)


def test_a_budget_opens_with_nothing_spent(db):
    refused("a budget opens with nothing spent", Budget.objects.create, name="Birds", day_spent=5)


def test_only_a_reservation_has_a_day(write):
    refused("only a reservation has a day", write, "fund", "funding", "available", day=TODAY)


def test_a_reservation_counts_on_a_day_that_is_not_over(write, budget):
    sentence = "a reservation counts on a day that is not over"
    ledger.reserve(budget, 1, today=TODAY)
    refused(sentence, write, "reserve", "available", "reserved", day=TODAY - timedelta(days=1))
    refused(sentence, write, "reserve", "available", "reserved", day=None)


def test_a_day_keeps_to_its_limit(write, budget):
    ledger.limit_days(budget, 10)
    write("reserve", "available", "reserved", 7)
    refused("a day keeps to its limit", write, "reserve", "available", "reserved", 4)
    write("reserve", "available", "reserved", 10, day=TODAY + timedelta(days=1))
    refused("a day keeps to its limit", write, "reserve", "available", "reserved", 1, day=TODAY + timedelta(days=1))
    refused("a day keeps to its limit", write, "reserve", "available", "reserved", 11, day=TODAY + timedelta(days=2))


def test_the_sum_of_a_day_moves_only_by_a_transfer(budget):
    sentence, row = "the sum of a day moves only by a transfer", Budget.objects.filter(pk=budget.pk)
    held = ledger.reserve(budget, 5, today=TODAY)
    refused(sentence, row.update, day_spent=0)
    refused(sentence, row.update, day_spent=0, latest=held.pk)
    refused(sentence, row.update, day=TODAY + timedelta(days=1))
    later = ledger.fund(budget, 5)
    refused(sentence, row.update, day_spent=10, latest=later.pk)
    refused(sentence, row.update, day=TODAY + timedelta(days=1), day_spent=5, latest=held.pk)


@pytest.mark.django_db
def test_a_day_never_gives_back_more_than_it_took():
    """No transfer can: the guards would have to be gone."""
    guards.remove(connection)
    Budget.objects.create(name="Birds")
    refused("a day never gives back more than it took", Budget.objects.update, day_spent=-1)


def test_every_guard_and_constraint_is_tested_by_its_name(request):
    tests = {re.sub("^test_", "", name).replace("_", " ") for name in dir(request.module) if name.startswith("test_")}
    constraints = {constraint.name for model in (Budget, Account, Transfer) for constraint in model._meta.constraints}
    assert constraints | {guard.name for guard in GUARDS} <= tests


# --- installing ------------------------------------------------------------------------------------------------------


def drop(name):
    table = next(trigger.table for trigger in TRIGGERS[connection.vendor] if trigger.name == name)
    on = f"ON {table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "{name}" {on}')


def test_migrating_leaves_every_guard_in_place(db):
    assert guards.missing(connection) == []
    guards.require()


def test_a_ledger_without_a_guard_is_not_served(db):
    drop("a transfer is never deleted")
    assert guards.missing(connection) == ["a transfer is never deleted"]
    with pytest.raises(
        ImproperlyConfigured, match=r"guards are missing: a transfer is never deleted.*manage.py migrate"
    ):
        guards.require()
    with pytest.raises(SystemCheckError, match=r"\(rewards.E001\).*guard is missing: a transfer is never deleted"):
        call_command("check", tags=["database"], databases=["default"])


def test_a_guard_changed_by_hand_is_missing(db):
    trigger = next(t for t in TRIGGERS[connection.vendor] if t.name == "a transfer is never changed")
    drop(trigger.name)
    with connection.cursor() as cursor:
        for statement in trigger.create:
            cursor.execute(statement.replace("(1 = 1)", "(1 = 2)").replace("IF 1 = 1", "IF 1 = 2"))
    assert guards.missing(connection) == [trigger.name]


def test_migrating_is_not_refused_and_brings_the_guards_back(db, monkeypatch):
    drop("a transfer is never deleted")
    monkeypatch.setattr("sys.argv", ["manage.py", "migrate"])
    call_command("migrate", verbosity=0, skip_checks=False)
    assert guards.missing(connection) == []


def test_installing_twice_is_installing_once(db):
    guards.install(connection)
    guards.install(connection)
    assert guards.missing(connection) == []


def test_a_database_that_cannot_be_guarded_is_refused(db, monkeypatch):
    monkeypatch.setattr(connection, "vendor", "mysql")
    with pytest.raises(ImproperlyConfigured, match=r"needs SQLite 3\.35 or newer, or PostgreSQL; this is "):
        guards.missing(connection)


def test_an_old_sqlite_is_refused(db, monkeypatch):
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)
    with pytest.raises(ImproperlyConfigured, match=r"needs SQLite 3\.35 or newer"):
        guards.require()


def test_only_the_ledgers_own_migrations_lift_the_guards(db):
    guards.before_migrating("default", plan=[(Migration("next", "labeling"), False)])
    assert guards.missing(connection) == []
    guards.before_migrating("default", plan=[(Migration("next", "rewards"), False)])
    assert bool(guards.missing(connection)) == (connection.vendor == "sqlite")


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_rebuilds_the_tables_leaves_guards_and_balances():
    budget = ledger.open_budget("Birds")
    ledger.fund(budget, 100)
    guards.before_migrating("default", plan=[(Migration("next", "rewards"), False)])
    for model in (Budget, Account, Transfer):
        with connection.schema_editor() as editor:
            editor.remove_constraint(model, model._meta.constraints[0])
            editor.add_constraint(model, model._meta.constraints[0])
    guards.after_migrating("default")
    assert guards.missing(connection) == []
    assert budget.available == 100
    ledger.reserve(budget, 40)
    assert Budget.objects.get().available == 60


@pytest.mark.django_db(transaction=True)
def test_a_transactional_test_may_write_to_the_ledger():
    ledger.fund(ledger.open_budget("Flushed"), 1)
    assert guards.missing(connection) == []


@pytest.mark.django_db(transaction=True)
def test_the_next_transactional_test_finds_an_empty_guarded_ledger():
    assert not Transfer.objects.exists()
    assert guards.missing(connection) == []


def test_the_flush_is_the_only_place_that_lifts_guards():
    assert TransactionTestCase._fixture_teardown.__module__.endswith("conftest")
