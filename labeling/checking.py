"""Gold in the stream: which of it stands ready, and when it is asked in the place of a query that teaches.

A share of what each worker is asked is gold, at places nobody can foretell, each item once, the least used first. It
stands in for a real query and takes its price from it, so that neither reward nor time tells one from the other.
"""

import hmac
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F

from labeling import agreeing, believing, quoting
from labeling.board import Board
from labeling.disguises import SCARCE, Known, Shape
from labeling.hearing import Said, standing_of
from labeling.kinds import KINDS, Cell
from labeling.models import (
    Assignment,
    Consensus,
    Gold,
    Judgment,
    Member,
    Project,
    Query,
    QueryCategory,
    QueryItem,
)
from labeling.proposals import Proposal

READY = 30  # gold queries of a kind stand open beyond the length of a test: few, since each ask looks at all of them
WANTED = 1_000_000  # a gold query checks everybody

# --- when it is asked ------------------------------------------------------------------------------------------------


def due(worker: Member, query: Query, now: datetime) -> bool:
    """Does gold take this query's place? A keyed hash decides, so that nobody without the key can foretell it."""
    drawn = hmac.digest(
        settings.SECRET_KEY.encode(), f"gold {worker.pk} {query.pk} {now.timestamp()}".encode(), "sha256"
    )
    return int.from_bytes(drawn[:8]) < worker.project.gold_share * 2**64


def disguised(gold: Query, query: Query) -> Query:
    """The gold query at the price of the one in whose place it is asked; only size and length of text are its own."""
    gold.signals = query.signals | {name: gold.signals.get(name) for name in ("cells", "complexity")}
    return gold


def pretend(assignment: Assignment, degrees: Mapping[Cell, float], now: datetime) -> None:
    """Gold makes no consensus. What renewing one would take is done all the same, and changes nothing: neither the
    statements of an answer nor its time tell gold from the rest."""
    query, project = assignment.query, assignment.query.project
    if query.purpose != Query.Purpose.GOLD:
        return
    places = {item.pk: item.row for item in query.item_list}
    agreeing.lock(places)
    standing, judged = standing_of(places), defaultdict(list)
    for cell in query.cells():
        implied = cell not in degrees
        if not implied or KINDS[query.kind].implied:
            one = Said(assignment.pk, assignment.worker_id, query.kind, cell.category, degrees.get(cell, 0.0), implied)
            judged[cell.item].append(one)
    beliefs = believing.of(project)
    voices = believing.voices(beliefs, (said for item in places for said in judged[item]), {})
    heard = {item: believing.believe(beliefs, judged[item], voices, row) for item, row in places.items()}
    for item in places:
        agreeing.renewed(project, item, judged[item], heard[item], standing[item], now)
    agreeing.value_of(query, judged, heard)
    Consensus.objects.filter(item__in=places).update(judgments=F("judgments"))
    Query.objects.open().filter(pk=query.pk).update(value=F("value"))


# --- what stands ready -----------------------------------------------------------------------------------------------


def deal(project: Project, board: Board, rng: np.random.Generator) -> None:
    """Open gold in every kind that the open queries are of, the least used items first; the rest is put away."""
    rows = np.flatnonzero(board.gold)
    stream = shapes(project, board)
    if not len(rows) or not stream:
        return
    known = known_of(project, board)
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        forget_stale(project)
        for kind, found in stream.items():
            deal_kind(project, board, kind, found, known, rows, rng)
        gold_of(project).open().exclude(kind__in=stream).update(state=Query.State.CLOSED)


def gold_of(project: Project):
    return Query.objects.filter(project=project, purpose=Query.Purpose.GOLD)


def shapes(project: Project, board: Board) -> dict[str, list[Shape]]:
    """How many items and which columns the open queries of each kind show."""
    column = {category.pk: at for at, category in enumerate(board.categories)}
    queries = Query.objects.filter(project=project).open().exclude(purpose=Query.Purpose.GOLD)
    columns, items = defaultdict(list), defaultdict(int)
    for query, category in (
        QueryCategory.objects.filter(query__in=queries).order_by("pk").values_list("query", "category")
    ):
        columns[query].append(column[category])
    for query in QueryItem.objects.filter(query__in=queries).values_list("query", flat=True):
        items[query] += 1
    found = defaultdict(list)
    for query, kind in queries.order_by("pk").values_list("pk", "kind"):
        found[kind].append((items[query], tuple(columns[query])))
    return dict(found)


