"""Judgments in the database -> consensus in the database, for the items an answer touched or a worker's whole work.

Others than people (import, survey, admin) outrank them: their cells are never changed here.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import connection
from django.db.models import Exists, F, OuterRef

from labeling import believing, consensus, proposals, rating
from labeling.believing import Believed
from labeling.consensus import Rule
from labeling.hearing import Said, said_of, standing_of, verdicts_of
from labeling.kinds import Cell
from labeling.models import (
    Assignment,
    Consensus,
    Item,
    Project,
    Query,
)

TRAINING = (Query.Purpose.TEACH, Query.Purpose.RANDOM)  # the others measure; they never train
BATCH = 200  # items renewed in one transaction when much has to be renewed
BELOW = 0.5 - 1e-9  # a "no", if only just


def rule_of(project: Project) -> Rule:
    sure = project.agree_posterior if project.agree_by == Project.AgreeBy.POSTERIOR else None
    return Rule(count=project.agree_count, share=project.agree_share, sure=sure)


def agreed_cell(row: Consensus, rule: Rule) -> bool:
    """Do people agree on this cell, whichever way? Of exclusive items only a yes is stored as agreed."""
    return consensus.agrees(row, rule)


class Renewed(NamedTuple):
    """What an answer changed. fresh: a cell is agreed that was not; settled: every cell of its rectangle is; value: the
    bits that one more answer to the query is expected to tell."""

    fresh: bool = False
    settled: bool = False
    value: float = 0.0


def renew(assignment: Assignment, now: datetime, before: Mapping[Cell, float]) -> Renewed:
    """Renew the consensus of the items just answered and the ratings that follow from it.

    before: the judgments of this assignment that the new ones replaced.
    """
    query = assignment.query
    if query.purpose == Query.Purpose.GOLD:
        rating.rate_on_gold(assignment, before)
        return Renewed()
    places = {item.pk: item.row for item in query.item_list}
    lock(places)
    judged, standing = said_of(places, query), standing_of(places)
    known = believing.reliabilities({said.worker for item in places for said in judged[item]})
    voice = assignment.worker_id, query.kind
    known.setdefault(voice, believing.begin(believing.of(query.project), assignment.worker, query.kind))
    rows, believed = renew_items(query.project, judged, standing, places, known, now)
    earlier, verdicts = verdicts_of(standing), verdicts_of(rows)
    shifts = rating.shifts(assignment, before, judged, earlier, verdicts)
    rating.count(shifts, rating.learn(assignment, before, judged, believed, known))
    fresh = any(verdicts[item].keys() - earlier[item].keys() for item in places)
    return Renewed(fresh, settled(query, rows), value_of(query, judged, believed))


def value_of(query: Query, judged: Mapping[int, Collection[Said]], believed: Mapping[int, Believed]) -> float:
    """The bits that one more answer by one of the kind's workers is expected to tell."""
    beliefs = believing.of(query.project)
    return proposals.of_query(
        posterior=np.array([one.posterior for one in believed.values()]),
        columns=[beliefs.place[category.pk] for category in query.category_list],
        rates=beliefs.pool(query.kind).rates,
        judged=[len({said.assignment for said in judged[item]}) for item in believed],
        exclusive=beliefs.exclusive,
        choice=beliefs.chooses(query.kind),
    )


def lock(items: Collection[int]) -> None:
    """One renewal of an item at a time. Not a lock on its key, which whoever stores a judgment of it reads."""
    if connection.features.has_select_for_update:
        list(Item.objects.select_for_update(no_key=True).filter(pk__in=items).order_by("pk").values("pk"))


def renew_items(project: Project, judged, standing, places: Mapping[int, int], known, now: datetime):
    """Write the consensus of the items in these array rows; returns what is stored then, and what is believed of each.

    known: the reliabilities of those who judged them.
    """
    beliefs = believing.of(project)
    voices = believing.voices(beliefs, (said for item in places for said in judged[item]), known)
    believed = {item: believing.believe(beliefs, judged[item], voices, row) for item, row in places.items()}
    rows = {item: renewed(project, item, judged[item], believed[item], standing[item], now) for item in places}
    written = [row for item in rows for row in rows[item].values()]
    cleared = [row.pk for item in rows for category, row in standing[item].items() if lapsed(row, rows[item], category)]
    if cleared:  # first, so that an exclusive item never holds two agreed categories on the way
        Consensus.objects.filter(pk__in=cleared).update(agreed=None)
    Consensus.objects.bulk_create(
        written,
        update_conflicts=True,
        unique_fields=["item", "category"],
        update_fields=["degree", "error", "share", "posterior", "evidence", "judgments", "agreed"],
    )
    return {item: standing[item] | rows[item] for item in places}, believed


def renewed(project: Project, item: int, judged, believed: Believed, standing, now) -> dict[int, Consensus]:
    """{category: row} of one item as people's judgments have it now."""
    fixed = {category for category, row in standing.items() if row.source != Consensus.Source.PEOPLE}
    said, rule = tallied(judged), rule_of(project)
    cells = cells_of(project, said, believed, answers=len({one.assignment for one in judged}))
    people = agreed_by_people(project, cells, standing)
    since = {category: row.agreed or now for category, row in standing.items()}
    figures = figures_of(project, said, cells, believed)
    rows = {}
    for category in (said.keys() | standing.keys() | set(people)) - fixed:
        row = rows[category] = Consensus(
            project=project, item_id=item, category_id=category, exclusive=project.exclusive, **figures[category]
        )
        if category in people:  # on its side of the line, whatever the corrected degree
            yes = rule.strength(cells[category]) > 0.5
            row.agreed, row.degree = since.get(category, now), max(row.degree, 0.5) if yes else min(row.degree, BELOW)
    return rows


