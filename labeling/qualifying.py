"""A worker's beginnings: what an admin knows of them, and the test that comes before the first paid query.

The test is gold, shown as a test, unpaid; its answers rate the worker as any gold does. Who stays below the pass mark
is offered nothing, unless an admin lets them in.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.core.exceptions import ValidationError

from labeling.kinds import KINDS, Cell
from labeling.models import Assignment, Gold, Judgment, Member, Project, QueryItem

State = Assignment.State


class Progress(NamedTuple):
    """Where a worker is in the test: the query asked now, of how many."""

    number: int
    length: int


def untested(worker: Member) -> bool:
    """Has this worker to take the test first? Not who worked here before there was one."""
    if not worker.project.test_length or worker.tested or worker.admitted:
        return False
    return not worker.assignments.answered().filter(test=False).exists()


def failed(worker: Member) -> bool:
    """Is this worker below the pass mark, and nobody has let them in?"""
    score, mark = worker.test_score, worker.project.test_pass
    return bool(worker.project.test_length and score is not None and score < mark and not worker.admitted)


def taken(worker: Member):
    """The test's queries that are behind the worker: answered, or skipped, which is not right either."""
    tests = Assignment.objects.filter(worker=worker, test=True, state__in=(State.ANSWERED, State.GIVEN_BACK))
    return tests.exclude(reason="broken")


def progress(worker: Member) -> Progress:
    return Progress(taken(worker).count() + 1, worker.project.test_length)


def over(worker: Member) -> bool:
    return taken(worker).count() >= worker.project.test_length


def judge(worker: Member, now: datetime) -> bool:
    """Keep the outcome of the test, once; says whether it is passed."""
    answers = list(taken(worker).select_related("query"))
    if not answers:
        return True  # there was nothing to test with
    score = sum(marks(worker.project, answers)) / max(len(answers), 1)
    Member.objects.filter(pk=worker.pk, tested=None).update(tested=now, test_score=score)
    worker.refresh_from_db(fields=["tested", "test_score"])
    return not failed(worker)


def marks(project: Project, answers: Iterable[Assignment]) -> list[float]:
    """How far each answer is right, 0 to 1."""
    answers, said, truth = list(answers), defaultdict(dict), defaultdict(dict)
    rows = Judgment.objects.standing().filter(assignment__in=answers)
    for answer, item, category, degree in rows.values_list("assignment", "item", "category", "degree"):
        said[answer][Cell(item, category)] = degree
    items = QueryItem.objects.filter(query__in=[one.query_id for one in answers]).values("item")
    for row in Gold.objects.filter(item__in=items):
        truth[Cell(row.item_id, row.category_id)] = row.degree >= 0.5
    return [mark(project, one, said[one.pk], truth) if one.state == State.ANSWERED else 0.0 for one in answers]


def mark(project: Project, answer: Assignment, said: Mapping[Cell, float], truth: Mapping[Cell, bool]) -> float:
    """Of one category of an item: right or not. Of several cells: the mean of what is right among true and untrue, so
    that ticking none, or all, is worth a half."""
    silent = 0.0 if KINDS[answer.query.kind].implied else None
    right = defaultdict(list)
    for cell in answer.query.cells():
        if cell in truth:
            degree = said.get(cell, silent)
            right[truth[cell]].append(degree is not None and (degree >= 0.5) == truth[cell])
    sides = list(right.values())
    if project.exclusive and len(answer.query.item_list) == 1:
        return float(all(map(all, sides)))
    return sum(sum(side) / len(side) for side in sides) / max(len(sides), 1)


# --- what an admin knows and decides ---------------------------------------------------------------------------------


def record(worker: Member, **fields) -> None:
    """What is known of a worker, and what rating follows to begin with; who was judged keeps the rating."""
    if "starting_rating" in fields and "starting_from" not in fields:
        opinion = fields["starting_rating"]  # the admin's own, if it differs by more than a page rounds
        other = Member.objects.exclude(starting_rating__range=(opinion - 1e-6, opinion + 1e-6))
        other.filter(pk=worker.pk).update(starting_from=None)
    Member.objects.filter(pk=worker.pk).update(**fields)
    if "starting_rating" in fields:
        Member.objects.filter(pk=worker.pk, judged=0).update(rating=fields["starting_rating"])
    worker.refresh_from_db()


def check_length(project: Project) -> None:
    """Raises ValidationError where there is less gold than the test is long."""
    if not project.test_length:
        return
    gold = Gold.objects.filter(item__project=project, item__withdrawn=False).values("item").distinct().count()
    if project.test_length > gold:
        known = f"{gold} item{' is' if gold == 1 else 's are'} known beforehand"
        raise ValidationError({"test_length": f"Only {known}, and each is asked once. Import more gold first."})
