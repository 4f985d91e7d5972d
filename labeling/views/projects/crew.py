"""Workers in figures: what each did and earned, how far each agrees with others, and what speaks against one."""

from collections import defaultdict
from typing import NamedTuple

from django.db.models import Count, Q, Sum

from labeling import qualifying, watching
from labeling.access import READS
from labeling.comparing import Compared
from labeling.consensus import Agreement, agreement
from labeling.kinds import KINDS
from labeling.models import Assignment, Member, Project, Suspicion
from rewards.models import Account, Role, Transfer

ELSEWHERE = 5  # other projects named as a worker's history
SUSPECTED = 50  # workers worth a look, on one page


def with_figures(project: Project, workers) -> list[Member]:
    """Workers, each with its `agreement`, number of `answers`, what it has `earned`, and what is `against` it."""
    workers = list(workers)
    against = defaultdict(list)
    for one in Suspicion.objects.filter(worker__in=workers).order_by("-odds"):
        one.sentence, one.rarity = watching.sentence(one), watching.rarity(one)
        against[one.worker_id].append(one)
    answers = dict(
        Assignment.objects.answered().filter(worker__in=workers).order_by().values_list("worker").annotate(Count("pk"))
    )
    amounts = earned(project, [worker.user_id for worker in workers])
    for worker in workers:
        worker.agreement = agreement_of(worker)
        worker.answers = answers.get(worker.pk, 0)
        worker.earned = amounts.get(worker.user_id, 0)
        worker.against = against[worker.pk]
        worker.failed = qualifying.failed(worker)
    return workers


def elsewhere(user, worker: Member) -> list[Member]:
    """The same person's work in other projects that this user may read: a past history."""
    others = Member.objects.workers().trusted().filter(user=worker.user_id, judged__gt=0).exclude(pk=worker.pk)
    if not user.is_superuser:
        others = others.filter(project__in=Project.objects.of(user, *READS))
    return list(others.select_related("project").order_by("-judged")[:ELSEWHERE])


def suspected(project: Project) -> list[Member]:
    """Workers who are paused or against whom something speaks, and of whom nothing is decided yet."""
    open_to = project.members.workers().present().trusted().filter(~Q(paused=None) | Q(suspicions__isnull=False))
    return with_figures(project, open_to.distinct().select_related("user").order_by("pk")[:SUSPECTED])


def sided_with_others(project: Project, found: Compared) -> list[Member]:
    """Workers, least agreeing first, each with how often it says the `same` as another, of how many comparisons."""
    counts = found.of_workers()
    workers = list(project.members.workers().filter(pk__in=counts).select_related("user"))
    for worker in workers:
        worker.same, worker.common = counts[worker.pk]
        worker.share = worker.same / worker.common
    return sorted(workers, key=lambda worker: worker.share)


class KindRating(NamedTuple):
    """How often a worker is right in one kind of query, with a 95% interval, from so many judgments."""

    title: str
    rating: float
    low: float
    high: float
    judged: int
    copies: float


def by_kind(worker: Member) -> list[KindRating]:
    rows = {row.kind: row for row in worker.reliabilities.all() if row.judged}
    return [
        KindRating(kind.title, row.rating, max(0.0, row.rating - 1.96 * row.error),
                   min(1.0, row.rating + 1.96 * row.error), row.judged, row.copies)
        for kind in KINDS.values() if (row := rows.get(kind.name))
    ]  # fmt: skip


def agreement_of(worker: Member) -> Agreement:
    return agreement(worker.agreed, worker.judged)


def earned(project: Project, users) -> dict[int, int]:
    """What each of these users has earned here: the balance and what was paid out of it, corrections included."""
    amounts = dict(
        Account.objects.filter(budget=project.budget, role=Role.WORKER, user__in=users).values_list("user", "balance")
    )
    paid = Account.objects.filter(budget=project.budget, role=Role.PAID)
    out = Transfer.objects.filter(credit__in=paid, debit__user__in=users).order_by().values_list("debit__user")
    back = Transfer.objects.filter(debit__in=paid, credit__user__in=users).order_by().values_list("credit__user")
    for user, amount in out.annotate(Sum("amount")):
        amounts[user] += amount
    for user, amount in back.annotate(Sum("amount")):
        amounts[user] -= amount
    return amounts
