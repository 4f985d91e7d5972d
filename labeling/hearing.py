"""What trusted workers said of some items, and what is stored of them: judgments and consensus as read, not judged."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from labeling.kinds import KINDS
from labeling.models import Assignment, Consensus, Judgment, Query, QueryCategory

IMPLYING = [kind.name for kind in KINDS.values() if kind.implied]


class Said(NamedTuple):
    """What one worker said of one cell; `implied` where the cell was shown and not chosen."""

    assignment: int
    worker: int
    rating: float
    category: int
    degree: float
    implied: bool


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
