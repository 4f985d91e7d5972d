"""Judgments in the database -> consensus in the database, for the items an answer touched or a worker's whole work.

Others than people (import, survey, admin) outrank them: their cells are never changed here.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Greatest, Least

from labeling import consensus, rating
from labeling.consensus import Rule
from labeling.hearing import Said, said_of, standing_of, verdicts_of
from labeling.kinds import Cell
from labeling.models import (
    Assignment,
    Consensus,
    Item,
    Member,
    Project,
    Query,
    QueryItem,
)

TRAINING = (Query.Purpose.TEACH, Query.Purpose.RANDOM)  # the others measure; they never train
BATCH = 500  # items renewed in one transaction when much has to be renewed


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
        rating.rate_on_gold(assignment, before)
        return Renewed()
    lock(items)
    judged, standing = said_of(items, query), standing_of(items)
    rows = renew_items(query.project, judged, standing, now)
    earlier, verdicts = verdicts_of(standing), verdicts_of(rows)
    rating.rate(rating.shifts(assignment, before, judged, earlier, verdicts))
    fresh = any(verdicts[item].keys() - earlier[item].keys() for item in items)
    return Renewed(fresh, settled(query, rows))


def lock(items: Collection[int]) -> None:
    """One renewal of an item at a time. Not a lock on its key, which whoever stores a judgment of it reads."""
    if connection.features.has_select_for_update:
        list(Item.objects.select_for_update(no_key=True).filter(pk__in=items).order_by("pk").values("pk"))


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
        rating.rate_all(project)


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
    rating.rate_all(worker.project)
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
