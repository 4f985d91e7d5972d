"""Judgments in the database -> consensus in the database, for the items an answer touched or a worker's whole work.

Others than people (import, survey, admin) outrank them: their cells are never changed here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Greatest, Least

from labeling import consensus
from labeling.consensus import Rule
from labeling.kinds import KINDS, Cell
from labeling.models import (
    Assignment,
    Consensus,
    Gold,
    Item,
    Judgment,
    Member,
    Project,
    Query,
    QueryCategory,
    QueryItem,
)

TRAINING = (Query.Purpose.TEACH, Query.Purpose.RANDOM)  # the others measure; they never train
IMPLYING = [kind.name for kind in KINDS.values() if kind.implied]
BATCH = 500  # items renewed in one transaction when much has to be renewed
TRIES = 3  # times that workers are rated anew who answer while it is counted


class Said(NamedTuple):
    """What one worker said of one cell; `implied` where the cell was shown and not chosen."""

    assignment: int
    worker: int
    rating: float
    category: int
    degree: float
    implied: bool


def rule_of(project: Project) -> Rule:
    return Rule(count=project.agree_count, share=project.agree_share)


def agreed_cell(row: Consensus, rule: Rule) -> bool:
    """Do people agree on this cell, whichever way? Of exclusive items only a yes is stored as agreed."""
    return consensus.agrees(consensus.Cell(row.degree, row.posterior, row.judgments), rule)


class Renewed(NamedTuple):
    """What an answer changed. fresh: a cell is agreed that was not; settled: every cell of its rectangle is."""

    fresh: bool = False
    settled: bool = False


def renew(assignment: Assignment, now: datetime, before: Mapping[Cell, float]) -> Renewed:
    """Renew the consensus of the items just answered and the ratings that follow from it.

    before: the judgments of this assignment that the new ones replaced.
    """
    query = assignment.query
    items = [item.pk for item in query.item_list]
    if query.purpose == Query.Purpose.GOLD:
        rate_on_gold(assignment, before)
        return Renewed()
    lock(items)
    judged, standing = said_of(items, query), standing_of(items)
    rows = renew_items(query.project, judged, standing, now)
    earlier, verdicts = verdicts_of(standing), verdicts_of(rows)
    rate(shifts(assignment, before, judged, earlier, verdicts))
    fresh = any(verdicts[item].keys() - earlier[item].keys() for item in items)
    return Renewed(fresh, settled(query, rows))


def lock(items: Collection[int]) -> None:
    """One renewal of an item at a time. Not a lock on its key, which whoever stores a judgment of it reads."""
    if connection.features.has_select_for_update:
        list(Item.objects.select_for_update(no_key=True).filter(pk__in=items).order_by("pk").values("pk"))


def standing_of(items: Collection[int]) -> dict[int, dict[int, Consensus]]:
    """What is stored of these items, {item: {category: row}}."""
    standing = {item: {} for item in items}
    for row in Consensus.objects.filter(item__in=items):
        standing[row.item_id][row.category_id] = row
    return standing


def renew_items(project: Project, judged, standing, now: datetime) -> dict[int, dict[int, Consensus]]:
    """Write the consensus of the items in `standing`; returns what is stored of them then."""
    rows = {item: renewed(project, item, judged[item], standing[item], now) for item in standing}
    written = [row for item in rows for row in rows[item].values()]
    cleared = [row.pk for item in rows for category, row in standing[item].items() if lapsed(row, rows[item], category)]
    if cleared:  # first, so that an exclusive item never holds two agreed categories on the way
        Consensus.objects.filter(pk__in=cleared).update(agreed=None)
    Consensus.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["item", "category"],
        update_fields=["degree", "posterior", "judgments", "agreed"],
    )
    return {item: standing[item] | rows[item] for item in standing}


def renewed(project: Project, item: int, judged: Collection[Said], standing, now: datetime) -> dict[int, Consensus]:
    """{category: row} of one item as people's judgments have it now."""
    fixed = {category: row for category, row in standing.items() if row.source != Consensus.Source.PEOPLE}
    cells = cells_of(project, judged)
    left = left_over(project, cells)
    people = agreed_by_people(project, cells, left, standing)
    cells |= left
    cells |= {category: consensus.tally([]) for category in standing.keys() - cells.keys()}  # set aside
    since = {category: row.agreed or now for category, row in standing.items()}
    return {
        category: Consensus(
            project=project, item_id=item, category_id=category, degree=cell.degree, posterior=cell.posterior,
            judgments=cell.judgments, agreed=since.get(category, now) if category in people else None,
            exclusive=project.exclusive,
        )
        for category, cell in cells.items()
        if category not in fixed
    }  # fmt: skip


