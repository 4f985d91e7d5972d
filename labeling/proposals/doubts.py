"""What is not known of a project's cells, and what may be asked about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import sparse

from labeling.crowd.posteriors import best
from labeling.crowd.rates import fresh

ROUNDING = 1e-6  # float32 rows sum to one only nearly
BLOCK = 4096  # items
STEPS = 3  # over the graph: so far an answer about one item speaks of others


@dataclass(frozen=True, eq=False)
class Doubt:
    """What people and the classifier do not know, and what may be asked about it.

    probability: (n, C) float, for exclusive items rows that sum to one: the posterior where people were asked, else the
    classifier's. askable: (n,) or (n, C), False where settled, accepted, broken or in an open query. certain:
    confidence from which nothing is asked. hard: an exclusive item whose top probability is below, else an item with at
    least this share of doubtful cells, is hard altogether. grid: most items in one many-items query.
    judged: (n,) answers about each item so far, None is nowhere any. mass: (n,) answers near the item, None is unknown.
    graph: (n, n) affinities of the items, rows and columns as `probability`. rates: {kind: (2, 2) or (C, C)} of what is
    said (column) under each truth (row); those of newcomers where a kind has none. Raises ValueError naming what is
    wrong.
    """

    probability: np.ndarray
    exclusive: bool
    askable: np.ndarray
    names: tuple[str, ...]
    certain: float = 0.9
    hard: float = 0.5
    grid: int = 12
    judged: np.ndarray | None = None
    mass: np.ndarray | None = None
    graph: sparse.csr_array | None = None
    rates: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self):
        shape, askable = np.shape(self.probability), np.asarray(self.askable)
        if len(shape) != 2 or shape[1] != len(self.names) or shape[1] == 0:
            raise ValueError(f"probability has shape {shape}; give (items, {len(self.names)}), a column for each name")
        if askable.shape not in (shape, shape[:1]) or askable.dtype != bool:
            raise ValueError(f"askable has shape {askable.shape}; give booleans of shape {shape[:1]} or {shape}")
        if shape[0] and not (self.probability.min() >= 0 and self.probability.max() <= 1 + ROUNDING):
            raise ValueError("probability holds numbers outside 0 to 1, or none at all; predict these items anew")
        if self.grid < 2:
            raise ValueError(f"grid is {self.grid}; a many-items query needs at least 2 items")
        for name, part in (("judged", self.judged), ("mass", self.mass), ("graph", self.graph)):
            if part is not None and part.shape[0] != shape[0]:
                raise ValueError(f"{name} speaks of {part.shape[0]} items and probability of {shape[0]}")

    @cached_property
    def cells(self) -> np.ndarray:
        """(n, C) bool: which cells may be asked."""
        askable = self.askable if self.askable.ndim == 2 else self.askable[:, None]
        return np.broadcast_to(askable, self.probability.shape)

    @cached_property
    def whole(self) -> np.ndarray:
        """(n,) bool: items to ask as a row. A choose-one shows every category that people have not ruled out (those
        have probability 0), or the true one may be missing."""
        if self.exclusive and self.askable.ndim == 1:
            return self.askable
        if self.exclusive:
            return (self.cells | (self.probability == 0)).all(axis=1) & (self.cells.sum(axis=1) > 1)
        return self.some

    @cached_property
    def some(self) -> np.ndarray:
        """(n,) bool: items of which any cell may be asked."""
        return self.askable if self.askable.ndim == 1 else self.askable.any(axis=1)

    @cached_property
    def doubtful(self) -> np.ndarray:
        """(n, C) bool: askable cells below `certain`, where categories are not exclusive."""
        return self.doubtful_in(slice(None))

    def doubtful_in(self, rows) -> np.ndarray:
        """`doubtful` of these items alone."""
        p = self.probability[rows]
        return self.cells[rows] & (p < self.certain) & (p > 1 - self.certain)

    @cached_property
    def top(self) -> np.ndarray:
        """(n,) the leading category's probability: an exclusive item's confidence."""
        return best(self.probability)

    @cached_property
    def altogether(self) -> np.ndarray:
        """(n,) bool: hard in (nearly) all categories, so that a row is asked and no single cell."""
        if self.exclusive:
            return self.top < min(self.hard, self.certain)
        return self.doubtful.mean(axis=1) >= self.hard

    @cached_property
    def confidence(self) -> np.ndarray:
        """(n,) of each item: of its leading category, or of its least sure cell."""
        if self.exclusive:
            return self.top
        nearest = [np.abs(self.probability[block] - 0.5).min(axis=1) for block in self.blocks]
        return 0.5 + np.concatenate(nearest or [np.zeros(0)])

    @property
    def blocks(self) -> list[slice]:
        """The items in pieces that a processor's cache holds: a million by a hundred cells are not copied whole."""
        return [slice(start, start + BLOCK) for start in range(0, len(self.probability), BLOCK)]

    @cached_property
    def unsure(self) -> np.ndarray:
        """(n,) float32 from 0, certain, to 1, nothing known."""
        least = 1 / self.probability.shape[1] if self.exclusive and len(self.names) > 1 else 0.5
        return np.clip((1 - self.confidence) / (1 - least), 0, 1).astype(np.float32)

    @cached_property
    def around(self) -> np.ndarray:
        """(n,) float32 from 0 to STEPS: how unsure the items are that a walk over the graph meets from each."""
        total = np.zeros(len(self.probability), np.float32)
        if self.graph is None:
            return total
        ties, now = np.maximum(self.graph @ np.ones_like(total), 1e-12), self.unsure
        for _ in range(STEPS):
            now = (self.graph @ now) / ties
            total += now
        return total

    @cached_property
    def weak(self) -> np.ndarray:
        """(C,) items in doubt about each category: those it leads, or whose cell is doubtful."""
        if not self.exclusive:
            return sum((self.doubtful_in(block).sum(axis=0) for block in self.blocks), np.zeros(len(self.names), int))
        doubtful = self.some & (self.top < self.certain)
        return np.bincount(self.probability.argmax(axis=1)[doubtful], minlength=len(self.names))

    def said(self, kind: str, ways: int) -> np.ndarray:
        """(ways, ways) rates of what people say in queries of this kind, which are answered in so many ways: 2 to a
        yes or no, one for each category to a choice."""
        return self.rates.get(kind, fresh(ways).rates)
