"""How long answers take, measured from offered to answered: the middle of honest answers, and their mean for pay. With
it is kept how reliable the kind's median worker is: what offers need of a kind, so that they look nothing up.

A query of a kind is thought to take START seconds and the kind's pace for each cell; measured is by how much its
answers differ from that. Where few were measured that law stands, as if it were PRIOR answers.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import exp, log
from statistics import median
from typing import NamedTuple

from labeling.crowd import rates
from labeling.kinds import KINDS
from labeling.models import Assignment, Project, Suspicion

START = 3.0  # seconds to see what is asked
PRIOR = 20  # answers that the law weighs as much as
RECENT = 3_000  # answers of a project that are looked at, the latest
EACH = 100  # of one worker's in a kind, so that no one sets the pace alone
SPREAD = 0.6  # standard deviation of their logarithms: times are lognormal (van der Linden, J. Educ. Behav. Stat. 2006)
MEAN = exp(SPREAD**2 / 2)  # medians that the mean then is
PAUSE = 4.0  # usual times: what is longer, as 1% then are, is a pause from there on and no work


class Pace(NamedTuple):
    """Of a kind, in the law's seconds: the usual answer, the mean of work; from so many answers. rating: of the median
    worker in it."""

    usual: float = 1.0
    work: float = MEAN
    answers: int = 0
    rating: float = rates.NEWCOMER


class Worked(NamedTuple):
    """One paid answer: `seconds` from the offer, or from the same worker's answer before if that was later."""

    worker: int
    kind: str
    law: float
    seconds: float
    reservation: int | None
    honest: bool


def law(kind: str, cells: int) -> float:
    """Seconds that a query of this kind takes before any was measured."""
    return START + KINDS[kind].pace * cells


def pace_of(project: Project, kind: str) -> Pace:
    return Pace(*project.pace.get(kind, ()))


def measure(project: Project, ratings: Mapping[str, float]) -> None:
    """Note the pace of each kind with the project, and its median rating; no offer waits for it."""
    answers = worked(project)
    found = {kind: of_kind([one for one in answers if one.kind == kind]) for kind in KINDS}
    project.pace = {kind: list(pace._replace(rating=ratings[kind])) for kind, pace in found.items()}
    Project.objects.filter(pk=project.pk).update(pace=project.pace)


def of_kind(answers: Sequence[Worked]) -> Pace:
    """The pace of honest answers to one kind."""
    some = shared([one for one in answers if one.honest])
    if not some:
        return Pace()
    usual, count = middle(some), len(some)
    laws, work = sum(one.law for one in some), sum(unpaused(one, usual) for one in some)
    prior = PRIOR * laws / count  # seconds
    shrunk = exp(count * log(usual) / (count + PRIOR))
    return Pace(round(shrunk, 4), round((work + prior * MEAN) / (laws + prior), 4), count)


def middle(answers: Sequence[Worked]) -> float:
    """What one usually takes, in the law's seconds."""
    return median(one.seconds / one.law for one in answers) if answers else 1.0


def shared(answers: Sequence[Worked]) -> list[Worked]:
    """No more than EACH of one worker's."""
    taken: dict[int, int] = defaultdict(int)
    kept = []
    for one in answers:
        taken[one.worker] += 1
        if taken[one.worker] <= EACH:
            kept.append(one)
    return kept


def unpaused(answer: Worked, usual: float) -> float:
    """Seconds of work in an answer; usual: what one takes, in the law's seconds."""
    return min(answer.seconds, PAUSE * usual * answer.law)


def worked(project: Project, since: datetime | None = None) -> list[Worked]:
    """The latest paid answers, newest first. Of those set aside none; who is paused or too fast is not honest."""
    answers = Assignment.objects.answered().filter(worker__project=project, worker__set_aside=False, test=False)
    rows = answers.order_by("-finished", "-pk").values_list(
        "worker", "query__kind", "query__signals", "offered", "finished", "reservation"
    )
    rows = list((rows.filter(finished__gt=since) if since else rows)[:RECENT])
    doubted = set(project.members.filter(paused__isnull=False).values_list("pk", flat=True))
    fast = Suspicion.objects.filter(worker__project=project, reason=Suspicion.Reason.FAST)
    doubted |= set(fast.values_list("worker", flat=True))
    found, before = [], {}
    for worker, kind, signals, offered, finished, reservation in reversed(rows):
        seconds = (finished - max(offered, before.get(worker, offered))).total_seconds()
        before[worker] = finished
        if seconds > 0:
            size = law(kind, signals.get("cells", 1))
            found.append(Worked(worker, kind, size, seconds, reservation, worker not in doubted))
    return found[::-1]
