"""What the exam says beside the classifier's accuracy: how right all that is delivered is, how often people themselves
are wrong, and what choosing what to ask has saved. Worked out in the training process, with each run.
"""

from collections.abc import Collection, Sequence
from importlib import import_module
from typing import NamedTuple

import numpy as np

from labeling import believing
from labeling.dataset import NO, Dataset
from labeling.hearing import Said, said_of
from labeling.models import Assignment, Consensus, Gold, Project, Query
from segmentation import confidence, exams
from segmentation.promotion import ENOUGH

MOST = 1000  # exam items that are looked at to tell the saving: more would tell little more
STAGES = 5  # spends on the way
FURTHER = 1.1  # times the first random set's cost: below there is nothing to compare


# --- what is delivered -----------------------------------------------------------------------------------------------


def delivered(data: Dataset, probability: np.ndarray, at: np.ndarray, truth: np.ndarray) -> dict:
    """Figures of what people agreed on and the classifier elsewhere. probability: (n, C); at, truth: the exam's."""
    agreed, wrong = agreement(data)
    left = ~(agreed | gone(data)[:, None])
    left[at] = False
    sure, right, item = units(probability[at], truth, data.project.exclusive)
    error = float(wrong[agreed].mean()) if agreed.any() else 0.0
    if data.project.exclusive:
        rest, count = confidence.item_confidence(probability, True)[left.all(axis=1)], int(agreed.any(axis=1).sum())
    else:
        rest, count = confidence.cell_confidence(probability)[left], int(agreed.sum())
    people = mistaken(data, at, truth)
    found = exams.delivered(sure, right, item, rest, count, error, people)
    if found.value is None:
        return {}
    return {
        "delivered": found.value,
        "delivered_low": found.low,
        "delivered_high": found.high,
        "delivered_agreed": count / max(count + len(rest), 1),
        "people_error": people,
    }


