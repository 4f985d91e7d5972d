"""The courses of simulated projects: what was spent, and how right the classifier was, round after round.

Many pools, crowds, policies and classifiers, cheap ones. What each classifier said of unseen items is kept, so that an
exam of any size can be drawn from it afterwards. One run makes them all and keeps them in a file.
"""

import json
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from bench_economy import Evidence, State, Votes, planned, smallest_margin, until_sure, voted
from economies import Book, World, crowd, price, projected
from labeled_sets import sets
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression

from labeling import proposals
from segmentation import views

POOLS = {  # name: (set, its classes from, to, whether its features are weak)
    "digits": ("digits", 0, 10, False),
    "pendigits": ("pendigits", 0, 10, False),
    "weak pendigits": ("pendigits", 0, 10, True),
    "letter A-J": ("letter", 0, 10, False),
    "letter K-Z": ("letter", 10, 26, False),
    "weak letter": ("letter", 0, 10, True),
    "agnews": ("agnews", 0, 4, False),
    "mice": ("mice", 0, 8, False),
    "spambase": ("spambase", 0, 2, False),
    "breast_cancer": ("breast_cancer", 0, 2, False),
}
MOST = 2500  # items of a pool, and as many unseen
ROUNDS = 45
FIRST = 30  # items asked at random before anything is known
ON = 1.3  # times what .95 of full supervision took: so far a course goes on
CROWDS = {"sloppy": 1.3, "usual": 1.0, "careful": 0.5}  # times that people's errors are multiplied by


class Trees(Votes):
    """Three votes an item, a forest from them."""

    def learn(self, book):
        known, labels = book.votes.any(axis=1), book.votes.argmax(axis=1)
        p = np.full((len(self.world.X) + len(self.world.unseen), self.world.shape[1]), 1e-3)
        grown = ExtraTreesClassifier(60, min_samples_leaf=2, random_state=0).fit(self.world.X[known], labels[known])
        p[:, grown.classes_] += grown.predict_proba(np.vstack([self.world.X, self.world.unseen]))
        probability, unseen = np.split(p / p.sum(axis=1, keepdims=True), [len(self.world.X)])
        return State(probability), np.where(known, labels, probability.argmax(axis=1)), unseen


def drawn(p):
    return np.arange(len(p))


POLICIES = {
    "random, votes, line": (voted(drawn), Votes),
    "margin, votes, line": (voted(smallest_margin), Votes),
    "random, votes, trees": (voted(drawn), Trees),
    "margin, votes, trees": (voted(smallest_margin), Trees),
    "random, until sure": (until_sure, Evidence),
    "planner": (planned, Evidence),
    "rows alone": (partial(planned, proposers=[proposals.rows]), Evidence),
}


@dataclass(frozen=True)
class Course:
    """spent (R,) in thousandths of a unit; right (R, m) bool and sure (R, m) of unseen items; delivered (R,): how right
    the pool's labels were; made: what it was made by."""

    made: dict
    spent: np.ndarray
    right: np.ndarray
    sure: np.ndarray
    delivered: np.ndarray


def world(name, seed, people):
    """A pool of POOLS with a crowd of this seed whose errors are so many times the usual."""
    kind, low, high, weak = POOLS[name]
    X, y = sets([kind])[kind]
    X, y = X[(y >= low) & (y < high)], y[(y >= low) & (y < high)] - low
    random = np.random.default_rng([seed, 0])
    X = (projected(X, random) if weak else X).astype(np.float32)
    order, cut = random.permutation(len(X)), min(MOST, len(X) // 2)
    pool, rest = order[:cut], order[cut : cut + MOST]
    slips = dict.fromkeys(("yes_no", "categories", "items"), people)
    full = LogisticRegression(max_iter=1000).fit(X[pool], y[pool]).score(X[rest], y[rest])
    asked = crowd(X[pool], y[pool], random, seed, slips)
    return World(X[pool], y[pool], X[rest], y[rest], views.prepare(X[pool], 10, seed), asked, full)


def course(here, policy, seed, made):
    """One project of this policy: rounds of a fifth of what was spent, or all of one size."""
    choose, learns = POLICIES[policy]
    book, random, learner = Book(here), np.random.default_rng([seed, 9]), learns(here)
    row, even = price("categories", here.shape[1]), learns is not Evidence and seed % 2
    state, kept, enough = None, [], np.inf
    for _ in range(ROUNDS * (2 if even else 1)):
        before = book.spent
        money = max(300, 0.2 * before) if before and not even else FIRST * row
        for query in choose(book, state, money, random):
            book.ask(*query)
        state, labels, unseen = learner.learn(book)
        right = unseen.argmax(axis=1) == here.unseen_y
        kept.append((book.spent, right, unseen.max(axis=1), (labels == here.y).mean()))
        if right.mean() >= 0.95 * here.full:
            enough = min(enough, ON * book.spent)
        if book.spent == before or book.spent > enough:
            break
    spent, right, sure, delivered = zip(*kept, strict=True)
    return Course(
        made | {"policy": policy, "full": here.full, "categories": here.shape[1]},
        np.array(spent), np.array(right), np.array(sure, np.float16), np.array(delivered),
    )  # fmt: skip


def make(folder, seeds, pools=POOLS, policies=POLICIES):
    """Make the courses that the folder does not hold yet, one file a project's world."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in product(seeds, pools):
        people = list(CROWDS)[seed % len(CROWDS)]
        made = {"pool": name, "set": POOLS[name][0], "seed": seed, "people": people}
        file = folder / f"{name.replace(' ', '_')}-{seed}.npz"
        if file.exists():
            continue
        here = world(name, seed, CROWDS[people])
        courses = [course(here, policy, seed, made) for policy in policies]
        np.savez_compressed(file, **packed(courses))
        yield file, courses


def packed(courses):
    arrays = {"made": np.array(json.dumps([it.made for it in courses]))}
    for at, it in enumerate(courses):
        arrays |= {f"spent{at}": it.spent, f"right{at}": it.right, f"sure{at}": it.sure, f"delivered{at}": it.delivered}
    return arrays


def load(folder):
    """All courses of the folder."""
    found = []
    for file in sorted(folder.glob("*.npz")):
        with np.load(file, allow_pickle=False) as kept:
            for at, made in enumerate(json.loads(str(kept["made"]))):
                found.append(Course(made, *(kept[f"{name}{at}"] for name in ("spent", "right", "sure", "delivered"))))
    return found
