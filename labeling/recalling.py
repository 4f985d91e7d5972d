"""Everything trusted people said in a project, as the model of evidence reads it: a function of the log alone."""

from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Max

from labeling.crowd import Answers, Choices
from labeling.hearing import IMPLYING, MEASURING
from labeling.models import (
    Assignment,
    Consensus,
    Gold,
    Item,
    Judgment,
    Project,
    Query,
    QueryCategory,
    QueryItem,
)

JUDGMENTS = [("answer", "i8"), ("item", "i8"), ("category", "i8"), ("degree", "f8")]
ANSWERS = [("pk", "i8"), ("worker", "i8"), ("query", "i8"), ("implying", "?"), ("kind", "U10")]


@dataclass(frozen=True)
class Log:
    """items: (n,) primary keys of all that was judged; rows: (n,) their array rows; categories: primary keys in array
    order; tables: what was said of them, by place; gold: (place, column, value) of what is known beforehand; blind:
    (n,) bool, items that measure the classifier; last: the latest judgment."""

    items: np.ndarray
    rows: np.ndarray
    categories: list[int]
    tables: list
    gold: tuple[np.ndarray, np.ndarray, np.ndarray]
    blind: np.ndarray
    last: int

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.items), len(self.categories)


def recall(project: Project) -> Log | None:
    """The log of what trusted workers answered, None while nobody has."""
    given = Assignment.objects.answered().filter(query__project=project, worker__set_aside=False).order_by("pk")
    answers = table(given.values_list("pk", "worker", "query", "query__kind"), ANSWERS, lambda pk, worker, query, kind:
                    (pk, worker, query, kind in IMPLYING, kind))  # fmt: skip
    if not len(answers):
        return None
    said = Judgment.objects.standing().filter(worker__project=project, worker__set_aside=False).order_by("pk")
    judged = table(said.values_list("assignment", "item", "category", "degree"), JUDGMENTS)
    judged = judged[np.isin(judged["answer"], answers["pk"])]
    last = Judgment.objects.filter(worker__project=project).aggregate(last=Max("pk"))["last"] or 0
    categories = list(project.categories.order_by("column").values_list("pk", flat=True))
    shown = shown_of(project, answers)
    asked = np.unique(np.concatenate([judged["item"], shown["item"]]))
    places = Item.objects.filter(project=project).order_by("row").values_list("pk", "row")
    items = table(places, [("pk", "i8"), ("row", "i8")])
    items = items[np.isin(items["pk"], asked)]
    order = np.argsort(items["pk"])
    place = Places(items["pk"][order], order, np.sort(categories), np.argsort(categories))
    tables = tables_of(project, answers, judged, shown, place)
    measured = QueryItem.objects.filter(query__project=project, query__purpose__in=MEASURING)
    blind = np.isin(items["pk"], list(measured.values_list("item", flat=True)))
    return Log(items["pk"], items["row"], categories, tables, known(project, place), blind, last)


def table(rows, columns, made=tuple) -> np.ndarray:
    made = (lambda *row: row) if made is tuple else made
    return np.fromiter((made(*row) for row in rows.iterator()), dtype=columns)


@dataclass(frozen=True)
class Places:
    """Primary keys -> places in the log's arrays. Both keys are sorted, with the place of each."""

    items: np.ndarray
    item_places: np.ndarray
    categories: np.ndarray
    columns: np.ndarray

    def of(self, items: np.ndarray) -> np.ndarray:
        return self.item_places[np.searchsorted(self.items, items)]

    def column(self, categories: np.ndarray) -> np.ndarray:
        return self.columns[np.searchsorted(self.categories, categories)]


