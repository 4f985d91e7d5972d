"""What the last refit believes of a project's people, and what that makes of the answers to one item.

People's evidence and the classifier's prior stay two things: an item that measures the classifier is judged without it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np

from labeling import arrays, crowd
from labeling.crowd import looks, posteriors, rates
from labeling.hearing import IMPLYING, Said
from labeling.models import Member, Project, Refit, Reliability

FAINT = 0.0005  # expected answers too few to keep


class Voice(NamedTuple):
    """A worker in a kind of query: `rates` (K, K) [truth, said], and the share of `copies` among the answers."""

    rates: np.ndarray
    copies: float

    def hearing(self, said: crowd.Said, before: Sequence[int]) -> np.ndarray:
        """The rates by which to hear this answer, others having said `before` what they said."""
        if not self.copies or not before or not said.weight:
            return self.rates
        return crowd.overheard(self.rates, said, self.copies, before.count(said.said) / len(before))


@dataclass(frozen=True)
class Beliefs:
    """What holds of everybody in a project. categories: primary keys in array order; base: (C,) their shares; looks:
    how many items look like what they are not; pools: {kind: how its workers do}; asked: {kind: how often a category
    asked about alone is the item's}; prior: (rows, C) what the classifier says, as far as it is trusted."""

    categories: tuple[int, ...]
    exclusive: bool
    pools: Mapping[str, rates.Pool] = field(default_factory=dict)
    asked: Mapping[str, float] = field(default_factory=dict)
    base: np.ndarray | None = None
    prior: np.ndarray | None = None
    looks: crowd.Looks | None = None

    @cached_property
    def place(self) -> dict[int, int]:
        return {category: at for at, category in enumerate(self.categories)}

    @cached_property
    def even(self) -> np.ndarray:
        """(C,) the prior of an item of which the classifier says nothing."""
        if self.base is not None:
            return self.base
        return np.full(len(self.categories), 1 / len(self.categories) if self.exclusive else 0.5)

    @cached_property
    def seen(self) -> crowd.Looks:
        """The Looks of its items; the usual ones before any refit."""
        return self.looks or looks.usual(len(self.categories), self.exclusive)

    def prior_of(self, row: int, judged: Sequence[Said]) -> np.ndarray:
        """(C,) of the item in this array row, of which people were asked this much."""
        if any(said.blind for said in judged) or not self.foretells(row):
            return self.even_about(judged)
        return np.asarray(self.prior[row], float)

    def foretells(self, row: int) -> bool:
        return self.prior is not None and row < len(self.prior) and not np.isnan(self.prior[row, 0])

    def even_about(self, judged: Sequence[Said]) -> np.ndarray:
        if not self.exclusive or any(self.chooses(said.kind) for said in judged):
            return self.even
        share = np.full(len(self.categories), np.nan)
        for said in reversed(judged):
            share[self.place[said.category]] = self.asked.get(said.kind, posteriors.ASKED)
        return posteriors.asked_about(self.even, share)

    def chooses(self, kind: str) -> bool:
        """Is an answer of this kind one choice, rather than a yes or no to each cell?"""
        return self.exclusive and kind in IMPLYING

    def pool(self, kind: str) -> rates.Pool:
        return self.pools.get(kind) or rates.fresh(self.width(kind))

    def width(self, kind: str) -> int:
        return len(self.categories) if self.chooses(kind) else 2


def of(project: Project) -> Beliefs:
    """The beliefs of the project's last refit; before the first, that everybody is a newcomer."""
    return _of(project.refit_id, tuple(project.category_keys), project.exclusive)


@lru_cache(maxsize=64)
def _of(pk: int | None, categories: tuple[int, ...], exclusive: bool) -> Beliefs:
    fresh = Beliefs(categories, exclusive)
    refit = pk and Refit.objects.filter(pk=pk).first()
    if not refit:
        return fresh
    found = {name: arrays.load(pointer) for name, pointer in refit.arrays.items()}
    pools = {kind: rates.Pool(np.array(found[f"rates.{kind}"]), skill) for kind, skill in refit.skills.items()}
    pools = {kind: pool for kind, pool in pools.items() if len(pool.rates) == fresh.width(kind)}
    if tuple(refit.categories) != categories:  # some came since: the next refit will know of them
        return Beliefs(categories, exclusive, pools, refit.asked)
    seen = crowd.Looks(np.array(found["half"]), np.array(found["whole"])) if "half" in found else None
    return Beliefs(categories, exclusive, pools, refit.asked, np.array(found["base"]), found.get("prior"), seen)


# --- one item --------------------------------------------------------------------------------------------------------


class Believed(NamedTuple):
    """Of one item, all (C,): log-likelihood of people alone, posterior probabilities, degrees. row: as `crowd` keeps
    it."""

    evidence: np.ndarray
    posterior: np.ndarray
    degrees: crowd.Degrees
    row: crowd.Row


def believe(beliefs: Beliefs, judged: Sequence[Said], voices: Mapping[tuple, Voice], row: int) -> Believed:
    """What to believe of the item in this array row, of which people said so much, in this order."""
    heard = [(said, voices[voice]) for voice, answer in answers(beliefs, judged) for said in answer]
    state, earlier = crowd.unheard(len(beliefs.categories), beliefs.exclusive), defaultdict(list)
    for said, voice in heard:
        before = earlier[said.choice or said.category]
        state = crowd.heard(state, said, voice.hearing(said, before))
        before.append(said.said)
    evidence = crowd.evidence(state, beliefs.seen)
    prior = beliefs.prior_of(row, judged)
    posterior = posteriors.posterior(evidence[None], prior, beliefs.exclusive)[0]
    degrees = crowd.degrees_of([(said, voice.rates) for said, voice in heard], beliefs.even)
    return Believed(evidence, posterior, degrees, state)


def answers(beliefs: Beliefs, judged: Iterable[Said]) -> Iterable[tuple[tuple, list[crowd.Said]]]:
    """What was said of one item, answer by answer: ((worker, kind), what it said)."""
    for _, words in groupby(judged, key=lambda said: said.assignment):
        words = list(words)
        degrees = {beliefs.place[said.category]: said.degree for said in words}
        yield (words[0].worker, words[0].kind), spoken(beliefs, words[0].kind, degrees)


def spoken(beliefs: Beliefs, kind: str, degrees: Mapping[int, float]) -> list[crowd.Said]:
    """One answer about one item, {column: degree} of all it was asked, zeros included, in the model's words."""
    if not beliefs.chooses(kind) or not degrees:
        return [crowd.Said(column, degree) for column, degree in degrees.items()]
    offered = np.isin(np.arange(len(beliefs.categories)), list(degrees))
    return [crowd.Said(max(degrees, key=degrees.get), choice=True, offered=None if offered.all() else offered)]


# --- workers ---------------------------------------------------------------------------------------------------------


def reliabilities(workers: Collection[int]) -> dict[tuple[int, str], Reliability]:
    """What is known of these workers, in every kind they have answered."""
    return {(row.worker_id, row.kind): row for row in Reliability.objects.filter(worker__in=workers)}


def begin(beliefs: Beliefs, worker: Member, kind: str) -> Reliability:
    """A worker who has not answered this kind yet: a newcomer, or as good as an admin knows."""
    rating, answers = known_beforehand(worker)
    counts = packed(rates.begun(rating, answers, beliefs.width(kind)))
    return Reliability(worker=worker, kind=kind, rating=rating, counts=counts)


def known_beforehand(worker: Member) -> tuple[float, int]:
    """The rating a worker starts with, and how many answers it weighs as much as: none if it is a newcomer's."""
    return worker.starting_rating, 0 if worker.starting_rating == rates.NEWCOMER else worker.starting_answers


def voices(beliefs: Beliefs, judged: Iterable[Said], known: Mapping[tuple, Reliability]) -> dict[tuple, Voice]:
    """{(worker, kind): Voice} of everybody who spoke."""
    return {
        (worker, kind): voice_of(beliefs, known.get((worker, kind)) or Reliability(kind=kind))
        for worker, kind in {(said.worker, said.kind) for said in judged}
    }


def voice_of(beliefs: Beliefs, row: Reliability) -> Voice:
    counts = unpacked(row.counts, beliefs.width(row.kind))
    return Voice(rates.shrunk(counts[None], beliefs.pool(row.kind))[0], row.copies)


def unpacked(counts: Collection, width: int) -> np.ndarray:
    """(width, width) expected counts [truth, said], as a Reliability keeps them; of categories since gone, nothing."""
    table = np.zeros((width, width))
    for truth, said, count in counts:
        if truth < width and said < width:
            table[truth, said] = count
    return table


def packed(table: np.ndarray) -> list[list]:
    return [[int(t), int(s), round(float(table[t, s]), 3)] for t, s in np.argwhere(table > FAINT)]
