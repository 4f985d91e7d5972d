"""Sixteen threads want the same money. Run on SQLite's file and, where DATABASE_URL names one, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier, Event

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from rewards import ledger
from rewards.auditing import audit
from rewards.models import Day, Figures, Kind, Transfer

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 16


def race(act):
    """What `act(n)` returned or refused with in each of the threads, which all start at once."""
    start = Barrier(THREADS)

    def run(n):
        try:
            start.wait()
            return act(n)
        except ledger.LedgerRefusal as refusal:
            return type(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def reserve_all_you_can(budget, amount):
    taken = 0
    while True:
        with transaction.atomic():
            try:
                ledger.reserve(budget, amount)
            except ledger.BudgetExhausted:
                return taken
        taken += 1


def test_threads_racing_to_reserve_never_overspend(budget):
    taken = race(lambda n: reserve_all_you_can(budget, 3))
    assert sum(taken) == 33
    assert budget.figures() == Figures(funded=100, available=1, reserved=99)
    assert Transfer.objects.filter(kind=Kind.RESERVE).count() == 33
    assert audit().differences == []


def test_threads_racing_for_the_money_of_a_day_never_overspend_it(budget):
    today = date(2026, 3, 2)
    ledger.limit_days(budget, 50)

    def until_it_is_spent(n):
        """Some give back what they took, so that others find room again; every fourth clock is behind."""
        taken = 0
        for attempt in range(12):
            try:
                with transaction.atomic():
                    held = ledger.reserve(budget, 3, today=today - timedelta(days=n % 4 == 0))
            except ledger.DaySpent:
                continue
            taken += 1
            if attempt % 3 == n % 3:
                ledger.void(held)
                taken -= 1
        return taken

    ledger.reserve(budget, 2, today=today)
    taken = race(until_it_is_spent)
    assert sum(taken) == 16
    assert budget.spent_on(today) == Day(today, 50, 50)
    assert budget.reserved == 50
    assert audit().differences == []


def test_one_click_of_many_is_paid(budget, ada):
    reservation = ledger.reserve(budget, 10)
    outcomes = race(lambda n: ledger.post(reservation, ada, 10 - n % 3, f"click {n}"))
    assert outcomes.count(ledger.AlreadyResolved) == THREADS - 1
    assert ledger.balance(ada, budget) == next(paid.amount for paid in outcomes if isinstance(paid, Transfer))
    assert audit().differences == []


def test_one_request_sent_many_times_is_paid_once_and_answered_alike(budget, ada):
    reservation = ledger.reserve(budget, 10)
    outcomes = race(lambda n: ledger.post(reservation, ada, 10, "assignment:1"))
    assert set(outcomes) == {Transfer.objects.get(kind=Kind.POST)}
    assert ledger.balance(ada, budget) == 10


def test_first_rewards_at_the_same_moment_open_one_account(budget, ada):
    reservations = [ledger.reserve(budget, 5) for _ in range(THREADS // 2)]

    def answer(n):  # the late ones have the money again first, in the same transaction
        with transaction.atomic():
            late = n >= len(reservations)
            ledger.post(ledger.reserve(budget, 5) if late else reservations[n], ada, 5)

    race(answer)
    assert ledger.balance(ada, budget) == 5 * THREADS
    assert ada.reward_accounts.count() == 1


def test_a_first_reward_and_a_late_answer_do_not_wait_for_each_other(budget, ada):
    reservation = ledger.reserve(budget, 5)
    opened, reserved = Event(), Event()

    def linger(execute, sql, *rest):
        result = execute(sql, *rest)
        if sql.startswith('INSERT INTO "rewards_account"'):
            opened.set()
            reserved.wait(0.3)
        return result

    def first(n):
        with connection.execute_wrapper(linger), transaction.atomic():
            return ledger.post(reservation, ada, 5)

    def late(n):
        opened.wait(5)
        with transaction.atomic():
            again = ledger.reserve(budget, 5)
            reserved.set()
            return ledger.post(again, ada, 5)

    race(lambda n: first(n) if n == 0 else late(n) if n == 1 else None)
    assert ledger.balance(ada, budget) == 10


def test_a_balance_is_paid_out_once_to_impatient_hands(budget, ada):
    ledger.post(ledger.reserve(budget, 10), ada, 10)
    outcomes = race(lambda n: ledger.pay_out(ada, budget, 4, f"payout {n}"))
    assert outcomes.count(ledger.InsufficientBalance) == THREADS - 2
    assert ledger.balance(ada, budget) == 2


def test_corrections_at_the_same_moment_do_not_add_up(budget, ada):
    paid = ledger.post(ledger.reserve(budget, 10), ada, 10)
    outcomes = race(lambda n: ledger.correct(paid, 9))
    assert sorted(correction is None for correction in outcomes) == [False] + [True] * (THREADS - 1)
    assert ledger.balance(ada, budget) == 9


def test_a_crash_between_a_part_paid_and_its_rest_pays_nothing(budget, ada):
    reservation = ledger.reserve(budget, 10)

    def crash(execute, sql, params, many, context):
        if isinstance(params, dict) and params.get("kind") == Kind.REST:
            raise ConnectionError
        return execute(sql, params, many, context)

    with connection.execute_wrapper(crash), pytest.raises(ConnectionError):
        ledger.post(reservation, ada, 4)
    assert budget.figures() == Figures(100, 90, 10)
    ledger.post(reservation, ada, 4)
    assert ledger.balance(ada, budget) == 4


def test_a_busy_day_neither_deadlocks_nor_loses_a_point(budget):
    ledger.fund(budget, 10_000)
    workers = [User.objects.create_user(f"worker {n}") for n in range(4)]

    def work(n):
        worker = workers[n % 4]
        for answer in range(8):
            with transaction.atomic():
                reservation = ledger.reserve(budget, 10)
            with transaction.atomic():
                paid = ledger.post(reservation, worker, [10, 4, 0][(n + answer) % 3], f"{n}:{answer}")
                ledger.reserve(budget, 1)
            if paid and paid.amount == 4:
                ledger.correct(paid, 5)
                ledger.pay_out(worker, budget, 1)
            ledger.fund(budget, 1)
            ledger.withdraw(budget, 1)

    race(work)
    assert budget.reserved == THREADS * 8
    assert audit().differences == []
