"""Refill: confidence -> proposals -> quotes -> chosen within the budget -> open queries. No money moves here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.db.models import Q
from django_q.tasks import async_task

from labeling import proposals, quoting
from labeling.board import Board, read
from labeling.kinds import KINDS
from labeling.models import Item, Media, Project, Query, QueryCategory, QueryItem
from labeling.proposals import Doubt, Proposal

LOW = 3  # the queue is low when no more than a third of it is fresh
PATIENCE = timedelta(minutes=2)  # a refill that was rung for and did not come is rung for again
GOLD_WANTED = 1000  # a gold query checks everybody
POLICIES = {
    Project.Policy.PLANNER: [kind.propose for kind in KINDS.values()],
    Project.Policy.MARGIN: [proposals.margin],
    Project.Policy.RANDOM: [proposals.random_items],
}


@dataclass(frozen=True)
class Refill:
    """What one refill did; `reason` says why nothing was opened, if nothing was."""

    opened: int = 0
    withdrawn: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Draft:
    """A query not yet in the database: a proposal, what it serves, how it came to be drawn."""

    proposal: Proposal
    purpose: str
    value: float
    wanted: int
    drawn: float = 1.0


def refill_if_low(project: Project, now: datetime) -> bool:
    """Ring for a refill when few fresh queries are left; a bell that rings already is not rung again."""
    least = project.queue_size // LOW
    if Query.objects.filter(project=project).fresh().values_list("pk")[least : least + 1]:
        return False
    silent = Q(refill_requested=None) | Q(refill_requested__lt=now - PATIENCE)
    rung = Project.objects.active().filter(silent, pk=project.pk).update(refill_requested=now)
    if rung:
        async_task("labeling.tasks.refill", project.pk)
    return bool(rung)


def refill(project: Project, *, random_state: int | None = None) -> Refill:
    """Open the queries most worth asking, up to the queue's size and the money; withdraw those of an earlier run."""
    try:
        return refilled(project, np.random.default_rng(random_state))
    finally:
        Project.objects.filter(pk=project.pk).update(refill_requested=None)


def refilled(project: Project, rng: np.random.Generator) -> Refill:
    project.refresh_from_db()
    withdrawn = withdraw_stale(project)
    if reason := why_closed(project):
        return Refill(0, withdrawn, reason)
    room = project.queue_size - Query.objects.filter(project=project).fresh().count()
    if room <= 0:
        return Refill(0, withdrawn, "The queue is full.")
    board = read(project)
    doubt = doubt_of(project, board)
    exam = draw(project, replace(doubt, askable=board.exam), int(rng.binomial(room, project.exam_share)), rng)
    drafts = [] if reached(project) else choose(project, board, doubt, room - len(exam), rng)
    values = [draft.value for draft in drafts] or [0.0]
    measuring = examining(project, exam, values, rng) + checking(project, board, doubt, values, rng)
    opened = publish(project, board, drafts + measuring)
    return Refill(opened, withdrawn, "" if opened else NOTHING[why_empty(project)])


def doubt_of(project: Project, board: Board) -> Doubt:
    return Doubt(
        probability=board.probability,
        exclusive=project.exclusive,
        askable=board.askable,
        names=tuple(category.name for category in board.categories),
        certain=project.certain,
        hard=project.hard,
        grid=project.grid,
    )


def choose(project: Project, board: Board, doubt: Doubt, room: int, rng: np.random.Generator) -> list[Draft]:
    """Those most worth their price; before any classifier is published, items at random (the naive start)."""
    if project.published_id is None:
        found = draw(project, doubt, room, rng)
        drawn, purpose = len(found) / max(1, int(doubt.askable.any(axis=1).sum())), Query.Purpose.RANDOM
    else:
        found = [proposal for propose in POLICIES[project.policy] for proposal in propose(doubt, 2 * room, rng)]
        drawn, purpose = 1.0, Query.Purpose.TEACH
    picked = proposals.choose(found, quotes(project, board, found), project.budget.available, room)
    return [Draft(found[at], purpose, found[at].value, project.wanted, drawn) for at in picked]


def draw(project: Project, doubt: Doubt, count: int, rng: np.random.Generator) -> list[Proposal]:
    """Items uniformly at random among those askable."""
    return proposals.random_items(doubt, count, rng) if count > 0 and doubt.askable.any() else []


def examining(project: Project, exam: Sequence[Proposal], values, rng: np.random.Generator) -> list[Draft]:
    """Exam queries, worth as much as a query beside them, so that they are asked among the others."""
    reason = "drawn at random to measure accuracy"
    return [
        Draft(replace(one, reason=reason), Query.Purpose.EXAM, rng.choice(values), project.wanted, project.exam_share)
        for one in exam
    ]


