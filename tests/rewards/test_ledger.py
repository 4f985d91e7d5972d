"""Accountants' stories."""

from datetime import date

import numpy as np
import pytest
from django.db import transaction

from rewards import ledger
from rewards.models import MOST, Account, Budget, Day, Figures, Kind, Role, Transfer


def rows(budget):
    """(kind, debit, credit, amount) of each transfer, oldest first."""
    found = ledger.entries(budget).reverse()
    return [(row.kind, row.debit.holder, row.credit.holder, row.amount) for row in found]


def test_an_answer_is_offered_reserved_and_paid(budget, ada):
    reservation = ledger.reserve(budget, 10, "assignment:1")
    assert budget.figures() == Figures(funded=100, available=90, reserved=10)

    paid = ledger.post(reservation, ada, 10, "assignment:1")

    assert (paid.amount, paid.credit.user, paid.resolves) == (10, ada, reservation)
    assert budget.figures() == Figures(funded=100, available=90, reserved=0)
    assert budget.spent == ledger.balance(ada, budget) == 10
    assert rows(budget) == [
        ("fund", "Funding", "Available", 100),
        ("reserve", "Available", "Reserved", 10),
        ("post", "Reserved", "ada", 10),
    ]


def test_funded_is_always_available_plus_reserved_plus_spent(budget, ada):
    ledger.post(ledger.reserve(budget, 10), ada, 7, "a")
    ledger.reserve(budget, 5)
    ledger.withdraw(budget, 20)
    ledger.pay_out(ada, budget, 3, "b")
    assert (budget.funded, budget.available, budget.reserved, budget.spent) == (80, 68, 5, 7)


def test_half_an_answer_is_paid_half_and_the_rest_is_available_again(budget, ada):
    reservation = ledger.reserve(budget, 10)
    assert ledger.post(reservation, ada, 4, "half").amount == 4
    assert budget.figures() == Figures(100, 96, 0)
    assert rows(budget)[-2:] == [("post", "Reserved", "ada", 4), ("rest", "Reserved", "Available", 6)]


def test_a_skipped_answer_gives_the_whole_reward_back(budget):
    ledger.void(ledger.reserve(budget, 10))
    assert budget.figures() == Figures(100, 100, 0)


def test_an_answer_worth_nothing_voids(budget, ada):
    assert ledger.post(ledger.reserve(budget, 10), ada, 0, "nothing") is None
    assert budget.figures() == Figures(100, 100, 0)
    assert ledger.balance(ada, budget) == 0


def test_a_second_click_pays_nothing(budget, ada):
    reservation = ledger.reserve(budget, 10)
    first = ledger.post(reservation, ada, 10, "click")
    assert ledger.post(reservation, ada, 10, "click") == first
    assert ledger.balance(ada, budget) == 10


@pytest.mark.parametrize("first", ["post", "part", "void"])
@pytest.mark.parametrize("second", ["post", "part", "void"])
def test_a_reservation_is_resolved_once(budget, ada, first, second):
    reservation = ledger.reserve(budget, 10, "assignment:7")
    resolve = {
        "post": lambda: ledger.post(reservation, ada, 10),
        "part": lambda: ledger.post(reservation, ada, 3),
        "void": lambda: ledger.void(reservation),
    }
    resolve[first]()
    after = budget.figures()
    with pytest.raises(ledger.AlreadyResolved, match="assignment:7 was already paid or given back"):
        resolve[second]()
    assert budget.figures() == after


def test_a_reservation_pays_no_more_than_it_holds(budget, ada):
    reservation = ledger.reserve(budget, 10)
    with pytest.raises(ledger.LedgerRefusal, match="11 cannot be paid from a reservation of 10"):
        ledger.post(reservation, ada, 11, "greedy")
    assert budget.reserved == 10


def test_an_exhausted_budget_says_so_and_the_transaction_goes_on(budget, ada):
    with transaction.atomic():
        held = ledger.reserve(budget, 95)
        with pytest.raises(ledger.BudgetExhausted, match="Birds has 5 points available; this takes 6"):
            ledger.reserve(budget, 6)
        ledger.post(held, ada, 95, "after all")
    assert budget.figures() == Figures(100, 5, 0)


def test_the_last_point_can_be_reserved(budget):
    ledger.reserve(budget, 100)
    assert budget.available == 0


def test_what_the_caller_rolls_back_never_happened(budget, ada):
    with pytest.raises(RuntimeError), transaction.atomic():
        ledger.post(ledger.reserve(budget, 10), ada, 4, "undone")
        raise RuntimeError
    assert budget.figures() == Figures(100, 100, 0)
    assert ledger.balances(ada) == []


