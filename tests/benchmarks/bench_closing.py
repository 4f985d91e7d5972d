"""Are items that were closed because people seemed sure as right as that, and what does it save?

Run by name: `python tests/benchmarks/bench_closing.py [--short]`, with a Python that has numpy, scipy and scikit-learn.
Recorded and generated crowds (see crowds.py; seeds 5 to 9, not looked at while tuning) answer in random orders, a
twelfth of the answers at a time. After each part everything is refitted; an item is closed, with what is believed of it
then, once its posterior reaches tau, and asked about no more. Of 5% of the items the truth is known beforehand; they
teach and are not counted. Printed: accuracy of the closed items (how many) and the upper Wilson bound of it for as many
items as one order has, starred where that is more than .02 under tau; the share of answers used, and the share that the
vote needs to be as right on all items ("all" where it never is).
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from labeling.crowd import Answers, Choices, Consensus
from tests.benchmarks.bench_consensus import hits, sets, vote

TAUS = (0.8, 0.9, 0.95)
GOLD, PARTS, SLACK = 0.05, 12, 0.02


def closed(crowd, tau, seed):
    """(closed items, of them right, share of answers used, accuracy on all items, open ones included)."""
    random = np.random.default_rng(seed)
    known = np.flatnonzero(crowd.truth >= 0)
    gold = random.choice(known, int(GOLD * len(known)), replace=False)
    taught, counted = np.isin(np.arange(len(crowd.truth)), gold), crowd.truth >= 0
    label, shut = np.full(len(crowd.truth), -1), np.zeros(len(crowd.truth), bool)
    left, used = random.permutation(len(crowd.item)), np.zeros(len(crowd.item), bool)
    part = -(-len(left) // PARTS)
    while len(left := left[~shut[crowd.item[left]]]):
        used[left[:part]], left = True, left[part:]
        probas = believed(crowd, np.flatnonzero(used), gold)
        sure = ~shut & ~taught & (probas.max(axis=1) >= tau)
        label[sure], shut[sure] = probas.argmax(axis=1)[sure], True
    label = np.where(shut, label, probas.argmax(axis=1))
    right = label == crowd.truth
    some, all_ = shut & counted, counted & ~taught
    return some.sum(), right[some].sum(), used.mean(), right[all_].mean()


def believed(crowd, rows, gold):
    """Posterior (n, C) from these answers; of items nobody was asked about, evenly spread."""
    if crowd.ticks is not None:
        ticks = crowd.ticks.some(rows)
        many, C = ticks.ticked.shape
        item, worker = (np.repeat(column, C) for column in (ticks.item, ticks.worker))
        table = Answers(item, np.tile(np.arange(C), many), worker, ticks.ticked.ravel().astype(float))
        cells = gold, np.full(len(gold), crowd.column), crowd.truth[gold].astype(float)
        yes = Consensus(exclusive=False).fit(table, gold=cells, shape=ticks.truth.shape).probas_[:, crowd.column]
        probas = np.stack([1 - yes, yes], axis=1)
    else:
        some, cells = crowd.some(rows), (gold, crowd.truth[gold], np.ones(len(gold)))
        table, shape = Choices(some.item, some.label, some.worker), (len(crowd.truth), crowd.categories)
        probas = Consensus().fit(table, gold=cells, shape=shape).probas_
    asked = np.bincount(crowd.item[rows], minlength=len(probas)) > 0
    return np.where(asked[:, None], probas, 1 / probas.shape[1])


def vote_needs(crowd, accuracy, seed):
    """The share of answers, in a random order, at which the vote is as right on all items; inf if never."""
    order, known = np.random.default_rng(seed).permutation(len(crowd.item)), crowd.truth >= 0
    for share in np.arange(0.1, 1.01, 0.05):
        some = crowd.some(np.sort(order[: int(share * len(order))]))
        if hits(vote(some)[known], crowd.truth[known]) >= accuracy:
            return share
    return np.inf


def wilson(right, of):
    """The upper end of the 95% interval."""
    if not of:
        return 1.0
    z, p = 1.96, right / of
    return (p + z * z / 2 / of + z * np.sqrt(p * (1 - p) / of + z * z / 4 / of / of)) / (1 + z * z / of)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="fewer seeds and orders")
    short = parser.parse_args().short
    print(f"{'':16}" + "".join(f"{f'closed at {tau}':^36}" for tau in TAUS))
    failed = dearer = 0
    for name, crowd in sets(short).items():
        line = ""
        for tau in TAUS:
            runs = np.array([closed(crowd, tau, seed) for seed in range(1 if short else 3)])
            many, right, used = runs[:, :3].mean(axis=0)
            needs = np.mean([vote_needs(crowd, run[3], seed) for seed, run in enumerate(runs)])
            bound = wilson(right, many)
            failed, dearer = failed + (bound < tau - SLACK), dearer + (used > needs)
            star = "*" if bound < tau - SLACK else " "
            line += f"{right / max(many, 1):>7.3f} ({many:4.0f}) {bound:.3f}{star} {used:4.2f} of {needs:4.2f}"
        print(f"{name:16}{line}".replace(" inf", " all"), flush=True)
    print(f"More than {SLACK} under tau: {failed}; dearer than the vote: {dearer}")


if __name__ == "__main__":
    main()
