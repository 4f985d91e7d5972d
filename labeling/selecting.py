"""Refill: confidence -> proposals -> quotes -> chosen within the budget -> open queries. No money moves here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django_q.tasks import async_task

from labeling import accepting, checking, ending, pacing, proposals, quoting, surveying
from labeling.board import Board, read
from labeling.kinds import KINDS
from labeling.models import Consensus, Project, Query, QueryCategory, QueryItem
from labeling.proposals import Doubt, Proposal
from rewards.models import MOST

LOW = 3  # the queue is low when no more than a third of it is fresh
HEAP = 4  # at most so many queue sizes are open, those waiting for further people included
PATIENCE = timedelta(minutes=2)  # a refill that was rung for and did not come is rung for again
REST = timedelta(minutes=1)  # after a refill that opened nothing, only news rings again sooner
PLAIN = proposals.close_calls, proposals.hard_items, proposals.weak_categories
POLICIES = {  # who proposes, and who chooses among the proposals
    Project.Policy.PLANNER: ([kind.propose for kind in KINDS.values()], proposals.by_worth),
    Project.Policy.THRESHOLDS: (PLAIN, proposals.in_turns),
    Project.Policy.LOWEST: (PLAIN, proposals.lowest_first),
    Project.Policy.CHEAPEST: (PLAIN, proposals.cheapest_first),
    Project.Policy.DEAREST: (PLAIN, proposals.dearest_first),
    Project.Policy.FULLEST: (PLAIN, proposals.fullest),
    Project.Policy.MARGIN: ([proposals.margin], proposals.in_turns),
    Project.Policy.RANDOM: ([proposals.random_items], proposals.in_turns),
}


@dataclass(frozen=True)
class Refill:
    """What one refill did; `code` says why nothing was opened to teach, if nothing was."""

    opened: int = 0
    withdrawn: int = 0
    code: str = ""

    @property
    def reason(self) -> str:
        return NOTHING.get(self.code, "")


@dataclass(frozen=True)
class Draft:
    """A query not yet in the database: a proposal, what it serves, how it came to be drawn."""

    proposal: Proposal
    purpose: str
    value: float
    wanted: int
    drawn: float = 1.0


def refill_if_low(project: Project, now: datetime, news: bool = True) -> bool:
    """Ring for a refill when few fresh queries are left.

    news: something has changed since the last refill. Without, one that opened nothing is not repeated at once.
    """
    least = project.queue_size // LOW
    if Query.objects.filter(project=project).fresh().values_list("pk")[least : least + 1]:
        return False
    return ring(project, now, news)


def ring(project: Project, now: datetime, news: bool = True) -> bool:
    """Ask the cluster for a refill; a bell that rings already is not rung again."""
    silent = Q(refill_requested=None) | Q(refill_requested__lt=now - PATIENCE)
    if not news:
        silent &= Q(emptied="") | Q(refilled=None) | Q(refilled__lt=now - REST)
    rung = Project.objects.active().filter(silent, pk=project.pk).update(refill_requested=now)
    if rung:
        async_task("labeling.tasks.refill", project.pk)
    return bool(rung)


def look_again(project: Project, now: datetime) -> bool:
    """Ring after the project's terms were changed, if there was nothing to ask by the old ones."""
    return bool(project.emptied) and ring(project, now)


def refill(project: Project, *, random_state: int | None = None) -> Refill:
    """Open the queries most worth asking, up to the queue's size and the money; withdraw those of an earlier run."""
    done = Refill()
    try:
        done = refilled(project, np.random.default_rng(random_state))
        return done
    finally:
        Project.objects.filter(pk=project.pk).update(refill_requested=None, refilled=timezone.now(), emptied=done.code)


