"""A project as arrays: what the machine thinks of each cell, and which may be asked. Read outside any request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Q
from scipy import sparse

from labeling import agreeing, arrays, believing, predicting, proposals
from labeling.models import Category, Certificate, Consensus, Gold, Item, Project, Query, QueryCategory, QueryItem


@dataclass(frozen=True)
class Board:
    """Row i of each array is the item of primary key items[i], column j is categories[j].

    probability: (n, C) float32, the classifier's among what people left; posterior: (n, C) float32, people's where they
    were asked; judged: (n,) answers so far; mass: (n,) answers near the item, None if unknown; graph: (n, n) affinities
    of neighbours, None if there are none; rates: {kind: how often people say what}, of kinds that were measured;
    askable: (n, C) cells that may be asked to teach; exam: (n,) items kept to measure and not asked yet; gold: (n,)
    items whose truth was known beforehand; present: (n,) items that are neither gold nor taken out; doubtful: (n, C)
    cells not agreed, of items that could be and that the classifier does not decide: the mean confidence is over these.
    """

    items: np.ndarray
    categories: Sequence[Category]
    probability: np.ndarray
    posterior: np.ndarray
    judged: np.ndarray
    mass: np.ndarray | None
    graph: sparse.csr_array | None
    rates: Mapping[str, np.ndarray]
    askable: np.ndarray
    exam: np.ndarray
    gold: np.ndarray
    present: np.ndarray
    doubtful: np.ndarray


def read(project: Project) -> Board:
    categories = list(project.categories.order_by("column"))
    rows = np.fromiter(
        Item.objects.filter(project=project).order_by("row").values_list("pk", "row", "lot", "withdrawn").iterator(),
        dtype=[("pk", "i8"), ("row", "i8"), ("lot", "f8"), ("withdrawn", "?")],
    )
    place = {pk: at for at, pk in enumerate(rows["pk"].tolist())}
    column = {category.pk: at for at, category in enumerate(categories)}
    gold = marked(place, Gold.objects.filter(item__project=project))
    kept = (rows["lot"] < project.exam_share) & ~gold
    purposes = (Query.Purpose.EXAM, Query.Purpose.AUDIT)
    measured = marked(place, QueryItem.objects.filter(query__project=project, query__purpose__in=purposes))
    certificate = Certificate.objects.of(project)
    accepted = certificate.accepts(rows["row"]) if certificate else np.zeros(len(rows), bool)
    exam = kept & ~rows["withdrawn"] & ~known_or_asked(project, place)
    doubtful = np.repeat((~rows["withdrawn"] & ~gold & ~accepted)[:, None], len(categories), axis=1)
    askable = doubtful & ~(exam | measured)[:, None]
    probability = probability_of(project, rows["row"], [category.column for category in categories])
    learn_from_people(project, probability, doubtful, askable, place, column)
    exclude_asked(project, askable, place, column)
    beliefs = believing.of(project)
    mass = mass_of(project, rows["row"])
    damped = trusted(project, probability, beliefs.prior, mass, rows["row"])
    posterior, judged = believed(project, damped, place, column)
    return Board(
        rows["pk"], categories, probability, posterior, judged, mass,
        graph_of(project, rows["row"]), {kind: pool.rates for kind, pool in beliefs.pools.items()},
        askable, exam, gold & ~rows["withdrawn"], ~gold & ~rows["withdrawn"], doubtful,
    )  # fmt: skip


def marked(place: Mapping[int, int], queryset) -> np.ndarray:
    """(n,) True at the items these rows name."""
    mask = np.zeros(len(place), bool)
    for pk in queryset.values_list("item", flat=True).distinct():
        mask[place[pk]] = True
    return mask


def known_or_asked(project: Project, place: Mapping[int, int]) -> np.ndarray:
    """(n,) True at items of the exam's lot that cannot be examined blindly any more: asked already, or imported."""
    lot = {"item__project": project, "item__lot__lt": project.exam_share}
    imported = Consensus.objects.filter(**lot).exclude(source=Consensus.Source.PEOPLE)
    return marked(place, QueryItem.objects.filter(**lot)) | marked(place, imported)


def probability_of(project: Project, rows: np.ndarray, columns: list[int]) -> np.ndarray:
    """(n, C) probabilities of the published run; even odds where it knows neither the item nor the category."""
    run = project.published if project.published_id else None
    found = predicting.known(run and arrays.load(run.arrays["probability"]), rows, columns)
    found[np.isnan(found)] = 1 / max(len(columns), 1) if project.exclusive else 0.5
    return found


def predicted(project: Project) -> np.ndarray:
    """(n, C) probabilities of the published run, items by row and categories by column."""
    rows = np.fromiter(project.items.order_by("row").values_list("row", flat=True), np.int64)
    return probability_of(project, rows, list(project.categories.order_by("column").values_list("column", flat=True)))


