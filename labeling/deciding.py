"""Who decides what an item is: what is agreed of it, and the classifier where nothing is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from labeling import arrays
from labeling.models import Category, Consensus, Item, Project, TrainingRun
from segmentation import confidence

CLASSIFIER, NOBODY = "classifier", "nobody"  # beside the sources of consensus


@dataclass(frozen=True)
class Published:
    """A run whose probabilities stay at hand, even when it is superseded and its file deleted."""

    number: int
    finished: datetime
    probability: np.ndarray


def published(project: Project) -> Published | None:
    run = TrainingRun.objects.filter(pk=project.published_id).first()
    return run and Published(run.number, run.finished, arrays.load(run.arrays["probability"]))


class Sayings(NamedTuple):
    """The classifier on one item: probabilities by category (None where it knows none), its confidence (None if it does
    not know the item), and the places of the categories the item belongs to."""

    probability: list[float | None]
    confidence: float | None
    belongs: list[int]


def said(run: Published | None, items: list[Item], categories: list[Category], exclusive: bool) -> list[Sayings]:
    found = probabilities(run, items, categories)
    if not found.size:
        return [Sayings([None] * len(categories), None, []) for _ in items]
    known = ~np.isnan(found).all(axis=1)
    filled = np.nan_to_num(found, nan=0.0 if exclusive else 0.5)  # of a category it never saw it is not sure at all
    sure = confidence.item_confidence(filled, exclusive).round(6).tolist()
    belongs = np.eye(filled.shape[1], dtype=bool)[filled.argmax(axis=1)] if exclusive else found >= 0.5
    return [
        Sayings(
            [None if p != p else p for p in row], sure[at] if known[at] else None, np.flatnonzero(belongs[at]).tolist()
        )
        for at, row in enumerate(found.round(6).tolist())
    ]


def probabilities(run: Published | None, items: list[Item], categories: list[Category]) -> np.ndarray:
    """(n, C) float64; NaN where the run knows neither the item nor the category."""
    rows, columns = np.array([item.row for item in items]), np.array([category.column for category in categories], int)
    found = np.full((len(rows), len(columns)), np.nan)
    if run:
        seen, known = rows < run.probability.shape[0], columns < run.probability.shape[1]
        found[np.ix_(seen, known)] = run.probability[np.ix_(rows[seen], columns[known])]
    return found


class Verdict(NamedTuple):
    """The categories of an item, whose word they are, whether that settles it, and since when."""

    categories: list[str]
    by: str
    decided: bool
    at: datetime | None


def verdict(
    project: Project,
    categories: Sequence[Category],
    cells: Mapping[int, Consensus],
    sayings: Sayings,
    run: Published | None,
) -> Verdict:
    """What is delivered of one item. cells: its consensus by category; sayings: those of `run`."""
    return (settle_row if project.exclusive else settle_cells)(project, categories, cells, sayings, run)


def settle_row(project, categories, cells, sayings, run) -> Verdict:
    """Of an exclusive item: the agreed category, else the classifier's first."""
    for category in categories:
        cell = cells.get(category.pk)
        if cell and cell.agreed and cell.degree >= 0.5:
            return Verdict([category.name], cell.source, True, cell.agreed)
    if sayings.confidence is None:
        return Verdict([], NOBODY, False, None)
    guess = [categories[at].name for at in sayings.belongs]
    return Verdict(guess, CLASSIFIER, sayings.confidence >= project.certain, run.finished)


LEAST_LAST = [*Consensus.Source.values[::-1], CLASSIFIER]  # admin, survey, import, people, classifier


def settle_cells(project, categories, cells, sayings, run) -> Verdict:
    """Of an item of several categories: each cell by agreement, else by the classifier."""
    belongs, sources, moments, decided = [], [], [], True
    for at, category in enumerate(categories):
        cell, probability = cells.get(category.pk), sayings.probability[at]
        if cell and cell.agreed:
            yes, source, moment = cell.degree >= 0.5, cell.source, cell.agreed
        elif probability is not None:
            yes, source, moment = probability >= 0.5, CLASSIFIER, run.finished
            decided &= max(probability, 1 - probability) >= project.certain
        else:
            decided = False
            continue
        belongs += [category.name] * yes
        sources.append(source)
        moments.append(moment)
    by = max(sources, key=LEAST_LAST.index, default=NOBODY)
    return Verdict(belongs, by, decided and bool(categories), max(moments, default=None))
