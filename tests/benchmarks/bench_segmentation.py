"""Deep segmentation beside its peers on labeled sets of which 5, 10 or 25 labels a class are shown.

Run by name: `OMP_NUM_THREADS=1 python tests/benchmarks/bench_segmentation.py [--short | --long] [--k 5 10 25]
[--seeds 5 10] [--sets ...] [--methods ...] [--by-share] [--kept FILE]`. Every method sees the same draws; figures are
of the rows whose label was not shown, means over the seeds. FILE keeps each run as a line of JSON and spares it a
second time.
`--speed` instead times the classifier on generated rows, its views apart, cold and warm.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from scipy.special import softmax
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC

sys.path.insert(0, str(Path(__file__).parents[2]))

import labeled_sets

from segmentation import DeepSegmentation, TransductiveSVM, views
from segmentation.crossfitting import crossfit
from segmentation.scaling import Scaling

FIGURES = {"accuracy": 3, "macro_f1": 3, "log_loss": 3, "ece - perfect": 3, "cpu s": 2}


def labeled_only(estimator):
    def fit(X, y):
        return estimator.fit(X[y >= 0], y[y >= 0]).predict_proba(X)

    return fit


def all_rows(estimator, found="transduction_"):
    def fit(X, y):
        return getattr(estimator.fit(X, y), found)

    return fit


def self_trained(estimator):
    def fit(X, y):
        return estimator.fit(X, y).predict_proba(X)

    return fit


class KernelMachine(SVC):
    """The softmax of its margins stands for probabilities: Platt's need more labels than five."""

    def predict_proba(self, X):
        margin = self.decision_function(X)
        return softmax(2 * (np.column_stack([-margin, margin]) if margin.ndim == 1 else margin), axis=1)


def methods(seed):
    """{name: fit(X (n, d), y (n,) with -1 unlabeled) -> probabilities (n, C)}; ours first."""
    ours = {
        "deep segmentation": all_rows(DeepSegmentation(random_state=seed)),
        "Algorithm 1": all_rows(DeepSegmentation(method="patent", random_state=seed)),
        "network, supervised": all_rows(DeepSegmentation(method="patent", iterations=1, epochs=0, random_state=seed)),
        "linear TSVM": all_rows(TransductiveSVM()),
    }
    peers = {
        "logistic regression": labeled_only(LogisticRegression(max_iter=1000)),
        "SVM": labeled_only(KernelMachine(C=10.0)),
        "extra trees": labeled_only(ExtraTreesClassifier(300, random_state=seed)),
        "gradient boosting": labeled_only(HistGradientBoostingClassifier(min_samples_leaf=2, random_state=seed)),
        "label spreading": all_rows(LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.9), "label_distributions_"),
        "self-training": self_trained(SelfTrainingClassifier(LogisticRegression(max_iter=1000), threshold=0.9)),
    }
    return ours | peers


PEERS = [name for name in methods(0) if name not in ("deep segmentation", "Algorithm 1", "linear TSVM")]


def measure(args, name, X, y, k, seed, method):
    key = [name, k, seed, method, args.by_share]
    if json.dumps(key) not in args.known:
        shown, start = args.draw(y, k, seed), process_time()
        p = np.nan_to_num(methods(seed)[method](X, shown), nan=1 / (y.max() + 1))
        spent, found = process_time() - start, labeled_sets.scores(p[shown < 0], y[shown < 0])
        found |= {"ece - perfect": found["ece"] - found["ece_perfect"], "cpu s": spent}
        args.known[json.dumps(key)] = [found[figure] for figure in FIGURES]
        if args.kept:
            with args.kept.open("a") as file:
                file.write(json.dumps([key, args.known[json.dumps(key)]]) + "\n")
    return args.known[json.dumps(key)]


def show(args, k, sets):
    """sets {name: (X, y)}: one table a figure, then how the first method stands to the best of its peers."""
    found = np.array(
        [
            [
                [measure(args, name, X, y, k, seed, method) for seed in range(*args.seeds)]
                for name, (X, y) in sets.items()
            ]
            for method in args.methods
        ]
    )  # (methods, sets, seeds, figures)
    print(f"\n{k} labels a class{' on average' if args.by_share else ''}, seeds {args.seeds[0]} to {args.seeds[1] - 1}")
    for column, (figure, digits) in enumerate(FIGURES.items()):
        print(f"\n{figure:20}" + "".join(f"{name[:9]:>10}" for name in [*sets, "mean"]))
        for method, values in zip(args.methods, found[..., column].mean(axis=2), strict=True):
            print(f"{method:20}" + "".join(f"{value:10.{digits}f}" for value in [*values, values.mean()]))
    compare(args, sets, found)


