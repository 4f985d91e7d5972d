"""Crowds whose truth is known: recorded answers of people kept beside the checkout, generated ones with bad habits."""

import csv
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data"
KEPT = "music_genre", "amazon_isbook"
HABITS = "skilled", "biased", "spamming", "copying", "hard"


class Ticks(NamedTuple):
    """Pick-alls: item and worker (m,), ticked (m, C); truth (n, C), -1 where unknown; the categories' names."""

    item: np.ndarray
    worker: np.ndarray
    ticked: np.ndarray
    truth: np.ndarray
    names: list

    def some(self, rows):
        return self._replace(item=self.item[rows], worker=self.worker[rows], ticked=self.ticked[rows])


class Crowd(NamedTuple):
    """Answers (m,) item, worker, label, numbered from 0; truth (n,), -1 where unknown; how many categories.

    ticks, column: the pick-alls of which this is one column, ticked or not.
    """

    item: np.ndarray
    worker: np.ndarray
    label: np.ndarray
    truth: np.ndarray
    categories: int
    ticks: Ticks | None = None
    column: int = 0

    def some(self, rows):
        return self._replace(item=self.item[rows], worker=self.worker[rows], label=self.label[rows])


def is_here(name):
    here = (FOLDER / name / "answers.csv").exists()
    if not here:
        print(f"{name} is left out: there is no {name}/answers.csv in shared/data beside the checkout", file=sys.stderr)
    return here


def kept(name):
    """A kept set of choose-ones; the items in order of their names."""
    rows = _read(name, "answers")
    known = {row["item"]: row["label"] for row in _read(name, "truth")}
    items, workers = (sorted({row[column] for row in rows}) for column in ("item", "worker"))
    labels = sorted(set(known.values()))
    columns = [np.searchsorted(names, [row[column] for row in rows])
               for names, column in ((items, "item"), (workers, "worker"), (labels, "label"))]  # fmt: skip
    return Crowd(*columns, np.searchsorted(labels, [known[item] for item in items]), len(labels))


def features_of(name):
    """What a classifier sees of a kept set's items (n, d), in the order of `kept`."""
    items = sorted({row["item"] for row in _read(name, "answers")})
    if name == "music_genre":
        with np.load(FOLDER / name / "features.npz", allow_pickle=False) as found:
            at = {item: n for n, item in enumerate(found["ids"].astype(str))}
            X = found["X"][[at[item] for item in items]].astype(float)
        return (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = {row["item"]: row["text"] for row in _read(name, "items")}
    return TfidfVectorizer(sublinear_tf=True, min_df=3).fit_transform([texts[item] for item in items])


def relations():
    """medical_relations: pick-alls with experts' truth of some cells."""
    rows = _read("medical_relations", "answers")
    items, workers = (sorted({row[column] for row in rows}) for column in ("item", "worker"))
    names = sorted({label for row in rows for label in row["label"].split("|")})
    ticked = np.array([[name in row["label"].split("|") for name in names] for row in rows])
    truth, at = np.full((len(items), len(names)), -1), {item: n for n, item in enumerate(items)}
    for row in _read("medical_relations", "truth"):
        if row["item"] in at:
            truth[at[row["item"]], names.index(row["category"])] = int(row["label"])
    item, worker = (np.searchsorted(known, [row[column] for row in rows])
                    for known, column in ((items, "item"), (workers, "worker")))  # fmt: skip
    return Ticks(item, worker, ticked, truth, names)


def _read(name, table):
    with (FOLDER / name / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --- generated -------------------------------------------------------------------------------------------------------


def generated(habit, seed, items=600, workers=40, answers=4):
    """Workers right with probability .55 + .40 Beta(2, 2), some busier than others, about so many answers an item.

    habit: "biased" workers each have favourite errors and differ by category; a third of the "spamming" answer without
    looking; a quarter of the "copying" repeat another's answer about the item; of "hard" items some look like another
    category to everybody, or like nothing.
    """
    random = np.random.default_rng([seed, HABITS.index(habit)])
    categories = (2, 3, 4, 6, 8)[seed % 5]
    truth = random.choice(categories, items, p=random.dirichlet(np.full(categories, 3.0)))
    rates = _rates(habit, random, workers, categories)
    busy = random.dirichlet(np.ones(workers)) + 0.2 / workers
    difficulty = random.beta(1, 3, items) if habit == "hard" else np.zeros(items)
    looks = (truth + random.integers(1, categories, items)) % categories
    rows = []
    for item in range(items):
        many = min(max(1, random.poisson(answers)), workers // 2)
        said = {}
        for worker in random.choice(workers, many, replace=False, p=busy / busy.sum()):
            label = random.choice(categories, p=rates[worker, truth[item]])
            if random.random() < difficulty[item]:
                label = looks[item] if random.random() < 0.6 else random.integers(categories)
            if habit == "copying" and worker < workers // 4 and said:
                label = next(iter(said.values()))
            said[worker] = label
            rows.append((item, worker, label))
    return Crowd(*(np.array(column) for column in zip(*rows, strict=True)), truth, categories)


def _rates(habit, random, workers, categories):
    """(W, K, K) of what is said under each truth."""
    skill = np.repeat(0.55 + 0.4 * random.beta(2, 2, workers), categories).reshape(workers, categories)
    if habit == "biased":
        skill = np.clip(skill + random.normal(0, 0.2, skill.shape), 0.1, 0.97)
    evenness = 1.0 if habit == "biased" else 20.0
    rates = np.zeros((workers, categories, categories))
    others = ~np.eye(categories, dtype=bool)
    for worker in range(workers):
        errors = random.dirichlet(np.full(categories - 1, evenness), categories)
        rates[worker][others] = (errors * (1 - skill[worker])[:, None]).ravel()
        rates[worker][~others] = skill[worker]
    if habit == "spamming":
        rates[: workers // 3] = random.dirichlet(np.full(categories, 0.5), workers // 3)[:, None]
    return rates
