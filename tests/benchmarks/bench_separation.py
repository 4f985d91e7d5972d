"""Seconds and accuracy of a transductive separation from a thousand to a million rows, beside what others take.

Run by name: `python tests/benchmarks/bench_separation.py [--short] [--device cuda]`. Everything runs on one thread and
seconds are those of the CPU, so that a busy machine changes little; a product X W beside them tells the machine.
"""

import argparse
import resource
import sys
import tempfile
import warnings
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[2]))

from labeled_sets import draw, scores, sets

from segmentation import TransductiveSVM, sampling

EXACT = {"stages": 6, "rounds": 60}  # and all rows in the sample: a solve to convergence
SPREADABLE = 20_000  # rows from which LabelSpreading is left out: its time and memory grow too fast
K = 10


def timed(do, seconds=process_time, repeats=3):
    """Least of some seconds, and what came of the last."""
    least = np.inf
    for _ in range(repeats):
        start = seconds()
        found = do()
        least = min(least, seconds() - start)
    return least, found


def crowd(n, columns, categories, seed=0):
    """Rows in overlapping clouds, so that accuracy can be lost; ten labels a category."""
    random = np.random.default_rng(seed)
    y = random.integers(categories, size=n)
    centres = random.standard_normal((categories, columns), dtype=np.float32) * np.float32(np.sqrt(12 / columns))
    X = centres[y] + random.standard_normal((n, columns), dtype=np.float32)
    return X, draw(y, K, seed), y


def exactly(X, y):
    """All rows in the sample, until nothing is gained any more."""
    kept, sampling.SAMPLE = sampling.SAMPLE, len(X)
    try:
        return TransductiveSVM(**EXACT).fit(X, y)
    finally:
        sampling.SAMPLE = kept


def accuracy(p, shown, truth):
    return float((p.argmax(axis=1) == truth)[shown < 0].mean())


def growth(shapes, device):
    print(
        f"\n{'rows x columns x classes':28}{'solve s':>9}{'X W s':>9}{'ratio':>7}{'acc':>8}{'exact':>8}{'exact s':>9}"
    )
    for n, columns, categories in shapes:
        X, shown, truth = crowd(n, columns, categories)
        W = np.ones((columns, categories), np.float32)
        took, fitted = timed(lambda X=X, shown=shown: TransductiveSVM(device=device).fit(X, shown), clock(device))
        product, _ = timed(lambda X=X, W=W: X @ W)
        exact_took, exact = timed(lambda X=X, shown=shown: exactly(X, shown), repeats=1)
        found, best = (accuracy(it.transduction_, shown, truth) for it in (fitted, exact))
        shape = f"{n:,} x {columns} x {categories}"
        print(f"{shape:28}{took:9.4f}{product:9.4f}{took / product:7.0f}{found:8.4f}{best:8.4f}{exact_took:9.3f}")


def clock(device):
    return process_time if device in (None, "cpu") else perf_counter  # an accelerator's time is none of the CPU's


def logistic(X, shown):
    known = shown >= 0
    return LogisticRegression(max_iter=1000).fit(X[known], shown[known]).predict_proba(X)


def spreading(X, shown):
    return LabelSpreading(kernel="knn", n_neighbors=10, max_iter=100).fit(X, shown).label_distributions_


def self_training(X, shown):
    return SelfTrainingClassifier(LogisticRegression(max_iter=1000)).fit(X, shown).predict_proba(X)


def ours(X, shown):
    return TransductiveSVM().fit(X, shown).transduction_


PEERS = {
    "TransductiveSVM": ours,
    "logistic regression": logistic,
    "LabelSpreading (kNN)": spreading,
    "self-training LR": self_training,
}


def beside_peers(cases, seeds):
    """cases {name: (X, y)}; mean over seeds of accuracy, log-loss, calibration error and CPU seconds."""
    print(f"\n{'set':16}{'method':22}{'accuracy':>9}{'log-loss':>9}{'ECE-15':>8}{'chance':>8}{'CPU s':>9}")
    for name, (X, y) in cases.items():
        for method, probabilities in PEERS.items():
            if probabilities is spreading and len(X) > SPREADABLE:
                print(f"{name:16}{method:22}   left out: {len(X):,} rows are too many")
                continue
            rows = [measured(probabilities, X, y, seed) for seed in seeds]
            keys = "accuracy", "log_loss", "ece", "ece_perfect", "seconds"
            a, loss, ece, chance, took = (np.mean([row[key] for row in rows]) for key in keys)
            print(f"{name:16}{method:22}{a:9.4f}{loss:9.3f}{ece:8.3f}{chance:8.3f}{took:9.3f}", flush=True)


def measured(probabilities, X, y, seed):
    shown = draw(y, K, seed)
    took, p = timed(lambda: probabilities(X, shown), repeats=1)
    hidden = shown < 0
    return scores(p[hidden], y[hidden]) | {"seconds": took}


def thin(n, columns, words=30, categories=4):
    """A sparse crowd: each row has so many of the columns, a tenth of them from the hundred of its category."""
    random = np.random.default_rng(0)
    y = random.integers(categories, size=n)
    own = random.integers(100, size=(n, words)) * categories + y[:, None]
    at = np.where(random.uniform(size=(n, words)) < 0.1, own, random.integers(columns, size=(n, words)))
    X = sparse.csr_array((np.ones(n * words, np.float32), at.ravel(), np.arange(0, n * words + 1, words)), (n, columns))
    took, p = timed(lambda: ours(X, draw(y, K, 0)), repeats=1)
    shape = f"{n:,} x {columns:,} x {categories} sparse"
    print(f"\n{shape}: {took:.2f} s, accuracy {accuracy(p, draw(y, K, 0), y):.4f}")


def shard(rank, world, folder, shape):
    group = __import__("torch.distributed").distributed
    group.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=world)
    X, shown, _ = crowd(*shape)
    mine = slice(rank * len(X) // world, (rank + 1) * len(X) // world)
    took, fitted = timed(lambda: TransductiveSVM(distributed=True).fit(X[mine], shown[mine]), perf_counter)
    if rank == 0:
        alone = TransductiveSVM().fit(X, shown)
        apart = np.abs(fitted.coef_ - alone.coef_).max() / np.abs(alone.coef_).max()
        print(f"\n{world} processes, {shape[0]:,} rows: {took:.3f} s by the clock, coefficients apart by {apart:.1e}")
    group.destroy_process_group()


def shards(world, shape):
    from torch.multiprocessing import spawn

    with tempfile.TemporaryDirectory() as folder:
        spawn(shard, (world, folder, shape), nprocs=world)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--short", action="store_true", help="up to a hundred thousand rows, and two small sets")
    options.add_argument("--device", help="torch's name of one, for the solves of growing size")
    options = options.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    sizes = (1_000, 10_000, 100_000) if options.short else (1_000, 10_000, 100_000, 1_000_000)
    largest = (sizes[-1], 32, 10)
    with threadpool_limits(1):
        growth([*((n, 32, 10) for n in sizes), (5_000, 64, 10), (50_000, 64, 10)], options.device)
        beside_peers(sets(["wine", "breast_cancer"] if options.short else None), range(5, 6 if options.short else 10))
        crowds = {f"{n:,} x 32": crowd(n, 32, 10)[::2] for n in (SPREADABLE // 2, sizes[-1])}
        beside_peers(crowds, [0])
        thin(sizes[-1] // 10, 50_000)
    shards(2, largest)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