def compare(args, sets, found):
    peers = [at for at, method in enumerate(args.methods) if method in PEERS]
    if args.methods[0] != "deep segmentation" or not peers:
        return
    accuracy, loss = found[..., 0], found[..., 2].mean(axis=(1, 2))
    means = accuracy.mean(axis=2)
    best = max(peers, key=lambda at: means[at].mean())
    gain = means[0].mean() - means[best].mean()
    behind = means[0] - means[peers].max(axis=0)
    print(f"\nbest single peer: {args.methods[best]}; deep segmentation is {100 * gain:+.1f} points from it")
    print("from the best peer of each set, points: " + each(sets, 100 * behind))
    print(f"log-loss, of the best peer's: {loss[0] / loss[peers].min():.2f}")
    print(f"ece - perfect: mean {found[0, ..., 3].mean():.3f}, worst set {found[0, ..., 3].mean(axis=1).max():.3f}")
    if "logistic regression" in args.methods:
        lead = accuracy[0] - accuracy[args.methods.index("logistic regression")]
        print("from logistic regression, points: " + each(sets, 100 * lead.mean(axis=1)))
        print("worst single run of each against it: " + each(sets, 100 * lead.min(axis=1)))


def each(sets, values):
    return ", ".join(f"{name} {value:+.1f}" for name, value in zip(sets, values, strict=True))


def speed(rows):
    print(
        f"{'rows':>8} {'views':>8} {'rest':>8} {'all':>8} {'warm':>8} {'5 folds':>8}   CPU s, 100 columns, 10 classes"
    )
    for n in rows:
        X, truth = make_classification(n, 100, n_informative=20, n_classes=10, n_clusters_per_class=2, random_state=0)
        y = labeled_sets.draw(truth, 10, 0)
        looked, made = spent(lambda X=X: views.prepare(Scaling().fit_transform(X), random_state=0))
        deep = DeepSegmentation(warm_start=True, views=made, random_state=0)
        rest, _ = spent(lambda X=X, y=y, deep=deep: deep.fit(X, y))
        few = np.flatnonzero(y < 0)[:5]
        y[few] = truth[few]
        warm, _ = spent(lambda X=X, y=y, deep=deep: deep.fit(X, y))
        folds, _ = spent(
            lambda X=X, y=y, made=made: crossfit(
                lambda fold: DeepSegmentation(views=made, random_state=0), X, y, 5, graph=made.graph
            )
        )
        print(f"{n:8} {looked:8.2f} {rest:8.2f} {looked + rest:8.2f} {warm:8.2f} {folds:8.2f}", flush=True)


def spent(act):
    start = process_time()
    made = act()
    return process_time() - start, made


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="three small sets, two seeds, ten labels a class")
    parser.add_argument("--long", action="store_true", help="ten seeds")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--k", type=int, nargs="+", default=[5, 10, 25], help="labels a class")
    parser.add_argument("--seeds", type=int, nargs=2, default=[5, 10], help="the first, and the one after the last")
    parser.add_argument("--sets", nargs="+", default=None)
    parser.add_argument("--methods", nargs="+", choices=list(methods(0)), default=list(methods(0)))
    parser.add_argument("--by-share", action="store_true", help="draw labels as often as the classes are")
    parser.add_argument("--kept", type=Path, default=None)
    args = parser.parse_args()
    args.draw = labeled_sets.draw_by_share if args.by_share else labeled_sets.draw
    lines = args.kept.read_text().splitlines() if args.kept and args.kept.exists() else []
    args.known = {json.dumps(key): figures for key, figures in map(json.loads, lines)}
    if args.long:
        args.seeds = [5, 15]
    if args.short:
        args.sets, args.seeds, args.k = args.sets or ["wine", "breast_cancer", "digits"], [5, 7], [10]
    return args


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    args = arguments()
    if args.speed:
        speed([1000, 5000] if args.short else [1000, 5000, 20_000, 50_000])
    else:
        for k in args.k:
            show(args, k, labeled_sets.sets(args.sets))
