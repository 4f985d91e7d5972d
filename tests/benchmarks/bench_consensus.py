"""Truth from people's answers, beside what others make of the same answers.

Run by name: `python tests/benchmarks/bench_consensus.py [--short]`, with a Python that has numpy, scipy and
scikit-learn; crowd-kit and cleanlab are compared with where they are installed. Sets whose truth is known (see
crowds.py); seeds 0 to 4 of the generated ones were looked at while tuning, seeds 5 to 9 are reported.
  answers alone   accuracy, AUC, log-loss (clipped at 1e-3), calibration error (15 bins), CPU seconds
  pick-all        one relation of medical_relations at so many answers an item, against the experts
  workers         ratings against the shares that workers are right in, and who copies
  replay          accuracy at a growing share of the answers, alone, with a classifier, with one that is sure and wrong
  speed           a refit of many answers for as many sweeps as Dawid-Skene in crowd-kit; one `update`
"""

import argparse
import importlib
import importlib.util
import sys
import warnings
from pathlib import Path
from time import process_time

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from labeling.crowd import Answers, Choices, Consensus, Said, unheard, update
from tests.benchmarks.crowds import HABITS, KEPT, Crowd, features_of, generated, is_here, kept, relations

CLIP, BINS = 1e-3, 15
PEERS = {
    "MajorityVote": {}, "Wawa": {}, "DawidSkene": {"n_iter": 100}, "OneCoinDawidSkene": {"n_iter": 100}, "GLAD": {},
    "MACE": {"n_restarts": 5},
}  # fmt: skip
BUDGETS = (0.1, 0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.8, 1.0)


# --- methods: Crowd -> probabilities (n, C) ---------------------------------------------------------------------------


def ours(crowd, prior=None):
    if crowd.ticks is not None:
        yes = of_ticks(crowd.ticks).probas_[:, crowd.column]
        return np.stack([1 - yes, yes], axis=1)
    shape = len(crowd.truth), crowd.categories
    return Consensus().fit(Choices(crowd.item, crowd.label, crowd.worker), prior=prior, shape=shape).probas_


def of_ticks(ticks):
    """The consensus of pick-alls, which tell of a worker by every box."""
    many, C = ticks.ticked.shape
    item, worker = (np.repeat(column, C) for column in (ticks.item, ticks.worker))
    table = Answers(item, np.tile(np.arange(C), many), worker, ticks.ticked.ravel().astype(float))
    return Consensus(exclusive=False).fit(table, shape=ticks.truth.shape)


def vote(crowd):
    counts = np.zeros((len(crowd.truth), crowd.categories))
    np.add.at(counts, (crowd.item, crowd.label), 1)
    counts += ~counts.any(axis=1, keepdims=True)
    return counts / counts.sum(axis=1, keepdims=True)


def peers():
    """{name: method} of those installed; says on stderr which are not."""
    try:
        room = importlib.import_module("crowdkit.aggregation")
    except ImportError as error:
        print(f"crowd-kit is left out: {error}", file=sys.stderr)
        return {"vote": vote}
    return {name: _peer(getattr(room, name), options) for name, options in PEERS.items()}


def _peer(method, options):
    import pandas

    def probabilities(crowd):
        table = pandas.DataFrame({"task": crowd.item, "worker": crowd.worker, "label": crowd.label})
        found = method(**options).fit_predict_proba(table)
        found = found.reindex(index=range(len(crowd.truth)), columns=range(crowd.categories), fill_value=0.0).fillna(0)
        found = found.to_numpy() + ~found.to_numpy().any(axis=1, keepdims=True)
        return found / found.sum(axis=1, keepdims=True)

    return probabilities


def crowdlab(crowd, prior):
    """cleanlab's consensus of answers and a classifier; what its quality leaves is spread over the other categories."""
    import pandas
    from cleanlab.multiannotator import get_label_quality_multiannotator

    table = pandas.DataFrame({"item": crowd.item, "worker": crowd.worker, "label": crowd.label})
    wide = table.pivot_table(index="item", columns="worker", values="label").reindex(range(len(crowd.truth)))
    judged = wide.notna().any(axis=1).to_numpy()
    found = get_label_quality_multiannotator(wide[judged].reset_index(drop=True), prior[judged], verbose=False)
    found = found["label_quality"]
    rows, quality = np.nonzero(judged)[0], found["consensus_quality_score"].to_numpy()
    probas = prior.copy()
    probas[rows] = ((1 - quality) / (crowd.categories - 1))[:, None]
    probas[rows, found["consensus_label"].to_numpy().astype(int)] = quality
    return probas


