"""What people said, made one: degrees, posteriors, agreement and workers' ratings from judgments.

Degree and posterior are two numbers: the degree says how strongly an item belongs to a category (a mean of people), the
posterior how sure we are of a plain yes (a product of likelihoods). The rule reads degrees only, so no worker's rating
decides what counts as agreed, and ratings follow from agreement in one pass without feeding on themselves.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

ROUNDING = 1e-9  # thirds are not exact in binary: two of three must meet a share of 2/3
RIGHT, WRONG = 6.0, 2.0  # a new worker counts as 6 right of 8: crowds average about .75; 8 judgments weigh as much
SURE = 0.99  # nobody is trusted beyond this: one slip must not need ten people to undo
OPEN = 1e-3  # a surer prior would be deaf: the evidence of any number of people is bounded (SHARED)
SHARED = 0.3  # correlation of people's errors about one item: they stumble over the same look-alikes


@dataclass(frozen=True)
class Rule:
    """At least `count` people's judgments, and at least `share` of them on the same side."""

    count: int = 2
    share: float = 2 / 3

    def __post_init__(self):
        if self.count < 1:
            raise ValueError(f"Rule.count is {self.count}; agreement needs at least 1 judgment")
        if not 0.5 <= self.share <= 1:
            raise ValueError(f"Rule.share is {self.share}; give a share from 0.5 to 1")


@dataclass(frozen=True)
class Cell:
    """People on one cell: mean `degree`, `posterior` probability of a true yes, number of `judgments`."""

    degree: float
    posterior: float
    judgments: int


class Agreement(NamedTuple):
    """Share of a worker's judgments that side with the consensus (None without any), with its Wilson interval."""

    share: float | None
    low: float
    high: float
    judged: int


class Answers(NamedTuple):
    """The long table, one row a judgment.

    `item` and `category` number rows and columns from 0, `worker` is any name, `value` a degree. A worker judges a cell
    once. Zeros implied by a choose-one answer are rows too, within the rectangle that was shown and no further.
    """

    item: np.ndarray
    category: np.ndarray
    worker: np.ndarray
    value: np.ndarray


class Workers(NamedTuple):
    """One row a worker, by name: judgments that sided with agreed (or gold) cells, judgments on such cells, rating."""

    name: np.ndarray
    agreed: np.ndarray
    judged: np.ndarray
    rating: np.ndarray


def rating(agreed, judged):
    """Reliability in [0, 1] of a worker who sided with the consensus `agreed` times in `judged`; numbers or arrays.

    The mean of a Beta(6, 2) prior after these judgments. Count judgments that were made, not zeros that a choose-one
    answer implies: nine easy zeros for each choice would make everybody look reliable.
    """
    return (agreed + RIGHT) / (judged + RIGHT + WRONG)


def agreement(agreed: int, judged: int, z: float = 1.96) -> Agreement:
    """The figure a project page shows for a worker; interval by Wilson (1927), 95% at z = 1.96."""
    if not 0 <= agreed <= judged:
        raise ValueError(f"{agreed} agreed of {judged} judged; agreed must lie between 0 and judged")
    if judged == 0:
        return Agreement(None, 0.0, 1.0, 0)
    share, width = agreed / judged, z * z / judged
    middle = (share + width / 2) / (1 + width)
    reach = np.sqrt(width * share * (1 - share) + width * width / 4) / (1 + width)
    return Agreement(share, max(0.0, float(middle - reach)), min(1.0, float(middle + reach)), judged)


def tally(degrees: Sequence[float], ratings: Sequence[float] | None = None, prior: float = 0.5) -> Cell:
    """One cell by itself: where categories are not exclusive.

    logit(posterior) = logit(prior) + tempered sum of (2 degree - 1) log(r / (1 - r)), r the worker's rating; a degree
    of 0.5 says nothing. Without ratings everybody counts as a new worker; without judgments the degree is the prior's.
    """
    values = _degrees(degrees, "degrees")
    evidence = _evidence(values, _ratings(ratings, len(values)))
    total = _tempered(evidence, np.zeros(len(values), int), 1).sum()
    posterior = float(_posterior(np.array([[total]]), np.array([[prior]]), exclusive=False)[0, 0])
    return Cell(float(values.mean()) if len(values) else float(prior), posterior, len(values))


def tally_row(values, ratings: Sequence[float] | None = None, prior: Sequence[float] | None = None) -> tuple[Cell, ...]:
    """All cells of one exclusive item together, so that a yes to one category is evidence against the others.

    values: (people, C), NaN where a person was not asked; a choose-one is 1 at the choice, 0 at the others shown.
    prior: (C,) proportional to the categories' probabilities; uniform without. Posteriors sum to one.
    """
    values = np.atleast_2d(np.asarray(values, float))
    person, category = np.nonzero(~np.isnan(values))
    said = _degrees(values[person, category], "values")
    evidence = np.zeros((1, values.shape[1]))
    weights = _evidence(said, _ratings(ratings, len(values))[person], person)
    np.add.at(evidence[0], category, _tempered(weights, np.zeros(len(said), int), 1))
    prior = np.full(evidence.shape, 1 / evidence.shape[1]) if prior is None else np.atleast_2d(np.asarray(prior, float))
    posterior = _posterior(evidence, prior, exclusive=True)[0]
    count = np.bincount(category, minlength=values.shape[1])
    degree = np.bincount(category, said, minlength=values.shape[1]) / np.maximum(count, 1)
    degree = np.where(count > 0, degree, _posterior(np.zeros_like(evidence), prior, exclusive=True)[0])
    return tuple(Cell(float(d), float(p), int(n)) for d, p, n in zip(degree, posterior, count, strict=True))


