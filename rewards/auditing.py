"""Recomputes the ledger from its rows, trusting no stored balance: what is reported here should never be."""

from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, F, Q, Sum

from . import guards
from .models import RESOLVING, ROUTES, Account, Budget, Figures, Kind, Role, Transfer


def differs(where, stored, recomputed) -> str:
    return f"{where}: {stored} is stored, the rows say {recomputed}"


class Audit(NamedTuple):
    figures: dict[Budget, Figures]
    transfers: int
    differences: list[str]  # sentences


def audit() -> Audit:
    """The whole ledger as of one moment, while work goes on."""
    with _one_moment():
        figures = {budget: budget.figures() for budget in Budget.objects.order_by("pk")}
        questions = (_guards, _balances, _figures, _days, _reservations, _resolutions, _routes)
        differences = [difference for question in questions for difference in question(figures)]
        return Audit(figures, Transfer.objects.count(), differences)


@contextmanager
def _one_moment():
    """A snapshot for reading, which on SQLite holds up no writer. Within a transaction, that one's."""
    if connection.in_atomic_block:
        yield
        return
    modes = {"postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "sqlite": "BEGIN DEFERRED"}
    with connection.cursor() as cursor:
        cursor.execute(modes[connection.vendor])
        try:
            yield
        finally:
            cursor.execute("ROLLBACK")


def _guards(_):
    return [f"The guard is missing: {name}" for name in guards.missing(connection)]


def _balances(_):
    into = dict(Transfer.objects.values_list("credit").annotate(Sum("amount")))
    out = dict(Transfer.objects.values_list("debit").annotate(Sum("amount")))
    for account in Account.objects.select_related("user", "budget").iterator():
        recomputed = into.get(account.pk, 0) - out.get(account.pk, 0)
        if account.balance != recomputed:
            yield differs(f"The balance of {account}", account.balance, recomputed)


def _figures(figures):
    """What each kind of transfer moved, against the balances."""
    moved = {}
    for budget, kind, amount in Transfer.objects.values_list("budget", "kind").annotate(Sum("amount")):
        moved.setdefault(budget, dict.fromkeys(Kind, 0))[kind] = amount
    granted = _corrections(credit__role=Role.WORKER, debit__role=Role.AVAILABLE)
    reclaimed = _corrections(debit__role=Role.WORKER, credit__role=Role.AVAILABLE)
    for budget, stored in figures.items():
        sums = moved.get(budget.pk, dict.fromkeys(Kind, 0))
        funded = sums[Kind.FUND] - sums[Kind.WITHDRAW]
        spent = sums[Kind.POST] + granted.get(budget.pk, 0) - reclaimed.get(budget.pk, 0)
        if stored.funded != funded:
            yield differs(f"What {budget} was funded with", stored.funded, funded)
        if stored.spent != spent:
            yield differs(f"What {budget} has spent", stored.spent, spent)
        if stored.funded != stored.available + stored.reserved + spent:
            parts = f"{stored.available} available + {stored.reserved} reserved + {spent} spent"
            yield differs(f"The sum of {budget}", f"{stored.funded} funded", parts)


def _corrections(**roles):
    corrections = Transfer.objects.filter(kind=Kind.CORRECT, **roles)
    return dict(corrections.values_list("budget").annotate(Sum("amount")))


def _days(figures):
    """What each budget's last day took, and what of that came back."""
    for budget in figures:
        held = Transfer.objects.filter(budget=budget, day__isnull=False, day=budget.day)
        back = Transfer.objects.filter(resolves__in=held).exclude(kind=Kind.POST)
        taken, given = (rows.aggregate(sum=Sum("amount"))["sum"] or 0 for rows in (held, back))
        if budget.day_spent != taken - given:
            yield differs(f"What {budget} has spent on {budget.day}", budget.day_spent, taken - given)


def _reservations(figures):
    open_sums = dict(Transfer.objects.open_reservations().values_list("budget").annotate(Sum("amount")))
    for budget, stored in figures.items():
        if stored.reserved != open_sums.get(budget.pk, 0):
            yield differs(f"The open reservations of {budget}", stored.reserved, open_sums.get(budget.pk, 0))


def _resolutions(_):
    resolved = Transfer.objects.filter(kind=Kind.RESERVE, resolutions__isnull=False).annotate(
        times=Count("resolutions", filter=Q(resolutions__kind__in=RESOLVING)), given=Sum("resolutions__amount")
    )
    for reservation in resolved.exclude(times=1, given=F("amount")).iterator():
        stored = f"{reservation.amount} once"
        yield differs(
            f"Reservation {reservation.pk} ({reservation.reference})",
            stored,
            f"{reservation.given} in {reservation.times} resolutions",
        )


def _routes(_):
    """Transfers between accounts that their kind does not join, or of two budgets."""
    allowed = Q()
    for kind, routes in ROUTES.items():
        for debit, credit in routes:
            allowed |= Q(kind=kind, debit__role=debit, credit__role=credit)
    within = Q(debit__budget=F("budget"), credit__budget=F("budget"))
    for transfer in Transfer.objects.exclude(allowed & within).select_related("debit", "credit").iterator():
        yield differs(f"Transfer {transfer.pk}", f"{transfer.debit.role} to {transfer.credit.role}", transfer.kind)