def shown_of(project: Project, answers: np.ndarray) -> np.ndarray:
    """(answer, item) of every answer that implies zeros: it speaks of its item even if it chose nothing."""
    implying = answers[answers["implying"]]
    rows = QueryItem.objects.filter(query__project=project, query__kind__in=IMPLYING).order_by("query")
    shown = table(rows.values_list("query", "item"), [("query", "i8"), ("item", "i8")])
    queries = implying["query"]
    found = np.searchsorted(shown["query"], queries)  # such a query shows one item
    kept = found < len(shown)
    kept[kept] = shown["query"][found[kept]] == queries[kept]
    out = np.empty(int(kept.sum()), [("answer", "i8"), ("item", "i8")])
    out["answer"], out["item"] = implying["pk"][kept], shown["item"][found[kept]]
    return out


def tables_of(project: Project, answers, judged, shown, place: Places) -> list:
    """Choices of one category in the short form, everything else cell by cell, zeros by implication included."""
    by = answers[np.searchsorted(answers["pk"], judged["answer"])]
    if not project.exclusive:
        rest = implied(project, answers, judged, shown, place)
        return [cells(judged, by, place), rest] if len(rest.item) else [cells(judged, by, place)]
    chosen = by["implying"]
    choices, by_choice = judged[chosen], by[chosen]
    offered = offered_of(project, by_choice["query"], place)
    short = Choices(place.of(choices["item"]), place.column(choices["category"]), by_choice["worker"],
                    by_choice["kind"], offered)  # fmt: skip
    return [short, cells(judged[~chosen], by[~chosen], place)]


def cells(judged, by, place: Places) -> Answers:
    return Answers(place.of(judged["item"]), place.column(judged["category"]), by["worker"], judged["degree"],
                   by["kind"], by["query"])  # fmt: skip


def implied(project: Project, answers, judged, shown, place: Places) -> Answers:
    """The zeros of every pick-all: what was offered and not chosen."""
    by = answers[np.searchsorted(answers["pk"], shown["answer"])]
    width = len(place.columns)
    offered = offered_of(project, by["query"], place)
    open = np.ones((len(shown), width), bool) if offered is None else offered.copy()
    row = np.searchsorted(shown["answer"], judged["answer"])
    row[row == len(shown)] = 0
    mine = shown["answer"][row] == judged["answer"] if len(shown) else np.zeros(len(judged), bool)
    open[row[mine], place.column(judged["category"][mine])] = False
    at, column = np.nonzero(open)
    by = by[at]
    return Answers(place.of(shown["item"][at]), column, by["worker"], np.zeros(len(at)), by["kind"], by["query"])


def offered_of(project: Project, queries: np.ndarray, place: Places) -> np.ndarray | None:
    """(m, C) which categories these queries offered; None if all of them offered all."""
    asked = Query.objects.filter(project=project, kind__in=IMPLYING).annotate(count=Count("query_categories"))
    few = np.array(asked.filter(count__lt=len(place.columns)).order_by("pk").values_list("pk", flat=True), dtype="i8")
    if not np.isin(queries, few).any():
        return None
    offered = np.ones((len(queries), len(place.columns)), bool)
    listed = {int(query): np.zeros(len(place.columns), bool) for query in few}
    rows = QueryCategory.objects.filter(query__in=few.tolist()) if len(few) < 500 else QueryCategory.objects.filter(
        query__project=project)  # fmt: skip
    for query, category in rows.values_list("query", "category").iterator():
        if query in listed:
            listed[query][place.column(np.array([category]))] = True
    for at in np.flatnonzero(np.isin(queries, few)):
        offered[at] = listed[int(queries[at])]
    return offered


def known(project: Project, place: Places) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What is known beforehand of judged items: gold, and what outranks people."""
    gold = Gold.objects.filter(item__project=project).values_list("item", "category", "degree")
    others = Consensus.objects.agreed().filter(project=project).exclude(source=Consensus.Source.PEOPLE)
    rows = [*gold.iterator(), *others.values_list("item", "category", "degree").iterator()]
    found = np.array(rows, dtype=[("item", "i8"), ("category", "i8"), ("degree", "f8")]) if rows else np.zeros(
        0, [("item", "i8"), ("category", "i8"), ("degree", "f8")])  # fmt: skip
    found = found[np.isin(found["item"], place.items)]
    return place.of(found["item"]), place.column(found["category"]), found["degree"]
