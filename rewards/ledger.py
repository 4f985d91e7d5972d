"""The verbs of money. Each writes its rows by statements that say whether they won, in the caller's transaction.

A LedgerRefusal follows a statement that did nothing, never one that failed, so the caller's transaction stays usable.
Amounts are integers of the currency's smallest unit. A `key` names one effect in the whole ledger ("assignment:12"):
repeated with the same content it returns the first transfer and moves nothing, with other content it is refused.
"""

import operator
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import date
from typing import NoReturn

from django.db import transaction
from django.db.models import Case, F, QuerySet, When
from django.utils import timezone

from .inserting import insert
from .models import MOST, Account, Budget, Kind, Role, Transfer

BATCH = 1_000  # keys in one statement


class LedgerRefusal(Exception):
    """Nothing was moved; the message is a sentence for the person who asked."""


class BudgetExhausted(LedgerRefusal):
    """The budget's available part is smaller than the amount."""


class DaySpent(BudgetExhausted):
    """The budget may spend only so much a day, and what is left of that is smaller than the amount."""


class InsufficientBalance(LedgerRefusal):
    """The worker's balance is smaller than the amount."""


class AlreadyResolved(LedgerRefusal):
    """The reservation was posted or voided before."""


class KeyReused(LedgerRefusal):
    """The idempotency key names another effect."""


def open_budget(name: str, currency: str = "points") -> Budget:
    with transaction.atomic():
        budget = Budget.objects.create(name=name, currency=currency)
        roles = [Role.FUNDING, Role.AVAILABLE, Role.RESERVED, Role.PAID]
        Account.objects.bulk_create([Account(budget=budget, role=role) for role in roles])
    return budget


def fund(budget: Budget, amount: int, key: str | None = None) -> Transfer:
    """Add to what the budget may spend."""
    funded = _once(Kind.FUND, budget.pk, _amount(amount, least=1), key=key)
    if funded is None:
        raise LedgerRefusal(f"A budget can hold {MOST:,} {budget.currency} in all, and this would be more.")
    return funded


def withdraw(budget: Budget, amount: int, key: str | None = None) -> Transfer:
    """Take back from what is available. Raises BudgetExhausted."""
    amount = _amount(amount, least=1)
    return _once(Kind.WITHDRAW, budget.pk, amount, key=key) or _refuse_exhausted(budget, amount)


def limit_days(budget: Budget, amount: int | None) -> None:
    """From now on offer no more than this on one day, in the site's time zone; None: as much as is available.

    What was offered today already counts, but is not taken back.
    """
    Budget.objects.filter(pk=budget.pk).update(daily_limit=None if amount is None else _amount(amount))


def reserve(budget: Budget, amount: int, reference: str = "", today: date | None = None) -> Transfer | None:
    """Hold an offered reward; the transfer returned is the reservation. Raises BudgetExhausted, or DaySpent where only
    the limit of `today` (None: the site's date) is in the way.

    A reward of 0 needs no money held: its reservation is None, and `post` and `void` take that for an answer.
    """
    amount, today = _amount(amount), today or timezone.localdate()
    if amount == 0:
        return None
    held = insert(Kind.RESERVE, budget.pk, amount, reference=reference, day=today)
    return held or _refuse_exhausted(budget, amount, today)


def post(reservation: Transfer | None, user, amount: int, key: str | None = None) -> Transfer | None:
    """Pay the user at most what is reserved and make the rest available again; 0 voids, and None is returned.

    Raises AlreadyResolved if the reservation was posted or voided before, other than under this key.
    """
    amount, held = _amount(amount), reservation.amount if reservation else 0
    if amount > held:
        raise LedgerRefusal(f"{amount} cannot be paid from a reservation of {held}.")
    if amount == 0:
        return void(reservation, key)
    paid = _pay(reservation, user, amount, key)
    if paid is None:  # this worker's first reward from this budget, a repetition, or too late
        _open_account(user, reservation.budget_id)
        paid = _pay(reservation, user, amount, key)
    content = {"kind": Kind.POST, "amount": amount, "resolves_id": reservation.pk, "credit__user_id": user.pk}
    return paid or _repeated(key, content) or _refuse_resolved(reservation)


def void(reservation: Transfer | None, key: str | None = None) -> None:
    """Make the whole reservation available again. Raises AlreadyResolved like `post`."""
    if reservation is None:
        return
    held, pk = reservation.amount, reservation.pk
    if not _once(Kind.VOID, reservation.budget_id, held, key=key, resolves_id=pk):
        _refuse_resolved(reservation)


def pay_out(user, budget: Budget, amount: int, key: str | None = None, reference: str = "") -> Transfer:
    """Redeem from the user's balance: it leaves the ledger. Raises InsufficientBalance."""
    amount = _amount(amount, least=1)
    paid = insert(Kind.PAYOUT, budget.pk, amount, user.pk, key=key, reference=reference)
    content = {"kind": Kind.PAYOUT, "budget_id": budget.pk, "amount": amount, "debit__user_id": user.pk}
    return paid or _repeated(key, content) or _refuse_insufficient(user, budget, amount)


def correct(transfer: Transfer, amount: int, key: str | None = None, reference: str = "") -> Transfer | None:
    """Make a reward or a payout the amount it ought to have been, by a new transfer of the difference, if any.

    A reward is corrected against the available part of its budget, a payout against the worker's balance. Raises
    BudgetExhausted or InsufficientBalance where the difference is no longer there.
    """
    amount = _amount(amount)
    if transfer.kind not in (Kind.POST, Kind.PAYOUT):
        raise LedgerRefusal(f"A reward or a payout can be corrected; this is a {transfer.kind}.")
    with transaction.atomic():
        _pass_gate(transfer.budget_id)  # one correction after the other
        if earlier := key and Transfer.objects.filter(key=key).first():
            return _same_correction(earlier, transfer, amount)
        return _move_difference(transfer, amount - transfer.worth(), key, reference)


