"""What is known of items before anybody is asked -> consensus of source `import`, and gold.

A known category outranks people, trains and is never asked about; gold only checks workers. What is known once stays: a
later import that contradicts it is named, not believed.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from labeling.models import Consensus, Gold, Project, Query

Cells = dict[int, dict[int, float]]  # {item: {category: degree}}, by primary keys


class Learned(NamedTuple):
    """Items whose categories are newly known, whose gold is, and those that contradict what is known already."""

    known: Collection[int]
    gold: Collection[int]
    contradicted: Collection[int]


def learn(
    project: Project, known: Mapping[int, Sequence[int]], gold: Mapping[int, Sequence[int]], *, now: datetime
) -> Learned:
    """Write known categories and gold, {item: its categories}; in the caller's transaction.

    The categories not named are known too: the item does not belong to them.
    """
    categories = list(project.categories.values_list("pk", flat=True))
    fixed = standing(Consensus.objects.exclude(source=Consensus.Source.PEOPLE).exclude(agreed=None), known)
    known, contradicted = news(rectangles(known, categories), fixed)
    gold, wrong = news(rectangles(gold, categories), standing(Gold.objects.all(), gold))
    contradicted |= wrong
    known = write_known(project, {item: row for item, row in known.items() if item not in contradicted}, now)
    gold = write_gold({item: row for item, row in gold.items() if item not in contradicted})
    withdraw(project, known | gold)
    return Learned(known, gold, contradicted)


def rectangles(named: Mapping[int, Sequence[int]], categories: Sequence[int]) -> Cells:
    return {item: {category: float(category in chosen) for category in categories} for item, chosen in named.items()}


def standing(rows, items: Collection[int]) -> Cells:
    found = defaultdict(dict)
    for item, category, degree in rows.filter(item__in=items).values_list("item", "category", "degree"):
        found[item][category] = degree
    return found


def news(cells: Cells, before: Cells) -> tuple[Cells, set[int]]:
    """The cells not known before, and the items of which something else is known."""
    contradicted = {
        item
        for item, row in cells.items()
        if any((before[item].get(category, degree) >= 0.5) != (degree >= 0.5) for category, degree in row.items())
    }
    fresh = {item: {c: degree for c, degree in row.items() if c not in before[item]} for item, row in cells.items()}
    return {item: row for item, row in fresh.items() if row}, contradicted


def write_known(project: Project, cells: Cells, now: datetime) -> set[int]:
    """Of an exclusive item the one category is written, which settles its row. Returns the items written."""
    fields = {"project": project, "agreed": now, "exclusive": project.exclusive, "source": Consensus.Source.IMPORT}
    rows = [
        Consensus(item_id=item, category_id=category, degree=degree, share=degree, posterior=degree, **fields)
        for item, row in cells.items()
        for category, degree in row.items()
        if degree or not project.exclusive
    ]
    items = {row.item_id for row in rows}
    if project.exclusive:  # what people agreed on gives way
        Consensus.objects.agreed().of_people().filter(item__in=items).update(agreed=None)
    Consensus.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["item", "category"],
        update_fields=["degree", "share", "posterior", "agreed", "source"],  # how many people judged it stays true
    )
    return items


def write_gold(cells: Cells) -> set[int]:
    Gold.objects.bulk_create(
        Gold(item_id=item, category_id=category, degree=degree)
        for item, row in cells.items()
        for category, degree in row.items()
    )
    return set(cells)


def withdraw(project: Project, items: Collection[int]) -> None:
    """Nobody needs to be asked any more; who was asked already may answer."""
    fresh = Query.objects.fresh().filter(project=project, items__in=items)
    fresh.exclude(purpose=Query.Purpose.GOLD).update(state=Query.State.WITHDRAWN)
