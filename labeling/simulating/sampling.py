"""A scene of a project's own items: those whose truth is known, or all, as the published classifier would have it.

Only reads. Items and their truth are drawn; what is drawn goes into a folder, where the project cannot be reached.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np
from django.db.models import F, QuerySet

from labeling import arrays, predicting, quoting
from labeling.kinds import KINDS
from labeling.models import Assignment, Consensus, Gold, Item, Media, Project, Reliability
from labeling.simulating import policies
from labeling.simulating.crowds import SECONDS, Quality
from labeling.simulating.scenes import Staged, Unplayable

FEWEST = 60  # items whose truth is known, to play with them
ENOUGH = 20  # of them for each category, before the classifier's word is taken instead
TEST = 0.2  # share of the items that nobody is asked about
GOLD = 0.05  # share that checks the people, where the project does so
ANSWERS = 3  # times that the budget pays for choosing among all categories of every item that may be asked about
TOLD = 10  # judgments from which on a worker's measured rating is taken for a skill
TIMED = 2_000  # of the latest answers, whose seconds are looked at
BATCH = 500  # keys in one statement
TRUTHS = ("auto", "known", "classifier")


@dataclass(frozen=True)
class Truth:
    """What items are: {item: (C,) bool}, and where that is from, in words."""

    of: Mapping[int, np.ndarray]
    source: str


def scene(
    project: Project,
    *,
    items: int,
    random_state=None,
    truth: str = "auto",
    quality: Quality | None = None,
    budget: int | None = None,
    **changed,
) -> Staged:
    """At most so many of a project's items, with what they are; raises Unplayable where too little is known of them.

    truth: one of TRUTHS; quality: of the people, by default as they are usual; budget: the most a play may spend, by
    default enough; changed: settings, over the project's.
    """
    random = np.random.default_rng(random_state)
    found = truth_of(project, truth, items, random)
    rows = sorted(Item.objects.in_bulk(list(found.of)).values(), key=lambda item: item.row)
    names = [category.name for category in categories_of(project)]
    drawn = random.permutation([item.identifier for item in rows])
    test, checks = round(TEST * len(rows)), round(GOLD * len(rows)) if project.gold_share else 0
    return Staged(
        media=project.media,
        rows=[row_of(project, item) for item in rows],
        truth={item.identifier: dict(zip(names, map(bool, found.of[item.pk]), strict=True)) for item in rows},
        test=frozenset(drawn[:test]),
        gold=frozenset(drawn[test : test + checks]),
        categories=names,
        exclusive=project.exclusive,
        settings=policies.settings_of(project) | changed,
        quality=quality or Quality(),
        budget=ANSWERS * (len(rows) - test) * price_of_a_row(project) if budget is None else budget,
        known=found.source,
    )


def row_of(project: Project, item: Item) -> dict:
    """As `importing` takes it; contents are read when they are wanted."""
    if Media(project.media).has_content:
        return {"id": item.identifier, "content": lambda: read(item)}
    return {"id": item.identifier} | (
        {"text": item.text} if project.media == Media.TEXT else {"values": item.values or {}}
    )


def read(item: Item) -> bytes:
    with item.content.open() as file:
        return file.read()


def price_of_a_row(project: Project) -> int:
    """What a choice among all categories costs at the project's price list."""
    among_all = next(kind.name for kind in KINDS.values() if kind.implied)
    facts = quoting.facts(1.0, project.categories.count(), [], {})
    (price,) = quoting.quote_ahead(project, [(among_all, facts)])
    if not price:
        raise Unplayable("Answers cost nothing in this project, so there is no spend to compare. Set a price first.")
    return price


# --- truth -----------------------------------------------------------------------------------------------------------


def check(project: Project) -> None:
    """Raises Unplayable where there is no telling what items are: what `scene` would say, without reading much."""
    price_of_a_row(project)
    if not project.published_id and len(known_items(project)) < FEWEST:
        truth_of(project, "auto", FEWEST, np.random.default_rng())


def truth_of(project: Project, which: str, items: int, random: np.random.Generator) -> Truth:
    """Of at most so many items, drawn at random."""
    categories = categories_of(project)
    if len(categories) < (2 if project.exclusive else 1):
        raise Unplayable("The project has too few categories to tell apart.")
    there = known_items(project)
    guessed = which == "classifier" or (which == "auto" and len(there) < max(FEWEST, ENOUGH * len(categories)))
    if guessed and project.published_id:
        return Truth(guessed_truth(project, categories, items, random), "drawn by the classifier's probabilities")
    if which == "classifier":
        raise Unplayable("No classifier is published yet, so it cannot say what the items are. Let a run finish first.")
    known = known_truth(project, categories, random.permutation(there)[:items])
    if len(known) < FEWEST:
        raise Unplayable(
            f"The truth of {len(known)} items is known, and {FEWEST} are needed. Import known answers or gold, let "
            "people agree on some, or let a first run finish: then the classifier's word is taken."
        )
    return Truth(known, f"known of {len(there):,} items: by gold, import or agreement")