# --- scores -----------------------------------------------------------------------------------------------------------


def scores(probas, truth):
    """(accuracy, AUC one against the rest, log-loss, calibration error) of items whose truth is known."""
    probas, truth = probas[truth >= 0], truth[truth >= 0]
    clipped = np.clip(probas, CLIP, 1)
    clipped = clipped / clipped.sum(axis=1, keepdims=True)
    sure, right = probas.max(axis=1), shares(probas, truth)
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    gap = abs(np.bincount(bins, sure - right, minlength=BINS)).sum() / len(truth)
    loss = -np.log(clipped[np.arange(len(truth)), truth]).mean()
    return right.mean(), area(probas, truth), loss, gap


def shares(probas, truth):
    """How likely each item is right (n,) if ties are broken at random."""
    best = probas >= probas.max(axis=1, keepdims=True) - 1e-9
    return best[np.arange(len(truth)), truth] / best.sum(axis=1)


def area(probas, truth):
    from scipy.stats import rankdata

    areas = []
    for category in np.unique(truth):
        yes = truth == category
        if 0 < yes.sum() < len(yes):
            above = rankdata(probas[:, category])[yes].sum() - yes.sum() * (yes.sum() + 1) / 2
            areas.append(above / (yes.sum() * (~yes).sum()))
    return np.mean(areas)


def paired(right, other, seed=0, draws=2000):
    """(mean over sets of the difference in accuracy, its 2.5% and 97.5% points over resampled items)."""
    random = np.random.default_rng(seed)
    means = [
        np.mean([(a - b)[random.integers(len(a), size=len(a))].mean() for a, b in zip(right, other, strict=True)])
        for _ in range(draws)
    ]
    return np.mean([(a - b).mean() for a, b in zip(right, other, strict=True)]), *np.quantile(means, [0.025, 0.975])


# --- answers alone ----------------------------------------------------------------------------------------------------


def sets(short):
    found = {name: kept(name) for name in KEPT if is_here(name)}
    if is_here("medical_relations"):
        found |= {f"{name.lower()} at {most}": of_relation(name, most)
                  for name in ("TREATS", "CAUSES") for most in (5, 15)}  # fmt: skip
    seeds = (5, 6) if short else range(5, 10)
    return found | {f"{habit} {seed}": generated(habit, seed) for habit in HABITS for seed in seeds}


def of_relation(name, most):
    """Peers are asked about this relation alone; they have no form for pick-alls."""
    ticks = relations()
    ticks = ticks.some(first(ticks.item, most, 0))
    column = ticks.names.index(name)
    return Crowd(ticks.item, ticks.worker, ticks.ticked[:, column].astype(int), ticks.truth[:, column], 2, ticks,
                 column)  # fmt: skip


def first(item, most, seed):
    """Which answers are among the first `most` of their item, in a random order."""
    order = np.random.default_rng(seed).permutation(len(item))
    order = order[np.argsort(item[order], kind="stable")]
    start = np.concatenate([[0], np.cumsum(np.bincount(item))[:-1]])
    rank = np.empty(len(item), int)
    rank[order] = np.arange(len(item)) - start[item[order]]
    return rank < most


def answers_alone(short):
    print("\nAnswers alone: accuracy / AUC / log-loss / calibration error")
    found, methods = sets(short), {"ours": ours, **peers()}
    rows, right = {}, {}
    print(f"{'':20}" + "".join(f"{name[:16]:>25}" for name in methods))
    seconds = dict.fromkeys(methods, 0.0)
    for name, crowd in found.items():
        for method, probabilities in methods.items():
            began = process_time()
            probas = probabilities(crowd)
            seconds[method] += process_time() - began
            known = crowd.truth >= 0
            rows.setdefault(method, []).append(scores(probas, crowd.truth))
            right.setdefault(method, []).append(shares(probas[known], crowd.truth[known]))
        print(f"{name:20}" + "".join(f"{row(rows[method][-1]):>25}" for method in methods), flush=True)
    means = {method: np.mean(rows[method], axis=0) for method in methods}
    print(f"{'mean':20}" + "".join(f"{row(means[method]):>25}" for method in methods))
    print(f"{'CPU seconds':20}" + "".join(f"{seconds[method]:>25.1f}" for method in methods))
    others = [method for method in methods if method != "ours"]
    best = max(others, key=lambda method: means[method][0])
    loss = min(means[method][2] for method in others)
    above, low, high = paired(right["ours"], right[best])
    print(f"Above {best}, the most accurate peer: {above:.4f} (95%: {low:.4f} to {high:.4f})")
    print(f"Log-loss of the best peer's: {means['ours'][2] / loss:.3f}; calibration error {means['ours'][3]:.3f}")
    plain = right[others[0]]
    for name, a, b in zip(found, right["ours"], plain, strict=True):
        error = (a - b).std() / np.sqrt(len(a))
        if (a - b).mean() < -1.96 * error:
            print(f"Significantly under the vote: {name} ({(a - b).mean():.4f})")