def test_volunteers_are_paid_nothing_and_nothing_is_written(budget, ada):
    reservation = ledger.reserve(budget, 0)
    assert reservation is None
    assert ledger.post(reservation, ada, 0, "free") is None
    assert ledger.void(reservation) is None
    assert Transfer.objects.count() == 1


def test_nothing_reserved_pays_nothing(ada):
    with pytest.raises(ledger.LedgerRefusal, match="5 cannot be paid from a reservation of 0"):
        ledger.post(None, ada, 5, "thin air")


def test_a_worker_has_an_account_in_each_budget(budget, ada):
    other = ledger.open_budget("Art", currency="cents")
    ledger.fund(other, 50)
    ledger.post(ledger.reserve(budget, 10), ada, 10)
    ledger.post(ledger.reserve(budget, 10), ada, 10)
    ledger.post(ledger.reserve(other, 3), ada, 3)
    assert ledger.balances(ada) == [(other, 3), (budget, 20)]


def test_a_worker_redeems_and_the_budget_has_still_spent_it(budget, ada):
    ledger.post(ledger.reserve(budget, 30), ada, 30)
    ledger.pay_out(ada, budget, 20, "payout:1", reference="gift card")
    assert ledger.balance(ada, budget) == 10
    assert budget.spent == 30
    assert rows(budget)[-1] == ("payout", "ada", "Paid out", 20)


def test_nobody_is_paid_out_more_than_the_balance(budget, ada, ben):
    ledger.post(ledger.reserve(budget, 30), ada, 30)
    with transaction.atomic():
        with pytest.raises(ledger.InsufficientBalance, match="ada has 30 points in Birds; this takes 31"):
            ledger.pay_out(ada, budget, 31, "payout:1")
        with pytest.raises(ledger.InsufficientBalance, match="ben has 0 points"):
            ledger.pay_out(ben, budget, 1, "payout:2")
        ledger.pay_out(ada, budget, 30, "payout:1")


def test_no_more_is_withdrawn_than_is_available(budget):
    ledger.reserve(budget, 60)
    with pytest.raises(ledger.BudgetExhausted):
        ledger.withdraw(budget, 41)
    ledger.withdraw(budget, 40)
    assert budget.figures() == Figures(60, 0, 60)


def test_the_same_key_funds_once(budget):
    first = ledger.fund(budget, 50, "invoice 7")
    assert ledger.fund(budget, 50, "invoice 7") == first
    assert budget.funded == 150


def test_the_same_key_withdraws_once_even_when_nothing_is_left(budget):
    first = ledger.withdraw(budget, 100, "refund")
    assert ledger.withdraw(budget, 100, "refund") == first


def test_the_same_key_pays_out_once(budget, ada):
    ledger.post(ledger.reserve(budget, 30), ada, 30)
    first = ledger.pay_out(ada, budget, 30, "payout:1")
    assert ledger.pay_out(ada, budget, 30, "payout:1") == first
    assert ledger.balance(ada, budget) == 0


def test_a_voiding_answer_repeated_is_no_refusal(budget, ada):
    reservation = ledger.reserve(budget, 10)
    ledger.post(reservation, ada, 0, "none")
    assert ledger.post(reservation, ada, 0, "none") is None


@pytest.mark.parametrize(
    "other",
    [
        lambda budget, reservation, ada, ben: ledger.fund(budget, 10, "k"),
        lambda budget, reservation, ada, ben: ledger.withdraw(budget, 10, "k"),
        lambda budget, reservation, ada, ben: ledger.post(reservation, ada, 9, "k"),
        lambda budget, reservation, ada, ben: ledger.post(reservation, ben, 10, "k"),
        lambda budget, reservation, ada, ben: ledger.post(ledger.reserve(budget, 10), ada, 10, "k"),
        lambda budget, reservation, ada, ben: ledger.void(ledger.reserve(budget, 10), "k"),
        lambda budget, reservation, ada, ben: ledger.pay_out(ada, budget, 10, "k"),
        lambda budget, reservation, ada, ben: ledger.correct(reservation.resolutions.get(), 10, "k"),
    ],
)
def test_a_key_with_other_content_is_refused_and_moves_nothing(budget, ada, ben, other):
    reservation = ledger.reserve(budget, 10)
    ledger.post(reservation, ada, 10, "k")
    with transaction.atomic():
        with pytest.raises(ledger.KeyReused, match="'k' already names another transfer"):
            other(budget, reservation, ada, ben)
        assert budget.spent == 10
        ledger.reserve(budget, 1)


