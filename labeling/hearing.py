"""What trusted workers said of some items, and what is stored of them: judgments and consensus as read, not judged."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from labeling.kinds import KINDS
from labeling.models import Assignment, Consensus, Judgment, Query, QueryCategory

IMPLYING = [kind.name for kind in KINDS.values() if kind.implied]
MEASURING = (Query.Purpose.EXAM, Query.Purpose.AUDIT)


class Said(NamedTuple):
    """What one worker said of one cell; `implied` where the cell was shown and not chosen, `blind` where people are
    to judge by themselves, since it measures the classifier."""

    assignment: int
    worker: int
    kind: str
    category: int
    degree: float
    implied: bool = False
    blind: bool = False


def said_of(items: Collection[int], known: Query | None = None) -> dict[int, list[Said]]:
    """Everything trusted workers said of these items in answers that make consensus, implied zeros included.

    known: a query whose categories have been read already.
    """
    answers, shown, explicit = {}, defaultdict(list), defaultdict(dict)
    for answer, worker, query, kind, purpose, item in (
        Assignment.objects.answered()
        .filter(query__query_items__item__in=items, worker__set_aside=False)
        .exclude(query__purpose=Query.Purpose.GOLD)
        .order_by("finished", "pk")
        .values_list("pk", "worker", "query", "query__kind", "query__purpose", "query__query_items__item")
    ):
        answers[answer] = worker, query, kind, purpose in MEASURING
        shown[answer].append(item)
    for answer, item, category, degree in (
        Judgment.objects.standing()
        .filter(assignment__in=answers, item__in=items)
        .values_list("assignment", "item", "category", "degree")
    ):
        explicit[answer, item][category] = degree
    offered = categories_of({query for _, query, kind, _ in answers.values() if kind in IMPLYING}, known)
    judged = defaultdict(list)
    for answer, (worker, query, kind, blind) in answers.items():
        for item in shown[answer]:  # an answer that chose nothing says no to all it was offered
            degrees = explicit[answer, item]
            judged[item] += [Said(answer, worker, kind, c, degree, False, blind) for c, degree in degrees.items()]
            rest = [c for c in offered[query] if c not in degrees]
            judged[item] += [Said(answer, worker, kind, c, 0.0, True, blind) for c in rest]
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


def standing_of(items: Collection[int]) -> dict[int, dict[int, Consensus]]:
    """What is stored of these items, {item: {category: row}}."""
    standing = {item: {} for item in items}
    for row in Consensus.objects.filter(item__in=items):
        standing[row.item_id][row.category_id] = row
    return standing


def verdicts_of(rows: Mapping[int, Mapping[int, Consensus]]) -> dict[int, dict[int, bool]]:
    """What is agreed of these items, {item: {category: side}}."""
    return {
        item: {category: row.degree >= 0.5 for category, row in cells.items() if row.agreed}
        for item, cells in rows.items()
    }