def forget_stale(project: Project) -> None:
    """Look-alikes that an earlier classifier named and nobody has seen."""
    unseen = gold_of(project).filter(asked=0, given_back=0).exclude(run=project.published_id)
    unseen.exclude(assignments__isnull=False).delete()


def deal_kind(project, board: Board, kind: str, found: Sequence[Shape], known: Known, rows, rng) -> None:
    """The least used gold of this kind is open, new where there is none of an item yet, and no other."""
    dealt = dealt_of(project, kind)
    item_use = defaultdict(int)
    for _, items, asked, _ in dealt:
        for item in items:
            item_use[item] += asked
    new = [row for row in rows if int(board.items[row]) not in item_use]
    use = [(asked, not is_open, rng.random(), pk) for pk, _, asked, is_open in dealt]
    ready = READY + project.test_length
    room = max(0, ready - sum(asked == 0 for asked, *_ in use))
    some = rng.permutation(new)[: max(room, SCARCE * project.grid)]
    made = KINDS[kind].check(known, some, found, rng)[:room] if new else []
    fresh = publish(project, board, made)
    chosen = [pk for *_, pk in sorted(use)[: ready - len(fresh)]]
    standing = gold_of(project).filter(kind=kind, asked__lt=F("wanted"))
    standing.filter(pk__in=chosen).update(state=Query.State.OPEN)
    standing.open().exclude(pk__in=[*chosen, *fresh]).update(state=Query.State.CLOSED)


def dealt_of(project: Project, kind: str) -> list[tuple[int, list[int], int, bool]]:
    """(query, its items, times asked, is it open) of all gold ever dealt in this kind of items still there."""
    queries = gold_of(project).filter(kind=kind, asked__lt=F("wanted"))
    items = defaultdict(list)
    shown = QueryItem.objects.filter(query__in=queries).values_list("query", "item", "item__withdrawn")
    broken = {query for query, _, withdrawn in shown if withdrawn}
    for query, item, _ in shown:
        items[query].append(item)
    rows = queries.exclude(pk__in=broken).values_list("pk", "asked", "state")
    return [(pk, items[pk], asked, state == Query.State.OPEN) for pk, asked, state in rows]


def publish(project: Project, board: Board, made: Sequence[Proposal]) -> list[int]:
    """Open these; returns their keys. They claim no cells: gold is asked for nothing else."""
    facts = quoting.facts_ahead(project, made, board.items, {})
    queries = Query.objects.bulk_create(
        Query(
            project=project,
            kind=one.kind,
            value=0.0,
            wanted=WANTED,
            purpose=Query.Purpose.GOLD,
            reason=one.reason,
            run_id=project.published_id,
            signals=signals,
        )
        for one, signals in zip(made, facts, strict=True)
    )
    QueryItem.objects.bulk_create(
        QueryItem(query=query, item_id=int(board.items[row]))
        for query, one in zip(queries, made, strict=True)
        for row in one.rows
    )
    QueryCategory.objects.bulk_create(
        QueryCategory(query=query, category=board.categories[column])
        for query, one in zip(queries, made, strict=True)
        for column in one.columns
    )
    return [query.pk for query in queries]


# --- what is known of it ---------------------------------------------------------------------------------------------


def known_of(project: Project, board: Board) -> Known:
    """The truth of gold, and what the classifier and people take it for."""
    place = {int(pk): at for at, pk in enumerate(board.items)}
    column = {category.pk: at for at, category in enumerate(board.categories)}
    truth = np.full(board.probability.shape, np.nan)
    for item, category, degree in Gold.objects.filter(item__project=project).values_list("item", "category", "degree"):
        truth[place[item], column[category]] = degree
    taken = confusions(project, truth, place, column)
    likely = board.probability + (truth >= 0.5) @ taken
    return Known(truth, likely, project.exclusive)


def confusions(project: Project, truth: np.ndarray, place, column) -> np.ndarray:
    """(C, C) share of wrong yeses that went to the column, among those about gold of the row's category."""
    wrong = np.zeros((truth.shape[1], truth.shape[1]))
    said = Judgment.objects.standing().filter(
        assignment__query__project=project, assignment__query__purpose=Query.Purpose.GOLD, degree__gt=0.5
    )
    for item, category in said.values_list("item", "category"):
        row, at = truth[place[item]], column[category]
        if row[at] < 0.5:
            wrong[np.flatnonzero(row >= 0.5), at] += 1
    return wrong / np.maximum(wrong.sum(axis=1, keepdims=True), 1)