def balance(user, budget: Budget) -> int:
    """What the user has earned in this budget and not been paid out."""
    return Account.objects.filter(user=user, budget=budget).values_list("balance", flat=True).first() or 0


def balances(user) -> list[tuple[Budget, int]]:
    accounts = Account.objects.filter(user=user).select_related("budget").order_by("budget__name", "budget_id")
    return [(account.budget, account.balance) for account in accounts]


def posted(reservations: Sequence[int]) -> dict[int, int]:
    """{reservation: what was paid from it}, as corrected since."""
    found: dict[int, int] = {}
    for start in range(0, len(reservations), BATCH):
        keys = reservations[start : start + BATCH]
        rows = Transfer.objects.filter(kind=Kind.POST, resolves__in=keys)
        found |= dict(rows.values_list("resolves", "amount"))
        change = Case(When(credit__role=Role.WORKER, then=F("amount")), default=-F("amount"))
        corrections = Transfer.objects.filter(kind=Kind.CORRECT, corrects__in=rows).annotate(change=change)
        for reservation, amount in corrections.values_list("corrects__resolves", "change"):
            found[reservation] += amount
    return found


def statement(user, budget: Budget) -> QuerySet[Transfer]:
    """The user's transfers in this budget, newest first, each with its `change` (+ or -) to the balance."""
    account = Account.objects.filter(user=user, budget=budget).first()
    return Transfer.objects.touching(account).newest_first()


def entries(budget: Budget) -> QuerySet[Transfer]:
    """All transfers of the budget, newest first, with their accounts and users."""
    people = "debit__user", "credit__user"
    return Transfer.objects.filter(budget=budget).newest_first().select_related(*people)


def _amount(amount, least=0) -> int:
    try:
        whole = None if isinstance(amount, bool) else operator.index(amount)
    except TypeError:
        whole = None
    if whole is None or not least <= whole <= MOST:
        raise LedgerRefusal(f"An amount is a whole number from {least} to {MOST:,}; this is {amount!r}.")
    return whole


def _once(kind, budget_id, amount, **facts) -> Transfer | None:
    content = {"kind": kind, "budget_id": budget_id, "amount": amount, "resolves_id": facts.get("resolves_id")}
    return insert(kind, budget_id, amount, **facts) or _repeated(facts.get("key"), content)


def _repeated(key, content) -> Transfer | None:
    """The transfer that the key already names, provided that it is the same."""
    if key is None or not Transfer.objects.filter(key=key).exists():
        return None
    return Transfer.objects.filter(key=key, **content).first() or _refuse_key(key)


def _pass_gate(budget_id):
    """Be alone with the budget's money until the transaction ends, as `insert` is."""
    list(Budget.objects.select_for_update(no_key=True).filter(pk=budget_id))


def _open_account(user, budget_id):
    with transaction.atomic():
        _pass_gate(budget_id)
        Account.objects.get_or_create(user=user, budget_id=budget_id, defaults={"role": Role.WORKER})


def _pay(reservation, user, amount, key) -> Transfer | None:
    budget_id, rest = reservation.budget_id, reservation.amount - amount
    with transaction.atomic(savepoint=False) if rest else nullcontext():  # nothing in here raises a refusal
        paid = insert(Kind.POST, budget_id, amount, user.pk, key=key, resolves_id=reservation.pk)
        if paid and rest:
            insert(Kind.REST, budget_id, rest, resolves_id=reservation.pk)
    return paid


def _move_difference(transfer, difference, key, reference) -> Transfer | None:
    if difference == 0:
        return None
    worker = transfer.credit if transfer.kind == Kind.POST else transfer.debit
    source, target = (Role.AVAILABLE, Role.WORKER) if transfer.kind == Kind.POST else (Role.WORKER, Role.PAID)
    route = (source, target) if difference > 0 else (target, source)
    facts = {"route": route, "key": key, "reference": reference, "corrects_id": transfer.pk}
    moved = insert(Kind.CORRECT, transfer.budget_id, abs(difference), worker.user_id, **facts)
    if moved is None and route[0] == Role.AVAILABLE:
        _refuse_exhausted(transfer.budget, difference)
    return moved or _refuse_insufficient(worker.user, transfer.budget, abs(difference))


def _same_correction(earlier, transfer, amount) -> Transfer:
    same = earlier.corrects_id == transfer.pk and transfer.worth(until=earlier.pk) == amount
    return earlier if same else _refuse_key(earlier.key)


def _refuse_exhausted(budget, amount, today=None) -> NoReturn:
    left = budget.figures().available
    if today and amount <= left:
        left = budget.spent_on(today).left
        raise DaySpent(f"The budget {budget} may spend {left} {budget.currency} more today; this takes {amount}.")
    raise BudgetExhausted(f"The budget {budget} has {left} {budget.currency} available; this takes {amount}.")


def _refuse_insufficient(user, budget, amount) -> NoReturn:
    has = balance(user, budget)
    raise InsufficientBalance(f"{user} has {has} {budget.currency} in {budget}; this takes {amount}.")


def _refuse_resolved(reservation) -> NoReturn:
    raise AlreadyResolved(f"The reward reserved for {reservation.reference or 'this'} was already paid or given back.")


def _refuse_key(key) -> NoReturn:
    raise KeyReused(f"The key {key!r} already names another transfer; nothing was moved.")
