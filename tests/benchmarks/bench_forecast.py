"""How well money and accuracy are foretold on projects that the forecaster's table was not made of.

Run by name: `python tests/benchmarks/bench_forecast.py --courses FOLDER [--make FIRST LAST] [--write]`. `--make` plays
simulated projects with these seeds and keeps them in the folder (about ten seconds of one core for each of ten pools
and each seed, see courses.py). What is reported of a pool rests on a table made without that pool's set and without the
half of the seeds that its own is in: neither its items nor its crowd. `--write` makes the table that is shipped.

The cases: targets of .90 and .95 of the accuracy from the whole truth, seen from .25, .35, .5 and .7 of the money that
it really took; the accuracy is known from an exam of so many items, drawn anew. "always 2.2 times" is who knows
beforehand that it is half time: it shows how little the figures at half alone are worth.
"""

import argparse
import sys
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import logit

sys.path.insert(0, str(Path(__file__).parents[2]))

import courses

from segmentation import forecasts, lessons
from segmentation.forecasts import Course, Forecaster

TARGETS = 0.90, 0.95
FRACTIONS = 0.25, 0.35, 0.5, 0.7
EXAMS = 500, 100
HELD = 2  # parts of the seeds; a part is told by a table of the others
KEPT = 3000  # errors of each kind in the shipped table


class Case(NamedTuple):
    """Runs so far, the target, and the money that it really took."""

    course: Course
    goal: float
    took: float
    fraction: float
    made: dict
    truth: tuple  # (spent, accuracy) of the whole course


def examined(course, items, random, grows=False):
    """The course as an exam of so many unseen items would know it; one that grows has them all at the last run."""
    unseen = course.right.shape[1]
    order = random.permutation(unseen)
    most = np.full(len(course.spent), min(items, unseen))
    if grows:
        most = np.clip(items * course.spent / course.spent[-1], min(30, items), unseen).astype(int)
    accuracy = [row[order[:count]].mean() for row, count in zip(course.right, most, strict=True)]
    return Course(course.spent.astype(float), np.array(accuracy), most.astype(float))


def truth_of(course):
    return np.clip(isotonic_regression(course.right.mean(axis=1)).x, 0.01, 0.995)


def cases(played, items, seed=0):
    found = []
    for number, course in enumerate(played):
        seen, truth = examined(course, items, np.random.default_rng([seed, number])), truth_of(course)
        for target in TARGETS:
            goal = target * course.made["full"]
            took = np.exp(lessons.reached(np.log(course.spent), truth, goal))
            for fraction in FRACTIONS if np.isfinite(took) else ():
                runs = int((course.spent <= fraction * took).sum())
                if runs >= forecasts.LEAST:
                    pair = course.spent, truth
                    found.append(Case(seen.until(runs), goal, took, fraction, course.made, pair))
    return found


# --- tables ----------------------------------------------------------------------------------------------------------


def taught(played, seed=1):
    """Lessons of each course, with exams of all sizes, half of them growing; None where it teaches nothing."""
    found = []
    for number, course in enumerate(played):
        random = np.random.default_rng([seed, number])
        items = int(np.exp(random.uniform(np.log(50), np.log(2500))))
        seen = examined(course, items, random, grows=number % 2 == 0)
        found.append(lessons.lessons(seen, truth_of(course), random))
    return found


def table_for(played, told, made, kept={}):  # noqa: B006 - made once for each pool and part of the seeds
    key = made["set"], made["seed"] % HELD
    if key not in kept:
        others = [
            (one, course.made["set"])
            for one, course in zip(told, played, strict=True)
            if one and course.made["set"] != key[0] and course.made["seed"] % HELD != key[1]
        ]
        kept[key] = Forecaster(lessons.learn(*zip(*others, strict=True)))
    return kept[key]


def plain(how):
    """A forecaster of old: least squares through the last fourfold of spending, on one scale; no interval."""

    def told(case):
        x, right = np.log(case.course.spent / case.course.spent[-1]), case.course.accuracy * case.course.items + 0.5
        right = right / (case.course.items + 1)
        near = x >= min(-np.log(4), x[-3:].min())
        ahead = []
        if how != "power":
            slope, level = np.polyfit(x[near], logit(right[near]), 1)
            ahead.append((logit(case.goal) - level) / max(slope, 0.02))
        if how != "line":
            slope, level = np.polyfit(x[near], -np.log1p(-right[near]), 1)
            ahead.append((-np.log1p(-case.goal) - level) / max(slope, 0.02))
        return float(np.clip(np.mean(ahead), 0, np.log(16)))

    return told