def categories_of(project: Project) -> list:
    return list(project.categories.order_by("column"))


def cells_of(project: Project) -> tuple[QuerySet, QuerySet]:
    """What is known of items: what is agreed, by people or by what came with them, and gold."""
    gold = Gold.objects.filter(item__project=project, item__withdrawn=False)
    return Consensus.objects.agreed().filter(project=project, item__withdrawn=False), gold


def known_items(project: Project) -> np.ndarray:
    """Primary keys, in order."""
    keys = {pk for rows in cells_of(project) for pk in rows.values_list("item", flat=True).distinct()}
    return np.array(sorted(keys), int)


def known_truth(project: Project, categories, items: np.ndarray) -> dict[int, np.ndarray]:
    """{item: (C,) bool} of these; without an exclusive item of which only something that it is not is known."""
    column, found = {category.pk: at for at, category in enumerate(categories)}, {}
    for start in range(0, len(items), BATCH):
        for rows in cells_of(project):
            cells = rows.filter(item__in=items[start : start + BATCH].tolist())
            for item, category, degree in cells.values_list("item", "category", "degree"):
                found.setdefault(item, np.zeros(len(categories)))[column[category]] = degree
    truth = {item: degrees >= 0.5 for item, degrees in found.items()}
    return {item: said for item, said in truth.items() if said.sum() == 1 or not project.exclusive}


def guessed_truth(project: Project, categories, items: int, random: np.random.Generator) -> dict[int, np.ndarray]:
    """A draw of each item by the classifier's probabilities: its favourite alone would make a world without hard items.
    What is known of an item is kept."""
    stored = arrays.load(project.published.arrays["probability"])
    there = project.items.present().filter(row__lt=len(stored)).order_by("row").values_list("pk", "row")
    drawn = random.permutation(np.array(list(there), int).reshape(-1, 2))[:items]
    p = predicting.known(stored, drawn[:, 1], [category.column for category in categories]).astype(float)
    told = ~np.isnan(p).any(axis=1)
    drawn, p = drawn[told], p[told]
    if project.exclusive:
        chosen = (random.random((len(p), 1)) > np.cumsum(p / p.sum(axis=1, keepdims=True), axis=1)).sum(axis=1)
        said = np.arange(len(categories)) == np.minimum(chosen, len(categories) - 1)[:, None]
    else:
        said = random.random(p.shape) < p
    return dict(zip(drawn[:, 0].tolist(), said, strict=True)) | known_truth(project, categories, drawn[:, 0])


# --- people ----------------------------------------------------------------------------------------------------------


def measured(project: Project, **others) -> Quality:
    """People as this project's have shown themselves; where nobody has, as they are usual. others: further fields."""
    rows = Reliability.objects.filter(worker__project=project, worker__set_aside=False, judged__gte=TOLD)
    rows = list(rows.values_list("worker", "kind", "rating", "judged"))
    if not rows:
        return Quality(**others)
    right = {kind: weighed([row for row in rows if row[1] == kind]) for kind in {row[1] for row in rows}}
    usual = right.get("categories") or max(right.values())
    slips = {kind: (1 - share) / max(1 - usual, 0.02) for kind, share in right.items()}
    best = [row[2] for row in rows if row[1] == "categories"] or [row[2] for row in rows]
    return Quality(skills=tuple(best), slips=slips, seconds=seconds(project), **others)


def weighed(rows) -> float:
    return float(np.average([rating for _, _, rating, _ in rows], weights=[judged for *_, judged in rows]))


def seconds(project: Project) -> dict[str, tuple[float, float]]:
    """{kind: (of an answer, of each cell)}: the median of the latest answers of the kind, split as it is usual."""
    taken: dict[str, list[float]] = {}
    answers = Assignment.objects.answered().filter(query__project=project).annotate(took=F("finished") - F("offered"))
    for kind, signals, took in answers.order_by("-pk").values_list("query__kind", "query__signals", "took")[:TIMED]:
        first, each = SECONDS[kind]
        taken.setdefault(kind, []).append(took.total_seconds() / (first + each * signals.get("cells", 1)))
    return {kind: tuple(float(median(found) * one) for one in SECONDS[kind]) for kind, found in taken.items()}
