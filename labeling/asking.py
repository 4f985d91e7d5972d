"""Who is asked what next: the most valuable open query, leased at a fixed reward; given back or expired, to others.

Rows are locked in one order everywhere, so that nobody waits in a circle: assignment, items, members, query, budget,
project.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from labeling import ending, qualifying, quoting, selecting
from labeling.claiming import TRIES, claim, claim_test
from labeling.models import Assignment, Item, Member, Project, Query, Report
from rewards import ledger

SENTENCES = {
    "set_aside": "Your answers in this project were set aside. Its admin can tell you why.",
    "on_hold": "Your work here rests: an admin wants to look at some answers first. What you have earned is yours.",
    "unqualified": "Thank you for taking the test. This project needs surer answers, so it has no queries for you. "
    "Its admin can still let you in.",
    "paused": "This project is paused. Come back later.",
    "archived": "This project is finished. Thank you for your answers.",
    "holding": "Answer what you hold first.",
    "budget": "The budget is used up for now. Your answers are safe and paid.",
    "today": "The money that this project spends in a day is spent for today. It goes on at midnight "
    f"({settings.TIME_ZONE}). Your answers are safe and paid.",
    "training": "The classifier is learning from the answers. New queries appear when it is done.",
    "choosing": "The next queries are being chosen. This takes a moment.",
    "others": "You have answered everything that is open to you. The rest waits for other people.",
    "reached": "The classifier is as sure as this project asks for. There is nothing left to ask.",
    "certified": "As many items are decided as this project asks for. There is nothing left to ask.",
    "spent": "This project has spent what it was to spend. Your answers are safe and paid.",
    "daily": "This project spends so little in a day that it can ask nobody. Your answers are safe and paid.",
    "worth": "Everything that is worth its reward has been asked. Thank you.",
    "done": "Everything has been asked. Thank you.",
    "unready": "This project has nothing to ask yet. Its admin is still preparing it.",
}

ENDED = ("budget", "reached", "certified", "spent", "daily", "worth", "done")


class NothingToAsk(Exception):
    """There is no query for this worker now; `code` and `sentence` say why."""

    def __init__(self, code: str):
        self.code, self.sentence = code, SENTENCES[code]
        super().__init__(self.sentence)


class NotHeld(Exception):
    """The assignment is not live any more: answered, given back or expired."""


def next_assignment(worker: Member, holding: Collection[int] = (), *, now: datetime) -> Assignment:
    """A live assignment not in `holding`, or a new one; raises NothingToAsk with the reason."""
    project = worker.project
    if code := barred(worker):
        raise NothingToAsk(code)
    if qualifying.untested(worker) and (test := next_of_test(worker, holding, now)):
        return test
    return (
        already_held(worker, holding, now)
        or lease(worker, holding, now)
        or (expire(now, project=project) and lease(worker, holding, now))
        or refuse(worker, now)
    )


def barred(worker: Member) -> str:
    """Why nothing is offered to this worker, whatever is open; or nothing."""
    if worker.set_aside:
        return "set_aside"
    if worker.paused:
        return "on_hold"
    if worker.project.state != Project.State.ACTIVE:
        return worker.project.state
    return "unqualified" if qualifying.failed(worker) else ""


def already_held(worker: Member, holding: Collection[int], now: datetime) -> Assignment | None:
    """A live assignment not in `holding`; raises NothingToAsk when the worker may hold no more. What is due expires."""
    held = list(held_by(worker))
    due = [assignment for assignment in held if assignment.expires <= now and not assignment.reopened]
    for assignment in due:
        expire_one(assignment, now)
    kept = [assignment for assignment in held if assignment not in due]
    free = [assignment for assignment in kept if assignment.pk not in holding]
    if len(kept) >= worker.project.ahead and not free:
        raise NothingToAsk("holding")
    for assignment in free[:1]:
        assignment.worker, assignment.query.project = worker, worker.project
    return free[0] if free else None


def held_by(worker: Member):
    """What this worker holds: the one reopened for correction, then live assignments, oldest first."""
    mine = Assignment.objects.filter(worker=worker)
    return (mine.live() | mine.filter(reopened=True)).order_by("-reopened", "pk")


def lease(worker: Member, holding: Collection[int], now: datetime) -> Assignment | None:
    """Claim the query most worth its reward and offer it; None if there is none, NothingToAsk if it cannot be paid."""
    _ = worker.project.budget  # read before the transaction: on SQLite nobody else writes while it lasts
    dear: list[int] = []
    code = "budget"
    while len(dear) < TRIES:
        try:
            found = claimed(worker, holding, dear, now)
        except TooDear as one:  # something cheaper may be affordable
            dear.append(one.query)
            code = one.code
        else:
            if found or not dear:
                return found
            break
    selecting.ring(worker.project, now, news=False)
    raise NothingToAsk(code)


class TooDear(Exception):
    """The budget, or its day, does not pay for this query; `code` says which."""

    def __init__(self, query: int, code: str):
        self.query, self.code = query, code


@transaction.atomic
def claimed(worker: Member, holding: Collection[int], dear: Collection[int], now: datetime) -> Assignment | None:
    """One claim and its offer, or neither."""
    if overtaken(worker, holding):
        return already_held(worker, holding, now)
    query = claim(worker, dear, now=now)
    try:
        return query and offer(query, worker, now)
    except ledger.BudgetExhausted as refusal:
        raise TooDear(query.pk, "today" if isinstance(refusal, ledger.DaySpent) else "budget") from None


def overtaken(worker: Member, holding: Collection[int]) -> bool:
    """Has another tab of this worker been quicker? One comes after the other."""
    if connection.features.has_select_for_update:
        list(Member.objects.select_for_update(no_key=True).filter(pk=worker.pk).values("pk"))
    live = Assignment.objects.live().filter(worker=worker).values_list("pk", flat=True)
    return bool(set(live) - set(holding)) or len(live) >= worker.project.ahead


def next_of_test(worker: Member, holding: Collection[int], now: datetime) -> Assignment | None:
    """What comes next in the qualification test; None when it is passed, NothingToAsk when it is not."""
    if not qualifying.over(worker) and (test := already_held(worker, holding, now) or tested(worker, holding, now)):
        return test
    if not qualifying.judge(worker, now):
        raise NothingToAsk("unqualified")
    return None


@transaction.atomic
def tested(worker: Member, holding: Collection[int], now: datetime) -> Assignment | None:
    """Lease gold as a part of the test: unpaid, and shown as what it is. None if there is none left."""
    if overtaken(worker, holding):
        return already_held(worker, holding, now)
    query = claim_test(worker)
    return query and leased(query, worker, now, reward=0, test=True)


def offer(query: Query, worker: Member, now: datetime) -> Assignment:
    """Lease a claimed query to this worker at the reward quoted now."""
    reward = quoting.quote(query, worker)
    reservation = ending.reserve(query.project, reward, f"query {query.pk}", now)
    return leased(query, worker, now, reward=reward, reservation=reservation)


def leased(query: Query, worker: Member, now: datetime, **fields) -> Assignment:
    expires = now + timedelta(seconds=query.project.lease_seconds)
    return Assignment.objects.create(query=query, worker=worker, offered=now, expires=expires, **fields)


def refuse(worker: Member, now: datetime):
    """Say why there is nothing, and ring for more where more can be chosen."""
    project = worker.project
    selecting.refill_if_low(project, now, news=False)
    project.refresh_from_db(fields=["refill_requested", "emptied"])
    if project.runs.pending().exists():
        raise NothingToAsk("training")
    if project.refill_requested:
        raise NothingToAsk("choosing")
    others = Query.objects.filter(project=project).open().exclude(purpose=Query.Purpose.GOLD)
    if project.emptied not in ("budget", "spent") and others.exists():
        raise NothingToAsk("others")
    raise NothingToAsk(project.emptied if project.emptied in ENDED else "unready")


def give_back(
    assignment: Assignment, reason: str = "skip", *, now: datetime, note: str = "", broken: Iterable[Item] = ()
) -> None:
    """Skip, cannot tell, or report `broken` items: the reservation is released and somebody else is asked."""
    with transaction.atomic():
        if not end(assignment, Assignment.State.GIVEN_BACK, now, reason=reason, note=note[:500]):
            raise NotHeld
        for item in sorted(broken, key=lambda item: item.pk):
            report(item, assignment.worker, note, now)
        Query.objects.filter(pk=assignment.query_id).update(asked=F("asked") - 1, given_back=F("given_back") + 1)
        Query.objects.open().filter(pk=assignment.query_id, asked=0, given_back__gte=Greatest(F("wanted"), 2)).update(
            state=Query.State.EXHAUSTED
        )
        ledger.void(assignment.reservation)
    selecting.refill_if_low(assignment.query.project, now)


def stop(worker: Member, *, now: datetime) -> int:
    """Let go of everything this worker holds, as if it had expired: no mark against it, and it may be offered again."""
    held = Assignment.objects.live().filter(worker=worker).select_related("reservation")
    return sum(expire_one(assignment, now) for assignment in held)


def report(item: Item, worker: Member, note: str, now: datetime) -> None:
    """As many reports as people must agree take an item out; its open queries are withdrawn with it."""
    Report.objects.get_or_create(item=item, worker=worker, defaults={"note": note[:500], "created": now})
    if item.reports.count() >= worker.project.agree_count:
        withdraw(item)


def withdraw(item: Item) -> None:
    Item.objects.filter(pk=item.pk).update(withdrawn=True)
    Query.objects.open().filter(items=item).update(state=Query.State.WITHDRAWN)


def restore(item: Item) -> None:
    """Take an item in again: what was reported is settled, so that one more report does not take it out at once."""
    with transaction.atomic():
        item.reports.all().delete()
        Item.objects.filter(pk=item.pk).update(withdrawn=False)


def end(assignment: Assignment, state: str, now: datetime, **fields) -> bool:
    """End a live assignment without an answer; says whether it was still live."""
    return bool(Assignment.objects.live().filter(pk=assignment.pk).update(state=state, finished=now, **fields))


def expire(now: datetime, limit: int = 200, **scope) -> int:
    """Release what was not answered in time (of one worker, of one project, or anywhere); says how many."""
    if "project" in scope:
        scope["query__project"] = scope.pop("project")
    due = Assignment.objects.live().filter(expires__lte=now, **scope).select_related("reservation")[:limit]
    return sum(expire_one(assignment, now) for assignment in due)


@transaction.atomic
def expire_one(assignment: Assignment, now: datetime) -> bool:
    """Let go of it; says whether it was still live."""
    if expired := end(assignment, Assignment.State.EXPIRED, now):
        Query.objects.filter(pk=assignment.query_id).update(asked=F("asked") - 1)
        ledger.void(assignment.reservation)
    return expired