def figures_of(project: Project, said, cells, believed: Believed) -> dict[int, dict]:
    """{category: what is stored of the cell}; the evidence is relative to a category that nobody was asked about."""
    rest = [at for at, category in enumerate(project.category_keys) if category not in said]
    nobody = believed.evidence[rest[0]] if project.exclusive and rest else 0.0
    columns = (believed.degrees.share, believed.degrees.error, believed.posterior, believed.evidence - nobody)
    figures = {}
    for category, *row in zip(project.category_keys, *(column.tolist() for column in columns), strict=True):
        degree, error, posterior, evidence = row
        share, judgments = said.get(category, (cells[category].share, 0))
        if not judgments:  # nobody was asked: what the others leave of it
            degree, error = share or posterior, (posterior * (1 - posterior)) ** 0.5
        names = ("degree", "error", "share", "posterior", "evidence", "judgments")
        figures[category] = dict(zip(names, (degree, error, share, posterior, evidence, judgments), strict=True))
    return figures


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


def tallied(judged: Collection[Said]) -> dict[int, tuple[float, int]]:
    """{category: (share of people who say yes, how many judged)} of one item."""
    degrees = defaultdict(list)
    for said in judged:
        degrees[said.category].append(said.degree)
    return {category: (sum(row) / len(row), len(row)) for category, row in degrees.items()}


def cells_of(project: Project, said, believed: Believed, answers: int) -> dict[int, consensus.Cell]:
    """All cells of one item, as the rule reads them.

    Of an exclusive item one truth explains all answers: where the rule asks how sure that is, they count together.
    Where it asks for shares, a "no" to all categories but one is a "yes" to the one left, nobody having judged it.
    """
    keys, together = project.category_keys, project.exclusive and project.agree_by == Project.AgreeBy.POSTERIOR
    cells = {}
    for category, posterior in zip(keys, believed.posterior.tolist(), strict=True):
        share, judgments = said.get(category, (0.0, 0))
        cells[category] = consensus.Cell(share, posterior, answers if together else judgments)
    return cells | ({} if together else left_over(project, {category: cells[category] for category in said}))


def left_over(project: Project, cells: Mapping[int, consensus.Cell]) -> dict[int, consensus.Cell]:
    """The one category left where people agree that an exclusive item is of none of the others.

    It counts no judgments of its own, and that is how it is known again.
    """
    if not project.exclusive:
        return {}
    rule = rule_of(project)
    out = {category: cell for category, cell in cells.items() if cell.share < 0.5 and consensus.agrees(cell, rule)}
    left = set(project.category_keys) - out.keys()
    if len(left) != 1 or not out or left & cells.keys():  # judged itself, it speaks for itself
        return {}
    doubt = max(cell.share for cell in out.values())
    return {left.pop(): consensus.Cell(1 - doubt, 1 - sum(cell.posterior for cell in out.values()), 0)}


def forget_left_over(project: Project) -> None:
    """What was agreed because one category only was left is open again: there is another one now."""
    if Consensus.objects.agreed().of_people().filter(project=project, judgments=0).delete()[0]:
        rating.count_all(project)


def agreed_by_people(project: Project, cells: Mapping[int, consensus.Cell], standing) -> Collection[int]:
    """The cells (of an exclusive item the one category) that meet the project's rule."""
    rule = rule_of(project)
    fixed = {category for category, row in standing.items() if row.source != Consensus.Source.PEOPLE}
    free = {category: cell for category, cell in cells.items() if category not in fixed}
    if not project.exclusive:
        return [category for category, cell in free.items() if consensus.agrees(cell, rule)]
    agreed = [category for category, row in standing.items() if row.agreed]
    if fixed & set(agreed):
        return []
    settled = consensus.settle(free, rule, standing=agreed[0] if agreed else None)
    left = [category for category, cell in free.items() if cell.share > 0.5 and not cell.judgments]
    return left if settled is None else [settled]


def close_if_idle(query: Query, value: float, price: int) -> None:
    """Of a query that was asked often enough to agree, note what one more answer would tell, and close it where that is
    not worth the price. Until then it keeps its rank: what nobody can agree on would have been asked in vain."""
    project = query.project
    bits = proposals.whole(len(project.category_keys), project.exclusive)
    idle = not proposals.worth_asking(value, price, project.item_worth, bits)
    often = Query.objects.open().filter(pk=query.pk, asked__gte=project.agree_count)
    often.update(value=value, **{"state": Query.State.CLOSED} if idle else {})


def close_if_answered(query: Query, settled: bool) -> bool:
    """Close a query whose cells are agreed, or of which no place is free and nobody's answer is awaited."""
    query = Query.objects.open().filter(pk=query.pk)
    if not settled:
        awaited = Assignment.objects.live().filter(query=OuterRef("pk"))
        query = query.filter(~Exists(awaited), asked__gte=F("wanted"))
    return bool(query.update(state=Query.State.CLOSED))


def renew_batch(project: Project, items: Collection[int], now: datetime) -> None:
    """Renew the consensus of these items from the rows, within the caller's transaction."""
    lock(items)
    judged = said_of(items)
    places = dict(Item.objects.filter(pk__in=items).values_list("pk", "row"))
    known = believing.reliabilities({said.worker for item in items for said in judged[item]})
    renew_items(project, judged, standing_of(items), places, known, now)
