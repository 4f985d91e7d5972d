"""Money to reach an accuracy: the planner beside random, margin and the honest baseline, with a crowd made up.

Run by name: `python tests/benchmarks/bench_economy.py [--seeds 5 6 7 8 9] [--pools ...] [--methods ...] [--tables ...]
[--slips KIND=TIMES ...] [--kept FILE]`. The planner, the consensus and the voices of the classifier are the product's
own. Targets are .90 and .95 of the accuracy of logistic regression on all of the truth: f of the labels delivered for
the pool, t of the classifier on unseen items. Seeds are paired: the same pool, people and slips for every method.
"""

import argparse
import json
import sys
import warnings
from functools import partial
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

sys.path.insert(0, str(Path(__file__).parents[2]))

from economies import GRID, NAMES, Book, price, world

from labeling import proposals
from labeling.crowd import Consensus
from labeling.proposals import Doubt, plan
from segmentation import crossfitting, degrees, pooling
from segmentation.candidates import Rows, spreading

SEEDS = 5, 6, 7, 8, 9  # those before were tuned on
TARGETS = "f90", "f95", "t90", "t95"
FOLDS = 4
FIRST = 30  # items asked before anything is known
SHARE = 0.2  # of what has been spent is the next round's money
MOST = 250_000
ASKED = 6  # times that the planner asks about an item at most
CERTAIN = 0.98
WEAK = " weak"  # after the name of a pool whose features went through a random projection


class State(NamedTuple):
    """What is known after a round: the classifier's probability, the posterior (n, C), evidence near (n,), people."""

    probability: np.ndarray
    posterior: np.ndarray | None = None
    mass: np.ndarray | None = None
    rates: dict | None = None


# --- who chooses: (book, state, money, random) -> [(kind, items, columns)] -------------------------------------------