def test_an_overpaid_answer_is_corrected_by_a_new_transfer(budget, ada):
    paid = ledger.post(ledger.reserve(budget, 10), ada, 10)
    ledger.correct(paid, 6, "mistake:1", reference="counted twice")
    assert rows(budget)[-1] == ("correct", "ada", "Available", 4)
    assert (ledger.balance(ada, budget), budget.spent, budget.available) == (6, 6, 94)
    assert paid.worth() == 6


def test_an_underpaid_answer_is_made_good(budget, ada):
    paid = ledger.post(ledger.reserve(budget, 10), ada, 10)
    ledger.correct(paid, 6)
    ledger.correct(paid, 25)
    assert rows(budget)[-1] == ("correct", "Available", "ada", 19)
    assert (ledger.balance(ada, budget), budget.spent) == (25, 25)


def test_a_correction_repeated_moves_nothing(budget, ada):
    paid = ledger.post(ledger.reserve(budget, 10), ada, 10)
    first = ledger.correct(paid, 6, "mistake:1")
    ledger.correct(paid, 8, "mistake:2")
    assert ledger.correct(paid, 6, "mistake:1") == first
    assert ledger.correct(paid, 8, "mistake:3") is None
    with pytest.raises(ledger.KeyReused):
        ledger.correct(paid, 7, "mistake:1")
    assert ledger.balance(ada, budget) == 8


def test_a_payout_that_failed_at_the_bank_is_taken_back(budget, ada):
    ledger.post(ledger.reserve(budget, 10), ada, 10)
    payout = ledger.pay_out(ada, budget, 10, "payout:1")
    ledger.correct(payout, 0)
    assert (ledger.balance(ada, budget), budget.spent) == (10, 10)
    ledger.correct(payout, 4)
    assert ledger.balance(ada, budget) == 6


def test_what_was_paid_out_cannot_be_corrected_away(budget, ada):
    paid = ledger.post(ledger.reserve(budget, 10), ada, 10)
    ledger.pay_out(ada, budget, 8, "payout:1")
    with transaction.atomic():
        with pytest.raises(ledger.InsufficientBalance, match="ada has 2 points"):
            ledger.correct(paid, 5)
        with pytest.raises(ledger.BudgetExhausted):
            ledger.correct(paid, 101)
        ledger.correct(paid, 8)
    assert ledger.balance(ada, budget) == 0


def test_only_rewards_and_payouts_are_corrected(budget):
    with pytest.raises(ledger.LedgerRefusal, match="this is a reserve"):
        ledger.correct(ledger.reserve(budget, 10), 5)


@pytest.mark.parametrize("amount", [-1, 1.5, 2.0, "3", None, True, float("nan"), MOST + 1])
def test_an_amount_is_a_whole_number(budget, amount):
    with pytest.raises(ledger.LedgerRefusal, match="An amount is a whole number from"):
        ledger.reserve(budget, amount)


@pytest.mark.parametrize("verb", [ledger.fund, ledger.withdraw])
def test_nothing_is_not_funded(budget, verb):
    with pytest.raises(ledger.LedgerRefusal, match="from 1 to"):
        verb(budget, 0)


def test_an_amount_may_come_from_numpy(budget, ada):
    ledger.post(ledger.reserve(budget, np.int64(10)), ada, np.int32(4), "n")
    assert ledger.balance(ada, budget) == 4


def test_a_budget_has_a_most(budget):
    with pytest.raises(ledger.LedgerRefusal, match="A budget can hold"):
        ledger.fund(budget, MOST)
    ledger.fund(budget, MOST - 100)
    assert budget.funded == budget.available == MOST


def test_a_budget_that_was_never_opened_is_exhausted(db):
    with pytest.raises(ledger.BudgetExhausted, match="has 0 points available"):
        ledger.reserve(Budget.objects.create(name="Hollow"), 1)


def test_a_statement_reads_newest_first_with_signed_changes(budget, ada, ben):
    ledger.post(ledger.reserve(budget, 10, "assignment:1"), ada, 10)
    ledger.post(ledger.reserve(budget, 5), ben, 5)
    ledger.pay_out(ada, budget, 3)
    assert [(row.kind, row.change) for row in ledger.statement(ada, budget)] == [("payout", -3), ("post", 10)]
    assert list(ledger.statement(ada, ledger.open_budget("Another"))) == []


