"""Seconds to propose and choose over a million items, beside one pass of numpy over the same array.

Run by name: `python tests/benchmarks/bench_proposals.py [items] [categories]`.
"""

import resource
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from labeling.proposals import Doubt, choose, close_calls, hard_items, margin, random_items, weak_categories

PROPOSERS = close_calls, hard_items, weak_categories, random_items, margin


def seconds(do):
    start = perf_counter()
    result = do()
    return perf_counter() - start, result


def probabilities(shape, sharpness):
    p = np.random.default_rng(0).random(shape, dtype=np.float32) ** sharpness
    return p / p.sum(axis=1, keepdims=True)


def measure(case, p, exclusive, limit=500):
    askable = np.random.default_rng(1).random(len(p)) < 0.95
    total, doubt = seconds(lambda: Doubt(p, exclusive, askable, tuple(map(str, range(p.shape[1])))))
    print(f"{case}\n  {'one pass (p.sum())':24}{seconds(p.sum)[0]:8.3f} s\n  {'Doubt':24}{total:8.3f} s")
    offers = []
    for propose in PROPOSERS:
        took, found = seconds(lambda propose=propose: propose(doubt, limit, 0))
        print(f"  {propose.__name__:24}{took:8.3f} s {len(found):6} proposals")
        if propose in PROPOSERS[:3]:
            total, offers = total + took, offers + found
    prices = [len(offer.rows) * len(offer.columns) for offer in offers]
    took, chosen = seconds(lambda: choose(offers, prices, 5000, limit))
    print(f"  {'choose':24}{took:8.3f} s {len(chosen):6} chosen\n  {'a round of all kinds':24}{total + took:8.3f} s")


if __name__ == "__main__":
    shape = tuple(map(int, sys.argv[1:])) or (1_000_000, 10)
    measure(f"{shape}, exclusive, a mixed classifier", probabilities(shape, 8), exclusive=True)
    measure(f"{shape}, exclusive, uniform", np.full(shape, 1 / shape[1], np.float32), exclusive=True)
    cells = np.random.default_rng(2).beta(0.3, 0.6, shape).astype(np.float32)
    measure(f"{shape}, not exclusive", cells, exclusive=False)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
