"""How far a project's people agree with each other beyond chance: figures for whoever studies it."""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from django.core.cache import cache
from django.db.models import Count, Max

from labeling import recalling
from labeling.crowd import alpha, answers
from labeling.crowd.alpha import Alpha
from labeling.models import Assignment, Category, Judgment, Project


class Pair(NamedTuple):
    """Two workers, by primary keys: what both judged, how often alike, and Cohen's kappa (None where undefined)."""

    one: int
    other: int
    common: int
    same: int
    kappa: float | None


@dataclass(frozen=True)
class Compared:
    """unit: what agreement is about, items or cells; overall: of all that was judged twice; categories: yes or no to
    each; pairs: of all workers who judged something in common."""

    unit: str
    overall: Alpha
    categories: list[tuple[str, Alpha]]
    pairs: list[Pair]

    @property
    def common(self) -> int:
        return sum(pair.common for pair in self.pairs)

    @property
    def share(self) -> float | None:
        """How often two people say the same."""
        return sum(pair.same for pair in self.pairs) / self.common if self.common else None

    def of_workers(self) -> dict[int, tuple[int, int]]:
        """{worker: (judgments that are the same as another's, of how many comparisons)}."""
        found: dict[int, tuple[int, int]] = {}
        for pair in self.pairs:
            for worker in (pair.one, pair.other):
                same, common = found.get(worker, (0, 0))
                found[worker] = same + pair.same, common + pair.common
        return found


KEPT = 86_400  # seconds for which figures are kept, if nothing is said meanwhile


def compare(project: Project) -> Compared | None:
    """None while nobody has answered. What was said without being stored, the zeros of a pick-all, counts too.

    Reckoned anew when anything they are made of is another, and not before.
    """
    found = cache.get(key := f"agreement-{made_of(project)}")
    if found is None and (found := reckoned(project)):
        cache.set(key, found, KEPT)
    return found


def made_of(project: Project) -> str:
    """A digest of all that the figures depend on: answers only come, judgments come or are replaced."""
    answers = Assignment.objects.answered().filter(worker__project=project, worker__set_aside=False)
    judgments = Judgment.objects.standing().filter(worker__project=project, worker__set_aside=False)
    parts = [
        project.created,
        answers.count(),
        judgments.aggregate(last=Max("pk"), count=Count("pk")),
        list(project.members.filter(set_aside=True).order_by("pk").values_list("pk", flat=True)),
        list(project.categories.order_by("pk").values_list("pk", "name")),
    ]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def reckoned(project: Project) -> Compared | None:
    log = recalling.recall(project)
    if log is None:
        return None
    heard = answers.read(log.tables, project.exclusive, log.shape)
    names, worker = np.unique(heard.worker, return_inverse=True)
    whole, worker = alpha.of_all(heard, worker.ravel()), worker.ravel()
    columns = Category.objects.in_bulk(log.categories)
    return Compared(
        "items" if len(heard.choices.item) else "cells",
        alpha.alpha(whole, random_state=0),
        [
            (columns[pk].name, alpha.alpha(alpha.of_category(heard, worker, at), random_state=0))
            for at, pk in enumerate(log.categories)
        ],
        pairs(whole, names),
    )


def pairs(table: alpha.Table, names: np.ndarray) -> list[Pair]:
    found = alpha.pairs(table)
    rows = zip(names[found.one].tolist(), names[found.other].tolist(), *(c.tolist() for c in found[2:]), strict=True)
    return [Pair(*row, None if kappa != kappa else kappa) for *row, kappa in rows]
