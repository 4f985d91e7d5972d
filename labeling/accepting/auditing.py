"""What an audit's people say of each item: the answer that leads by as many people as the audit asks for, or none.

Read from the answers to audit queries alone, one person one voice, whatever else was said of the item before.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Count, Exists, F, OuterRef, Q

from labeling.models import Assignment, Audit, Judgment, Query, QueryCategory, QueryItem

ABSENCE = timedelta(days=1)
PLACES = 4  # times its lead: as many people are asked about one item at most
Answer = frozenset[int]  # the categories one person says an item belongs to, by primary keys


class Finding(NamedTuple):
    """What was found of one item. answer: the categories it belongs to, None if nobody's answer leads enough."""

    row: int
    waiting: bool
    answer: Answer | None


def places(lead: int) -> int:
    """How many people are asked about an item whose answers never come to lead."""
    return PLACES * lead


def leader(answers: Sequence[Answer], lead: int, exclusive: bool, offered: Collection[int]) -> Answer | None:
    """The answer that leads by so many people: over every other one, or of several categories over no in each."""
    if exclusive:
        (best, most), (_, second) = [*Counter(answers).most_common(2), (None, 0), (None, 0)][:2]
        return best if most - second >= lead else None
    yes = Counter(category for answer in answers for category in answer)
    margins = {category: 2 * yes[category] - len(answers) for category in offered}
    decided = all(abs(margin) >= lead for margin in margins.values())
    return frozenset(category for category, margin in margins.items() if margin > 0) if decided else None


def findings(audit: Audit) -> list[Finding]:
    """Of every item drawn so far. Nothing is waited for where a query was closed, given up or taken out."""
    queries = Query.objects.filter(run=audit.run_id, purpose=Query.Purpose.AUDIT)
    rows = dict(QueryItem.objects.filter(query__in=queries).values_list("query", "item__row"))
    states = dict(queries.values_list("pk", "state"))
    answers, offered = answers_to(queries), offered_by(queries)
    found = {pk: leader(answers[pk], audit.lead, audit.project.exclusive, offered[pk]) for pk in rows}
    return [Finding(rows[pk], states[pk] == Query.State.OPEN and found[pk] is None, found[pk]) for pk in rows]


def answers_to(queries) -> dict[int, list[Answer]]:
    """{query: what each person said}, of people whose judgments count."""
    counted = Assignment.objects.answered().filter(query__in=queries, worker__set_aside=False)
    chosen = defaultdict(set)
    yes = Judgment.objects.standing().filter(assignment__in=counted, degree__gte=0.5)
    for assignment, category in yes.values_list("assignment", "category"):
        chosen[assignment].add(category)
    answers = defaultdict(list)
    for assignment, query in counted.values_list("pk", "query"):
        answers[query].append(frozenset(chosen[assignment]))
    return answers


def offered_by(queries) -> dict[int, list[int]]:
    offered = defaultdict(list)
    for query, category in QueryCategory.objects.filter(query__in=queries).values_list("query", "category"):
        offered[query].append(category)
    return offered


def settled(query: Query, agreed: bool) -> bool:
    """Is enough said for this query to close? An audit asks its own people, also where others agreed before."""
    if query.purpose != Query.Purpose.AUDIT:
        return agreed
    audit = Audit.objects.filter(run=query.run_id, run__isnull=False).first()
    offered = [category.pk for category in query.category_list]
    answers = answers_to([query.pk])[query.pk]
    return leader(answers, audit.lead if audit else 1, query.project.exclusive, offered) is not None


def reopen(audit: Audit) -> int:
    """Ask again where a closed query has lost answers, since who gave them was set aside meanwhile."""
    lost = Assignment.objects.answered().filter(query=OuterRef("pk"), worker__set_aside=True)
    said = Count("assignments", Q(assignments__state="answered", assignments__worker__set_aside=False))
    closed = Query.objects.filter(Exists(lost), run=audit.run_id, purpose=Query.Purpose.AUDIT, state="closed")
    again, answers = 0, answers_to(closed)
    for query in closed.annotate(said=said).filter(said__lt=F("wanted")).prefetch_related("categories"):
        offered = [category.pk for category in query.categories.all()]
        if leader(answers[query.pk], audit.lead, audit.project.exclusive, offered) is None:
            mine = Query.objects.filter(pk=query.pk, state=Query.State.CLOSED)
            again += mine.update(state=Query.State.OPEN, asked=query.said)
    return again


def give_up(audit: Audit) -> int:
    """Wait no longer for answers: what nobody has decided by now counts as wrong. Says of how many items."""
    reason = "the audit was looked at before people had decided this"
    return waiting(audit).update(state=Query.State.EXHAUSTED, reason=reason)


def give_up_where_nobody_is_left(audit: Audit, now: datetime) -> int:
    """An item about which every worker was asked, and none is at it, stays undecided. Says of how many items.

    Who has not come for a day is not waited for, as long as somebody comes.
    """
    items = dict(QueryItem.objects.filter(query__in=waiting(audit)).values_list("query", "item"))
    held = Assignment.objects.filter(query__query_items__item__in=items.values(), state__in=Assignment.HELD)
    held = held.filter(worker__set_aside=False)
    asked, busy, fresh = defaultdict(set), set(), set()
    for item, worker, state, offered in held.values_list("query__query_items__item", "worker", "state", "offered"):
        asked[item].add(worker)
        busy |= {item} if state == Assignment.State.LIVE else set()
        fresh |= {item} if offered > now - ABSENCE else set()
    workers = audit.project.members.workers().present().trusted()
    everybody = set(workers.values_list("pk", flat=True))
    came = set(workers.filter(assignments__offered__gt=now - ABSENCE).values_list("pk", flat=True))
    left = [
        query
        for query, item in items.items()
        if item not in busy and (asked[item] >= everybody or (came and item not in fresh and asked[item] >= came))
    ]
    done = waiting(audit).filter(pk__in=left)
    return done.update(state=Query.State.EXHAUSTED, reason="everybody was asked, and no answer led")


def waiting(audit: Audit):
    return Query.objects.open().filter(run=audit.run_id, purpose=Query.Purpose.AUDIT)
