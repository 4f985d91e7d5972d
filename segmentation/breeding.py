"""Rules of a few conditions each, and the genetic algorithm that breeds them: crossover, mutation, survival in niches.

A condition is a run of levels of one factor. A child replaces the more similar parent where it is at least as fit, so
that rules which cover different rows never compete and the population keeps as many niches as the rows have.
"""

from dataclasses import dataclass

import numpy as np

STEP = 4  # levels by which a mutation moves the end of a condition, at most
NARROW, WIDE = 6, 24  # levels that a new condition spans, of 32
MOVED, DROPPED = 0.3, 0.05  # shares of the conditions' ends, and of the conditions, that mutate in a generation
RENEWED = 0.5  # share of the children that get a new condition
AT_ONCE = 20_000_000  # rules x rows tested in one piece


@dataclass
class Rules:
    """R rules of K conditions: factor, low and width (R, K), low <= level <= low + width; category (R,) bred for.

    A condition that spans all levels is none.
    """

    factor: np.ndarray
    low: np.ndarray
    width: np.ndarray
    category: np.ndarray

    def __len__(self):
        return len(self.category)

    def __getitem__(self, rows):
        return Rules(self.factor[rows], self.low[rows], self.width[rows], self.category[rows])

    def put(self, rows, others):
        for name in ("factor", "low", "width", "category"):
            getattr(self, name)[rows] = getattr(others, name)

    def conditions(self, levels):
        """(R,) how many of the K are conditions."""
        return (self.width < levels - 1).sum(axis=1)

    def fire(self, codes):
        """Codes (f, n), a row a factor, of 8 bits -> (R, n) bool."""
        fired = np.ones((len(self), codes.shape[1]), bool)
        for factor, low, width in zip(self.factor.T, self.low.T, self.width.T, strict=True):
            fired &= codes[factor] - low[:, None] <= width[:, None]  # what lies below wraps round to far above
        return fired

    def said(self, codes, weights):
        """Codes (f, n) and weights (R, C) -> (n, C): the weights of all rules that fire."""
        step = max(1, AT_ONCE // max(1, len(self)))
        parts = [self.fire(codes[:, start : start + step]) for start in range(0, codes.shape[1], step)]
        return np.vstack([part.T.astype(np.float32) @ weights.astype(np.float32) for part in parts]).astype(float)

    @classmethod
    def joined(cls, parts):
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))


@dataclass
class Scores:
    """Of R rules: covers (R, m) of the crowd, often (R,) of all rows, counts (R, C) of labeled ones; fitness (R,)."""

    covers: np.ndarray
    often: np.ndarray
    counts: np.ndarray
    fitness: np.ndarray

    def put(self, rows, others, which):
        for name in self.__dataclass_fields__:
            getattr(self, name)[rows] = getattr(others, name)[which]