def report(name, told, took):
    """told: (n, 3) log horizons, middle, low and high; took: (n,)."""
    wrong = told[:, 0] - took
    line = f"{name:28}{len(took):5}{np.exp(np.median(np.abs(wrong))):8.2f}{np.median(wrong):+8.2f}"
    if told.shape[1] == 3:
        inside = (told[:, 1] <= took + 1e-9) & (took <= told[:, 2] + 1e-9)
        width = np.exp(told[:, 2] - told[:, 1])
        line += f"{inside.mean():8.2f}{(took < told[:, 1]).mean():7.2f}{(took > told[:, 2]).mean():7.2f}"
        line += f"{np.median(width):8.2f}{np.quantile(width, 0.9):8.2f}{np.isinf(width).mean():7.2f}"
    print(line)


HEADS = "cases  factor    bias  inside  below  above   width    9/10  endless"


def money(played, told):
    for items in EXAMS:
        found = cases(played, items)
        print(f"\nmoney to a target, exam of {items}\n{'':28}{HEADS}")
        for fraction in FRACTIONS:
            here = [case for case in found if case.fraction == fraction]
            took = np.log([case.took / case.course.spent[-1] for case in here])
            ranges = [table_for(played, told, it.made).moneys(it.course, [it.goal])[0] for it in here]
            with np.errstate(over="ignore"):
                spans = np.log([np.array(it) / case.course.spent[-1] for it, case in zip(ranges, here, strict=True)])
            report(f"{fraction} of the money", spans, took)
            for how in ("line", "power", "blend"):
                report(f"   {how}", np.array([[plain(how)(case)] for case in here]), took)
            report("   always 2.2 times", np.full((len(here), 1), np.log(2.2)), took)
    return found


def accuracy(played, told, times=(1.25, 1.5, 2, 3, 4, 6)):
    print(f"\naccuracy at so many times the spend, exam of 500; errors in points\n{'':12}cases   error  inside   width")
    found = [case for case in cases(played, 500) if case.fraction == 0.35]
    for ratio in times:
        errors, inside, width = [], [], []
        for case in found:
            spent, truth = case.truth
            spend = ratio * case.course.spent[-1]
            if spend > spent[-1]:
                continue
            real = float(np.interp(np.log(spend), np.log(spent), truth))
            span = table_for(played, told, case.made).fan(case.course, [spend])[0]
            errors.append(abs(span.value - real))
            inside.append(span.low <= real <= span.high)
            width.append(span.high - span.low)
        figures = 100 * np.median(errors), np.mean(inside), 100 * np.median(width)
        print(f"x{ratio:<11}{len(errors):5}{figures[0]:8.1f}{figures[1]:8.2f}{figures[2]:8.1f}")


def write(played):
    told = [(one, course.made["set"]) for one, course in zip(taught(played), played, strict=True) if one]
    table = lessons.learn(*zip(*told, strict=True))
    random = np.random.default_rng(0)
    arrays = {"money": table.money, "gain": table.gain, "tails": np.array(table.tails)}
    for name, errors in (("money", table.money_errors), ("gain", table.gain_errors)):
        arrays[f"{name}_errors"] = np.array(lessons.thinned(errors, KEPT, random), np.float16)
    np.savez_compressed(forecasts.SHIPPED, **arrays)
    print(f"{forecasts.SHIPPED.name}: {forecasts.SHIPPED.stat().st_size} bytes, of {len(played)} courses")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--courses", type=Path, required=True, help="the folder that keeps them")
    parser.add_argument("--make", type=int, nargs=2, metavar=("FIRST", "LAST"), help="seeds to play")
    parser.add_argument("--write", action="store_true", help="make the shipped table")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for file, _ in courses.make(args.courses, range(*args.make)) if args.make else ():
        print(file.name, flush=True)
    played = courses.load(args.courses)
    if args.write:
        return write(played)
    told = taught(played)
    print(f"{len(played)} courses, {sum(one is not None for one in told)} of them teach")
    money(played, told)
    accuracy(played, told)


if __name__ == "__main__":
    main()
