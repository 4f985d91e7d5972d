"""Who decides what an item is: what is agreed of it, and the classifier where nothing is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from labeling import agreeing, arrays, predicting
from labeling.models import Category, Certificate, Consensus, Item, Project, TrainingRun
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


Cells = Sequence[tuple[int, int]]  # places of an item and of a category


class Sayings(NamedTuple):
    """The classifier on one item: probabilities by category (None where it knows none), its confidence (None if it does
    not know the item), and the places of the categories the item belongs to, none if people ruled its guess out."""

    probability: list[float | None]
    confidence: float | None
    belongs: list[int]


def said(
    run: Published | None, items: list[Item], categories: list[Category], exclusive: bool, out: Cells = ()
) -> list[Sayings]:
    """What the run says of these items, among what people left: `out` are the cells they ruled out."""
    found = predicting.known(
        run and run.probability, [item.row for item in items], [category.column for category in categories]
    ).astype(float)
    if not found.size:
        return [Sayings([None] * len(categories), None, []) for _ in items]
    found = predicting.among_left(found, out)
    known = ~np.isnan(found).all(axis=1)
    filled = np.nan_to_num(found, nan=0.0 if exclusive else 0.5)  # of a category it never saw it is not sure at all
    sure = confidence.item_confidence(filled, exclusive).round(6).tolist()
    belongs = np.eye(filled.shape[1], dtype=bool)[filled.argmax(axis=1)] if exclusive else found >= 0.5
    for cell in out:
        belongs[cell] = False
    return [
        Sayings(
            [None if p != p else p for p in row], sure[at] if known[at] else None, np.flatnonzero(belongs[at]).tolist()
        )
        for at, row in enumerate(found.round(6).tolist())
    ]


def ruled_out(project: Project, cells: Sequence[Mapping[int, Consensus]], categories: list[Category]) -> Cells:
    """Which cells people ruled out of exclusive items that are not agreed. cells: each item's consensus by category."""
    if not project.exclusive:
        return []
    rule = agreeing.rule_of(project)
    return [
        (at, column)
        for at, row in enumerate(cells)
        if not any(cell.agreed for cell in row.values())
        for column, category in enumerate(categories)
        if category.pk in row and predicting.ruled_out(row[category.pk], rule)
    ]


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
    certificate: Certificate | None = None,
) -> Verdict:
    """What is delivered of one item. cells: its consensus by category; sayings: those of `run`; certificate: the one
    that accepts it. Where a project accepts by certificate, the classifier's word settles nothing without."""
    found = (settle_row if project.exclusive else settle_cells)(project, categories, cells, sayings, run)
    if found.by != CLASSIFIER:
        return found
    if certificate:
        return found._replace(decided=True, at=certificate.made)
    return found._replace(decided=found.decided and project.accept_share is None)


class Acceptance(NamedTuple):
    """The certificate that stands, and which array rows it accepts."""

    certificate: Certificate
    places: np.ndarray

    def of(self, items: list[Item], plain: list[Sayings], left: list[Sayings]) -> list[Certificate | None]:
        """By item; not where people ruled out since what the run takes it for. plain: what it says regardless."""
        return [
            self.certificate
            if item.row < len(self.places) and self.places[item.row] and one.belongs == other.belongs
            else None
            for item, one, other in zip(items, plain, left, strict=True)
        ]


def acceptance(project: Project, run: Published | None) -> Acceptance | None:
    """Of this run; None where no certificate of it stands."""
    certificate = Certificate.objects.of(project)
    if certificate is None or run is None or certificate.run.number != run.number:
        return None
    return Acceptance(certificate, certificate.places())


def settle_row(project, categories, cells, sayings, run) -> Verdict:
    """Of an exclusive item: the agreed category, else the classifier's first."""
    for category in categories:
        cell = cells.get(category.pk)
        if cell and cell.agreed and cell.degree >= 0.5:
            return Verdict([category.name], cell.source, True, cell.agreed)
    if not sayings.belongs or sayings.confidence is None:
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
