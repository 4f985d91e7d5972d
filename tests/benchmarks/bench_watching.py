"""Who is found out: guessers after ten answers beside an oracle who knows the truth, copiers, those in a hurry; and how
often somebody honest is.

    python tests/benchmarks/bench_watching.py [--seeds 40]
"""

import argparse
import sys
from pathlib import Path
from time import process_time

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from labeling.crowd import Choices, Consensus, following, watching
from tests.benchmarks.crowds import HABITS, generated

LEVEL = 0.05
ITEMS, WORKERS = 100, 40


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=40)
    seeds = parser.parse_args().seeds
    after_ten(seeds)
    found_out(seeds)
    in_a_hurry(seeds)


# --- guessers after ten answers --------------------------------------------------------------------------------------


def after_ten(seeds):
    print(f"Guessers among {WORKERS} workers after ten answers each: AUC, mean of {seeds} crowds of 2 to 8 categories")
    print(
        f"{'all heard so far':<18}{'watching':>10}{'rating':>10}{'oracle':>10}{'share':>8}{'oracle*':>10}{'share*':>8}"
    )
    for title, short in (("ten each", True), ("others: everything", False)):
        rows = np.array([ranked(seed, short) for seed in range(seeds)])
        rows = rows[~np.isnan(rows).any(axis=1)]
        watched, rating, oracle, knower = rows.mean(axis=0)
        shares = f"{watched / oracle:>8.3f}{knower:>10.3f}{watched / knower:>8.3f}"
        print(f"{title:<18}{watched:>10.3f}{rating:>10.3f}{oracle:>10.3f}{shares}")
    print("oracle: share right of the ten, truth known; oracle*: also knows how everybody answers, by likelihood ratio")


def ranked(seed, short):
    """AUC of guessers by what watching doubts, by the model's rating, by the share right, by the true likelihoods.

    short: everybody has given ten answers; else the others all theirs, and one worker after the other ten.
    """
    crowd = shuffled(generated("spamming", seed, items=ITEMS, workers=WORKERS, answers=5), seed)
    counts = np.bincount(crowd.worker, minlength=WORKERS)
    able = np.flatnonzero(counts >= 10)
    guess = able < WORKERS // 3
    if len(set(guess)) < 2:
        return [np.nan] * 4
    doubt, rating = np.zeros((2, WORKERS))
    for some, asked in ([(first_ten(crowd, able), able)] if short else
                        [(first_ten(crowd, [one]), [one]) for one in able]):  # fmt: skip
        choices, model = fitted(some)
        workers = np.unique(some.worker)
        found = watching.guessing(watching.foretold(model, choices), workers).doubt
        doubt[asked], rating[asked] = found[np.searchsorted(workers, asked)], -of_workers(model)[asked]
    ten = first_ten(crowd, able)
    right = np.bincount(ten.worker, ten.label == ten.truth[ten.item], minlength=WORKERS) / 10
    knower = known_best(crowd, ten)
    return [auc(guess, score[able]) for score in (doubt, rating, -right, knower)]