def lapsed(row: Consensus, rows: Mapping[int, Consensus], category: int) -> bool:
    return bool(row.agreed and category in rows and not rows[category].agreed)


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


def settled(query: Query, rows: Mapping[int, Mapping[int, Consensus]]) -> bool:
    """Is every cell of the rectangle agreed, itself or (of an exclusive item) with its row?"""
    rule, exclusive = rule_of(query.project), query.project.exclusive
    done = {item for item in rows if exclusive and any(row.agreed for row in rows[item].values())}
    return all(
        cell.item in done or ((row := rows[cell.item].get(cell.category)) and (row.agreed or agreed_cell(row, rule)))
        for cell in query.cells()
    )


def cells_of(project: Project, judged: Collection[Said]) -> dict[int, consensus.Cell]:
    """The cells of one item that people were asked about."""
    if not project.exclusive:
        degrees = defaultdict(list)
        for said in judged:
            degrees[said.category].append(said)
        return {
            category: consensus.tally([said.degree for said in row], [said.rating for said in row])
            for category, row in degrees.items()
        }
    if not judged:
        return {}
    categories = project.category_keys
    answers = {answer: at for at, answer in enumerate(dict.fromkeys(said.assignment for said in judged))}
    values, ratings = np.full((len(answers), len(categories)), np.nan), np.zeros(len(answers))
    for said in judged:
        values[answers[said.assignment], categories.index(said.category)] = said.degree
        ratings[answers[said.assignment]] = said.rating
    row = zip(categories, consensus.tally_row(values, ratings), strict=True)
    return {category: cell for category, cell in row if cell.judgments}


def left_over(project: Project, cells: Mapping[int, consensus.Cell]) -> dict[int, consensus.Cell]:
    """The one category left where people agree that an exclusive item is of none of the others: a "no" to one of two
    is a "yes" to the other. No judgments are its own, and that is how it is known again."""
    if not project.exclusive:
        return {}
    rule = rule_of(project)
    out = {category: cell for category, cell in cells.items() if cell.degree < 0.5 and consensus.agrees(cell, rule)}
    left = set(project.category_keys) - out.keys()
    if len(left) != 1 or not out or left & cells.keys():  # judged itself, it speaks for itself
        return {}
    doubt = max(cell.degree for cell in out.values())
    posterior = max(0.0, 1 - sum(cell.posterior for cell in out.values()))
    return {left.pop(): consensus.Cell(1 - doubt, posterior, 0)}


def forget_left_over(project: Project) -> None:
    """What was agreed because one category only was left is open again: there is another one now."""
    if Consensus.objects.agreed().of_people().filter(project=project, judgments=0).delete()[0]:
        rate_all(project)


def agreed_by_people(project: Project, cells: Mapping[int, consensus.Cell], left, standing) -> Collection[int]:
    """The cells (of an exclusive item: the one category, or the one that is left) that meet the project's rule."""
    rule = rule_of(project)
    fixed = {category for category, row in standing.items() if row.source != Consensus.Source.PEOPLE}
    free = {category: cell for category, cell in cells.items() if category not in fixed}
    if not project.exclusive:
        return [category for category, cell in free.items() if consensus.agrees(cell, rule)]
    agreed = [category for category, row in standing.items() if row.agreed]
    if fixed & set(agreed):
        return []
    settled = consensus.settle(free, rule, standing=agreed[0] if agreed else None)
    return left.keys() - fixed if settled is None else [settled]