def voted(order, people=3):
    """Rows of new items in this order, each asked of three people."""

    def choose(book, state, money, random):
        new = random.permutation(np.flatnonzero(book.asked == 0))
        new = new if state is None else new[order(state.probability[new])]
        count = max(1, int(money // (people * price("categories", book.world.shape[1]))))
        return [row(item, book) for item in new[:count] for _ in range(people)]

    return choose


def row(item, book):
    return "categories", [item], range(book.world.shape[1])


def as_drawn(p):
    return np.arange(len(p))


def smallest_margin(p):
    two = np.sort(p, axis=1)[:, -2:]
    return np.argsort(two[:, 1] - two[:, 0], kind="stable")


def until_sure(book, state, money, random, sure=0.9, most=5):
    """Items at random, each asked again until the posterior is sure: the honest baseline."""
    count = max(1, int(money // price("categories", book.world.shape[1])))
    again = np.zeros(len(book.asked), bool)
    if state is not None:
        again = (book.asked > 0) & (book.asked < most) & (state.posterior.max(axis=1) < sure)
    new = np.flatnonzero(book.asked == 0)
    rows = np.concatenate([random.permutation(np.flatnonzero(again)), random.permutation(new)])
    return [row(item, book) for item in rows[:count]]


def planned(book, state, money, random, graph=True, seen="damped", first=proposals.typical, **policy):
    """The product's planner. seen: how it is told of new items; first: who proposes before anything is known."""
    n, categories = book.world.shape
    if state is None:
        state, policy = State(np.full((n, categories), 1 / categories), rates={}), {"proposers": [first]}
        state = state._replace(posterior=state.probability)
    p, new = state.posterior.copy(), book.asked == 0
    p[new] = SEEN[seen](state.probability[new], p[new], None if state.mass is None else state.mass[new])
    doubt = Doubt(
        p, True, book.asked < ASKED, tuple(map(str, range(categories))), grid=GRID, judged=book.asked,
        mass=state.mass, graph=book.world.views.graph if graph else None, rates=state.rates, certain=CERTAIN,
    )  # fmt: skip
    found = plan(doubt, partial(prices, categories), int(money), int(money // 10), random, **policy)
    return [(one.kind, one.rows, one.columns) for one in found]


SEEN = {
    "damped": partial(proposals.damped, exclusive=True),
    "halfway": lambda p, q, mass: proposals.damped(p, q, None, exclusive=True),
    "raw": lambda p, q, mass: p,
    "posterior": lambda p, q, mass: q,
}


def prices(categories, found):
    return [price(one.kind, categories) for one in found]


# --- who learns ------------------------------------------------------------------------------------------------------


def lines(world, book):
    """Logistic regression on the votes -> probabilities of the pool and of the unseen."""
    known, labels = book.votes.any(axis=1), book.votes.argmax(axis=1)
    both = np.vstack([world.X, world.unseen])
    return np.split(linear(world.X[known], labels[known], None, both, world.shape[1], 1.0), [len(world.X)])


def linear(X, y, weight, wanted, categories, C):
    p = np.full((len(wanted), categories), 1e-3)
    if len(np.unique(y)) > 1:
        fitted = LogisticRegression(C=C, max_iter=200).fit(X, y, weight)
        p[:, fitted.classes_] = fitted.predict_proba(wanted)
    return p / p.sum(axis=1, keepdims=True)


class Semisupervised:
    """Labels spread over the graph, two lines from labels, one taught by the spreading; pooled by hidden labels.

    A thousandth of the time of deep segmentation, whose voices these are, so that hundreds of runs can be compared.
    """

    BEFOREHAND = np.array([1.0, 0.2, 0.2, 0.2])

    def __init__(self, world):
        self.world, self.rows = world, Rows(world.X, world.views)
        self.near = NearestNeighbors(n_neighbors=10).fit(world.X).kneighbors(world.unseen, return_distance=False)
        self.fold = crossfitting.fold_of(list(map(str, range(len(world.X)))), FOLDS)

    def voices(self, targets):
        """(4, n + unseen, C)."""
        X, (n, categories) = self.world.X, self.world.shape
        both, known = np.vstack([X, self.world.unseen]), np.flatnonzero(degrees.speaks(targets))
        spread = spreading(self.rows, targets, np.ones(n), np.arange(n), 0)
        second, first = np.sort(spread, axis=1)[:, -2:].T
        labels, weight = degrees.to_labels(targets[known])
        told = labels >= 0
        own = [linear(X[known[told]], labels[told], weight[told], both, categories, C) for C in (0.1, 0.02)]
        taught = linear(X, spread.argmax(axis=1), first - second, both, categories, 1.0)
        return np.array([np.vstack([spread, spread[self.near].mean(axis=1)]), *own, taught])

    def fit(self, targets):
        """probability (n, C), prior (n, C) without each item's own answers, mass (n,), of the unseen (m, C)."""
        n, known = len(targets), degrees.speaks(targets)
        hidden, mass = self.voices(targets), np.zeros(n)
        full = hidden.copy()
        for fold in range(FOLDS):
            out = np.flatnonzero(self.fold == fold)
            rest = targets.copy()
            rest[out] = 1.0
            hidden[:, out] = self.voices(rest)[:, out]
            mass[out] = crossfitting.met(self.world.views.graph, degrees.speaks(rest).astype(float))[out]
        weights = pooling.fit_weights(hidden[:, :n][:, known], targets[known], np.ones(known.sum()), self.BEFOREHAND)
        probability, prior = pooling.pooled(full, weights), pooling.pooled(hidden, weights)[:n]
        return probability[:n], np.where(known[:, None], prior, probability[:n]), mass, probability[n:]


class Votes:
    """Three votes an item, logistic regression from them."""

    def __init__(self, world):
        self.world = world

    def learn(self, book):
        probability, unseen = lines(self.world, book)
        asked = book.asked > 0
        return State(probability), np.where(asked, book.votes.argmax(axis=1), probability.argmax(axis=1)), unseen


class Evidence:
    """The product's consensus with the classifier as its prior; the classifier learns from what people alone said."""

    def __init__(self, world):
        self.world, self.classifier, self.prior, self.mass = world, Semisupervised(world), None, None

    def learn(self, book):
        probability, self.prior, self.mass, unseen = self.classifier.fit(np.exp(self.consensus(book).evidence_))
        found = self.consensus(book)
        width = {"categories": self.world.shape[1]}
        rates = {kind: pool.rates for (kind, K), pool in found.pools_.items() if width.get(kind, 2) == K}
        asked = book.asked > 0
        delivered = np.where(asked, found.probas_.argmax(axis=1), probability.argmax(axis=1))
        return State(probability, found.probas_, self.mass, rates), delivered, unseen

    def consensus(self, book):
        return Consensus().fit(book.answers(), prior=self.prior, mass=self.mass, shape=self.world.shape)


PLAIN = proposals.close_calls, proposals.hard_items, proposals.weak_categories
METHODS = {
    "random, three votes": (voted(as_drawn), Votes),
    "margin, three votes": (voted(smallest_margin), Votes),
    "random, until sure": (until_sure, Evidence),
    "random, until .75 sure": (partial(until_sure, sure=0.75), Evidence),
    "planner": (planned, Evidence),
    "rows alone": (partial(planned, proposers=[proposals.rows]), Evidence),
    "rows and cells": (partial(planned, proposers=[proposals.cells, proposals.rows]), Evidence),
    "first at random": (partial(planned, first=proposals.random_items), Evidence),
    "without neighbours": (partial(planned, graph=False), Evidence),
    "undamped": (partial(planned, seen="raw"), Evidence),
    "damped halfway": (partial(planned, seen="halfway"), Evidence),
    "damped wholly": (partial(planned, seen="posterior"), Evidence),
    "thresholds": (partial(planned, proposers=PLAIN, choose=proposals.in_turns), Evidence),
    "cheapest": (partial(planned, proposers=PLAIN, choose=proposals.cheapest_first), Evidence),
    "dearest": (partial(planned, proposers=PLAIN, choose=proposals.dearest_first), Evidence),
    "lowest": (partial(planned, proposers=PLAIN, choose=proposals.lowest_first), Evidence),
    "fullest": (partial(planned, proposers=PLAIN, choose=proposals.fullest), Evidence),
}


# --- a run -----------------------------------------------------------------------------------------------------------


def play(world, method, seed):
    """The curve of one run: [(spent, accuracy of the labels delivered, of the classifier on unseen items)]."""
    choose, learns = METHODS[method]
    book, random, learner = Book(world), np.random.default_rng([seed, 9]), learns(world)
    state, curve, done = None, [], False
    while not done:
        first, before = FIRST * price("categories", world.shape[1]), book.spent
        for query in choose(book, state, max(300, SHARE * before) if before else first, random):
            book.ask(*query)
        state, delivered, unseen = learner.learn(book)
        accuracy = (delivered == world.y).mean(), (unseen.argmax(axis=1) == world.unseen_y).mean()
        curve.append((book.spent, *map(float, accuracy)))
        done = min(accuracy) >= 0.95 * world.full or book.spent > MOST or book.spent == before
    return curve


def reached(curve, full):
    """{target: money} at which it was first reached, inf if never; between two rounds on a line over log money."""
    found, money = {}, np.log([point[0] for point in curve])
    for target in TARGETS:
        got = np.maximum.accumulate([point[1 if target[0] == "f" else 2] for point in curve])
        aim = int(target[1:]) / 100 * full
        at = int(np.argmax(got >= aim))
        if got[at] < aim:
            found[target] = float("inf")
        else:
            part = (aim - got[at - 1]) / (got[at] - got[at - 1]) if at else 1.0
            found[target] = float(np.exp(money[at - 1] + part * (money[at] - money[at - 1]))) if at else curve[0][0]
    return found


# --- tables ----------------------------------------------------------------------------------------------------------


def ratios(kept, method, other, target, pools):
    """How many times dearer the other is, of each pool and seed where the method got there; (ratios, at least, missed).

    Where the other never got there the ratio is at least that to what it spent, and is left out of means.
    """
    found, least, missed = [], [], 0
    for pool in pools:
        for seed, ours in kept[pool][method].items():
            theirs = kept[pool][other].get(seed)
            if theirs is None:
                continue
            if not np.isfinite(ours[target]):
                missed += 1
            elif np.isfinite(theirs[target]):
                found.append(theirs[target] / ours[target])
            else:
                least.append(theirs["spent"] / ours[target])
    return np.array(found), np.array(least), missed


def mean(found):
    """Geometric mean with a 95% interval over seeds and pools."""
    if len(found) < 2:
        return f"{found[0]:.2f}" if len(found) else "-"
    logs = np.log(found)
    wide = 1.96 * logs.std(ddof=1) / np.sqrt(len(logs))
    return f"{np.exp(logs.mean()):.2f} [{np.exp(logs.mean() - wide):.2f}, {np.exp(logs.mean() + wide):.2f}]"


def show(kept, method, pools):
    """How many times dearer every other method is than this one."""
    others = [name for name in METHODS if name != method and any(name in kept[pool] for pool in pools)]
    print(
        f"\ntimes dearer than {method}: {', '.join(pools)}; geometric mean [95% interval], + pairs never reached by it"
    )
    print(f"{'':24}" + "".join(f"{target:>26}" for target in TARGETS))
    for other in others:
        cells = []
        for target in TARGETS:
            found, least, missed = ratios(kept, method, other, target, pools)
            least, missed = f" +{len(least)}" if len(least) else "", f" missed {missed}" if missed else ""
            cells.append(f"{mean(found)}{least}{missed}")
        print(f"{other:24}" + "".join(f"{cell:>26}" for cell in cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--pools", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--methods", nargs="+", default=list(METHODS)[:5], choices=METHODS)
    parser.add_argument("--classes", type=int, default=10, help="letter has 26")
    parser.add_argument("--weak", action="store_true", help="beside each pool, the same through a random projection")
    parser.add_argument("--slips", nargs="*", default=[], help="yes_no=0.3: errors in a kind, times the usual")
    parser.add_argument("--kept", type=Path, help="figures are kept here and not measured twice")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    slips = {kind: float(times) for kind, times in (one.split("=") for one in args.slips)}
    kept = json.loads(args.kept.read_text()) if args.kept and args.kept.exists() else {}
    pools = [f"{name}{weak}" for name in args.pools for weak in (("", WEAK) if args.weak else ("",))]
    for pool in pools:
        for seed in args.seeds:
            here = None
            for method in args.methods:
                runs = kept.setdefault(pool, {}).setdefault(method, {})
                if str(seed) in runs:
                    continue
                here = here or world(pool.removesuffix(WEAK), seed, args.classes, pool.endswith(WEAK), slips)
                start, curve = process_time(), play(here, method, seed)
                runs[str(seed)] = reached(curve, here.full) | {"spent": curve[-1][0], "curve": curve}
                figures = "".join(f"{runs[str(seed)][target]:10.0f}" for target in TARGETS)
                print(f"{pool:15} {seed} {method:24}{figures}   {process_time() - start:5.1f} s", flush=True)
                if args.kept:
                    args.kept.write_text(json.dumps(kept))
    ours = "planner" if "planner" in args.methods else args.methods[-1]
    show(kept, ours, [pool for pool in pools if not pool.endswith(WEAK)])
    for pool in pools if len(pools) > 1 else ():
        show(kept, ours, [pool])


if __name__ == "__main__":
    main()
