"""A scene of a project's own items: those whose truth is known, or all, as the published classifier would have it.

Only reads. Items and their truth are drawn; what is drawn goes into a folder, where the project cannot be reached.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np
from django.db.models import F

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
    found = truth_of(project, truth, random)
    picked = np.sort(random.permutation(np.array(sorted(found.of)))[:items])
    rows = list(Item.objects.in_bulk(picked.tolist()).values())
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
        budget=budget_of(project, len(rows) - test) if budget is None else budget,
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


def budget_of(project: Project, items: int) -> int:
    """What ANSWERS answers about each of so many items cost at the project's price list."""
    among_all = next(kind.name for kind in KINDS.values() if kind.implied)
    facts = quoting.facts(1.0, project.categories.count(), [], {})
    (price,) = quoting.quote_ahead(project, [(among_all, facts)])
    if not price:
        raise Unplayable("Answers cost nothing in this project, so there is no spend to compare. Set a price first.")
    return ANSWERS * items * price


# --- truth -----------------------------------------------------------------------------------------------------------


def truth_of(project: Project, which: str, random: np.random.Generator) -> Truth:
    categories = categories_of(project)
    if len(categories) < (2 if project.exclusive else 1):
        raise Unplayable("The project has too few categories to tell apart.")
    known = known_truth(project, categories)
    guessed = which == "classifier" or (which == "auto" and len(known) < max(FEWEST, ENOUGH * len(categories)))
    if guessed and project.published_id:
        return Truth(guessed_truth(project, categories, known, random), "drawn by the classifier's probabilities")
    if which == "classifier":
        raise Unplayable("No classifier is published yet, so it cannot say what the items are. Let a run finish first.")
    if len(known) < FEWEST:
        raise Unplayable(
            f"The truth of {len(known)} items is known, and {FEWEST} are needed. Import known answers or gold, let "
            "people agree on some, or let a first run finish: then the classifier's word is taken."
        )
    return Truth(known, f"known of {len(known):,} items: by gold, import or agreement")


def categories_of(project: Project) -> list:
    return list(project.categories.order_by("column"))


def known_truth(project: Project, categories) -> dict[int, np.ndarray]:
    """Of gold, of known answers that came with the items, and of what people agreed on."""
    column, found = {category.pk: at for at, category in enumerate(categories)}, {}
    cells = Consensus.objects.agreed().filter(project=project, item__withdrawn=False)
    gold = Gold.objects.filter(item__project=project, item__withdrawn=False)
    for rows in (cells, gold):
        for item, category, degree in rows.values_list("item", "category", "degree"):
            found.setdefault(item, np.zeros(len(categories)))[column[category]] = degree
    truth = {item: degrees >= 0.5 for item, degrees in found.items()}
    return {item: said for item, said in truth.items() if said.sum() == 1 or not project.exclusive}


def guessed_truth(project: Project, categories, known, random: np.random.Generator) -> dict[int, np.ndarray]:
    """What is known, and of every other item a draw by the classifier's probabilities: its favourite alone would make a
    world without hard items."""
    items = np.array(list(project.items.present().values_list("pk", "row")), int).reshape(-1, 2)
    stored = arrays.load(project.published.arrays["probability"])
    p = predicting.known(stored, items[:, 1], [category.column for category in categories]).astype(float)
    told = ~np.isnan(p).any(axis=1)
    items, p = items[told], p[told]
    luck = random.random((len(p), 1 if project.exclusive else len(categories)))
    if project.exclusive:
        chosen = (luck > np.cumsum(p / p.sum(axis=1, keepdims=True), axis=1)).sum(axis=1)
        said = np.arange(len(categories)) == np.minimum(chosen, len(categories) - 1)[:, None]
    else:
        said = luck < p
    return dict(zip(items[:, 0].tolist(), said, strict=True)) | known


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