def checking(project: Project, board: Board, doubt: Doubt, values, rng: np.random.Generator) -> list[Draft]:
    """Gold queries, kept open for everybody, as many as the project's share of the queue."""
    standing = Query.objects.open().filter(project=project, purpose=Query.Purpose.GOLD)
    asked = set(QueryItem.objects.filter(query__in=standing).values_list("item", flat=True))
    free = board.gold & ~np.isin(board.items, list(asked))
    count = int(np.ceil(project.gold_share * project.queue_size)) - len(asked)
    return [
        Draft(
            replace(one, reason="its truth is known: checks workers"),
            Query.Purpose.GOLD,
            rng.choice(values),
            GOLD_WANTED,
        )
        for one in draw(project, replace(doubt, askable=free), count, rng)
    ]


def quotes(project: Project, board: Board, found: Sequence[Proposal]) -> list[int]:
    """What each proposal costs until as many have answered as must agree, quoted for the median worker."""
    shared, texts = quoting.conditions(project), texts_of(project, board, found)
    prices = quoting.quote_ahead(project, [facts(proposal, texts, shared) for proposal in found])
    return [project.agree_count * price for price in prices]


def facts(proposal: Proposal, texts: Mapping[int, str], shared: Mapping) -> dict:
    words = [texts[row] for row in proposal.rows if row in texts]
    return quoting.facts(proposal.value, len(proposal.rows) * len(proposal.columns), words, shared)


def texts_of(project: Project, board: Board, found: Sequence[Proposal]) -> dict[int, str]:
    """Texts of the proposed items by row of the board; only text has a length to price."""
    if project.media != Media.TEXT:
        return {}
    rows = {int(board.items[row]): row for proposal in found for row in proposal.rows}
    return {rows[pk]: text for pk, text in Item.objects.filter(pk__in=rows).values_list("pk", "text")}


def publish(project: Project, board: Board, drafts: Sequence[Draft]) -> int:
    """Open the queries; what another refill opened meanwhile is left out."""
    shared, texts = quoting.conditions(project), texts_of(project, board, [draft.proposal for draft in drafts])
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        taken = claimed(project, board)
        drafts = [draft for draft in drafts if taken.isdisjoint(draft.proposal.claims())]
        queries = Query.objects.bulk_create(
            Query(
                project=project,
                kind=draft.proposal.kind,
                value=float(draft.value),
                wanted=draft.wanted,
                purpose=draft.purpose,
                drawn=draft.drawn,
                reason=draft.proposal.reason,
                run_id=project.published_id,
                signals=facts(draft.proposal, texts, shared),
            )
            for draft in drafts
        )
        QueryItem.objects.bulk_create(
            QueryItem(query=query, item_id=int(board.items[row]))
            for query, draft in zip(queries, drafts, strict=True)
            for row in draft.proposal.rows
        )
        QueryCategory.objects.bulk_create(
            QueryCategory(query=query, category=board.categories[column])
            for query, draft in zip(queries, drafts, strict=True)
            for column in draft.proposal.columns
        )
    return len(queries)


def claimed(project: Project, board: Board) -> set:
    """What open queries hold, in the words of `Proposal.claims`: rows of exclusive items, else (row, column)."""
    cells = QueryItem.objects.filter(query__in=Query.objects.filter(project=project).open())
    cells = set(cells.values_list("item", "query__query_categories__category"))
    rows = np.flatnonzero(np.isin(board.items, [item for item, _ in cells]))
    place = {int(board.items[row]): int(row) for row in rows}
    column = {category.pk: at for at, category in enumerate(board.categories)}
    held = {(place[item], column[category]) for item, category in cells if item in place and category in column}
    return {row for row, _ in held} if project.exclusive else held


def withdraw_stale(project: Project) -> int:
    """Queries that an earlier classifier wanted and nobody has been asked yet."""
    teaching = Query.objects.filter(project=project, purpose__in=(Query.Purpose.TEACH, Query.Purpose.RANDOM)).fresh()
    return teaching.exclude(run=project.published_id).update(state=Query.State.WITHDRAWN)


# --- why there is nothing to ask -------------------------------------------------------------------------------------

NOTHING = {
    "budget": "The budget does not pay for another query.",
    "reached": "The mean confidence has reached the project's target.",
    "done": "Nothing is left that is worth asking.",
}


def why_closed(project: Project) -> str:
    if project.state != Project.State.ACTIVE:
        return f"The project is {project.get_state_display().lower()}."
    if project.columns < (2 if project.exclusive else 1):
        return "There are too few categories to ask about."
    if not project.rows:
        return "There are no items yet."
    return ""


def why_empty(project: Project) -> str:
    if not quoting.affordable(project):
        return "budget"
    return "reached" if reached(project) else "done"


def reached(project: Project) -> bool:
    """Is the classifier as sure, on average over items not agreed, as the project asks for?"""
    if project.published is None:
        return False
    mean = project.published.metrics.get("mean_confidence")
    return mean is not None and mean >= project.target_confidence
