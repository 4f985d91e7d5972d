"""A project as arrays: what the machine thinks of each cell, and which may be asked. Read outside any request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db.models import Q

from labeling import agreeing, arrays, certified, predicting
from labeling.models import Category, Consensus, Gold, Item, Project, Query, QueryCategory, QueryItem


@dataclass(frozen=True)
class Board:
    """Row i of each array is the item of primary key items[i], column j is categories[j].

    probability: (n, C) float32; askable: (n, C) cells that may be asked to teach; exam: (n,) items kept to measure and
    not asked yet; gold: (n,) items whose truth was known beforehand; doubtful: (n, C) cells not agreed, of items that
    could be and that the classifier does not decide: the mean confidence is over these.
    """

    items: np.ndarray
    categories: Sequence[Category]
    probability: np.ndarray
    askable: np.ndarray
    exam: np.ndarray
    gold: np.ndarray
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
    accepted = certified.accepted(project, rows["row"])
    exam = kept & ~rows["withdrawn"] & ~known_or_asked(project, place)
    doubtful = np.repeat((~rows["withdrawn"] & ~gold & ~accepted)[:, None], len(categories), axis=1)
    askable = doubtful & ~(exam | measured)[:, None]
    probability = probability_of(project, rows["row"], [category.column for category in categories])
    learn_from_people(project, probability, doubtful, askable, place, column)
    exclude_asked(project, askable, place, column)
    return Board(rows["pk"], categories, probability, askable, exam, gold & ~rows["withdrawn"], doubtful)


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


def exclude_asked(project: Project, askable, place, column) -> None:
    """What is open already, or was given back by so many that people cannot tell, is not proposed."""
    busy = Query.objects.filter(project=project, state__in=(Query.State.OPEN, Query.State.EXHAUSTED))
    items = QueryItem.objects.filter(query__in=busy).values_list("query", "item")
    offered = {}
    for query, category in QueryCategory.objects.filter(query__in=busy).values_list("query", "category"):
        offered.setdefault(query, []).append(column[category])
    for query, item in items:
        askable[place[item], slice(None) if project.exclusive else offered[query]] = False
