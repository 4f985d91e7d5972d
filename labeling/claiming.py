"""Which open query somebody is asked: the one that tells most for its reward, when this worker answers it.

What an answer tells follows the worker's reliability in each kind of query. A few candidates of each kind are weighed,
the most valuable, so that it costs the same however many queries, items and answers there are.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection

from labeling import checking, quoting
from labeling.kinds import KINDS
from labeling.models import Assignment, Member, Query

TRIES = 5  # queries too dear for what is left that are passed over, for a cheaper one
FEW = 4  # candidates of each kind
KNOWN = 10  # answers before anybody is passed over in a kind

# In SQL, since the order of looking decides the cost: from the query's items to the other queries that showed them to
# this worker, never through all that the worker has answered. CROSS JOIN holds SQLite to that order. As the open queue
# is bounded, this costs the same in a project of a hundred items and of a million.
OPEN_TO_WORKER = f"""
    SELECT asked.* FROM labeling_query asked
    WHERE asked.project_id = %(project)s AND asked.state = '{Query.State.OPEN}' AND asked.asked < asked.wanted
    AND {{only}} AND NOT EXISTS (
        SELECT 1 FROM labeling_queryitem item
        CROSS JOIN labeling_queryitem before
        CROSS JOIN labeling_assignment held {{tables}}
        WHERE item.query_id = asked.id AND before.item_id = item.item_id
        AND held.query_id = before.query_id AND held.worker_id = %(worker)s
        AND held.state IN {tuple(map(str, Assignment.HELD))} {{cells}})"""
DEAR = ", ".join(f"%(dear{at})s" for at in range(TRIES))
BY_CELL = {
    "tables": "CROSS JOIN labeling_querycategory category CROSS JOIN labeling_querycategory category_before",
    "cells": """AND category.query_id = asked.id
        AND category_before.query_id = before.query_id AND category_before.category_id = category.category_id""",
}
MOST_VALUABLE = f"{OPEN_TO_WORKER} ORDER BY asked.value DESC, asked.id LIMIT {FEW}".format(
    only=f"asked.kind = '{{kind}}' AND asked.purpose <> '{Query.Purpose.GOLD}' AND asked.id NOT IN ({DEAR})", **BY_CELL
)
ALL_VALUABLE = f"{OPEN_TO_WORKER} ORDER BY asked.value DESC, asked.id LIMIT %(most)s".format(
    only=f"asked.purpose <> '{Query.Purpose.GOLD}'", **BY_CELL
)
GOLD = f"{OPEN_TO_WORKER} ORDER BY asked.asked, asked.id LIMIT 1".format(
    only=f"{{kind}} asked.purpose = '{Query.Purpose.GOLD}'", tables="", cells=""
)
TEST = GOLD.format(kind="")
PARTS = [
    *(MOST_VALUABLE.format(kind=kind) for kind in KINDS),
    *(GOLD.format(kind=f"asked.kind = '{kind}' AND") for kind in KINDS),
]
# Gold is always looked for, so that it costs the same whichever is asked.
WITH_RATING = """
    SELECT found.*, known.rating, known.error, known.judged FROM ({queries}) found
    LEFT JOIN labeling_reliability known ON known.worker_id = %(worker)s AND known.kind = found.kind"""
CANDIDATES = WITH_RATING.format(
    queries=" UNION ALL ".join(f"SELECT * FROM ({part}) part{at}" for at, part in enumerate(PARTS))
)


def claim(worker: Member, dear: Collection[int] = (), *, now: datetime) -> Query | None:
    """The open query most worth its reward, none of whose cells this worker was asked about, or gold in its place; with
    a place in it taken; not one of those that are too dear.

    What others are taking at this moment is passed over where the database can, and waited for if there is no other.
    """
    spared = [*dear, *[0] * (TRIES - len(dear))]
    keys = {f"dear{at}": pk for at, pk in enumerate(spared)}
    found = list(Query.objects.raw(CANDIDATES, {"project": worker.project_id, "worker": worker.pk} | keys))
    worker.ratings = {query.kind: query.rating for query in found if query.rating is not None}
    for query in found:
        query.project = worker.project
    order = candidates(found, worker, now)
    for wait in (False, True) if connection.features.has_select_for_update_skip_locked else (True,):
        for query in order:
            if query.take_place(wait):
                return query
    return None


def open_to(worker: Member, most: int) -> list[Query]:
    """What could be asked of this worker now, of the most valuable, best first; nothing is taken."""
    found = Query.objects.raw(
        WITH_RATING.format(queries=ALL_VALUABLE), {"project": worker.project_id, "worker": worker.pk, "most": most}
    )
    found = list(found)
    worker.ratings = {query.kind: query.rating for query in found if query.rating is not None}
    for query in found:
        query.project = worker.project
    return sorted((query for query in found if suits(query, worker)), key=lambda query: -worth(query, worker))


def claim_test(worker: Member) -> Query | None:
    """Gold to test with, the least used; with a place in it taken."""
    for query in Query.objects.raw(TEST, {"project": worker.project_id, "worker": worker.pk}):
        query.project = worker.project
        if query.take_place():
            return query
    return None


def candidates(found: Sequence[Query], worker: Member, now: datetime) -> list[Query]:
    """What may be asked, in this order: now and then gold, and then the queries in whose place it stands."""
    gold = [query for query in found if query.purpose == Query.Purpose.GOLD]
    real = [query for query in found if query.purpose != Query.Purpose.GOLD and suits(query, worker)]
    real.sort(key=lambda query: (-worth(query, worker), -query.value, query.pk))
    if real and gold and checking.due(worker, real[0], now):
        gold.sort(key=lambda query: (query.kind != real[0].kind, query.asked))
        return [checking.disguised(gold[0], real[0]), *real]
    return real


def worth(query: Query, worker: Member) -> float:
    """Bits that this worker's answer is expected to tell for a unit of reward."""
    rating = worker.rating_in(query.kind)
    return query.value * quoting.told_beside_others(query, rating) / max(quoting.price(query, rating), 1)


def suits(query: Query, worker: Member) -> bool:
    """Not where this worker is known to tell far less for the reward than others, and there are enough others."""
    least = worker.project.least_told
    if not least or query.rating is None or query.judged < KNOWN or not plenty(query):
        return True
    rating = min(query.rating + query.error, 1.0)
    told = quoting.told_beside_others(query, rating)
    if told >= least:
        return True
    usual = quoting.price(query, quoting.usual_rating(query))
    return told * usual >= least * quoting.price(query, rating)


def plenty(query: Query) -> bool:
    """Were so many willing workers seen that half of them, the better one, is as many as the query wants?"""
    scarcity = query.signals.get("scarcity")
    return scarcity is not None and 1 / scarcity - 1 >= 2 * query.wanted
