"""What a run learns from: targets from the consensus, features from the contents.

What measures never trains: exam, audit and gold. What comes while a run learns is left to the next.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.module_loading import import_string

from labeling import agreeing, arrays, predicting
from labeling.consensus import Rule
from labeling.models import Category, Consensus, Gold, Item, Judgment, Media, Project, Query, QueryItem
from segmentation.content import BrokenContent, EncoderMissing, Stored
from segmentation.encodings import EncodingCache

NAMED = 2_000  # items at most that are named one by one in a statement
NO = 1e-3  # what "not this category" leaves of a likelihood
LATER = 0.1  # the same, of a category that was not there yet: unknown, yet rarer than what people could choose


Report = Callable[[float, str], None]


class Some(NamedTuple):
    """Some items of a project in array order: primary keys, and array places."""

    project: Project
    items: np.ndarray
    rows: np.ndarray


class CannotLearn(Exception):
    """There is nothing to learn from; the sentence says what is missing."""


@dataclass(frozen=True)
class Dataset:
    """Items in array order with what people agree on.

    items: primary keys; rows: their array places; categories: in array order; targets: (n, C), where exclusive
    proportional to the likelihood of the answers (all ones: unlabeled), else degrees with NaN unknown.
    """

    project: Project
    items: np.ndarray
    rows: np.ndarray
    categories: list[Category]
    targets: np.ndarray

    @property
    def known(self) -> int:
        """How many items have any target."""
        known = self.targets != 1 if self.project.exclusive else ~np.isnan(self.targets)
        return int(known.any(axis=1).sum())

    @cached_property
    def columns(self) -> np.ndarray:
        return np.array([category.column for category in self.categories])

    @property
    def shape(self) -> tuple[int, int]:
        """Of arrays that have a place for every item and category."""
        return int(self.rows.max()) + 1, int(self.columns.max()) + 1

    @cached_property
    def _places(self) -> tuple[dict, dict]:
        rows = {pk: at for at, pk in enumerate(self.items.tolist())}
        return rows, {category.pk: at for at, category in enumerate(self.categories)}

    def within(self, cells: Iterable[tuple]) -> Iterator[tuple]:
        """(item, category, *rest) -> (row, column, *rest) of the targets, without what came after the reading."""
        rows, columns = self._places
        for item, category, *rest in cells:
            if item in rows and category in columns:
                yield rows[item], columns[category], *rest


# --- targets ---------------------------------------------------------------------------------------------------------


def read(project: Project) -> Dataset:
    """The training set: agreed consensus, or all evidence, as the project chooses. Raises CannotLearn."""
    categories = list(project.categories.order_by("column"))
    table = np.fromiter(
        project.items.order_by("row").values_list("pk", "row").iterator(), dtype=[("pk", "i8"), ("row", "i8")]
    )
    if not len(table) or len(categories) < (2 if project.exclusive else 1):
        raise CannotLearn("The project has no items, or too few categories to tell apart.")
    targets = np.full((len(table), len(categories)), 1.0 if project.exclusive else np.nan)
    data = Dataset(project, table["pk"], table["row"], categories, targets)
    cells = ((cell.item_id, cell.category_id, cell) for cell in trained_by(project).iterator())
    (fill_rows if project.exclusive else fill_cells)(project, targets, data.within(cells))
    if not data.known:
        raise CannotLearn(nothing_known(project))
    return data


def nothing_known(project: Project) -> str:
    if project.set_begun is None:
        return "Nothing has been agreed yet, so there is nothing to learn from."
    since = f"Nothing has been agreed since run {project.published.number} read the answers"
    return f"{since}, and runs here learn only from what is new: the training set is reinitialised."


def trained_by(project: Project) -> QuerySet[Consensus]:
    """Consensus that may train. Each row asks for its own item, so that a few rows are found among millions.

    Of a training set that began anew only items of which something was agreed since (or, where all answers train, was
    said): the reinitialised training set of US 8,589,317 B2, beside the cumulative one.
    """
    purposes = (Query.Purpose.EXAM, Query.Purpose.AUDIT)
    measured = QueryItem.objects.filter(item=OuterRef("item"), query__purpose__in=purposes)
    gold = Gold.objects.filter(item=OuterRef("item"))
    rows = Consensus.objects.filter(~Exists(measured), ~Exists(gold), project=project)
    return rows.filter(new_since(project)) if project.set_begun else rows


def new_since(project: Project) -> Q:
    """Is the row's item new in a training set that began anew?"""
    agreed = Consensus.objects.filter(item=OuterRef("item"), agreed__gt=project.set_begun)
    if project.train_on == Project.TrainOn.AGREED:
        return Q(Exists(agreed))
    said = Judgment.objects.standing().filter(item=OuterRef("item"), created__gt=project.set_begun)
    return Exists(agreed) | Exists(said)


Cells = Iterable[tuple[int, int, Consensus]]  # row and column of the targets


def fill_rows(project: Project, targets: np.ndarray, cells: Cells) -> None:
    """Targets of exclusive items, from people alone: one-hot where they plainly agreed, else their evidence.

    An agreed "no" counts where evidence does not. A category that came after the answers is unknown in them.
    """
    every, rule = project.train_on == Project.TrainOn.EVIDENCE, agreeing.rule_of(project)
    evidence, asked = np.zeros(targets.shape), np.zeros(targets.shape, bool)
    heard, sure = set(), {}
    for row, column, cell in cells:
        evidence[row, column], asked[row, column] = cell.evidence, True
        if cell.agreed and cell.degree >= 0.5 and plain(cell, rule):
            sure[row] = column, cell.agreed.timestamp()
        elif cell.judgments and (every or cell.agreed):
            heard.add(row)
        elif predicting.ruled_out(cell, rule):
            targets[row, column] = NO
    created = np.array([category.created.timestamp() for category in project.categories.order_by("column")])
    heard = sorted(heard)
    likely = np.maximum(NO, np.exp(evidence[heard] - evidence[heard].max(axis=1, keepdims=True)))
    targets[heard] = np.where(came_later(asked[heard], created), np.minimum(likely, LATER), likely)
    for row, (column, agreed) in sure.items():  # over what single answers said of the others
        targets[row] = np.where(created > agreed, LATER, 0.0)
        targets[row, column] = 1.0