def row(values):
    return "{:.3f}/{:.3f}/{:.2f}/{:.3f}".format(*values)


# --- workers ----------------------------------------------------------------------------------------------------------


def workers(short):
    """Mean error of workers' ratings beside that of agreement with the vote, against the share they are right in."""
    print("\nWorkers: error of the rating, of agreement with the vote, ratio; shares of copies found")
    errors = []
    for name, crowd in sets(short).items():
        if crowd.ticks is not None:
            continue
        fitted = Consensus().fit(Choices(crowd.item, crowd.label, crowd.worker), shape=vote(crowd).shape).workers_
        agreed = vote(crowd).argmax(axis=1)[crowd.item] == crowd.label
        judged = np.bincount(crowd.worker)[fitted.name]
        real, simple = (np.bincount(crowd.worker, one)[fitted.name] / judged
                        for one in (crowd.truth[crowd.item] == crowd.label, agreed))  # fmt: skip
        errors.append([abs(one - real).mean() for one in (fitted.rating, simple)])
        ours, theirs = errors[-1]
        copies = np.round(np.sort(fitted.copies[fitted.copies > 0])[::-1], 2).tolist()
        print(f"{name:20} {ours:.3f} {theirs:.3f} {ours / theirs:.2f} {copies or ''}", flush=True)
    ours, theirs = np.mean(errors, axis=0)
    print(f"{'mean':20} {ours:.3f} {theirs:.3f} {ours / theirs:.2f}")


# --- pick-all ---------------------------------------------------------------------------------------------------------


def pick_all(orders):
    if not is_here("medical_relations"):
        return
    print(f"\nPick-all, mean of {orders} orders: accuracy (share of votes at .5), log-loss, calibration error")
    ticks = relations()
    columns = [ticks.names.index(name) for name in ("TREATS", "CAUSES")]
    for most in (3, 5, 8, 15):
        rows = {column: [] for column in columns}
        for seed in range(orders):
            some = ticks.some(first(ticks.item, most, seed))
            probas = of_ticks(some).probas_
            for column in columns:
                known = ticks.truth[:, column] >= 0
                yes, truth = probas[known, column], ticks.truth[known, column]
                share = np.bincount(some.item, some.ticked[:, column]) / np.bincount(some.item)
                found = scores(np.stack([1 - yes, yes], axis=1), truth)
                rows[column].append([found[0], ((share[known] >= 0.5) == truth).mean(), *found[2:]])
        for column in columns:
            figures = "{:.3f} ({:.3f}) {:.3f} {:.3f}".format(*np.mean(rows[column], axis=0))
            print(f"{most:>3} answers {ticks.names[column]:8} {figures}")


# --- replay -----------------------------------------------------------------------------------------------------------


def replay(orders):
    for name in KEPT:
        if not is_here(name):
            continue
        crowd, X = kept(name), features_of(name)
        goal = (vote(crowd).argmax(axis=1) == crowd.truth).mean()
        print(f"\nReplay of {name}, mean of {orders} orders; all its votes: {goal:.3f}")
        found = {budget: [at_budget(crowd, X, budget, seed) for seed in range(orders)] for budget in BUDGETS}
        names = list(found[1.0][0])
        worst = (("joint", "vote"), ("alone", "vote"), ("on planted", "alone"))
        print(f"{'share':>6}" + "".join(f"{name:>12}" for name in names) + "   the worst order's " +
              ", ".join(" above ".join(pair) for pair in worst))  # fmt: skip
        for budget, runs in found.items():
            gaps = [min(run[one] - run[other] for run in runs) for one, other in worst]
            print(f"{budget:>6}" + "".join(f"{np.mean([run[name] for run in runs]):>12.3f}" for name in names) +
                  "   " + " ".join(f"{gap:.3f}" for gap in gaps))  # fmt: skip


