"""Before any run: which items are alike, so that the first to be asked are typical ones and no two of a kind.

The features of a sample are made where the queue is refilled; what they are made of is kept for the run that follows.
Where they cannot be made, and where an encoder waits for the training process, items are drawn at random.
"""

from dataclasses import replace
from importlib import import_module

import numpy as np
from django.conf import settings
from scipy import sparse

from labeling import dataset
from labeling.board import Board, marked
from labeling.dataset import CannotLearn, Some
from labeling.models import Project, Query, QueryItem
from labeling.proposals import Doubt

SAMPLE = 1_000  # items: reading them takes seconds, and the first few hundred answers can teach no finer differences
TEACHING = Query.Purpose.TEACH, Query.Purpose.RANDOM


def surveyed(project: Project, board: Board, doubt: Doubt, rng: np.random.Generator) -> Doubt:
    """The doubt with the ties of a sample of its items, what is asked already being judged."""
    asked = asked_of(project, board)
    free = np.flatnonzero(doubt.some & ~asked)
    places = np.flatnonzero(asked)[:SAMPLE]
    places = np.sort(np.append(places, rng.permutation(free)[: SAMPLE - len(places)]))
    return replace(doubt, judged=asked.astype(int), graph=ties(project, board, places, rng))


def asked_of(project: Project, board: Board) -> np.ndarray:
    """(n,) bool: items that people were or are being asked about, to teach."""
    place = {pk: at for at, pk in enumerate(board.items.tolist())}
    asked = QueryItem.objects.filter(query__project=project, query__purpose__in=TEACHING)
    return marked(place, asked.exclude(query__state=Query.State.WITHDRAWN))


def ties(project: Project, board: Board, places: np.ndarray, rng: np.random.Generator) -> sparse.csr_array | None:
    """(n, n) affinities among the items at these places of the board; None where they cannot be described."""
    if settings.ENCODERS.get(project.media) or not len(places):
        return None
    rows = dict(project.items.filter(pk__in=board.items[places].tolist()).values_list("pk", "row"))
    some = Some(project, board.items[places], np.array([rows[pk] for pk in board.items[places].tolist()]))
    maker = dataset.maker_of(project, 0)
    try:
        X = dataset.made(maker, maker.fit_transform, some, lambda *_: None)
    except CannotLearn:  # a run will say why
        return None
    graph = sparse.coo_array(alike(X, int(rng.integers(2**31))))
    row, column = graph.coords
    return sparse.csr_array((graph.data, (places[row], places[column])), shape=(len(board.items),) * 2)


def alike(X: np.ndarray, seed: int) -> sparse.csr_array:
    """(n, n) affinities of rows X (n, d)."""
    scaling, views = (import_module(f"segmentation.{name}") for name in ("scaling", "views"))  # scikit-learn
    return views.neighbourhood(views.principal(scaling.Scaling().fit_transform(X)), random_state=seed)