def known_best(crowd, ten):
    """Log-odds of a guesser by the rates that guessers and others of this crowd have, the truth being known."""
    rates = np.ones((2, crowd.categories, crowd.categories))
    for row in range(len(crowd.item)):
        rates[int(crowd.worker[row] < WORKERS // 3), crowd.truth[crowd.item[row]], crowd.label[row]] += 1
    rates /= rates.sum(axis=2, keepdims=True)
    truth = ten.truth[ten.item]
    odds = np.zeros(WORKERS)
    known, whole = np.eye(crowd.categories)[truth], np.ones(len(truth))
    when, heard = np.arange(len(truth)), np.ones(len(truth), bool)
    forms = watching.Foretold(ten.label, ten.worker, when, rates[0][truth], known, whole, heard)
    workers = np.unique(ten.worker)
    odds[workers] = watching.guessing([forms], workers).doubt
    return odds


def first_ten(crowd, workers):
    """Only the first ten answers of these workers."""
    keep = np.ones(len(crowd.item), bool)
    for one in workers:
        keep[np.flatnonzero(crowd.worker == one)[10:]] = False
    return crowd.some(keep)


def shuffled(crowd, seed):
    return crowd.some(np.random.default_rng(seed).permutation(len(crowd.item)))


def fitted(crowd):
    choices = Choices(crowd.item, crowd.label, crowd.worker)
    return choices, Consensus().fit(choices, shape=(len(crowd.truth), crowd.categories))


def of_workers(model):
    rating = np.zeros(WORKERS)
    rating[model.workers_.name] = model.workers_.rating
    return rating


def auc(positive, score):
    """Mann and Whitney's: how often a guesser is before another, ties half."""
    more = score[positive][:, None] - score[~positive][None]
    return float((more > 0).mean() + (more == 0).mean() / 2)


# --- all that was answered -------------------------------------------------------------------------------------------


def found_out(seeds):
    print(f"\nFlagged at a level of {LEVEL:.0%}, {seeds} crowds of {WORKERS}, 60 answers each (120: twice as many)")
    heads = ("guessers found", "copiers found", "honest flagged", "crowds with any", "CPU s")
    print(f"{'crowd':<14}{heads[0]:>16}{heads[1]:>16}{heads[2]:>16}{heads[3]:>17}{heads[4]:>8}")
    for habit, answers in (*((habit, 4) for habit in HABITS), ("spamming", 8), ("copying", 8), ("hard", 8)):
        began = process_time()
        rows = np.array([flags(habit, seed, answers) for seed in range(seeds)])
        guessers, guess, copiers, copied, honest = rows.sum(axis=0)
        spent = (process_time() - began) / seeds
        print(f"{habit + ' ' + str(15 * answers):<14}{share(guess, guessers):>16}{share(copied, copiers):>16}"
              f"{honest / seeds:>16.2f}{(rows[:, 4] > 0).mean():>17.1%}{spent:>8.2f}")  # fmt: skip


def flags(habit, seed, answers):
    """(guessers, found, copiers, found, others flagged). Honest is whose answers depend on the truth."""
    crowd = generated(habit, seed, answers=answers)
    choices, model = fitted(crowd)
    workers = np.unique(crowd.worker)
    found = [watching.guessing(watching.foretold(model, choices), workers).odds,
             following.copying(model, choices, workers).odds]  # fmt: skip
    guess, copy = watching.flagged(np.array(found), LEVEL)
    guessers = (workers < WORKERS // 3) & (habit == "spamming")
    copiers = (workers < WORKERS // 4) & (habit == "copying")
    honest = ~guessers & ~copiers
    false = (guess & honest & (attention(crowd, workers) > 0.25)) | (copy & honest)
    return guessers.sum(), (guess & guessers).sum(), copiers.sum(), (copy & copiers).sum(), false.sum()


def attention(crowd, workers):
    """Cohen's kappa of each worker with the truth: 0 where answers do not depend on it."""
    found = []
    for one in workers:
        rows = crowd.worker == one
        said, truth = (np.eye(crowd.categories)[column[rows]].mean(axis=0)
                       for column in (crowd.label, crowd.truth[crowd.item]))  # fmt: skip
        chance = said @ truth
        right = (crowd.label[rows] == crowd.truth[crowd.item[rows]]).mean()
        found.append((right - chance) / max(1 - chance, 1e-9))
    return np.array(found)


def share(part, whole):
    return f"{part / whole:.0%} of {whole}" if whole else "-"


# --- those in a hurry ------------------------------------------------------------------------------------------------


def in_a_hurry(seeds):
    """Each worker's pace and each answer's time are lognormal; whoever hurries clicks within a second most times."""
    print(f"\nToo fast, of {WORKERS} workers of whom 4 hurry in 70% of their answers; {seeds} crowds")
    for answers in (10, 20, 40):
        hits = false = 0
        for seed in range(seeds):
            random = np.random.default_rng([seed, answers])
            pace = np.log(5) + random.normal(0, 0.4, WORKERS)
            seconds = np.exp(pace[:, None] + random.normal(0, 0.5, (WORKERS, answers)))
            seconds[:4] = np.where(random.random((4, answers)) < 0.7, random.uniform(0.3, 1, (4, answers)), seconds[:4])
            worker = np.repeat(np.arange(WORKERS), answers)
            odds = watching.hurrying(worker, seconds.ravel(), np.zeros(len(worker)), np.arange(WORKERS)).odds
            flagged = watching.flagged(odds, LEVEL)
            hits, false = hits + flagged[:4].sum(), false + flagged[4:].any()
        found, alarms = hits / (4 * seeds), false / seeds
        print(f"{answers:>4} answers: found {found:.0%}; crowds with somebody honest flagged {alarms:.1%}")


if __name__ == "__main__":
    main()