class Population:
    """Rules bred for each category that has labeled rows.

    Parameters
    ----------
    codes : (f, L) levels of the labeled rows; crowd (f, m) of rows whose categories do not matter.
    known : (L, C) weight of each labeled row at its category.
    levels, size, conditions, strength, parsimony : see `EvolvedRules`.
    random : RandomState.
    """

    def __init__(self, codes, crowd, known, levels, size, conditions, strength, parsimony, random):
        self.codes, self.crowd, self.known = codes, crowd, known
        self.levels, self.strength, self.parsimony, self.random = levels, strength, parsimony, random
        self.total = known.sum(axis=0)
        one = np.divide((known**2).sum(axis=0), self.total, out=np.zeros(known.shape[1]), where=self.total > 0)
        self.one = np.where(self.total - one > 1e-9, one, 0.0)  # a row's weight, left out; 0 where it is the only one
        self.rows = [np.flatnonzero(column) for column in known.T]
        self.size = size
        self.rules = self.first(np.repeat([c for c, rows in enumerate(self.rows) if len(rows)], size), conditions)
        self.scores = self.scored(self.rules)

    def first(self, category, conditions):
        """Each rule holds for some row of its category; two of its conditions, on average, are not left open."""
        rows = self.examples(category)
        slots = zip(*[self.around(rows) for _ in range(conditions)], strict=True)
        rules = Rules(*(np.stack(slot, axis=1) for slot in slots), category)
        self.open(rules, ~self.chosen(rules.factor.shape, 2 / conditions))
        return rules

    def examples(self, category):
        """(R,) a labeled row of each category named."""
        at = self.random.random_sample(len(category))
        return np.array([self.rows[c][int(u * len(self.rows[c]))] for c, u in zip(category, at, strict=True)])

    def around(self, rows):
        """A condition that holds for each of the rows: factor, low, width; one in three each is open below or above."""
        factor = self.random.randint(len(self.codes), size=len(rows))
        span = self.random.randint(NARROW, WIDE, size=len(rows)) * self.levels // 32
        low = self.codes[factor, rows].astype(int) - (self.random.random_sample(len(rows)) * (span + 1)).astype(int)
        side = self.random.random_sample(len(rows))
        high = np.where(side > 2 / 3, self.levels - 1, np.minimum(low + span, self.levels - 1))
        low = np.where(side < 1 / 3, 0, np.maximum(low, 0))
        return factor, low.astype(np.uint8), (high - low).astype(np.uint8)

    def open(self, rules, which):
        rules.low[which], rules.width[which] = 0, self.levels - 1

    def scored(self, rules):
        covers, counts = rules.fire(self.crowd), rules.fire(self.codes) @ self.known
        often = (covers.sum(axis=1) + 1) / (self.crowd.shape[1] + 2)
        return Scores(covers, often, counts, self.fitness(rules, often, counts))

    def fitness(self, rules, often, counts):
        """(R,) nats a row of its category gains from whether the rule fires, each row left out, less its length.

        Against how often the rule fires in the other categories, of which a share as overall is imagined.
        """
        inside = counts[np.arange(len(rules)), rules.category]
        total, one = self.total[rules.category], self.one[rules.category]
        imagined = self.strength * often
        elsewhere = (counts.sum(axis=1) - inside + imagined) / (self.total.sum() - total + self.strength)
        left = total - one + self.strength
        fired, silent = (inside - one + imagined) / left, 1 - (inside + imagined) / left
        gain = inside * np.log(np.maximum(fired, 1e-9) / elsewhere)
        gain += (total - inside) * np.log(np.maximum(silent, 1e-9) / (1 - elsewhere))
        return (gain - self.parsimony * rules.conditions(self.levels)) / total

    def generation(self):
        """Pair the rules of each category at random; of each child and its more similar parent the fitter one lives."""
        one, other = self.pairs()
        children = self.mutated(self.crossed(one, other))
        scores = self.scored(children)
        straight, across = (self.apart(scores, np.append(*pair)) for pair in ((one, other), (other, one)))
        straight = np.tile(straight.reshape(2, -1).sum(axis=0) <= across.reshape(2, -1).sum(axis=0), 2)
        parent = np.where(straight, np.append(one, other), np.append(other, one))
        wins = scores.fitness >= self.scores.fitness[parent]
        self.rules.put(parent[wins], children[wins])
        self.scores.put(parent[wins], scores, wins)

    def apart(self, scores, parent):
        """(R,) share of the crowd on which each child and the parent named differ."""
        return (scores.covers != self.scores.covers[parent]).mean(axis=1)

    def pairs(self):
        order = self.random.random_sample((len(self.rules) // self.size, self.size)).argsort(axis=1)
        order += np.arange(len(order))[:, None] * self.size
        return order[:, 0::2].ravel(), order[:, 1::2].ravel()

    def crossed(self, one, other):
        """Two children a pair: each condition goes to one of them, that of the other parent to the other."""
        swap = self.chosen((len(one), self.rules.factor.shape[1]), 0.5)
        swap = np.vstack([swap, ~swap])
        mother, father = (np.append(side, side) for side in (one, other))
        names = ("factor", "low", "width")
        genes = [np.where(swap, getattr(self.rules, name)[mother], getattr(self.rules, name)[father]) for name in names]
        return Rules(*genes, self.rules.category[mother])

    def mutated(self, rules):
        """Some ends of conditions move, some conditions are dropped, and some children get a new one."""
        low, high = rules.low.astype(int), rules.low.astype(int) + rules.width
        low = np.clip(low + self.moves(low > 0), 0, high)  # an open end stays open
        high = np.clip(high + self.moves(high < self.levels - 1), low, self.levels - 1)
        rules.low, rules.width = low.astype(np.uint8), (high - low).astype(np.uint8)
        self.open(rules, self.chosen(low.shape, DROPPED))
        renewed = np.flatnonzero(self.chosen(len(rules), RENEWED))
        place = renewed, self.random.randint(low.shape[1], size=len(renewed))
        new = self.around(self.examples(rules.category[renewed]))
        rules.factor[place], rules.low[place], rules.width[place] = new
        return rules

    def moves(self, closed):
        return self.random.randint(-STEP, STEP + 1, size=closed.shape) * (closed & self.chosen(closed.shape, MOVED))

    def chosen(self, shape, share):
        return self.random.random_sample(shape) < share

    def evidence(self):
        """The rules that help, what each says for every category when it fires (R, C), and what all say if none does.

        Logarithms of how much more often than overall a rule fires, or is silent, in a category. (C,) the last.
        """
        helps = self.scores.fitness > 0
        overall = self.scores.often[helps, None]
        rate = (self.scores.counts[helps] + self.strength * overall) / (self.total + self.strength)
        silent = np.log(np.maximum(1 - rate, 1e-3) / (1 - overall))
        return self.rules[helps], np.log(rate / overall) - silent, silent.sum(axis=0)
