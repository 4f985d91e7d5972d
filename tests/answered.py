"""Answers of crowds whose truth is known, generated, or kept beside the checkout."""

import csv
from pathlib import Path

import numpy as np
import pytest

from labeling.crowd import Answers, Choices

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def a_crowd(seed, items=400, categories=4, workers=40, answers=5, skill=None, truth=None):
    """(Choices, truth, skill): each item's category chosen by so many workers; who errs, errs evenly."""
    random = np.random.default_rng(seed)
    skill = 0.55 + 0.4 * random.beta(2, 2, workers) if skill is None else skill
    truth = random.integers(categories, size=items) if truth is None else truth
    count = np.maximum(random.poisson(answers, items), 1) if answers % 1 else np.full(items, int(answers))
    item = np.repeat(np.arange(items), count)
    worker = np.concatenate([random.choice(workers, n, replace=False) for n in count])
    wrong = (truth[item] + random.integers(1, categories, size=len(item))) % categories
    chosen = np.where(random.random(len(item)) < skill[worker], truth[item], wrong)
    return Choices(item, chosen, worker), truth, skill


def long_table(choices, categories):
    """The same answers with a row for every category that was offered."""
    m = len(choices.item)
    value = np.eye(categories)[choices.category].ravel()
    item, worker = (np.repeat(column, categories) for column in (choices.item, choices.worker))
    return Answers(item, np.tile(np.arange(categories), m), worker, value)


def right(probas, truth):
    return (probas.argmax(axis=1) == truth).mean()


def votes(choices, categories):
    counts = np.zeros((choices.item.max() + 1, categories))
    np.add.at(counts, (choices.item, choices.category), 1)
    return counts


def real(name):
    """(Choices, truth, categories) of a set kept beside the checkout."""
    if not (DATA / name / "answers.csv").exists():
        pytest.skip(f"there is no {name} in shared/data beside the checkout")
    with (DATA / name / "answers.csv").open(newline="") as answers, (DATA / name / "truth.csv").open() as truth:
        rows, known = list(csv.DictReader(answers)), {row["item"]: row["label"] for row in csv.DictReader(truth)}
    names = sorted({row["item"] for row in rows})
    labels = sorted(set(known.values()))
    item = np.searchsorted(names, [row["item"] for row in rows])
    chosen = np.searchsorted(labels, [row["label"] for row in rows])
    worker = np.array([row["worker"] for row in rows])
    return Choices(item, chosen, worker), np.searchsorted(labels, [known[name] for name in names]), len(labels)
