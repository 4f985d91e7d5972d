"""Gold in the clothes of the queries around it: rectangles of items whose truth is known, in the form of each kind.

A yes/no asks as often about a category the item is of as about the one it is most easily taken for, so that always
saying yes is found out. All functions are pure; shapes are those of real queries of the kind: (items, columns).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labeling.proposals import Proposal

REASON = "its truth is known: checks workers"
SCARCE = 4  # grids are disguised only where there is gold for so many of them: each takes a dozen items at once
Shape = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Known:
    """truth: (n, C) degrees, NaN where not known; likely: (n, C) how easily an item is taken for a category."""

    truth: np.ndarray
    likely: np.ndarray
    exclusive: bool

    def yes(self, row: int) -> np.ndarray:
        return np.flatnonzero(self.truth[row] >= 0.5)

    def no(self, row: int) -> np.ndarray:
        return np.flatnonzero(self.truth[row] < 0.5)


def one_cell(known: Known, rows: Sequence[int], shapes: Sequence[Shape], random: np.random.Generator):
    """Of each item a category it is of, or (as often) its closest look-alike."""
    found = []
    for row in rows:
        yes, no = known.yes(row), known.no(row)
        if len(yes) and (not len(no) or random.random() < 0.5):
            found.append(_proposal("yes_no", [row], [random.choice(yes)]))
        elif len(no):
            found.append(_proposal("yes_no", [row], [_likeliest(known.likely[row], no, random)]))
    return found


def whole_row(known: Known, rows: Sequence[int], shapes: Sequence[Shape], random: np.random.Generator):
    """Each item with all categories or, where it may have several, with those that a real query asks about."""
    every = tuple(range(known.truth.shape[1]))
    columns = [every if known.exclusive else shapes[random.integers(len(shapes))][1] for _ in rows]
    return [_proposal("categories", [row], column) for row, column in zip(rows, columns, strict=True)]


def a_grid(known: Known, rows: Sequence[int], shapes: Sequence[Shape], random: np.random.Generator):
    """One grid as large as a real one about the same category: about half look-alikes; none where gold is scarce."""
    size, (column, *_) = shapes[random.integers(len(shapes))]
    rows = np.asarray(rows, int)
    if size * SCARCE > len(rows):
        return []
    yes, no = (rows[side] for side in (known.truth[rows, column] >= 0.5, known.truth[rows, column] < 0.5))
    no = no[np.argsort(-known.likely[no, column], kind="stable")]
    least, most = max(0, size - len(no)), min(size, len(yes))
    if least > most:
        return []
    half = int(np.clip(random.binomial(size, 0.5), least, most))
    shown = random.permutation(np.concatenate([random.permutation(yes)[:half], no[: size - half]]))
    return [_proposal("items", shown, [column])]


def _likeliest(likely: np.ndarray, columns: np.ndarray, random: np.random.Generator) -> int:
    """The column most easily taken for the item's, equals at random."""
    best = likely[columns].max()
    return int(random.choice(columns[likely[columns] == best]))


def _proposal(kind, rows, columns):
    rows, columns = (tuple(int(number) for number in numbers) for numbers in (rows, columns))
    return Proposal(kind, rows, columns, 0.0, REASON)
