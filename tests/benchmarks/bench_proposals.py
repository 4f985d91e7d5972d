"""Seconds to plan a round over a million items, and the plain rules beside it; peak memory; one thread.

Run by name: `python tests/benchmarks/bench_proposals.py [items] [categories]`.
"""

import resource
import sys
from pathlib import Path
from time import process_time

import numpy as np
from scipy import sparse

sys.path.insert(0, str(Path(__file__).parents[2]))

from labeling import proposals
from labeling.proposals import Doubt, plan

LIMIT = 500
PLAIN = proposals.close_calls, proposals.hard_items, proposals.weak_categories
POLICIES = {
    "the planner": {},
    "thresholds": {"proposers": PLAIN, "choose": proposals.in_turns},
    "margin": {"proposers": [proposals.margin]},
    "at random": {"proposers": [proposals.random_items]},
}


def seconds(do):
    start = process_time()
    result = do()
    return process_time() - start, result


def mixed(shape, sharpness=8):
    """A classifier sure of some items and lost on others (n, C)."""
    p = np.random.default_rng(0).random(shape, dtype=np.float32)
    for _ in range(sharpness.bit_length() - 1):
        np.multiply(p, p, out=p)
    p /= p.sum(axis=1, keepdims=True)
    return p


def neighbours(items, k=10):
    """A graph of random ties: the worst for a processor's cache."""
    index = np.random.default_rng(1).integers(0, items, items * k, dtype=np.int32)
    ends = np.arange(0, items * k + 1, k, dtype=np.int32)
    return sparse.csr_array((np.full(items * k, 1 / k, np.float32), index, ends), shape=(items, items))


def price(found):
    return [10 * len(one.rows) * len(one.columns) for one in found]


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(case, p, exclusive):
    random = np.random.default_rng(2)
    askable, judged = random.random(len(p)) < 0.95, (random.random(len(p)) < 0.02).astype(np.int32)
    names, graph, mass = tuple(map(str, range(p.shape[1]))), neighbours(len(p)), np.ones(len(p), np.float32)
    people = {kind: np.array([[0.95, 0.05], [0.1, 0.9]]) for kind in ("yes_no", "items")}
    print(f"{case}\n  {'one pass (p.sum())':24}{seconds(p.sum)[0]:8.3f} s   {peak():.2f} GiB before")
    for name, policy in POLICIES.items():

        def whole_round(policy=policy):
            doubt = Doubt(p, exclusive, askable, names, judged=judged, mass=mass, graph=graph, rates=people)
            return plan(doubt, price, 10**7, LIMIT, 0, **policy)

        took, found = seconds(whole_round)
        print(f"  {name:24}{took:8.3f} s   {peak():.2f} GiB at most {len(found):6} chosen")


if __name__ == "__main__":
    shape = tuple(map(int, sys.argv[1:])) or (1_000_000, 10)
    measure(f"{shape}, exclusive, a mixed classifier", mixed(shape), exclusive=True)
    measure(f"{shape}, exclusive, uniform", np.full(shape, 1 / shape[1], np.float32), exclusive=True)
    cells = np.random.default_rng(3).random(shape, dtype=np.float32)
    measure(f"{shape}, not exclusive", np.multiply(cells, cells, out=cells), exclusive=False)
