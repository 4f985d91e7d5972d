"""What waits for somebody in all the projects they work in, so that they go on where there is something to do."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.utils import timezone

from labeling import asking, claiming, quoting
from labeling.models import Assignment, Member, Project

MOST = 50  # queries counted in a project
OFFERED = 3  # other projects named where one has run dry


@dataclass(frozen=True)
class Waiting:
    """Queries that wait for this worker, counted to MOST: what the next one pays, what all of them would, and why there
    is none for them whatever is open."""

    worker: Member
    count: int
    reward: int
    total: int
    barred: str

    @property
    def project(self) -> Project:
        return self.worker.project

    @property
    def more(self) -> bool:
        return self.count >= MOST


def of(user, now: datetime) -> list[Waiting]:
    """In all projects this user works in, each worker with its number of `answers`: where most is to earn first.

    Amounts of different currencies cannot be compared, so the currency in which more queries wait comes first.
    """
    answers = Count("assignments", filter=Q(assignments__state=Assignment.State.ANSWERED))
    workers = Member.objects.workers().present().filter(user=user).select_related("project__budget")
    found = [at(worker, now) for worker in workers.annotate(answers=answers)]
    waits = Counter()
    for one in found:
        waits[one.project.budget.currency] += one.count
    return sorted(found, key=lambda one: (
        not one.count, one.project.state != Project.State.ACTIVE, -waits[one.project.budget.currency],
        one.project.budget.currency, -one.total, -one.count, one.project.name,
    ))  # fmt: skip


def elsewhere(worker: Member, now: datetime) -> list[Waiting]:
    """Other projects of the same user in which something waits."""
    return [one for one in of(worker.user, now) if one.count and one.project != worker.project][:OFFERED]


def at(worker: Member, now: datetime) -> Waiting:
    """What waits for this worker: what is held, and what is open and can be paid."""
    if code := asking.barred(worker):
        return Waiting(worker, 0, 0, 0, code)
    held = [one.reward for one in asking.held_by(worker).filter(expires__gt=now)]
    left, rewards = money(worker.project, now), []
    for query in claiming.open_to(worker, MOST):
        rewards.append(quoting.quote(query, worker))
    rewards = held + [reward for reward in rewards if reward <= left]
    return Waiting(
        worker, min(len(rewards), MOST), rewards[0] if rewards else 0, min(sum(rewards), left + sum(held)), ""
    )


def money(project: Project, now: datetime) -> int:
    """What may still be offered today."""
    today = project.budget.spent_on(timezone.localdate(now)).left
    return quoting.left(project) if today is None else min(quoting.left(project), today)
