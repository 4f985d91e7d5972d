"""A pool of items with a crowd that can be asked about it: pools whose truth is known, people made up, prices fixed.

Answers are drawn before anybody is asked, so that every policy meets the same people with the same slips.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from labeled_sets import sets
from scipy.special import expit, logit
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from labeling.crowd import Answers
from segmentation import views

NAMES = "digits", "pendigits", "letter", "agnews"
POOL = 2500  # items, as far as two thirds of the set hold as many; the others are unseen
WORKERS = 40
GRID = 12
HARDER = 1.5  # logits that people lose on an item that the classifier cannot tell


def price(kind, categories):
    """In thousandths: .01 a yes/no, .01 + .002 C an item with all categories, .05 a grid."""
    return {"yes_no": 10, "categories": 10 + 2 * categories, "items": 50}[kind]


@dataclass(frozen=True, eq=False)
class Crowd:
    """People of skill .55 + .40 Beta(2, 2), who err as the classifier does: on hard items, towards look-alikes.

    right: (n, W) chance of a right answer; looks: (n, C) what each item looks like but its truth, rows sum to one;
    truth: (n,); slips: times that the errors in each kind of query are multiplied by.
    """

    right: np.ndarray
    looks: np.ndarray
    truth: np.ndarray
    seed: int
    slips: dict

    @cached_property
    def luck(self):
        """Uniform draws (n, W, C + 1): of each cell, and last of a choice."""
        shape = (*self.right.shape, self.looks.shape[1] + 1)
        return np.random.default_rng([self.seed, 1]).random(shape, np.float32)

    @cached_property
    def turn(self):
        """(n, W): who is asked first, second and so on about each item."""
        return np.argsort(np.random.default_rng([self.seed, 2]).random(self.right.shape), axis=1)

    def chosen(self, item, worker):
        """The category that this worker chooses for this item."""
        wrong = (1 - self.right[item, worker]) * self.slips["categories"]
        luck = self.luck[item, worker, -1]
        if luck >= wrong:
            return self.truth[item]
        return min(int((luck >= wrong * np.cumsum(self.looks[item])).sum()), self.looks.shape[1] - 1)

    def ticked(self, items, category, worker, kind):
        """Yes or no (m,) to this category of each item: what an item looks like is the sooner accepted."""
        wrong = (1 - self.right[items, worker]) * self.slips[kind]
        taken_in = wrong * (0.1 + 0.9 * np.minimum(2 * self.looks[items, category], 1))
        yes = np.where(self.truth[items] == category, 1 - 0.6 * wrong, taken_in)
        return self.luck[items, worker, category] < yes


@dataclass(frozen=True, eq=False)
class World:
    """A pool X (n, d) to be labeled, unseen rows to test on, and its crowd. full: accuracy from all of the truth."""

    X: np.ndarray
    y: np.ndarray
    unseen: np.ndarray
    unseen_y: np.ndarray
    views: views.Views
    crowd: Crowd
    full: float

    @property
    def shape(self):
        return len(self.X), int(self.y.max()) + 1


def world(name, seed, classes=10, weak=False, slips=None):
    """One of NAMES with a crowd of this seed; of its first ten classes unless more are wanted.

    weak: features through a random projection to a quarter of their number. slips: see Crowd.
    """
    X, y = sets([name])[name]
    X, y = X[y < classes], y[y < classes]
    random = np.random.default_rng([seed, 0])
    X = projected(X, random) if weak else X
    order, cut = random.permutation(len(X)), min(POOL, 2 * len(X) // 3)
    pool, rest, X = order[:cut], order[cut : cut + POOL], X.astype(np.float32)
    full = LogisticRegression(max_iter=1000).fit(X[pool], y[pool]).score(X[rest], y[rest])
    people = crowd(X[pool], y[pool], random, seed, slips or {})
    return World(X[pool], y[pool], X[rest], y[rest], views.prepare(X[pool], 10, seed), people, full)


def projected(X, random):
    X = X @ random.normal(size=(X.shape[1], max(2, X.shape[1] // 4)))
    return (X - X.mean(axis=0)) / X.std(axis=0)


def crowd(X, y, random, seed, slips):
    n = np.arange(len(X))
    trees = ExtraTreesClassifier(100, random_state=seed)
    seen = cross_val_predict(trees, X, y, cv=4, method="predict_proba")
    doubt = 1 - seen[n, y] + random.normal(0, 0.2, len(n))
    skill = 0.55 + 0.40 * random.beta(2, 2, WORKERS)
    right = expit(logit(skill)[None, :] - HARDER * (doubt - doubt.mean())[:, None])
    confused = np.array([seen[y == category].mean(axis=0) for category in range(y.max() + 1)])
    looks = seen + 0.1 * confused[y] + 0.005
    looks[n, y] = 0
    slips = {"yes_no": 1.0, "categories": 1.0, "items": 1.1} | slips
    return Crowd(right, looks / looks.sum(axis=1, keepdims=True), y, seed, slips)


class Book:
    """What was asked and answered so far, and what it cost. asked: (n,) answers about each item; votes: (n, C)."""

    def __init__(self, world):
        self.world, self.spent, self.queries, self.rows = world, 0, 0, []
        self.asked, self.votes = np.zeros(world.shape[0], int), np.zeros(world.shape)

    def ask(self, kind, items, columns):
        """Somebody who was not asked about the first of these items answers."""
        crowd, categories, items = self.world.crowd, self.world.shape[1], np.asarray(items)
        worker = crowd.turn[items[0], self.asked[items[0]] % WORKERS]
        if kind == "categories":
            chosen = crowd.chosen(items[0], worker)
            self.votes[items[0], chosen] += 1
            said = [(items[0], column, float(column == chosen)) for column in range(categories)]
        else:
            yes = crowd.ticked(items, columns[0], worker, kind)
            said = [(item, columns[0], float(one)) for item, one in zip(items, yes, strict=True)]
        self.rows += [(*one, worker, kind, self.queries) for one in said]
        self.queries, self.spent = self.queries + 1, self.spent + price(kind, categories)
        self.asked[items] += 1

    def answers(self):
        item, category, value, worker, kind, query = (np.array(column) for column in zip(*self.rows, strict=True))
        return Answers(item, category, worker, value, kind, query)