def test_entries_are_those_of_one_budget(budget):
    other = ledger.open_budget("Another")
    ledger.fund(other, 1)
    assert [entry.kind for entry in ledger.entries(budget)] == ["fund"]


def test_what_a_verb_returns_is_the_row(budget, ada):
    reservation = ledger.reserve(budget, 10, "assignment:1")
    paid = ledger.post(reservation, ada, 10, "key")
    for transfer in (reservation, paid):
        stored = Transfer.objects.get(pk=transfer.pk)
        assert {f.attname: getattr(transfer, f.attname) for f in Transfer._meta.concrete_fields} == {
            f.attname: getattr(stored, f.attname) for f in Transfer._meta.concrete_fields
        }


def test_reserving_and_paying_are_one_statement_each(budget, ada, django_assert_num_queries):
    ledger.post(ledger.reserve(budget, 1), ada, 1)  # opens the account
    with transaction.atomic():
        with django_assert_num_queries(1):
            reservation = ledger.reserve(budget, 10, "assignment:2")
        with django_assert_num_queries(1):
            ledger.post(reservation, ada, 10, "assignment:2")
        reservation = ledger.reserve(budget, 3)
        with django_assert_num_queries(1):
            ledger.void(reservation)
    assert Account.objects.get(user=ada).role == Role.WORKER
    assert Transfer.objects.filter(kind=Kind.POST).count() == 2


# --- so much a day ---------------------------------------------------------------------------------------------------

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


def test_a_day_spends_no_more_than_its_limit_and_the_next_begins_anew(budget):
    ledger.limit_days(budget, 25)
    for _ in range(2):
        ledger.reserve(budget, 10, today=MONDAY)
    with pytest.raises(ledger.DaySpent, match="may spend 5 points more today; this takes 10"):
        ledger.reserve(budget, 10, today=MONDAY)
    ledger.reserve(budget, 5, today=MONDAY)
    assert budget.spent_on(MONDAY) == Day(MONDAY, 25, 25)
    assert budget.spent_on(TUESDAY) == Day(TUESDAY, 0, 25)
    ledger.reserve(budget, 10, today=TUESDAY)
    assert budget.spent_on(TUESDAY).left == 15


def test_what_is_given_back_may_be_spent_again_on_the_same_day_only(budget, ada):
    ledger.limit_days(budget, 20)
    skipped, part = ledger.reserve(budget, 12, today=MONDAY), ledger.reserve(budget, 8, today=MONDAY)
    ledger.void(skipped)
    ledger.post(part, ada, 5)
    assert budget.spent_on(MONDAY).spent == 5
    late = ledger.reserve(budget, 15, today=MONDAY)
    ledger.reserve(budget, 20, today=TUESDAY)
    ledger.void(late)
    assert budget.spent_on(TUESDAY).left == 0
    with pytest.raises(ledger.DaySpent):
        ledger.reserve(budget, 1, today=TUESDAY)


def test_an_exhausted_budget_is_not_taken_for_a_spent_day(budget):
    ledger.limit_days(budget, 50)
    ledger.withdraw(budget, 95)
    with pytest.raises(ledger.BudgetExhausted, match="has 5 points available") as refusal:
        ledger.reserve(budget, 10, today=MONDAY)
    assert not isinstance(refusal.value, ledger.DaySpent)


def test_a_limit_may_be_lowered_lifted_and_set_again_while_the_day_lasts(budget):
    ledger.limit_days(budget, 30)
    held = ledger.reserve(budget, 30, today=MONDAY)
    ledger.limit_days(budget, 10)
    assert budget.spent_on(MONDAY).left == 0
    ledger.void(held)  # what comes back is taken, though the day is still above nothing
    ledger.reserve(budget, 10, today=MONDAY)
    ledger.limit_days(budget, None)
    ledger.reserve(budget, 60, today=MONDAY)
    ledger.limit_days(budget, 70)
    with pytest.raises(ledger.DaySpent):
        ledger.reserve(budget, 1, today=MONDAY)


def test_a_clock_behind_the_others_does_not_begin_a_day_anew(budget):
    ledger.limit_days(budget, 10)
    ledger.reserve(budget, 6, today=TUESDAY)
    with pytest.raises(ledger.DaySpent):
        ledger.reserve(budget, 6, today=MONDAY)
    assert ledger.reserve(budget, 4, today=MONDAY).day == TUESDAY
    assert budget.spent_on(MONDAY) == Day(TUESDAY, 10, 10)