def refilled(project: Project, rng: np.random.Generator) -> Refill:
    project.refresh_from_db()
    pacing.measure(project, quoting.median_ratings(project))
    withdrawn = withdraw_stale(project)
    if code := why_closed(project):
        return Refill(0, withdrawn, code)
    accepting.proceed(project)
    if (room := room_in(project)) <= 0:
        return Refill(0, withdrawn, "full")
    board = read(project)
    doubt = doubt_of(project, board)
    sure = ending.reached(project, board)
    exam = draw(project, replace(doubt, askable=board.exam), int(rng.binomial(room, project.exam_share)), rng)
    audit = auditing(project, board, doubt, room - len(exam), bool(sure), rng)
    rest = sure or accepting.resting(project)
    drafts = [] if rest else choose(project, board, doubt, room - len(exam), rng)
    values = [draft.value for draft in drafts] or [0.0]
    opened = publish(project, board, drafts + examining(project, exam, values, rng) + audit)
    checking.deal(project, board, rng)
    return Refill(opened, withdrawn, sure or ("" if opened else exhausted(project, not rest and in_doubt(doubt))))


def room_in(project: Project) -> int:
    """How many queries may be opened: until the queue is full of fresh ones, or the heap of waiting ones too high."""
    queries = Query.objects.filter(project=project)
    waiting = queries.open().exclude(purpose=Query.Purpose.GOLD).count()
    return min(project.queue_size - queries.fresh().count(), HEAP * project.queue_size - waiting)


def promised(project: Project) -> int:
    """What the open queries will still cost, beyond what is reserved, until as many have answered as must agree."""
    waiting = Query.objects.filter(project=project).open().exclude(purpose=Query.Purpose.GOLD)
    rows = waiting.filter(asked__lt=project.agree_count).values_list("kind", "signals", "asked")
    prices = quoting.quote_ahead(project, [(kind, signals) for kind, signals, _ in rows])
    return sum(price * (project.agree_count - asked) for price, (*_, asked) in zip(prices, rows, strict=True))


def doubt_of(project: Project, board: Board) -> Doubt:
    return Doubt(
        probability=board.posterior,
        exclusive=project.exclusive,
        askable=board.askable,
        names=tuple(category.name for category in board.categories),
        certain=accepting.certain(project),
        hard=project.hard,
        grid=project.grid,
        judged=board.judged,
        mass=board.mass,
        graph=board.graph,
        rates=board.rates,
    )


def choose(project: Project, board: Board, doubt: Doubt, room: int, rng: np.random.Generator) -> list[Draft]:
    """Those most worth their price; before any classifier is published, typical items, or by the plain rules items at
    random (the naive start)."""
    money = max(0, quoting.left(project) - promised(project)) // project.agree_count
    price, drawn, purpose = partial(quotes, project, board), 1.0, Query.Purpose.TEACH
    if project.published_id:
        picked = proposals.plan(doubt, price, money, room, rng, project.item_worth, *POLICIES[project.policy])
    elif project.policy == Project.Policy.PLANNER:
        known = surveying.surveyed(project, board, doubt, rng)
        picked = proposals.plan(known, price, money, room, rng, None, [proposals.typical])
    else:
        found = draw(project, doubt, room, rng)
        drawn, purpose = len(found) / max(1, int(doubt.askable.any(axis=1).sum())), Query.Purpose.RANDOM
        picked = [found[at] for at in proposals.in_turns(found, price(found), money, room)]
    return [Draft(one, purpose, one.value, project.wanted, drawn) for one in picked]


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


def auditing(project: Project, board: Board, doubt: Doubt, room: int, sure: bool, rng) -> list[Draft]:
    """Audit queries, asked as exam queries are, of the items that the audit under way draws."""
    drawn = accepting.drawn(project, board, sure, timezone.now())
    people, reason = accepting.people(project), "drawn at random to audit the classifier"
    found = draw(project, replace(doubt, askable=drawn), room, rng)
    return [Draft(replace(one, reason=reason), Query.Purpose.AUDIT, 0.0, people) for one in found]


def quotes(project: Project, board: Board, found: Sequence[Proposal]) -> list[int]:
    """What one answer to each proposal costs, quoted for the median worker; out of reach where no day pays for it."""
    facts = quoting.facts_ahead(project, found, board.items, quoting.conditions(project))
    prices = quoting.quote_ahead(project, [(one.kind, of) for one, of in zip(found, facts, strict=True)])
    most = project.budget.daily_limit
    return prices if most is None else [price if price <= most else MOST + 1 for price in prices]


