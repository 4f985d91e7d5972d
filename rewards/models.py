"""Budgets, accounts and transfers. A transfer is written once and moves two balances; nothing else moves one.

The constraints here and the guards in guards.py are the ledger's law: each is named by the sentence it upholds.
"""

from datetime import date
from typing import NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, Sum, When
from django.utils import timezone

MOST = 10**15  # of a currency's smallest unit; sums of it stay far inside a 64-bit integer


class Role(models.TextChoices):
    """What an account stands for. Only FUNDING, the world the money comes from, is ever below zero."""

    FUNDING = "funding"
    PAID = "paid", "Paid out"
    RESERVED = "reserved"
    AVAILABLE = "available"
    WORKER = "worker"


class Kind(models.TextChoices):
    """What a transfer does."""

    FUND = "fund"
    WITHDRAW = "withdraw"
    RESERVE = "reserve"
    POST = "post"
    VOID = "void"
    REST = "rest", "Rest returned"
    PAYOUT = "payout"
    CORRECT = "correct"


# Between which accounts a transfer of each kind runs: (debit, credit). The ledger writes by it, a guard enforces it.
ROUTES = {
    Kind.FUND: [(Role.FUNDING, Role.AVAILABLE)],
    Kind.WITHDRAW: [(Role.AVAILABLE, Role.FUNDING)],
    Kind.RESERVE: [(Role.AVAILABLE, Role.RESERVED)],
    Kind.POST: [(Role.RESERVED, Role.WORKER)],
    Kind.VOID: [(Role.RESERVED, Role.AVAILABLE)],
    Kind.REST: [(Role.RESERVED, Role.AVAILABLE)],
    Kind.PAYOUT: [(Role.WORKER, Role.PAID)],
    Kind.CORRECT: [
        (Role.WORKER, Role.AVAILABLE),
        (Role.AVAILABLE, Role.WORKER),
        (Role.PAID, Role.WORKER),
        (Role.WORKER, Role.PAID),
    ],
}
RESOLVING = [Kind.POST, Kind.VOID]


class Figures(NamedTuple):
    """A budget at one moment, in the smallest unit of its currency."""

    funded: int
    available: int
    reserved: int

    @property
    def spent(self) -> int:
        """What workers have earned, paid out or not: the part of the funds that is neither available nor reserved."""
        return self.funded - self.available - self.reserved


class Day(NamedTuple):
    """What a budget has spent on one day: offered and not given back, answered or not; `limit` None is no limit."""

    date: date
    spent: int
    limit: int | None

    @property
    def left(self) -> int | None:
        return None if self.limit is None else max(0, self.limit - self.spent)


class Budget(models.Model):
    """A project's reward limit: funded = available + reserved + spent. Made by `ledger.open_budget`.

    No more than `daily_limit` is offered on one day, less what was given back of it. `day` is the last one on which
    anything was offered and never goes back, whatever the clocks say.
    """

    name = models.CharField(max_length=200)
    currency = models.CharField(max_length=20, default="points")
    created = models.DateTimeField(default=timezone.now)
    daily_limit = models.BigIntegerField(null=True, blank=True)
    day = models.DateField(null=True, blank=True)
    day_spent = models.BigIntegerField(default=0)
    latest = models.BigIntegerField(default=0)  # id of the last transfer that moved the day's sum; guards read it

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(daily_limit=None) | Q(daily_limit__range=(0, MOST)), name="a daily limit is an amount"
            ),
            models.CheckConstraint(condition=Q(day_spent__gte=0), name="a day never gives back more than it took"),
        ]

    def __str__(self):
        return self.name

    def figures(self) -> Figures:
        """All figures as of one moment, by one query; the properties below ask anew each time."""
        balances = dict(self.accounts.filter(user=None).values_list("role", "balance"))
        return Figures(-balances.get(Role.FUNDING, 0), balances.get(Role.AVAILABLE, 0), balances.get(Role.RESERVED, 0))

    def spent_on(self, today: date) -> Day:
        """As of now, asked anew each time; of a day that is over, what of the last one."""
        day, spent, limit = Budget.objects.values_list("day", "day_spent", "daily_limit").get(pk=self.pk)
        return Day(day, spent, limit) if day and day >= today else Day(today, 0, limit)

    @property
    def funded(self) -> int:
        return self.figures().funded

    @property
    def available(self) -> int:
        return self.figures().available

    @property
    def reserved(self) -> int:
        return self.figures().reserved

    @property
    def spent(self) -> int:
        return self.figures().spent


