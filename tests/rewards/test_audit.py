"""The audit trusts no stored balance. To falsify the books, its tests must first lift the guards by hand."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.utils.timezone import localdate

from rewards import guards, ledger
from rewards.auditing import audit
from rewards.models import Account, Budget, Role, Transfer


@pytest.fixture
def busy(budget, ada, ben):
    """A budget that has seen every kind of transfer."""
    paid = ledger.post(ledger.reserve(budget, 10, "a:1"), ada, 10, "a:1")
    ledger.post(ledger.reserve(budget, 10, "a:2"), ben, 4, "a:2")
    ledger.void(ledger.reserve(budget, 5, "a:3"))
    ledger.reserve(budget, 7, "a:4")
    ledger.correct(paid, 12)
    ledger.correct(paid, 8)
    ledger.correct(ledger.pay_out(ada, budget, 6), 5)
    ledger.withdraw(budget, 20)
    return budget


@pytest.fixture
def unguarded(busy):
    """The ledger as somebody with a database shell could leave it."""
    guards.remove(connection)
    yield busy
    guards.install(connection)


def run():
    out = StringIO()
    call_command("audit_ledger", stdout=out)
    return out.getvalue()


def complaints():
    guards.install(connection)
    return audit().differences


def test_true_books_add_up(busy):
    assert audit().differences == []
    assert run().splitlines() == [
        "Budget  funded  = available  + reserved  + spent",
        "Birds       80           61           7       12  points",
        "",
        "The ledger adds up: 1 budget, 14 transfers.",
    ]


def test_empty_books_add_up(db):
    assert "The ledger adds up: 0 budgets, 0 transfers." in run()


def test_a_missing_guard_is_named(unguarded):
    assert "The guard is missing: a transfer is never changed" in audit().differences


def test_a_forged_balance_is_named(unguarded):
    Account.objects.filter(user__username="ada").update(balance=F("balance") + 1000)
    assert complaints() == ["The balance of ada in Birds: 1003 is stored, the rows say 3"]


def test_money_that_appears_in_the_budget_is_named(unguarded):
    Account.objects.filter(role=Role.AVAILABLE).update(balance=F("balance") + 2)
    assert complaints() == [
        "The balance of Available in Birds: 63 is stored, the rows say 61",
        "What Birds has spent: 10 is stored, the rows say 12",
        "The sum of Birds: 80 funded is stored, the rows say 63 available + 7 reserved + 12 spent",
    ]


def test_a_forged_funding_is_named(unguarded):
    Account.objects.filter(role=Role.FUNDING).update(balance=F("balance") - 1)
    assert "What Birds was funded with: 81 is stored, the rows say 80" in complaints()


def test_a_changed_amount_is_named(unguarded):
    Transfer.objects.filter(kind="reserve", reference="a:4").update(amount=8)
    assert complaints() == [
        "The balance of Available in Birds: 61 is stored, the rows say 60",
        "The balance of Reserved in Birds: 7 is stored, the rows say 8",
        f"What Birds has spent on {localdate()}: 21 is stored, the rows say 22",
        "The open reservations of Birds: 7 is stored, the rows say 8",
    ]


def test_a_forged_sum_of_a_day_is_named(unguarded):
    Budget.objects.update(day_spent=F("day_spent") - 20)
    assert complaints() == [f"What Birds has spent on {localdate()}: 1 is stored, the rows say 21"]


def test_a_deleted_payment_is_named(unguarded):
    Transfer.objects.filter(key="a:2")._raw_delete("default")
    found = "\n".join(complaints())
    assert "The balance of ben in Birds: 4 is stored, the rows say 0" in found
    assert "(a:2): 10 once is stored, the rows say 6 in 0 resolutions" in found


def test_a_reservation_of_which_the_rest_was_lost_is_named(unguarded):
    rest = Transfer.objects.get(kind="rest")
    Account.objects.filter(pk=rest.debit_id).update(balance=F("balance") + rest.amount)
    Account.objects.filter(pk=rest.credit_id).update(balance=F("balance") - rest.amount)
    Transfer.objects.filter(pk=rest.pk)._raw_delete("default")
    found = complaints()
    assert "The open reservations of Birds: 13 is stored, the rows say 7" in found
    assert f"Reservation {rest.resolves_id} (a:2): 10 once is stored, the rows say 4 in 1 resolutions" in found


def test_a_reservation_resolved_twice_is_named(unguarded):
    with connection.cursor() as cursor:
        cursor.execute('DROP INDEX "a reservation is resolved once"')
    Transfer.objects.filter(kind="rest").update(kind="void")
    reservation = Transfer.objects.get(reference="a:2")
    assert f"Reservation {reservation.pk} (a:2): 10 once is stored, the rows say 10 in 2 resolutions" in complaints()


def test_a_transfer_along_a_forbidden_route_is_named(unguarded):
    void = Transfer.objects.filter(kind="void")
    void.update(debit=F("credit"), credit=F("debit"))
    assert f"Transfer {void.get().pk}: available to reserved is stored, the rows say void" in complaints()


def test_the_command_names_each_difference_and_fails(unguarded):
    Account.objects.filter(user__username="ada").update(balance=1003)
    guards.install(connection)
    out = StringIO()
    with pytest.raises(CommandError, match="does not add up: 1 difference, named above"):
        call_command("audit_ledger", stdout=out)
    assert "The balance of ada in Birds: 1003 is stored, the rows say 3" in out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_the_audit_reads_one_moment_and_leaves_no_transaction_open(busy):
    assert audit().differences == []
    ledger.fund(busy, 1)
    assert connection.get_autocommit() and not connection.in_atomic_block
    assert busy.funded == 81
