"""A run frozen for its audit: the items it might decide, what it says of them, and the lots that draw them."""

from dataclasses import dataclass

import numpy as np

from labeling import arrays, predicting
from labeling.board import Board
from labeling.models import Audit, Item, Project, TrainingRun
from segmentation import confidence


@dataclass(frozen=True)
class Frozen:
    """m items of a pool. rows: (m,) their array rows; categories: (C,) primary keys; belongs: (m, C) bool, what the run
    says; confidence, lot: (m,)."""

    rows: np.ndarray
    categories: np.ndarray
    belongs: np.ndarray
    confidence: np.ndarray
    lot: np.ndarray

    def guess(self, place: int) -> frozenset[int]:
        """The categories that the run says this item belongs to."""
        return frozenset(self.categories[self.belongs[place]].tolist())


def pool(project: Project, board: Board) -> np.ndarray:
    """(rows,) bool by array row: what the published run might decide.

    It knows the item in all categories; nobody has settled it, nor ruled out what the run takes it for.
    """
    rows = dict(Item.objects.filter(project=project).values_list("pk", "row").iterator())
    rows = np.array([rows[pk] for pk in board.items.tolist()], int)
    said = said_of(project, project.published, rows)
    left = np.isfinite(said).all(axis=1) & board.doubtful.any(axis=1)
    if project.exclusive and len(rows):
        left &= np.nan_to_num(said).argmax(axis=1) == board.probability.argmax(axis=1)
    mask = np.zeros(rows.max(initial=-1) + 1, bool)
    mask[rows[left]] = True
    return mask


def pooled(project: Project, board: Board) -> np.ndarray:
    """(n,) confidences of the published run in its pool."""
    return frozen(project, project.published, pool(project, board), 0).confidence


def said_of(project: Project, run: TrainingRun, rows: np.ndarray) -> np.ndarray:
    """(m, C) probabilities of the run, NaN where it knows nothing."""
    columns = list(project.categories.order_by("column").values_list("column", flat=True))
    return predicting.known(arrays.load(run.arrays["probability"]), rows, columns)


def frozen(project: Project, run: TrainingRun, mask: np.ndarray, seed: int) -> Frozen:
    rows = np.flatnonzero(mask)
    said = said_of(project, run, rows)
    belongs = said >= 0.5
    if project.exclusive:
        belongs = np.eye(said.shape[1], dtype=bool)[said.argmax(axis=1)]
    sure = confidence.item_confidence(said, project.exclusive).astype(float)
    lot = np.random.default_rng(seed).random(len(mask))[rows]
    return Frozen(rows, np.array(project.category_keys), belongs, sure, lot)


def of(audit: Audit) -> Frozen:
    return frozen(audit.project, audit.run, arrays.load(audit.pool), audit.seed)
