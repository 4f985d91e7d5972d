"""Rectangles worth asking, and the choice among them under a limit: scoring and choosing never share a function.

A proposal's value is the expected information of a true answer in bits: the entropy of an exclusive item's row, and for
cells answered one by one the sum of h(p) = -p log2 p - (1 - p) log2(1 - p). Ties break at random, so that before any
classifier the first questions are a random sample.

Bits alone cannot weigh kinds against each other: a row costs ten cells and looks dear beside the one bit of a yes/no,
yet no single yes/no resolves an item that is hard altogether. So each kind has candidates of its own, as in
US 8,589,317 B2: an item below `hard` is asked as a row and never as a yes/no (claim 2: lowest confidence first), a
close call as a cell and never as a row, and a category of low aggregate confidence as a column (claim 3). `choose` then
lets the kinds take turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

ROUNDING = 1e-6  # float32 rows sum to one only nearly


@dataclass(frozen=True)
class Proposal:
    """A rectangle worth asking: `rows` and `columns` number the arrays given, `value` is in bits, `reason` for admins.

    claims_rows: in an exclusive project one answer moves all cells of its item, so that a proposal claims whole rows
    and an item is asked once a round; elsewhere it claims its cells.
    """

    kind: str
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    value: float
    reason: str
    claims_rows: bool = False

    def claims(self) -> frozenset:
        if self.claims_rows:
            return frozenset(self.rows)
        return frozenset((row, column) for row in self.rows for column in self.columns)


@dataclass(frozen=True, eq=False)
class Doubt:
    """What the classifier does not know, and what may be asked about it.

    probability: (n, C) float, for exclusive items rows that sum to one. askable: (n,) or (n, C), False where settled,
    accepted, broken or in an open query. certain: confidence from which nothing is asked. hard: an exclusive item whose
    top probability is below, else an item with at least this share of doubtful cells, is hard altogether. grid: most
    items in one many-items query. Raises ValueError naming what is wrong.
    """

    probability: np.ndarray
    exclusive: bool
    askable: np.ndarray
    names: tuple[str, ...]
    certain: float = 0.9
    hard: float = 0.5
    grid: int = 12

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

    @cached_property
    def cells(self) -> np.ndarray:
        """(n, C) bool: which cells may be asked."""
        askable = self.askable if self.askable.ndim == 2 else self.askable[:, None]
        return np.broadcast_to(askable, self.probability.shape)

    @cached_property
    def whole(self) -> np.ndarray:
        """(n,) bool: items to ask as a row. A choose-one shows every category that people have not ruled out (those
        have probability 0), or the true one may be missing."""
        if self.exclusive:
            return (self.cells | (self.probability == 0)).all(axis=1) & (self.cells.sum(axis=1) > 1)
        return self.cells.any(axis=1)

    @cached_property
    def doubtful(self) -> np.ndarray:
        """(n, C) bool: askable cells below `certain`, where categories are not exclusive."""
        p = self.probability
        return self.cells & (p < self.certain) & (p > 1 - self.certain)

    @cached_property
    def top(self) -> np.ndarray:
        """(n,) the leading category's probability: an exclusive item's confidence."""
        return self.probability.max(axis=1)

    @cached_property
    def altogether(self) -> np.ndarray:
        """(n,) bool: hard in (nearly) all categories, so that a row is asked and no single cell."""
        if self.exclusive:
            return self.top < min(self.hard, self.certain)
        return self.doubtful.mean(axis=1) >= self.hard


def close_calls(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """Yes/no: single cells nearest to one half, of items that are not hard altogether.

    For an exclusive item that is its leading askable category: of two probabilities that sum to at most one, the larger
    is never farther from one half.
    """
    random = np.random.default_rng(random_state)
    p = doubt.probability
    if doubt.exclusive:
        rows = np.flatnonzero(doubt.cells.any(axis=1) & (doubt.top < doubt.certain) & ~doubt.altogether)
        cells = rows * p.shape[1] + _leading(doubt, rows, random)
    else:
        cells = np.flatnonzero(doubt.doubtful & ~doubt.altogether[:, None])
    picked = _lowest(np.abs(np.take(p, cells) - 0.5), limit, random)
    rows, columns = np.divmod(cells[picked], p.shape[1])
    reasons = _rivals(doubt, rows, columns) if doubt.exclusive else [f"close call on {doubt.names[c]}" for c in columns]
    found = zip(rows, columns, _bits(p[rows, columns]), reasons, strict=True)
    return [_proposal(doubt, "yes_no", [row], [column], value, reason) for row, column, value, reason in found]


def hard_items(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """All categories of an item that is hard altogether, most bits first."""
    random = np.random.default_rng(random_state)
    rows = np.flatnonzero(doubt.altogether & doubt.whole)
    rows = rows[_lowest(-_row_bits(doubt, rows), limit, random)]
    counts = [doubt.probability.shape[1]] * len(rows) if doubt.exclusive else doubt.doubtful[rows].sum(axis=1)
    total = len(doubt.names)
    reasons = [
        f"hard in all {total} categories" if n == total else f"hard in {n} of {total} categories" for n in counts
    ]
    return _rows(doubt, rows, reasons)


def weak_categories(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """Many items of one category, for categories whose mean confidence over their plausible items is below `certain`.

    Plausible items of a category are those the classifier puts there (exclusive), or does not surely exclude. The
    weakest categories come first and share the limit; each asks its most doubtful items, in grids that agree in their
    doubt: the same rival, a like probability. Fewer than two items make no grid.
    """
    random = np.random.default_rng(random_state)
    lead = _leading(doubt, np.arange(len(doubt.probability)), random) if doubt.exclusive else None
    strength = _strength(doubt, lead)
    order = np.lexsort((random.random(len(strength)), strength))
    weak = [column for column in order if strength[column] < doubt.certain]
    found = []
    for position, column in enumerate(weak):
        share = -(-(limit - len(found)) // (len(weak) - position))  # what this category leaves goes to the others
        found += _grids(doubt, _doubted(doubt, lead, column), column, share, random)
    return found


def random_items(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """All categories of items drawn uniformly from the askable: the naive start, and the policy to beat."""
    rows = np.flatnonzero(doubt.whole)
    rows = np.random.default_rng(random_state).choice(rows, min(limit, len(rows)), replace=False)
    return _rows(doubt, rows, ["drawn at random"] * len(rows))


def margin(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """All categories of the items with the smallest margin between the top two (Scheffer et al. 2001), to beat.

    Where categories are not exclusive, of the items with the cell nearest to one half.
    """
    random = np.random.default_rng(random_state)
    rows = np.flatnonzero(doubt.whole)
    p = doubt.probability[rows]
    if doubt.exclusive and p.shape[1] > 1:
        two = np.partition(p, -2, axis=1)[:, -2:]
        gap = two[:, 1] - two[:, 0]
    else:
        gap = np.where(doubt.cells[rows], np.abs(p - 0.5), 1).min(axis=1)
    rows = rows[_lowest(gap, limit, random)]
    return _rows(doubt, rows, ["smallest margin"] * len(rows))


def choose(proposals: Sequence[Proposal], prices: Sequence[int], money: int, limit: int) -> list[int]:
    """Indexes of the proposals to ask, at most `limit`, for at most `money`, none claiming what another has claimed.

    Kinds take turns, the one with the best offer first; at its turn a kind takes its best value per price that is still
    free and affordable. A kind drops out when nothing is left of it, so none is starved while it has something to say.
    """
    if len(prices) != len(proposals) or min(prices, default=0) < 0:
        raise ValueError(f"{len(prices)} prices for {len(proposals)} proposals; give each a price of at least 0")
    queues: dict[str, list[int]] = {}
    for index in sorted(range(len(proposals)), key=lambda i: _worth(proposals[i].value, prices[i]), reverse=True):
        queues.setdefault(proposals[index].kind, []).append(index)
    turns = {kind: iter(queue) for kind, queue in queues.items()}
    chosen, claimed = [], set()
    while turns and len(chosen) < limit:
        for kind, queue in list(turns.items()):
            free = (i for i in queue if prices[i] <= money and claimed.isdisjoint(proposals[i].claims()))
            index = next(free, None)
            if index is None:
                del turns[kind]
            elif len(chosen) < limit:
                chosen.append(index)
                claimed |= proposals[index].claims()
                money -= prices[index]
    return chosen


def _worth(value, price):
    return (value / price if price else np.inf if value else 0, value)


def _proposal(doubt, kind, rows, columns, value, reason):
    rows, columns = (tuple(int(number) for number in numbers) for numbers in (rows, columns))
    return Proposal(kind, rows, columns, float(value), reason, claims_rows=doubt.exclusive)


def _rows(doubt, rows, reasons):
    """Whole rows, or what of them may be asked."""
    values = _row_bits(doubt, rows)
    columns = (np.flatnonzero(doubt.cells[row]) for row in rows)
    found = zip(rows, columns, values, reasons, strict=True)
    return [_proposal(doubt, "categories", [row], column, value, reason) for row, column, value, reason in found]


def _grids(doubt, pool, column, count, random):
    """At most `count` grids of one category from the items in `pool`."""
    p = doubt.probability[pool, column]
    picked = _lowest(np.abs(p - 0.5), count * doubt.grid, random)
    rows, p = pool[picked], p[picked]
    order = np.lexsort((p, _runner_up(doubt.probability[rows], column))) if doubt.exclusive else np.argsort(p)
    rows, bits = rows[order], _bits(p[order])
    reason = f"category '{doubt.names[column]}' is weak in {len(pool)} items"
    cuts = [slice(start, start + doubt.grid) for start in range(0, len(rows) - 1, doubt.grid)]
    return [_proposal(doubt, "items", rows[cut], [column], bits[cut].sum(), reason) for cut in cuts]


def _strength(doubt, lead):
    """(C,) mean confidence of each category over its plausible items; 1 without any."""
    p, width = doubt.probability, doubt.probability.shape[1]
    if doubt.exclusive:
        askable = doubt.cells.any(axis=1)
        total = np.bincount(lead[askable], doubt.top[askable], minlength=width)
        count = np.bincount(lead[askable], minlength=width)
    else:
        plausible = doubt.cells & (p > 1 - doubt.certain)
        total, count = np.maximum(p, 1 - p).sum(axis=0, where=plausible, dtype=float), plausible.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), 1)


def _doubted(doubt, lead, column):
    """Rows to ask about one category: in doubt and, if exclusive, led by it."""
    if not doubt.exclusive:
        return np.flatnonzero(doubt.doubtful[:, column])
    return np.flatnonzero((lead == column) & doubt.cells[:, column] & (doubt.top < doubt.certain))


def _leading(doubt, rows, random):
    """(m,) the askable column with the highest probability in these rows; equals are drawn at random."""
    p = np.where(doubt.cells[rows], doubt.probability[rows], -1)
    lead = p.argmax(axis=1)
    best = p == np.take_along_axis(p, lead[:, None], axis=1)
    tied = np.flatnonzero(best.sum(axis=1) > 1)
    lead[tied] = np.where(best[tied], random.random((len(tied), p.shape[1])), -1).argmax(axis=1)
    return lead


def _runner_up(p, columns):
    """(m,) the best column but the given one."""
    others = p.copy()
    others[np.arange(len(p)), columns] = -1
    return others.argmax(axis=1)


def _rivals(doubt, rows, columns):
    rivals = _runner_up(doubt.probability[rows], columns)
    return [f"close call between {doubt.names[a]} and {doubt.names[b]}" for a, b in zip(columns, rivals, strict=True)]


def _lowest(keys, count, random):
    """Positions of the `count` lowest keys, lowest first; equals at random, also at the border. Linear in keys."""
    if count < len(keys):
        border = np.partition(keys, count)[count] if count else -np.inf
        sure, equal = np.flatnonzero(keys < border), np.flatnonzero(keys == border)
        picked = np.concatenate([sure, random.choice(equal, count - len(sure), replace=False)]) if count else sure
    else:
        picked = np.arange(len(keys))
    return picked[np.lexsort((random.random(len(picked)), keys[picked]))]


def _bits(p):
    """Entropy of a yes/no with probability p, elementwise."""
    return _surprise(p) + _surprise(1 - p)


def _surprise(p):
    """-p log2 p, 0 at 0."""
    return -p * np.log2(np.maximum(p, np.finfo(np.float32).tiny))


def _row_bits(doubt, rows):
    """(m,) bits of all askable cells of these items: one choice if exclusive, one yes/no each if not."""
    p = doubt.probability[rows]
    return _surprise(p).sum(axis=1) if doubt.exclusive else np.where(doubt.cells[rows], _bits(p), 0).sum(axis=1)
