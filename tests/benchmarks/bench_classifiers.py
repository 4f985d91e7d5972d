"""Every classifier that a project may choose, side by side on labeled sets of which a few labels are shown.

Run by name: `OMP_NUM_THREADS=1 python tests/benchmarks/bench_classifiers.py [--short] [--k 5 10] [--seeds 5 10]
[--classifiers ...] [--sets ...] [--by-share]`. Each figure is the mean over seeds, on rows whose label was not shown.
"""

import argparse
import sys
import warnings
from importlib import import_module
from pathlib import Path
from time import process_time

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

import labeled_sets

from labeling.settings import CLASSIFIERS

FIGURES = {"accuracy": 3, "macro_f1": 3, "log_loss": 3, "ece": 3, "ece - perfect": 3, "cpu s": 2}
SHORT = ["wine", "breast_cancer", "mice", "digits"]


def made(name, seed):
    room, _, factory = CLASSIFIERS[name][1].rpartition(".")
    return getattr(import_module(room), factory)(exclusive=True, random_state=seed)


def measured(name, X, y, shown, seed):
    """The FIGURES of one fit; CPU seconds include prediction of all rows."""
    start = process_time()
    p = made(name, seed).fit(X, shown).transduction_
    spent = process_time() - start
    found = labeled_sets.scores(p[shown < 0], y[shown < 0])
    found |= {"ece - perfect": found["ece"] - found["ece_perfect"], "cpu s": spent}
    return [found[figure] for figure in FIGURES]


def means(args, k, X, y):
    """(classifiers, figures) over seeds."""
    shown = {seed: args.draw(y, k, seed) for seed in range(*args.seeds)}
    return np.array(
        [np.mean([measured(which, X, y, it, seed) for seed, it in shown.items()], axis=0) for which in args.classifiers]
    )


def show(args, k, found):
    print(f"\n{k} labels a class{' on average' if args.by_share else ''}, seeds {args.seeds[0]} to {args.seeds[1] - 1}")
    for column, (figure, digits) in enumerate(FIGURES.items()):
        rows = {which: [it[at, column] for it in found.values()] for at, which in enumerate(args.classifiers)}
        table(figure, digits, found, rows)


def table(title, digits, names, rows):
    print(f"\n{title:22}" + "".join(f"{name[:10]:>11}" for name in [*names, "mean"]))
    for which, values in rows.items():
        print(f"{which:22}" + "".join(f"{value:11.{digits}f}" for value in [*values, np.mean(values)]), flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="four small sets, two seeds, ten labels a class")
    parser.add_argument("--k", type=int, nargs="+", default=[10], help="labels a class")
    parser.add_argument("--seeds", type=int, nargs=2, default=[5, 10], help="the first, and the one after the last")
    parser.add_argument("--classifiers", nargs="+", choices=CLASSIFIERS, default=list(CLASSIFIERS))
    parser.add_argument("--sets", nargs="+", default=None)
    parser.add_argument("--by-share", action="store_true", help="draw labels as often as the classes are")
    args = parser.parse_args()
    args.draw = labeled_sets.draw_by_share if args.by_share else labeled_sets.draw
    if args.short:
        args.sets, args.seeds, args.k = args.sets or SHORT, [5, 7], [10]
    return args


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    args = arguments()
    for k in args.k:
        show(args, k, {name: means(args, k, X, y) for name, (X, y) in labeled_sets.sets(args.sets).items()})
