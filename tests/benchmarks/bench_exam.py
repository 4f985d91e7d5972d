"""Do the exam's intervals hold the truth? On simulated projects where it is known.

Run by name: `python tests/benchmarks/bench_exam.py [--seeds ...] [--pools ...] [--people careful usual]`. A tenth of
each pool is the exam, answered blindly by three; the planner asks about the rest. After each of its last three rounds:
how right the classifier is of what it never learned from, and how right what is delivered is; and, where the planner
has spent as much as the exam cost, what choosing gained over asking at random. The truth of that is from fresh random
draws, on unseen items.
"""

import argparse
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

import courses
from bench_economy import Evidence, planned
from economies import Book, price
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors

from segmentation import exams, promotion, savings

SHARE = 0.1
VOTES = 3
STAGES = 5
PLAYED = 9  # rounds
SURE = 0.9  # agreed from this posterior
FRESH = 6  # random draws that tell what asking at random gives


class Found(NamedTuple):
    """An estimate and the truth of it."""

    what: str
    value: float
    low: float
    high: float
    truth: float


def parted(here, random):
    """The exam's world and the rest of the pool's."""
    n = len(here.X)
    examined = np.zeros(n, bool)
    examined[random.permutation(n)[: int(SHARE * n)]] = True

    def part(mask):
        crowd = replace(here.crowd, right=here.crowd.right[mask], looks=here.crowd.looks[mask], truth=here.y[mask])
        return replace(
            here, X=here.X[mask], y=here.y[mask], crowd=crowd, views=courses.views.prepare(here.X[mask], 10, 0)
        )

    return part(examined), part(~examined)


def voted(here, rows):
    """What most of three say of each, -1 where all differ; and their votes (m, C)."""
    book = Book(here)
    for row in rows:
        for _ in range(VOTES):
            book.ask("categories", [row], range(here.shape[1]))
    votes = book.votes[rows]
    return np.where(votes.max(axis=1) * 2 > VOTES, votes.argmax(axis=1), -1), votes


def likelihoods(votes):
    """Targets of votes (n, C): each three times as likely under its category as under another; ones without any."""
    return 3.0 ** (votes - votes.max(axis=1, keepdims=True))


def play(here, seed):
    """All that is found in one project."""
    random = np.random.default_rng([seed, 11])
    examined, rest = parted(here, random)
    truth, votes = voted(examined, np.arange(len(examined.X)))
    known = truth >= 0
    book, learner, state, snapshots, found = Book(rest), Evidence(rest), None, [], []
    for at in range(PLAYED):
        money = max(300, 0.5 * book.spent) if book.spent else 30 * price("categories", here.shape[1])
        for query in planned(book, state, money, random):
            book.ask(*query)
        state, _, _ = learner.learn(book)
        snapshots.append((book.spent, book.votes.copy()))
        if at >= PLAYED - 3:
            found += measured(here, examined, rest, truth, known, state, book)
    return found + saved(here, examined, rest, truth, votes, known, snapshots, random)


def measured(here, examined, rest, truth, known, state, book):
    p = nearest(rest.X, examined.X, state.probability)
    said, sure = p.argmax(axis=1), p.max(axis=1)
    unseen = (nearest(rest.X, here.unseen, state.probability).argmax(axis=1) == here.unseen_y).mean()
    alone = promotion.accuracy(p[known], truth[known], exclusive=True)
    agreed = (book.asked > 0) & (state.posterior.max(axis=1) >= SURE)
    error = float(1 - state.posterior[agreed].max(axis=1).mean()) if agreed.any() else 0.0
    left, mistaken = state.probability[~agreed].max(axis=1), float((truth != examined.y)[known].mean())
    whole = exams.delivered(
        sure[known], (said == truth)[known], np.flatnonzero(known), left, int(agreed.sum()), error, mistaken
    )
    labels = np.where(agreed, state.posterior.argmax(axis=1), state.probability.argmax(axis=1))
    real = (labels == rest.y).mean()
    return [
        Found("classifier", alone.value, alone.low, alone.high, unseen),
        Found("  and people's mistakes", alone.value, alone.low - mistaken, alone.high + mistaken, unseen),
        Found("delivered", whole.value, whole.low, whole.high, real),
        Found("  by the exam alone", alone.value, alone.low, alone.high, real),
    ]


def nearest(pool, X, probability):
    """What a classifier of the pool says of items that it never saw: as of their neighbours, (m, C)."""
    near = NearestNeighbors(n_neighbors=5).fit(pool).kneighbors(X, return_distance=False)
    return probability[near].mean(axis=1)


def saved(here, examined, rest, truth, votes, known, snapshots, random):
    m, cost = int(known.sum()), VOTES * price("categories", here.shape[1])
    first, most = snapshots[0][0], m * cost * (savings.FOLDS - 1) / savings.FOLDS
    spends = first + most * np.arange(STAGES) / (STAGES - 1)
    if snapshots[-1][0] < spends[-1]:
        return []
    X = np.vstack([rest.X, examined.X[known]])
    nothing = np.zeros((m, here.shape[1]))
    beginning = snapshots[0][1]
    chosen, drawn = [], []
    for stage, spend in enumerate(spends):
        reached = next(votes for spent, votes in snapshots if spent >= spend - 1e-9)
        chosen.append(likelihoods(np.vstack([reached, nothing])))
        shown = np.arange(m) < round(m * stage / (STAGES - 1))
        drawn.append(likelihoods(np.vstack([beginning, votes[known] * shown[:, None]])))
    exam = len(rest.X) + np.arange(m)
    out = savings.saving(X, exam, truth[known], np.array(chosen), np.array(drawn), spends, random_state=0)
    if out is None:
        return []
    ours = right(here, rest.X, next(votes for spent, votes in snapshots if spent >= spends[-1] - 1e-9))
    theirs = np.mean([by_chance(here, spends[-1], random) for _ in range(FRESH)])
    return [Found("gain by choosing", *out.gain, ours - theirs)]


def by_chance(here, spend, random):
    """How right it is after asking three people each about items drawn anew, for as much money."""
    rows = random.permutation(len(here.X))[: int(spend / (VOTES * price("categories", here.shape[1])))]
    _, votes = voted(here, rows)
    return right(here, here.X[rows], votes)


def right(here, X, votes):
    """How right logistic regression, taught by these votes, is of unseen items."""
    asked = votes.any(axis=1)
    fitted = LogisticRegression(max_iter=200).fit(X[asked], votes[asked].argmax(axis=1))
    return fitted.score(here.unseen, here.unseen_y)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[20, 21, 22])
    parser.add_argument("--pools", nargs="+", default=["digits", "pendigits", "letter A-J", "agnews"])
    parser.add_argument("--people", nargs="+", default=["careful", "usual"], choices=courses.CROWDS)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for people in args.people:
        found = []
        for pool in args.pools:
            for seed in args.seeds:
                start = process_time()
                found += play(courses.world(pool, seed, courses.CROWDS[people]), seed)
                print(f"{pool} {seed}: {process_time() - start:.1f} s", file=sys.stderr, flush=True)
        print(f"\n{people} people\n{'':28}{'n':>5}{'holds':>8}{'bias':>8}{'width':>8}")
        for what in dict.fromkeys(one.what for one in found):
            rows = [one for one in found if one.what == what]
            holds = np.mean([one.low <= one.truth <= one.high for one in rows])
            bias = np.mean([one.value - one.truth for one in rows])
            print(f"{what:28}{len(rows):5}{holds:8.2f}{bias:+8.3f}{np.mean([o.high - o.low for o in rows]):8.3f}")


if __name__ == "__main__":
    main()