def learn_from_people(project: Project, probability, doubtful, askable, place, column) -> None:
    """What is agreed, or was judged as often as wanted without agreement, is not asked again.

    Where people agree that an exclusive item is not of a category, the others share its probability.
    """
    rule, ruled_out = agreeing.rule_of(project), []
    rows = Consensus.objects.filter(project=project).filter(Q(agreed__isnull=False) | Q(judgments__gte=rule.count))
    for row in rows.iterator():
        at, cell = place[row.item_id], column[row.category_id]
        if row.agreed:
            doubtful[at, slice(None) if project.exclusive else cell] = False
        elif project.exclusive and predicting.ruled_out(row, rule):
            askable[at, cell] = False
            ruled_out.append((at, cell))
        elif row.judgments >= project.wanted:
            askable[at, cell] = False
    askable &= doubtful
    probability[:] = predicting.among_left(probability, ruled_out)


def trusted(project: Project, probability: np.ndarray, prior, mass, rows: np.ndarray) -> np.ndarray:
    """(n, C) the classifier's probabilities, as far as a refit trusts it where little evidence is near."""
    if prior is None:
        return probability
    known = rows < len(prior)
    known[known] = ~np.isnan(prior[rows[known], 0])
    found, near = probability.copy(), None if mass is None else mass[known]
    found[known] = proposals.damped(probability[known], prior[rows[known]], near, project.exclusive)
    return found


def believed(project: Project, probability, place, column) -> tuple[np.ndarray, np.ndarray]:
    """(n, C) posteriors, people's where they were asked and the classifier's elsewhere; (n,) answers so far.

    Of an exclusive item the categories nobody was asked about share what is left, as the classifier would have it.
    """
    rows = np.fromiter(
        Consensus.objects.filter(project=project, judgments__gt=0)
        .values_list("item", "category", "posterior", "judgments")
        .iterator(),
        dtype=[("item", "i8"), ("category", "i8"), ("posterior", "f4"), ("judgments", "i4")],
    )
    at = np.array([place[item] for item in rows["item"].tolist()], int)
    cell = at, np.array([column[category] for category in rows["category"].tolist()], int)
    judged = np.zeros(len(probability), int)
    np.maximum.at(judged, at, rows["judgments"])
    posterior, asked = probability.copy(), np.zeros(probability.shape, bool)
    posterior[cell] = np.where(probability[cell] > 0, rows["posterior"], 0)  # what is ruled out stays so
    asked[cell] = True
    if project.exclusive and len(rows):
        some = np.unique(at)
        posterior[some] = completed(posterior[some], asked[some])
    return posterior, judged


def completed(posterior: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Rows that sum to one: what was asked stays, what was not shares the rest."""
    rest = np.maximum(1 - (posterior * asked).sum(axis=1, keepdims=True), 0)
    others = np.where(asked, 0, posterior)
    others = others * rest / np.maximum(others.sum(axis=1, keepdims=True), 1e-9)
    rows = np.where(asked, posterior, others)
    return rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-9)


def mass_of(project: Project, rows: np.ndarray) -> np.ndarray | None:
    """(n,) answers near each item when the published run learned; none near an item that came since."""
    pointer = project.published_id and project.published.arrays.get("mass")
    if not pointer:
        return None
    stored = arrays.load(pointer)
    return np.where(rows < len(stored), stored[np.minimum(rows, len(stored) - 1)], 0)


def graph_of(project: Project, rows: np.ndarray) -> sparse.csr_array | None:
    """(n, n) affinities that the published run's views hold, without any for items that came since.

    None without views, or where items were taken away, which moved the others' places.
    """
    made = project.published.arrays if project.published_id else {}
    parts = [made.get(f"views.{name}") for name in ("data", "indices", "indptr")]
    if None in parts:
        return None
    data, indices, indptr = (arrays.load(part) for part in parts)
    known = len(indptr) - 1
    if known > len(rows) or (rows[:known] >= made["features"]["rows"]).any():
        return None
    ends = np.concatenate([indptr, np.full(len(rows) - known, indptr[-1])])
    return sparse.csr_array((data, indices, ends), shape=(len(rows), len(rows)))


def exclude_asked(project: Project, askable, place, column) -> None:
    """What is open already, or was given back by so many that people cannot tell, is not proposed."""
    busy = Query.objects.filter(project=project, state__in=(Query.State.OPEN, Query.State.EXHAUSTED))
    items = QueryItem.objects.filter(query__in=busy).values_list("query", "item")
    offered = {}
    for query, category in QueryCategory.objects.filter(query__in=busy).values_list("query", "category"):
        offered.setdefault(query, []).append(column[category])
    for query, item in items:
        askable[place[item], slice(None) if project.exclusive else offered[query]] = False
