"""How often each worker sides with what is agreed or known beforehand: counted at each answer, recounted after runs."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least

from labeling import consensus
from labeling.hearing import Said, said_of, standing_of, verdicts_of
from labeling.kinds import Cell
from labeling.models import Assignment, Consensus, Gold, Judgment, Member, Project, Query, QueryItem

BATCH = 500  # items counted at a time
TRIES = 3  # times that workers are rated anew who answer while it is counted


def shifts(assignment: Assignment, before, judged, earlier, verdicts) -> dict[int, np.ndarray]:
    """{worker: (agreed, judged)} to add to the counts, since this assignment's judgments and the verdicts changed."""
    exclusive = assignment.query.project.exclusive
    changes: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(2, int))
    for item, verdict in verdicts.items():
        others = [said for said in judged[item] if said.assignment != assignment.pk]
        replaced = [
            Said(assignment.pk, assignment.worker_id, 0.0, cell.category, degree, False)
            for cell, degree in before.items()
            if cell.item == item
        ]
        for worker, figures in sided(judged[item], verdict, exclusive).items():
            changes[worker] += figures
        for worker, figures in sided(others + replaced, earlier[item], exclusive).items():
            changes[worker] -= figures
    return changes


def sided(judged: Iterable[Said], verdict: Mapping[int, bool], exclusive: bool) -> dict[int, np.ndarray]:
    """{worker: (judgments that side with the verdict, judgments on what is agreed)}.

    Implied zeros do not count, and half a yes takes no side.
    """
    figures = defaultdict(lambda: np.zeros(2, int))
    otherwise = False if exclusive and verdict else None  # one agreed category settles an exclusive item's row
    for said in judged:
        truth = verdict.get(said.category, otherwise)
        if truth is not None and not said.implied and said.degree != 0.5:
            figures[said.worker] += (int((said.degree > 0.5) == truth), 1)
    return figures


def rate(changes: Mapping[int, np.ndarray]) -> None:
    """Add to the workers' counts of judgments and of those that side with the consensus, and rate them anew.

    Who is set aside is not counted. No count leaves its bounds: one that was a little off must not fail an answer.
    """
    for worker, (agreed, judged) in sorted(changes.items()):
        if agreed or judged:
            judged = Greatest(F("judged") + int(judged), 0)
            agreed = Least(Greatest(F("agreed") + int(agreed), 0), judged)
            Member.objects.trusted().filter(pk=worker).update(
                agreed=agreed, judged=judged, rating=consensus.rating(agreed, judged)
            )


def rate_on_gold(assignment: Assignment, before: Mapping[Cell, float]) -> None:
    """Judgments on gold rate the worker; they make no consensus. before: those that the standing ones replaced."""
    said = {
        Cell(item, category): degree
        for item, category, degree in assignment.judgments.standing().values_list("item", "category", "degree")
    }
    truth = gold_of([assignment.query_id])
    changed = sided_on_gold(assignment, said, truth) - sided_on_gold(assignment, before, truth)
    rate({assignment.worker_id: changed})


def gold_of(queries: Collection[int]) -> dict[int, dict[int, bool]]:
    """What is known beforehand of the items of these queries, {item: {category: side}}."""
    truth: dict[int, dict[int, bool]] = defaultdict(dict)
    for row in Gold.objects.filter(item__in=QueryItem.objects.filter(query__in=queries).values("item")):
        truth[row.item_id][row.category_id] = row.degree >= 0.5
    return truth


def sided_on_gold(assignment: Assignment, degrees: Mapping[Cell, float], truth) -> np.ndarray:
    """(judgments that side with the truth, judgments on what is known) of this answer."""
    figures, exclusive = np.zeros(2, int), assignment.query.project.exclusive
    for cell, degree in degrees.items():
        said = Said(assignment.pk, assignment.worker_id, 0.0, cell.category, degree, False)
        figures += sided([said], truth[cell.item], exclusive)[assignment.worker_id]
    return figures


def rate_all(project: Project) -> None:
    """All workers of a project rated anew from the rows: what online counting should have come to.

    Nobody waits for it: the counts of who answers meanwhile are left alone, and tried again a few times.
    """
    for _ in range(TRIES):
        before = list(project.members.workers().trusted().order_by("pk").values_list("pk", "agreed", "judged"))
        figures = counted(project)
        with transaction.atomic():
            won = [rated_anew(worker, was, figures[worker]) for worker, *was in before]
        if all(won):
            return


def rated_anew(worker: int, was: Sequence[int], figures: np.ndarray) -> bool:
    """Write a worker's counts; says whether they were still what they had been before counting."""
    agreed, judged = map(int, figures)
    unchanged = Member.objects.trusted().filter(pk=worker, agreed=was[0], judged=was[1])
    return bool(unchanged.update(agreed=agreed, judged=judged, rating=consensus.rating(agreed, judged)))


def counted(project: Project) -> dict[int, np.ndarray]:
    """{trusted worker: (agreed, judged)} of everything said in a project."""
    figures: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(2, int))
    items = list(Consensus.objects.agreed().filter(project=project).values_list("item", flat=True).distinct())
    for start in range(0, len(items), BATCH):
        batch = items[start : start + BATCH]
        judged, verdicts = said_of(batch), verdicts_of(standing_of(batch))
        for item in batch:
            for worker, counts in sided(judged[item], verdicts[item], project.exclusive).items():
                figures[worker] += counts
    for worker, counts in counted_on_gold(project).items():
        figures[worker] += counts
    return figures


def counted_on_gold(project: Project) -> dict[int, np.ndarray]:
    figures: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(2, int))
    queries = project.queries.filter(purpose=Query.Purpose.GOLD)
    answers = Assignment.objects.answered().filter(query__in=queries, worker__set_aside=False)
    truth = gold_of(queries.values("pk"))
    degrees: dict[int, dict[Cell, float]] = defaultdict(dict)
    rows = Judgment.objects.standing().filter(assignment__in=answers)
    for answer, item, category, degree in rows.values_list("assignment", "item", "category", "degree"):
        degrees[answer][Cell(item, category)] = degree
    for answer in answers.select_related("query__project"):
        figures[answer.worker_id] += sided_on_gold(answer, degrees[answer.pk], truth)
    return figures
