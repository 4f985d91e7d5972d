"""The long table of answers -> events: a choice among categories, or a yes or no to one cell."""

from typing import NamedTuple

import numpy as np


class Answers(NamedTuple):
    """The long table, one row a judgment of one cell.

    `item` and `category` number rows and columns from 0; `worker` is any name; `value` a degree of yes in [0, 1].
    A choose-one is a row for every category that was offered, a pick-all too, a pick-items a row for every item shown.
    kind: how it was asked, any name; one kind if None. query: tells apart what one worker answered at different times
    about one item; one query an item and worker if None.
    """

    item: np.ndarray
    category: np.ndarray
    worker: np.ndarray
    value: np.ndarray
    kind: np.ndarray | None = None
    query: np.ndarray | None = None


class Choices(NamedTuple):
    """The short table of choose-ones among all categories, one row an answer: `category` is the one chosen."""

    item: np.ndarray
    category: np.ndarray
    worker: np.ndarray
    kind: np.ndarray | None = None


class Events(NamedTuple):
    """Answers of one form: `source` (m,) numbers (worker, kind); `weight` 1 = whole, 0 = says nothing.

    said: the category chosen, or 1 yes and 0 no. offered: (m, C) for choices, None where all were offered.
    """

    item: np.ndarray
    category: np.ndarray
    source: np.ndarray
    said: np.ndarray
    weight: np.ndarray
    offered: np.ndarray | None = None

    def some(self, rows):
        return Events(*(None if column is None else column[rows] for column in self))


class Log(NamedTuple):
    """Everything that was said: `choices`, `cells`, the sources' names and kinds, and the shape (n, C)."""

    choices: Events
    cells: Events
    worker: np.ndarray
    kind: np.ndarray
    shape: tuple[int, int]


def read(answers, exclusive, shape=None, gold=None):
    """The answers' Log; raises ValueError naming the column that is wrong.

    Where categories exclude each other, the rows of one worker on one item in one query that hold one highest yes are
    a choice of it among those rows' categories; every other row, and every row elsewhere, is an event of its cell.
    """
    short = isinstance(answers, Choices)
    table = _checked(Answers(*answers[:3], np.ones(len(answers.item)), answers.kind) if short else Answers(*answers))
    shape = _shape(table, gold, shape)
    source, worker, kind = _sources(table)
    if short and exclusive:
        whole = np.ones(len(source))
        return Log(Events(table.item, table.category, source, table.category, whole), _cells(table, source, None),
                   worker, kind, shape)  # fmt: skip
    if not exclusive or not len(source):
        return Log(_none(), _cells(table, source, slice(None)), worker, kind, shape)
    choices, rest = _choices(table, source, shape[1])
    return Log(choices, _cells(table, source, rest), worker, kind, shape)


def _choices(table, source, categories):
    """(choose-ones, rows that are part of none)."""
    query = np.zeros(len(source), int) if table.query is None else np.unique(table.query, return_inverse=True)[1]
    key = np.stack([table.item, source, query], axis=1)
    first, group = np.unique(key, axis=0, return_index=True, return_inverse=True)[1:]
    group, count = group.ravel(), np.bincount(group.ravel())
    order = np.lexsort((-table.value, group))
    start = np.concatenate([[0], np.cumsum(count)[:-1]])
    best, several = order[start], count > 1
    second = np.where(several, table.value[order[np.minimum(start + 1, len(order) - 1)]], 0.0)
    chosen = several & (table.value[best] > 0.5) & (table.value[best] > second)
    some = np.nonzero(chosen)[0]
    events = Events(table.item[first[some]], table.category[best[some]], source[first[some]],
                    table.category[best[some]], table.value[best[some]] - second[some])  # fmt: skip
    if (count[some] < categories).any():
        offered = np.zeros((len(count), categories), bool)
        offered[group, table.category] = True
        events = events._replace(offered=offered[some])
    return events, ~chosen[group]


def _cells(table, source, rows):
    if rows is None:
        return _none()
    value = table.value[rows]
    return Events(table.item[rows], table.category[rows], source[rows], (value > 0.5).astype(int), abs(2 * value - 1))


def _none():
    empty = np.zeros(0, int)
    return Events(empty, empty, empty, empty, np.zeros(0))


def _sources(table):
    """Number every (worker, kind): (numbers (m,), the sources' workers, their kinds)."""
    names, worker = np.unique(table.worker, return_inverse=True)
    kinds, kind = (np.array([""]), 0) if table.kind is None else np.unique(table.kind, return_inverse=True)
    code = worker * len(kinds) + kind
    seen = np.bincount(code, minlength=len(names) * len(kinds)) > 0
    used, source = np.nonzero(seen)[0], (np.cumsum(seen) - 1)[code]
    return source, names[used // len(kinds)], kinds[used % len(kinds)]


def _checked(answers):
    columns = [None if column is None else np.asarray(column) for column in answers]
    lengths = {name: len(column) for name, column in zip(Answers._fields, columns, strict=True) if column is not None}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"answers' columns differ in length: {lengths}")
    item, category, worker, value, *rest = columns
    for name, column in (("item", item), ("category", category)):
        if len(column) and (column.dtype.kind not in "iu" or column.min() < 0):
            raise ValueError(f"answers.{name} must hold row numbers from 0")
    value = value.astype(float)
    if not ((value >= 0) & (value <= 1)).all():
        raise ValueError("answers.value must hold numbers from 0 to 1")
    return Answers(item.astype(np.int64), category.astype(np.int64), worker, value, *rest)


def _shape(table, gold, shape):
    tables = [(table.item, table.category), *([] if gold is None else [gold[:2]])]
    needed = tuple(max(int(np.max(columns[axis], initial=-1)) + 1 for columns in tables) for axis in (0, 1))
    if shape is None:
        return needed
    if len(shape) != 2 or shape[0] < needed[0] or shape[1] < needed[1]:
        raise ValueError(
            f"answers and gold number {needed[0]} items and {needed[1]} categories; shape {shape} does not hold them"
        )
    return tuple(shape)