def agreement(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """(n, C) bool: agreed; (n, C): how likely that is wrong, as the consensus believes. Of an exclusive item, whose one
    category settles its row, that one cell. What others than people said is taken at their word."""
    agreed, wrong = np.zeros(data.targets.shape, bool), np.zeros(data.targets.shape)
    cells = Consensus.objects.agreed().filter(project=data.project)
    for row, column, yes, posterior, source in data.within(
        cells.values_list("item", "category", "degree", "posterior", "source")
    ):
        agreed[row, column] = True
        if source == Consensus.Source.PEOPLE:
            wrong[row, column] = 1 - posterior if yes >= 0.5 else posterior
    return agreed, wrong


def gone(data: Dataset) -> np.ndarray:
    """(n,) bool: withdrawn, or gold, whose truth was known beforehand."""
    withdrawn = data.project.items.filter(withdrawn=True).values_list("pk", flat=True)
    gold = Gold.objects.filter(item__project=data.project).values_list("item", flat=True)
    return np.isin(data.items, [*withdrawn, *gold])


def units(probability: np.ndarray, truth: np.ndarray, exclusive: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the examined: the classifier's confidence, whether it is right, and the item; all (m,), of items or cells."""
    if exclusive:
        sure = confidence.item_confidence(probability, True)
        return sure, probability.argmax(axis=1) == truth, np.arange(len(truth))
    item, column = np.nonzero(~np.isnan(truth))
    right = (probability >= 0.5)[item, column] == (truth[item, column] >= 0.5)
    return confidence.cell_confidence(probability)[item, column], right, item


def mistaken(data: Dataset, at: np.ndarray, truth: np.ndarray) -> float:
    """How often what most people say of the exam's items is wrong, as the consensus believes from them alone."""
    cells = Consensus.objects.filter(project=data.project, item__in=data.items[at].tolist())
    posterior = np.full(data.targets.shape, np.nan)
    for row, column, value in data.within(cells.values_list("item", "category", "posterior")):
        posterior[row, column] = value
    if data.project.exclusive:
        return float(1 - posterior[at, truth].mean())
    yes, said = posterior[at], ~np.isnan(truth)
    return float(np.where(truth > 0.5, 1 - yes, yes)[said].mean())


# --- what choosing saves ---------------------------------------------------------------------------------------------


class Answer(NamedTuple):
    """pk of an assignment, what it cost, its query's purpose and items."""

    pk: int
    paid: int
    purpose: str
    items: frozenset[int]


def saving(data: Dataset, X: np.ndarray, at: np.ndarray, truth: np.ndarray) -> dict:
    """{"saving": figures} at what random asking has cost so far; {} while that is too little to compare."""
    at, truth = at[:MOST], truth[:MOST]
    if len(at) < ENOUGH:
        return {}
    answers = answers_of(data.project)
    examined = set(data.items[at].tolist())
    first = [one for one in answers if one.purpose == Query.Purpose.RANDOM]
    exam = [one for one in answers if one.purpose == Query.Purpose.EXAM and one.items <= examined]
    asked = [one for one in answers if one.purpose in (Query.Purpose.RANDOM, Query.Purpose.TEACH)]
    science = import_module("segmentation.savings")  # scikit-learn, which only the training process needs
    spends = stages(cost(first), cost(exam) * (science.FOLDS - 1) / science.FOLDS)
    if spends is None or cost(asked) < spends[-1]:
        return {}
    chosen = [upto(asked, spend) for spend in spends]
    order = ranked(exam)
    drawn = [first + [one for one in exam if order[min(one.items)] <= part] for part in np.linspace(0, 1, STAGES)]
    rows, targets = evidence(data, chosen + drawn, at)
    place = np.searchsorted(rows, at)
    found = science.saving(X[rows], place, truth, targets[:STAGES], targets[STAGES:], spends, data.project.exclusive)
    return {"saving": told(found, len(at))} if found else {}


def answers_of(project: Project) -> list[Answer]:
    """Everything that trusted workers answered and was paid for, in the order of answering."""
    given = Assignment.objects.answered().filter(query__project=project, worker__set_aside=False)
    rows = given.order_by("finished", "pk").values_list("pk", "paid", "query__purpose", "query__query_items__item")
    found: dict[int, list] = {}
    for pk, paid, purpose, item in rows:
        found.setdefault(pk, [pk, paid or 0, purpose, []])[3].append(item)
    return [Answer(pk, paid, purpose, frozenset(items)) for pk, paid, purpose, items in found.values()]


def cost(answers: Collection[Answer]) -> int:
    return sum(one.paid for one in answers)


def stages(first: int, more: float) -> np.ndarray | None:
    """Spends from the first random set's to what all random asking cost; None where that is no way."""
    if first <= 0 or first + more < FURTHER * first:
        return None
    return first + more * np.arange(STAGES) / (STAGES - 1)


def upto(answers: Sequence[Answer], spend: float) -> list[Answer]:
    return [one for one, total in zip(answers, np.cumsum([a.paid for a in answers]), strict=True) if total <= spend]


def ranked(exam: Sequence[Answer]) -> dict[int, float]:
    """{item: its place in the order in which the exam was asked, in (0, 1]}."""
    order = list(dict.fromkeys(min(one.items) for one in exam))
    return {item: (at + 1) / len(order) for at, item in enumerate(order)}


def evidence(data: Dataset, sets: Sequence[Sequence[Answer]], at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places (r,) of the items that any of these sets of answers is about or that are examined, and what each set makes
    likely of them: targets (sets, r, C)."""
    place = {pk: row for row, pk in enumerate(data.items.tolist())}
    about = {item for answers in sets for one in answers for item in one.items if item in place}
    rows = np.unique([*(place[item] for item in about), *at.tolist()])
    judged, beliefs = said_of(about), believing.of(data.project)
    known = believing.reliabilities({said.worker for item in about for said in judged[item]})
    voices = believing.voices(beliefs, (said for item in about for said in judged[item]), known)
    blank = 1.0 if data.project.exclusive else np.nan
    targets = np.full((len(sets), len(rows), data.targets.shape[1]), blank)
    for number, answers in enumerate(sets):
        heard = {one.pk for one in answers}
        for item in {item for one in answers for item in one.items} & about:
            said = [one for one in judged[item] if one.assignment in heard]
            if said:
                row = np.searchsorted(rows, place[item])
                targets[number, row] = target(data, said, believing.believe(beliefs, said, voices, row).evidence)
    return rows, targets


def target(data: Dataset, said: Sequence[Said], evidence: np.ndarray) -> np.ndarray:
    """(C,) of one item, as `dataset` has it of all evidence."""
    if data.project.exclusive:
        return np.maximum(NO, np.exp(evidence - evidence.max()))
    asked = np.isin(data.project.category_keys, [one.category for one in said])
    return np.where(asked, 1 / (1 + np.exp(-evidence)), np.nan)


def told(found, items: int) -> dict:
    """As a run keeps it."""
    return {
        "spent": round(found.spends[-1]),
        "items": items,
        "gain": found.gain,
        "times": found.times,
        "curve": [
            [round(spend), float(ours), float(theirs)]
            for spend, ours, theirs in zip(found.spends, found.chosen, found.drawn, strict=True)
        ],
    }
