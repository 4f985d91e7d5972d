"""A crowd that has answered: many answers at once, as rows, without going through every flow."""

from datetime import timedelta

import numpy as np

from labeling.models import Assignment, Judgment, Project, Query, QueryCategory, QueryItem
from tests.making import a_worker, an_item, now


def a_crowd(project: Project, said: np.ndarray, seconds=5.0, kind="categories", start=None, workers=None):
    """Workers who answered about new items; said (items, workers): the place of the category chosen, -1 not asked.

    seconds: a number, or (items, workers). Answers come one after the other, item by item. Returns the workers.
    """
    items = [an_item(project) for _ in range(len(said))]
    workers = workers or [a_worker(project) for _ in range(said.shape[1])]
    seconds = np.broadcast_to(seconds, said.shape)
    categories, start = list(project.categories.all()), start or now() - timedelta(hours=8)
    queries = Query.objects.bulk_create(
        Query(project=project, kind=kind, value=1.0, wanted=100, asked=1, state="closed") for _ in items
    )
    QueryItem.objects.bulk_create(QueryItem(query=q, item=item) for q, item in zip(queries, items, strict=True))
    QueryCategory.objects.bulk_create(QueryCategory(query=q, category=one) for q in queries for one in categories)
    places = [(row, at) for row in range(len(said)) for at in range(len(workers)) if said[row, at] >= 0]
    moments = [start + timedelta(seconds=10 * n) for n in range(len(places))]
    answers = Assignment.objects.bulk_create(
        Assignment(
            query=queries[row], worker=workers[at], state="answered", reward=0, paid=0, expires=moment,
            offered=moment - timedelta(seconds=float(seconds[row, at])), finished=moment,
        )
        for (row, at), moment in zip(places, moments, strict=True)
    )  # fmt: skip
    Judgment.objects.bulk_create(
        Judgment(
            assignment=answer, worker=workers[at], item=items[row], category=categories[said[row, at]], degree=1.0,
            created=answer.finished,
        )
        for (row, at), answer in zip(places, answers, strict=True)
    )  # fmt: skip
    return workers


def said_by(seed=0, items=60, workers=6, categories=3, skill=0.85) -> np.ndarray:
    """(items, workers) of people who are right so often and err evenly; the truth is category row % categories."""
    random = np.random.default_rng(seed)
    truth = np.arange(items) % categories
    wrong = (truth[:, None] + random.integers(1, categories, (items, workers))) % categories
    return np.where(random.random((items, workers)) < skill, truth[:, None], wrong)