def agrees(cell: Cell, rule: Rule) -> bool:
    """Does the cell meet the rule, on whichever side? An even split never does."""
    return bool(_meets(cell.degree, cell.judgments, rule))


def settle(cells: Mapping[Hashable, Cell], rule: Rule, standing: Hashable | None = None) -> Hashable | None:
    """The one category of an exclusive item that meets the rule with a yes.

    None if none does, or two do equally: a tie is no agreement, nor does it undo one. standing: what was agreed so far.
    """
    met = {category: cell.degree for category, cell in cells.items() if cell.degree > 0.5 and agrees(cell, rule)}
    best = max(met.values(), default=0)
    winners = [category for category, degree in met.items() if degree >= best - ROUNDING]
    if standing in winners:
        return standing
    return winners[0] if len(winners) == 1 else None


class Consensus:
    """Consensus of a whole project at once; given the ratings, it says what `tally`, `tally_row` and `settle` say.

    A worker's rating is agreement with the aggregate (as in Wawa, crowd-kit), shrunk. A judgment of a worker rated r is
    read as right with probability r and otherwise as any of the m - 1 other options alike (the one-coin form of Dawid
    and Skene 1979), m = 2 for a yes/no and the number of categories shown for a choose-one. Errors about one item are
    correlated: the evidence of n equal judgments is divided by the design effect 1 + 0.3 (n - 1) (Kish 1965).

    Parameters
    ----------
    exclusive : bool
        One category an item.
    rule : Rule
        When a cell (or exclusive item) is agreed.

    Attributes
    ----------
    evidence_ : (n, C) log-likelihood of yes against no from people alone, tempered, in nats; 0 where nobody judged.
        If exclusive, up to a constant a row.
    probas_ : (n, C) posterior probability of yes, gold included; rows sum to one if exclusive.
    degrees_ : (n, C) mean degree, NaN where nobody judged.
    judgments_ : (n, C) number of judgments.
    agreed_ : (n, C) 1 agreed yes, 0 agreed no, NaN not agreed; an exclusive item agrees with its whole row.
    workers_ : Workers, sorted by name.
    """

    def __init__(self, exclusive: bool, rule: Rule = Rule()):
        self.exclusive = exclusive
        self.rule = rule

    def fit(self, answers, gold=None, prior=None, shape=None):
        """Aggregate `answers` (Answers, or its four arrays).

        gold: arrays (item, category, value) of known cells: they rate workers and fix probas_, not degrees_ or agreed_.
        prior: (n, C) probabilities. shape: (n, C); by default the prior's, else as many as the answers number.
        Raises ValueError naming the column that is wrong.
        """
        answers = _checked(answers)
        shape = _shape(answers, gold, prior, shape)
        self.judgments_, self.degrees_ = self._aggregate(answers, shape)
        self.agreed_ = self._verdicts()
        known = _with_gold(self.agreed_, gold, self.exclusive)
        names, worker = np.unique(answers.worker, return_inverse=True)
        pair = _pair(answers.item, worker, len(names)) if self.exclusive else None
        self.workers_ = self._rate(answers, known, names, worker, pair)
        self.evidence_ = self._weigh(answers, self.workers_.rating[worker], pair, shape)
        prior = np.full(shape, 1 / shape[1] if self.exclusive else 0.5) if prior is None else np.asarray(prior, float)
        self.probas_ = _with_gold(_posterior(self.evidence_, prior, self.exclusive), gold, self.exclusive)
        return self

    def _aggregate(self, answers, shape):
        cell = answers.item * shape[1] + answers.category
        count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
        total = np.bincount(cell, answers.value, minlength=shape[0] * shape[1]).reshape(shape)
        return count, np.where(count > 0, total / np.maximum(count, 1), np.nan)

    def _verdicts(self):
        degree = np.where(self.judgments_ > 0, self.degrees_, 0.5)
        met = _meets(degree, self.judgments_, self.rule)
        if not self.exclusive:
            return np.where(met, (degree > 0.5).astype(float), np.nan)
        yes = np.where(met & (degree > 0.5), degree, 0.0)
        best = yes.max(axis=1, keepdims=True)
        winner = (yes >= best - ROUNDING) & (best > 0)
        return np.where(winner.sum(axis=1, keepdims=True) == 1, winner.astype(float), np.nan)

    def _rate(self, answers, known, names, worker, pair):
        truth = known[answers.item, answers.category]
        judged = ~np.isnan(truth) & (answers.value != 0.5)  # half a yes takes no side
        if self.exclusive:
            judged &= (answers.value > 0.5) | (_elsewhere(answers.value, pair) <= 0.5)  # not implied
        sided = judged & ((answers.value > 0.5) == (truth > 0.5))
        agreed, judged = (np.bincount(worker[rows], minlength=len(names)) for rows in (sided, judged))
        return Workers(names, agreed, judged, rating(agreed, judged))

    def _weigh(self, answers, ratings, pair, shape):
        cell = answers.item * shape[1] + answers.category
        unit, units = (answers.item, shape[0]) if self.exclusive else (cell, shape[0] * shape[1])
        weights = _tempered(_evidence(answers.value, ratings, pair), unit, units)
        return np.bincount(cell, weights, minlength=shape[0] * shape[1]).reshape(shape)


