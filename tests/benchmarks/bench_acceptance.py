"""How much may the classifier decide, for how many audits, and how often is the statement broken?

Run by name: `OMP_NUM_THREADS=1 python tests/benchmarks/bench_acceptance.py [--short] [--projects 1000]
[--lead 2] [--looks .1 .2 .4] [--sets ...]`. A project is a pool of items, generated or of a labeled set less the labels
shown, and audits drawn by new lots, until nearly all that is in play is accepted or there are no more looks. An item is
audited by people whose answers are wrong at a given rate, until one answer leads by so many, at most four times as many
of them; if none does it counts as wrong. The wrong answers are the worst there are: they side with each other, and with
the classifier where that is wrong.
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
from scipy.special import betaln, logsumexp
from scipy.stats import hypergeom
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parents[2]))

import labeled_sets

from segmentation import DeepSegmentation
from segmentation.certificates import accepted, certify, lowest_in_play, next_audit, spent

ALPHA = DELTA = 0.05
NEARLY = 0.9  # of the items in play accepted, and no further look is taken
MISTAKES = 0.0, 0.01, 0.05
PLACES = 4  # times the lead: people asked about one item at most
COLUMNS = "items  right  oracle audits people  true   kept  audit  broken      cpu s"
EXPLAINED = """  %: mistaken answers; right: items; oracle: the part of the pool that who knows the truth accepts;
  people: answers to one audit;
  true, audit: share at or above the threshold, of what is accepted by who knows the truth, or all audits;
  kept: the same without the audited; broken: projects of 1,000 in truth, and against what audits would say of all"""


def generated(kind, seed, items=4000):
    """Confidences (n,) and wrong (n,) of an imagined classifier."""
    random = np.random.default_rng([seed, items])
    confidence, chance = 1 - 0.9 * random.beta(0.3, 2.2, items), random.random(items)
    if kind == "overconfident":
        return 1 - (1 - confidence) / 8, chance < 1 - confidence
    if kind == "calibrated":
        return confidence, chance < 1 - confidence
    rank = random.random(items)
    wrong = {
        "on the line": np.full(items, ALPHA + 0.002),
        "surest wrong": np.where(rank > 0.95, 0.15, np.where(rank > 0.4, 0.02, 0.4)),
        "cliff": np.where(rank > 0.5, 0.02, 0.6),
        "useless": np.full(items, 0.2),
    }[kind]
    return rank, chance < wrong


def learned(make, k, X, y, seed):
    """Confidences and wrong of the rows whose label was not among the k a class shown."""
    shown = labeled_sets.draw(y, k, seed)
    p = make(seed, X, shown)
    hidden = shown < 0
    return p[hidden].max(axis=1), np.unique(y)[p[hidden].argmax(axis=1)] != y[hidden]


def logistic(seed, X, shown):
    known = shown >= 0
    return LogisticRegression(max_iter=200).fit(X[known], shown[known]).predict_proba(X)


def deep(seed, X, shown):
    return DeepSegmentation(random_state=seed).fit(X, shown).predict_proba(X)


def oracle(confidence, wrong):
    """The share of items above the lowest threshold where at most ALPHA are wrong."""
    order = np.argsort(-confidence, kind="stable")
    fine = np.flatnonzero(np.cumsum(wrong[order]) <= ALPHA * np.arange(1, len(order) + 1))
    return (fine[-1] + 1) / len(order) if len(fine) else 0.0


def audited_by_people(wrong, mistakes, lead, random):
    """Whether an audit would call each item wrong, and how many people it would ask."""
    steps = np.where(random.random((len(wrong), PLACES * lead)) < mistakes, -1, 1).cumsum(axis=1)
    led = np.abs(steps) >= lead
    people = np.where(led.any(axis=1), led.argmax(axis=1), PLACES * lead - 1)
    lead_of_right = np.where(led.any(axis=1), steps[np.arange(len(wrong)), people], 0)
    return np.where(lead_of_right == 0, True, wrong ^ (lead_of_right < 0)), people + 1


def project(confidence, wrong, mistakes, lead, looks, random):
    """(audits, people asked about one, share at or above the threshold, share accepted, audit's oracle, broken in
    truth, broken as audited)."""
    said, people = audited_by_people(wrong, mistakes, lead, random)
    lot, audited, lowest = random.random(len(wrong)), np.array([], int), -np.inf
    share, kept, broken = 0.0, 0.0, np.zeros(2, bool)
    for look, part in enumerate(looks, 1):
        audited = np.append(audited, next_audit(confidence, lot, audited, int(part * len(lot)), lowest))
        used = audited[confidence[audited] >= lowest]
        certificate = certify(confidence, used, said[used], ALPHA, DELTA, look, lowest)
        if certificate:
            mine = accepted(certificate, confidence, audited)
            broken |= [it[mine].sum() > ALPHA * mine.sum() + 1e-9 for it in (wrong, said)]
            share = max(share, float((confidence >= certificate.threshold).mean()))
            kept = mine.mean()
        lowest = lowest_in_play(confidence, used, said[used], ALPHA, DELTA, lowest)
        if lowest is None or share >= NEARLY * (confidence >= lowest).mean():
            break
    return [len(audited), people[audited].mean(), share, kept, oracle(confidence, said), *broken]


def row(name, pools, projects, looks, lead):
    """One line for each share of mistaken answers: means over projects, which take the pools in turn."""
    for mistakes in MISTAKES:
        random, start = np.random.default_rng(0), process_time()
        found = np.array([project(*pools[i % len(pools)], mistakes, lead, looks, random) for i in range(projects)])
        audits, people, share, kept, theirs, true, audit = found.mean(axis=0)
        best = np.mean([oracle(*it) for it in pools])
        wrong = pools[0][1]
        print(
            f"{name:22}{mistakes:5.0%}{len(wrong):7d}{1 - wrong.mean():7.3f}{best:8.3f}{audits:8.0f}{people:7.2f}"
            f"{share / max(best, 1e-9):7.2f}{kept / max(best, 1e-9):7.2f}{share / max(theirs, 1e-9):7.2f}"
            f"{true * 1000:6.0f}{audit * 1000:6.0f}{process_time() - start:7.1f}",
            flush=True,
        )


def looks_compared(items=5000):
    """How many wrong audits still certify: the more, the better. Betting is by a mixture over all better pools.

    The ratio of a beta-binomial mixture to the likelihood of the null is a betting martingale without replacement
    (Waudby-Smith and Ramdas 2020, confidence sequences for sampling without replacement), valid at all looks at once.
    """
    print(f"\nthe most wrong audits at which one threshold of {items} items is certified\n{'audits':>22}", end="")
    sizes = [100 * 2**i for i in range(6)]
    print("".join(f"{size:7d}" for size in sizes))
    ways = {
        "one look": lambda k, m, look: _exact(k, m, items) <= DELTA,
        "shares of delta": lambda k, m, look: _exact(k, m, items) <= DELTA * spent(look),
        "delta / look (look+1)": lambda k, m, look: _exact(k, m, items) <= DELTA / (look * (look + 1)),
        "betting, prior (1, 1)": lambda k, m, look: _bet(k, m, items, 1, 1) >= np.log(1 / DELTA),
        "betting, prior (1, 30)": lambda k, m, look: _bet(k, m, items, 1, 30) >= np.log(1 / DELTA),
    }
    for way, proves in ways.items():
        most = [
            max((k for k in range(size // 15 + 2) if proves(k, size, i)), default=-1) for i, size in enumerate(sizes, 1)
        ]
        print(f"{way:22}" + "".join(f"{k:7d}" for k in most))


def strata_compared(items=2000, drawn=200, projects=2000):
    """Does it pay to draw audits in strata? The chance that a threshold is certified of which so many are wrong, nine
    of ten of them in the lower half by confidence.

    In strata the null is a composite: the worst of all ways to spread the errors that would break the statement. One
    test adds up the wrong of halves drawn alike, one combines each half's own test by Fisher's product.
    """
    random, half, null = np.random.default_rng(0), items // 2, int(ALPHA * items) + 1
    print(f"\nchance to certify one threshold of {items} items by {drawn} audits")
    print(
        f"{'wrong':>7}{'at random':>11}{'halves alike':>14}{'by product':>12}{'by product, most in the lower half':>36}"
    )
    for wrong in (0.01, 0.02, 0.03, null / items):
        low = round(0.9 * wrong * items)
        halves = round(wrong * items) - low, low
        at_random = hypergeom.cdf(random.hypergeometric(sum(halves), items - sum(halves), drawn, projects), items, null,
                                  drawn)  # fmt: skip
        found = [at_random]
        for share, test in ((0.5, _added), (0.5, _product), (0.7, _product)):
            sizes = int(drawn * (1 - share)), int(drawn * share)
            seen = [random.hypergeometric(k, half - k, n, projects) for k, n in zip(halves, sizes, strict=True)]
            found.append(test(seen, half, sizes, null))
        columns = zip((11, 14, 12, 25), [(p <= DELTA).mean() for p in found], strict=True)
        print(f"{wrong:>7.3f}" + "".join(f"{share:>{width}.2f}" for width, share in columns))


def _product(seen, half, sizes, null):
    tables = [hypergeom.cdf(np.arange(n + 1)[:, None], half, np.arange(null + 1), n) for n in sizes]
    p = tables[0][seen[0]] * tables[1][seen[1]][:, ::-1]
    return (p * (1 - np.log(np.maximum(p, 1e-300)))).max(axis=1)


def _added(seen, half, sizes, null):
    masses = [hypergeom.pmf(np.arange(n + 1)[:, None], half, np.arange(null + 1), n) for n in sizes]
    splits = [np.convolve(masses[0][:, k], masses[1][:, null - k]).cumsum() for k in range(null + 1)]
    return np.max(splits, axis=0)[seen[0] + seen[1]]


def _broken(k, drawn, items):
    return k + int(ALPHA * (items - drawn)) + 1


def _exact(k, drawn, items):
    return hypergeom.cdf(k, items, _broken(k, drawn, items), drawn)


def _bet(k, drawn, items, a, b):
    """Logarithm of what one unit, betted on pools with fewer wrong items, has become."""
    null = _broken(k, drawn, items)
    better = np.arange(null)
    choose = -betaln(better + 1, items - better + 1)
    prior = choose + betaln(better + a, items - better + b)
    return (
        logsumexp(prior + hypergeom.logpmf(k, items, better, drawn))
        - logsumexp(prior)
        - hypergeom.logpmf(k, items, null, drawn)
    )


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a hundred projects, fewer sets")
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--lead", type=int, default=2, help="people by whom an audited answer leads")
    parser.add_argument("--looks", type=float, nargs="+", default=[0.4], help="shares of the pool, rising")
    parser.add_argument("--seeds", type=int, nargs=2, default=[5, 10], help="of labels and fits: first, after last")
    parser.add_argument("--sets", nargs="+", default=None)
    args = parser.parse_args()
    if args.short:
        args.projects, args.sets = 100, args.sets or ["breast_cancer", "digits"]
    return args


if __name__ == "__main__":
    args = arguments()
    looks_compared()
    strata_compared()
    print(
        f"\n{args.projects} projects each, alpha = delta = {ALPHA}, looks at {args.looks} of the pool, lead {args.lead}"
    )
    print(EXPLAINED)
    print(f"{'':22}{'':5}  {COLUMNS}")
    show = partial(row, projects=args.projects, looks=args.looks, lead=args.lead)
    for kind in ("calibrated", "overconfident", "on the line", "surest wrong", "cliff", "useless"):
        show(kind, [generated(kind, seed) for seed in range(*args.seeds)])
    for name, (X, y) in labeled_sets.sets(args.sets).items():
        for title, make, k in (("logistic", logistic, 25), ("logistic", logistic, 100), ("deep", deep, 10)):
            if k * len(np.unique(y)) <= len(y) / 2 and (make is logistic or len(y) < 3000):
                show(f"{name} {title} {k}", [learned(make, k, X, y, seed) for seed in range(*args.seeds)])