def publish(project: Project, board: Board, drafts: Sequence[Draft]) -> int:
    """Open the queries; what another refill opened meanwhile is left out."""
    shown, shared = [draft.proposal for draft in drafts], quoting.conditions(project)
    drafts = list(zip(drafts, quoting.facts_ahead(project, shown, board.items, shared), strict=True))
    with transaction.atomic():
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        taken = claimed(project, board)
        drafts = [(draft, facts) for draft, facts in drafts if taken.isdisjoint(draft.proposal.claims())]
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
                signals=facts,
            )
            for draft, facts in drafts
        )
        QueryItem.objects.bulk_create(
            QueryItem(query=query, item_id=int(board.items[row]))
            for query, (draft, _) in zip(queries, drafts, strict=True)
            for row in draft.proposal.rows
        )
        QueryCategory.objects.bulk_create(
            QueryCategory(query=query, category=board.categories[column])
            for query, (draft, _) in zip(queries, drafts, strict=True)
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
    """What an earlier classifier wanted and nobody was asked, what is too dear now, and what is agreed meanwhile."""
    teaching = Query.objects.filter(project=project).open().teaching()
    unwanted = teaching.filter(asked=0).exclude(run=project.published_id)
    withdrawn = unwanted.update(state=Query.State.WITHDRAWN)
    withdrawn += teaching.filter(pk__in=too_dear(project)).update(state=Query.State.WITHDRAWN)
    if project.exclusive:
        agreed = Consensus.objects.agreed().filter(item=OuterRef("item"))
        doubtful = QueryItem.objects.filter(~Exists(agreed), query=OuterRef("pk"))
        withdrawn += teaching.filter(~Exists(doubtful)).update(state=Query.State.WITHDRAWN)
    return withdrawn


def too_dear(project: Project) -> list[int]:
    """Fresh queries that what is left does not pay for: they would only stand before others."""
    fresh = Query.objects.filter(project=project).fresh().teaching().values_list("pk", "kind", "signals")
    prices = quoting.quote_ahead(project, [(kind, signals) for _, kind, signals in fresh])
    most = quoting.largest_offer(project)
    return [pk for (pk, *_), price in zip(fresh, prices, strict=True) if price > most]


# --- why there is nothing to ask -------------------------------------------------------------------------------------

NOTHING = {
    "paused": "The project is paused.",
    "archived": "The project is archived.",
    "categories": "There are too few categories to ask about.",
    "items": "There are no items yet.",
    "full": "The queue is full.",
    "budget": "The budget does not pay for another query.",
    **ending.SENTENCES,
    "daily": "A day may not spend as much as one answer costs. Raise its limit on the page of money.",
    "worth": "What is left in doubt would cost more than it would settle of what knowing an item is worth to you.",
    "done": "Nothing is left that is worth asking.",
}
ENDS = (*ending.SENTENCES, "budget", "daily", "worth", "done")


def why_closed(project: Project) -> str:
    """The code of what keeps this project from asking anything, or nothing."""
    if project.state != Project.State.ACTIVE:
        return project.state
    if project.columns < (2 if project.exclusive else 1):
        return "categories"
    return "" if project.rows else "items"


def ended(project: Project) -> str:
    """Why asking has ended, in a sentence; nothing while it goes on."""
    return NOTHING[project.emptied] if project.emptied in ENDS else ""


def in_doubt(doubt: Doubt) -> bool:
    return bool((doubt.some & (doubt.confidence < doubt.certain)).any())


def exhausted(project: Project, doubtful: bool) -> str:
    """What has come to its end where no target is reached: doubt, what asking is worth, or money."""
    if quoting.affordable(project):
        return "worth" if doubtful and project.item_worth is not None else "done"
    if quoting.left(project) >= quoting.cheapest(project):
        return "daily"
    return "spent" if quoting.left(project) < project.budget.available else "budget"