def at_budget(crowd, X, budget, seed):
    """Accuracy of each method on the same answers, drawn by this order."""
    order = np.random.default_rng(seed).permutation(len(crowd.item))
    some = crowd.some(np.sort(order[: int(budget * len(order))]))
    alone = ours(some)
    prior = crossfitted(X, alone, np.bincount(some.item, minlength=len(crowd.truth)) > 0)
    misled = planted(crowd, X, seed)
    found = {"vote": vote(some), "alone": alone, "classifier": prior, "joint": ours(some, prior),
             "planted": misled, "on planted": ours(some, misled)}  # fmt: skip
    if importlib.util.find_spec("cleanlab"):
        found["cleanlab"] = crowdlab(some, prior)
    return {name: hits(probas, crowd.truth) for name, probas in found.items()}


def hits(probas, truth):
    """Accuracy where ties, items that nobody judged among them, are broken at random."""
    return shares(probas, truth).mean()


def crossfitted(X, probas, judged, folds=5):
    """A linear classifier's probabilities (n, C), each item's from the others' answers; people alone are its target."""
    from sklearn.linear_model import LogisticRegression

    fold = np.arange(len(probas)) * 7919 % folds
    prior = np.full(probas.shape, 1 / probas.shape[1])
    labels, weight = probas.argmax(axis=1), probas.max(axis=1) - 1 / probas.shape[1]
    for held in range(folds):
        rows = judged & (fold != held)
        if len(np.unique(labels[rows])) < 2:
            continue
        strength = 0.03 if isinstance(X, np.ndarray) else 10.0
        made = LogisticRegression(C=strength, max_iter=300).fit(X[rows], labels[rows], sample_weight=weight[rows])
        prior[np.ix_(fold == held, made.classes_)] = made.predict_proba(X[fold == held])
        prior[np.ix_(fold == held, np.setdiff1d(np.arange(probas.shape[1]), made.classes_))] = CLIP
    return prior / prior.sum(axis=1, keepdims=True)


def planted(crowd, X, seed):
    """A prior that is 95% sure: right, but for one cluster of the items that it gives to a wrong category."""
    from sklearn.cluster import KMeans

    cluster = KMeans(6, n_init=1, random_state=seed).fit_predict(X)
    sizes = np.bincount(cluster)
    wrong = cluster == np.argsort(sizes)[len(sizes) // 2]
    claimed = np.where(wrong, (crowd.truth + 1) % crowd.categories, crowd.truth)
    prior = np.full((len(claimed), crowd.categories), 0.05 / (crowd.categories - 1))
    prior[np.arange(len(claimed)), claimed] = 0.95
    return prior


# --- speed ------------------------------------------------------------------------------------------------------------


def speed(answers, sweeps=10, categories=4):
    random = np.random.default_rng(0)
    item, worker = random.integers(answers // 5, size=answers), random.integers(answers // 200, size=answers)
    pair = np.unique(item * worker.max() + worker, return_index=True)[1]
    item, worker = item[pair], worker[pair]
    truth = random.integers(categories, size=answers // 5)
    label = np.where(random.random(len(item)) < 0.7, truth[item], random.integers(categories, size=len(item)))
    began = process_time()
    Consensus(sweeps=sweeps).fit(Choices(item, label, worker), shape=(len(truth), categories))
    took = process_time() - began
    print(f"\nRefit of {len(item):,} answers, {sweeps} sweeps: {took:.2f} CPU s", end="")
    try:
        peer = _peer(importlib.import_module("crowdkit.aggregation").DawidSkene, {"n_iter": sweeps, "tol": 0})
        began = process_time()
        peer(Crowd(item, worker, label, truth, categories))
        print(f", {took / (process_time() - began):.3f} of Dawid-Skene's in crowd-kit")
    except ImportError:
        print(" (crowd-kit is absent)")
    began = process_time()
    row, counts, prior = unheard(10, exclusive=True), np.zeros((10, 10)), np.full(10, 0.1)
    for _ in range(200):
        update(row, counts, Said(3, choice=True), prior)
    print(f"One update of 10 categories: {(process_time() - began) * 5:.3f} CPU ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="fewer seeds, orders and answers")
    short = parser.parse_args().short
    warnings.filterwarnings("ignore")
    answers_alone(short)
    workers(short)
    pick_all(2 if short else 10)
    replay(2 if short else 10)
    speed(100_000 if short else 1_000_000)


if __name__ == "__main__":
    main()