class Account(models.Model):
    """A stored balance, moved only by transfers. Each worker has one per budget, each budget one per other role."""

    budget = models.ForeignKey(Budget, models.PROTECT, related_name="accounts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="reward_accounts")
    role = models.CharField(max_length=9, choices=Role.choices)
    balance = models.BigIntegerField(default=0)
    latest = models.BigIntegerField(default=0)  # id of the last transfer that moved the balance; guards read it

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(role=Role.FUNDING, balance__range=(-MOST, 0)) | ~Q(role=Role.FUNDING) & Q(balance__gte=0),
                name="only funding is below zero",
            ),
            models.CheckConstraint(
                condition=Q(role=Role.WORKER, user__isnull=False)
                | Q(role__in=[Role.FUNDING, Role.PAID, Role.RESERVED, Role.AVAILABLE], user__isnull=True),
                name="only a worker account has a user",
            ),
            models.UniqueConstraint(fields=["user", "budget"], name="a worker has one account per budget"),
            models.UniqueConstraint(
                fields=["budget", "role"], condition=Q(user=None), name="a budget has one account per role"
            ),
        ]

    def __str__(self):
        return f"{self.holder} in {self.budget}"

    @property
    def holder(self) -> str:
        return str(self.user) if self.user_id else self.get_role_display()


class TransferQuerySet(models.QuerySet):
    def newest_first(self):
        return self.order_by("-id")

    def touching(self, account):
        """Transfers of one account, each with its `change` to that account's balance."""
        change = Case(When(credit=account, then=F("amount")), default=-F("amount"))
        return self.filter(Q(debit=account) | Q(credit=account)).annotate(change=change)

    def open_reservations(self):
        return self.filter(kind=Kind.RESERVE, resolutions=None)


class Transfer(models.Model):
    """One immutable movement of `amount` from the debit to the credit account; made by the functions in ledger.py."""

    budget = models.ForeignKey(Budget, models.PROTECT, related_name="transfers", db_index=False)
    debit = models.ForeignKey(Account, models.PROTECT, related_name="debits")
    credit = models.ForeignKey(Account, models.PROTECT, related_name="credits")
    amount = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    reference = models.CharField(max_length=200, blank=True)
    key = models.CharField(max_length=200, null=True)  # noqa: DJ001 - many transfers have no key
    resolves = models.ForeignKey("self", models.PROTECT, null=True, related_name="resolutions", db_index=False)
    corrects = models.ForeignKey("self", models.PROTECT, null=True, related_name="corrections", db_index=False)
    day = models.DateField(null=True)  # on which a reservation counts, in the site's time zone
    created = models.DateTimeField(default=timezone.now)

    objects = TransferQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["budget", "-id"], name="transfers_of_a_budget"),
            models.Index(fields=["resolves"], condition=Q(resolves__isnull=False), name="transfers_that_resolve"),
            models.Index(fields=["corrects"], condition=Q(corrects__isnull=False), name="transfers_that_correct"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0, amount__lte=MOST), name="a transfer moves something"),
            models.CheckConstraint(
                condition=Q(kind__in=[*RESOLVING, Kind.REST], resolves__isnull=False)
                | Q(
                    kind__in=[Kind.FUND, Kind.WITHDRAW, Kind.RESERVE, Kind.PAYOUT, Kind.CORRECT], resolves__isnull=True
                ),
                name="post void and rest resolve a reservation",
            ),
            models.CheckConstraint(
                condition=Q(kind=Kind.CORRECT, corrects__isnull=False)
                | ~Q(kind=Kind.CORRECT) & Q(corrects__isnull=True),
                name="only a correction corrects",
            ),
            models.CheckConstraint(condition=Q(day=None) | Q(kind=Kind.RESERVE), name="only a reservation has a day"),
            models.UniqueConstraint(fields=["key"], condition=Q(key__isnull=False), name="a key names one transfer"),
            models.UniqueConstraint(
                fields=["resolves"], condition=Q(kind__in=RESOLVING), name="a reservation is resolved once"
            ),
            models.UniqueConstraint(
                fields=["resolves"], condition=Q(kind=Kind.REST), name="a reservation returns one rest"
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.amount}"

    def worth(self, until: int | None = None) -> int:
        """The amount with its corrections, or with those up to the one of that id."""
        corrections = self.corrections.filter(pk__lte=until) if until else self.corrections.all()
        sign = Case(When(credit=self.credit_id, then=F("amount")), default=-F("amount"))
        return self.amount + (corrections.aggregate(total=Sum(sign))["total"] or 0)