def said_of(items: Collection[int], known: Query | None = None) -> dict[int, list[Said]]:
    """Everything trusted workers said of these items in answers that make consensus, implied zeros included.

    known: a query whose categories have been read already.
    """
    answers, shown, explicit = {}, defaultdict(list), defaultdict(dict)
    for answer, worker, rating, query, kind, item in (
        Assignment.objects.answered()
        .filter(query__query_items__item__in=items, worker__set_aside=False)
        .exclude(query__purpose=Query.Purpose.GOLD)
        .values_list("pk", "worker", "worker__rating", "query", "query__kind", "query__query_items__item")
    ):
        answers[answer] = worker, rating, query, kind in IMPLYING
        shown[answer].append(item)
    for answer, item, category, degree in (
        Judgment.objects.standing()
        .filter(assignment__in=answers, item__in=items)
        .values_list("assignment", "item", "category", "degree")
    ):
        explicit[answer, item][category] = degree
    offered = categories_of({query for _, _, query, implying in answers.values() if implying}, known)
    judged = defaultdict(list)
    for answer, (worker, rating, query, _) in answers.items():
        for item in shown[answer]:  # an answer that chose nothing says no to all it was offered
            degrees = explicit[answer, item]
            judged[item] += [Said(answer, worker, rating, c, degree, False) for c, degree in degrees.items()]
            judged[item] += [Said(answer, worker, rating, c, 0.0, True) for c in offered[query] if c not in degrees]
    return judged


def categories_of(queries: set[int], known: Query | None) -> dict[int, list[int]]:
    """Which categories these queries offer."""
    offered = defaultdict(list)
    if known and known.pk in queries:
        offered[known.pk] = [category.pk for category in known.category_list]
    if unknown := queries - offered.keys():
        for query, category in QueryCategory.objects.filter(query__in=unknown).values_list("query", "category"):
            offered[query].append(category)
    return offered


def verdicts_of(rows: Mapping[int, Mapping[int, Consensus]]) -> dict[int, dict[int, bool]]:
    """What is agreed of these items, {item: {category: side}}."""
    return {
        item: {category: row.degree >= 0.5 for category, row in cells.items() if row.agreed}
        for item, cells in rows.items()
    }


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


def close_if_answered(query: Query, settled: bool) -> bool:
    """Close a query whose cells are agreed, or of which no place is free and nobody's answer is awaited."""
    query = Query.objects.open().filter(pk=query.pk)
    if not settled:
        awaited = Assignment.objects.live().filter(query=OuterRef("pk"))
        query = query.filter(~Exists(awaited), asked__gte=F("wanted"))
    return bool(query.update(state=Query.State.CLOSED))


def set_aside(worker: Member, aside: bool, *, now: datetime) -> int:
    """Leave a worker's judgments out of consensus, or take them in again; no money moves. Returns items renewed."""
    with transaction.atomic():
        if Member.objects.filter(pk=worker.pk, set_aside=not aside).update(set_aside=aside):
            yield_places(worker, aside)
    worker.set_aside = aside
    items = list(
        QueryItem.objects.filter(query__assignments__worker=worker, query__assignments__state=Assignment.State.ANSWERED)
        .order_by("item")
        .values_list("item", flat=True)
        .distinct()
    )
    for start in range(0, len(items), BATCH):
        with transaction.atomic():
            batch = items[start : start + BATCH]
            lock(batch)
            renew_items(worker.project, said_of(batch), standing_of(batch), now)
    rate_all(worker.project)
    return len(items)


def yield_places(worker: Member, aside: bool) -> None:
    """Somebody else is asked in place of who is set aside; who comes back takes a place that is still free."""
    answered = Assignment.objects.answered().filter(worker=worker).values("query")
    places = Greatest(F("asked") - 1, 0) if aside else Least(F("asked") + 1, F("wanted"))
    queries = Query.objects.open().filter(pk__in=answered)
    queries.update(asked=places)
    if not aside:
        for query in queries:
            close_if_answered(query, settled=False)


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