def came_later(asked: np.ndarray, created: np.ndarray) -> np.ndarray:
    """(m, C) categories newer than all that were asked about, where those were all there was to choose among."""
    newer = created > np.where(asked, created, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
    return newer & (asked | newer).all(axis=1, keepdims=True)


def plain(cell: Consensus, rule: Rule) -> bool:
    """Does what is agreed rest on shares, or on somebody who outranks people? A posterior may hold the prior."""
    return rule.sure is None or cell.source != Consensus.Source.PEOPLE


def fill_cells(project: Project, targets: np.ndarray, cells: Cells) -> None:
    """Targets of items of several categories: agreed degrees; or how likely people's evidence makes a yes."""
    every, rule = project.train_on == Project.TrainOn.EVIDENCE, agreeing.rule_of(project)
    for row, column, cell in cells:
        if cell.agreed and plain(cell, rule) and not (every and cell.judgments):
            targets[row, column] = cell.degree
        elif cell.judgments and (every or cell.agreed):
            targets[row, column] = 1 / (1 + np.exp(-cell.evidence))


# --- features --------------------------------------------------------------------------------------------------------


def features(data: Dataset, seed: int, progress: Report) -> tuple[np.ndarray, dict]:
    """(n, d) float32 and pointers to where they are stored, with what their maker has learned; made anew only when
    items have come since, or the settings have changed. Even then no item is read that was read before, in this project
    or another."""
    project, maker = data.project, maker_of(data.project, seed)
    made_of = {"items": len(data.items), "rows": data.shape[0], "by": named(maker)}
    before = project.published.arrays if project.published else {}
    kept = {name: before[name] for name in ("features", "maker") if name in before}
    if not made_of.items() <= kept.get("features", {}).items() or ("maker" not in kept and keeps(maker)):
        X = made(maker, maker.fit_transform, data, progress)
        stored = np.zeros((data.shape[0], X.shape[1]), np.float16)
        stored[data.rows] = X
        kept = {"features": arrays.save(f"{project.pk}/features", stored) | made_of}
        if keeps(maker):
            kept["maker"] = arrays.save_together(f"{project.pk}/maker", maker.to_arrays())
    # As stored, rounded, also the first time: the next run shall learn from the same.
    return np.asarray(arrays.load(kept["features"])[data.rows], np.float32), kept


def maker_of(project: Project, seed: int):
    """The transformer that makes the features of this project's items."""
    if encoder := settings.ENCODERS.get(project.media):
        maker = import_string(settings.PRETRAINED[project.media])
        return maker(encoder, download=settings.ENCODER_DOWNLOAD, random_state=seed)
    return import_string(settings.FEATURES[project.media])(random_state=seed)


def named(maker) -> str:
    """What made features, without the seed: those of another maker are not taken for its own."""
    parameters = maker.get_params(deep=False) if hasattr(maker, "get_params") else {}
    parameters = {name: value for name, value in parameters.items() if name != "random_state"}
    return f"{type(maker).__name__} {getattr(maker, 'version', '')} {parameters}"


def keeps(maker) -> bool:
    """Can what it learns be kept, so that it makes features of later items?"""
    return hasattr(maker, "to_arrays")


def made(maker, make: Callable, data: Dataset | Some, progress: Report) -> np.ndarray:
    """(n, d) float32, what `make`, a method of the maker, says of the items, within float16; of what was read before
    where the maker can tell. Raises CannotLearn for an item that is broken."""
    read = contents(data)
    try:
        if getattr(maker, "keyed", False):
            with EncodingCache(settings.ENCODINGS, settings.ENCODINGS_LIMIT) as cache:
                X = make(read, progress=progress, cache=cache)
        else:
            X = make(read, progress=progress)
    except BrokenContent as broken:
        raise CannotLearn(f"{sentence_about(data, broken)} Mend its file, then start another run.") from None
    except EncoderMissing as missing:
        raise CannotLearn(str(missing)) from None
    if not np.isfinite(X).all():
        raise CannotLearn("The items' features hold values that are not finite numbers.")
    return np.clip(np.asarray(X, np.float32), -6e4, 6e4)


def sentence_about(data: Dataset | Some, broken: BrokenContent) -> str:
    if broken.position is None:
        return str(broken)
    identifier = Item.objects.values_list("identifier", flat=True).get(pk=data.items[broken.position])
    return f"The item {identifier!r}: {broken.sentence}"


def contents(data: Dataset | Some) -> list:
    """What the features read of each item, in array order."""
    media = Media(data.project.media)
    field = "content" if media.has_content else "text" if media == Media.TEXT else "values"
    items = data.project.items.filter(row__range=(int(data.rows[0]), int(data.rows[-1])))
    if len(data.items) <= NAMED:  # a few of many lie far apart
        items = items.filter(pk__in=data.items.tolist())
    found = dict(items.values_list("pk", field).iterator())
    if not found.keys() >= set(data.items.tolist()):
        raise CannotLearn("Items were taken away while the run was reading them. Start another run.")
    wanted = [found[pk] for pk in data.items.tolist()]
    if media.has_content:
        opened = Item._meta.get_field("content").storage.open
        return [Stored(content, partial(opened, content)) for content in wanted]
    return [{} if content is None else content for content in wanted]