def _meets(degree, judgments, rule):
    strength = abs(degree - 0.5)
    return (judgments >= rule.count) & (strength >= rule.share - 0.5 - ROUNDING) & (strength > ROUNDING)


def _evidence(values, ratings, pair=None):
    """What each judgment says for its cell, in nats (m,).

    pair (m,): which rows are one person's on one exclusive item; None where categories are not exclusive.
    """
    if pair is None:
        return (2 * values - 1) * _gain(ratings, 2)
    options = np.maximum(np.bincount(pair)[pair], 2) if len(pair) else 2
    implied = _elsewhere(values, pair)  # a no beside a yes elsewhere repeats that yes
    return values * _gain(ratings, options) - (1 - values) * (1 - implied) * _gain(ratings, 2)


def _gain(ratings, options):
    """log of P(said | true) / P(said | other true); not below 0: who is worse than chance is unheard, not inverted."""
    r = np.minimum(ratings, SURE)
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(r * (options - 1) / (1 - r)), 0)


def _tempered(evidence, unit, units):
    """Evidence divided by its unit's design effect.

    n counts in judgments as strong as the unit's strongest, so that a weak one never takes away from the others.
    """
    size = np.abs(evidence)
    strongest = np.zeros(units)
    np.maximum.at(strongest, unit, size)
    alike = np.bincount(unit, size, minlength=units) / np.where(strongest > 0, strongest, 1)
    return evidence / (1 + SHARED * np.maximum(alike - 1, 0))[unit]


def _elsewhere(values, pair):
    """How much of a yes the same person gave to the item's other categories, at most 1 (m,)."""
    return np.clip(np.bincount(pair, values)[pair] - values, 0, 1) if len(pair) else values


def _pair(item, worker, workers):
    return np.unique(item * workers + worker, return_inverse=True)[1]


def _posterior(evidence, prior, exclusive):
    if prior.shape != evidence.shape or not ((prior >= 0) & (prior <= 1)).all():
        raise ValueError(
            f"prior must hold probabilities of shape {evidence.shape}, not {prior.shape}; each from 0 to 1"
        )
    prior = np.clip(prior, OPEN, 1 - OPEN)
    if not exclusive:
        return 1 / (1 + (1 - prior) / prior * np.exp(-evidence))
    weights = prior * np.exp(evidence)  # cannot overflow: tempered evidence is bounded
    return weights / weights.sum(axis=1, keepdims=True)


def _with_gold(cells, gold, exclusive):
    """A copy of `cells` with known cells written over; a known yes of an exclusive item answers its row."""
    if gold is None:
        return cells
    item, category, value = (np.asarray(column) for column in gold)
    cells = cells.copy()
    if exclusive:
        cells[item[value > 0.5]] = 0
    cells[item, category] = value
    return cells


def _degrees(values, name):
    values = np.asarray(values, float)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"{name} must be a row of numbers from 0 to 1")
    return values


def _ratings(ratings, people):
    if ratings is None:
        return np.full(people, rating(0, 0))
    ratings = _degrees(ratings, "ratings")
    if len(ratings) != people:
        raise ValueError(f"{len(ratings)} ratings for {people} people; give one each")
    return ratings


def _checked(answers):
    item, category, worker, value = (np.asarray(column) for column in answers)
    if not len(item) == len(category) == len(worker) == len(value):
        raise ValueError(
            f"answers' columns differ in length: {len(item)}, {len(category)}, {len(worker)}, {len(value)}"
        )
    for name, column in (("item", item), ("category", category)):
        if len(column) and (column.dtype.kind not in "iu" or column.min() < 0):
            raise ValueError(f"answers.{name} must hold row numbers from 0")
    return Answers(item.astype(np.int64), category.astype(np.int64), worker, _degrees(value, "answers.value"))


def _shape(answers, gold, prior, shape):
    columns = [(answers.item, answers.category), *([gold[:2]] if gold is not None else [])]
    needed = tuple(max(int(np.max(column[axis], initial=-1)) + 1 for column in columns) for axis in (0, 1))
    shape = np.shape(prior) if prior is not None else needed if shape is None else tuple(shape)
    if len(shape) != 2 or shape[0] < needed[0] or shape[1] < needed[1]:
        raise ValueError(
            f"answers and gold number {needed[0]} items and {needed[1]} categories; shape {shape} does not hold them"
        )
    return shape
