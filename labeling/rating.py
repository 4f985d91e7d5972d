"""How reliable each worker is in each kind of query, and how often each sides with what is agreed or known beforehand.

Both are renewed at each answer; a refit finds the first anew from the whole log, and counting all anew the second.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Least

from labeling import believing, crowd
from labeling.crowd import rates
from labeling.hearing import Said, said_of, standing_of, verdicts_of
from labeling.kinds import KINDS, Cell
from labeling.models import Assignment, Consensus, Gold, Judgment, Member, Project, Query, QueryItem, Reliability

BATCH = 500  # items counted at a time
FIGURES = ["rating", "error", "judged", "copies", "counts"]  # of a Reliability
TRIES = 3  # times that workers are counted anew who answer while it is counted


def shifts(assignment: Assignment, before, judged, earlier, verdicts) -> dict[int, np.ndarray]:
    """{worker: (agreed, judged)} to add to the counts, since this assignment's judgments and the verdicts changed."""
    exclusive = assignment.query.project.exclusive
    changes: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(2, int))
    for item, verdict in verdicts.items():
        others = [said for said in judged[item] if said.assignment != assignment.pk]
        replaced = [
            Said(assignment.pk, assignment.worker_id, assignment.query.kind, cell.category, degree)
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


def count(changes: Mapping[int, np.ndarray], ratings: Mapping[int, float]) -> None:
    """Add to the workers' counts of judgments and of those that side with the consensus, and note new ratings.

    Who is set aside is not counted. No count leaves its bounds: one that was a little off must not fail an answer.
    """
    for worker in sorted(changes.keys() | ratings.keys()):
        agreed, judged = changes.get(worker, (0, 0))
        fields = {"rating": ratings[worker]} if worker in ratings else {}
        if agreed or judged:
            judged = Greatest(F("judged") + int(judged), 0)
            fields |= {"agreed": Least(Greatest(F("agreed") + int(agreed), 0), judged), "judged": judged}
        if fields:
            Member.objects.trusted().filter(pk=worker).update(**fields)


def rate_on_gold(assignment: Assignment, before: Mapping[Cell, float]) -> None:
    """Judgments on gold rate the worker; they make no consensus. before: those that the standing ones replaced."""
    said = {
        Cell(item, category): degree
        for item, category, degree in assignment.judgments.standing().values_list("item", "category", "degree")
    }
    truth = gold_of([assignment.query_id])
    changed = sided_on_gold(assignment, said, truth) - sided_on_gold(assignment, before, truth)
    truths = {item: (known_row(assignment.query.project, row), None) for item, row in truth.items()}
    known = believing.reliabilities([assignment.worker_id])
    count({assignment.worker_id: changed}, learned(assignment, said, before, truths, known))


def learn(assignment: Assignment, before: Mapping[Cell, float], judged, believed, known) -> dict[int, float]:
    """What this answer tells about its worker, the truth being what is believed of its items now.

    known: reliabilities of whoever judged these items. Returns {worker: rating over all kinds}.
    """
    said = {
        Cell(item, one.category): one.degree
        for item in believed
        for one in judged[item]
        if one.assignment == assignment.pk and not one.implied
    }
    truths = {item: (one.posterior, one.row) for item, one in believed.items()}
    return learned(assignment, said, before, truths, known)


def learned(assignment: Assignment, said, before, truths, known) -> dict[int, float]:
    """truths: {item: ((C,) probabilities, the item's crowd.Row or None if its truth is known)}."""
    worker, query = assignment.worker, assignment.query
    if worker.set_aside:
        return {}
    beliefs = believing.of(query.project)
    row = known.get((worker.pk, query.kind)) or believing.begin(beliefs, worker, query.kind)
    counts = believing.unpacked(row.counts, beliefs.width(query.kind))
    weight = max(believing.known_beforehand(worker)[1], rates.FIRST)
    right = row.rating * (row.judged + weight)
    for sign, degrees in ((1, said), (-1, before)) if before else ((1, said),):
        for item, (truth, heard) in truths.items():
            for one in believing.spoken(beliefs, query.kind, asked(query, item, degrees, beliefs)):
                telling = crowd.alone(heard, one) if heard else 1.0
                counts = crowd.learned(counts, one, truth, sign * telling)
                right += sign * (telling * crowd.rightly(one, truth, row.rating) + (1 - telling) * row.rating)
                row.judged = max(row.judged + sign, 0)
    row.counts = believing.packed(np.maximum(counts, 0))
    row.rating = float(np.clip(right / (row.judged + weight), 0, 1))
    row.error = float(rates.spread(row.rating, row.judged + weight))
    Reliability.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["worker", "kind"], update_fields=FIGURES
    )
    others = [other for (who, kind), other in known.items() if who == worker.pk and kind != query.kind]
    return {worker.pk: overall([row, *others])}


def overall(rows: Collection[Reliability]) -> float:
    """One rating over all kinds, each as often as it was answered; a newcomer's without answers."""
    judged = sum(row.judged for row in rows)
    return sum(row.judged * row.rating for row in rows) / judged if judged else rates.NEWCOMER


def asked(query: Query, item: int, degrees: Mapping[Cell, float], beliefs) -> dict[int, float]:
    """{column: degree} of one item in an answer, implied zeros included; nothing of an item that was left out."""
    given = {cell.category: degree for cell, degree in degrees.items() if cell.item == item}
    if KINDS[query.kind].implied:
        given = {category.pk: 0.0 for category in query.category_list} | given
    return {beliefs.place[category]: degree for category, degree in given.items()}


def known_row(project: Project, truth: Mapping[int, bool]) -> np.ndarray:
    """(C,) what is known beforehand of one item, as probabilities; a yes of an exclusive item says no elsewhere."""
    even = 0.0 if project.exclusive and any(truth.values()) else 0.5
    row = np.array([float(truth.get(category, even)) for category in project.category_keys])
    return row / row.sum() if project.exclusive and row.any() else row


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
        said = Said(assignment.pk, assignment.worker_id, assignment.query.kind, cell.category, degree)
        figures += sided([said], truth[cell.item], exclusive)[assignment.worker_id]
    return figures


def count_all(project: Project) -> None:
    """All workers of a project counted anew from the rows: what counting answer by answer should have come to.

    Nobody waits for it: the counts of who answers meanwhile are left alone, and tried again a few times.
    """
    for _ in range(TRIES):
        before = list(project.members.workers().trusted().order_by("pk").values_list("pk", "agreed", "judged"))
        figures = counted(project)
        with transaction.atomic():
            won = [counted_anew(worker, was, figures[worker]) for worker, *was in before]
        if all(won):
            return


def counted_anew(worker: int, was: Sequence[int], figures: np.ndarray) -> bool:
    """Write a worker's counts; says whether they were still what they had been before counting."""
    agreed, judged = map(int, figures)
    unchanged = Member.objects.trusted().filter(pk=worker, agreed=was[0], judged=was[1])
    return bool(unchanged.update(agreed=agreed, judged=judged))


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
