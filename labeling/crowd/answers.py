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
    """The short table of choose-ones, one row an answer: `category` is the one chosen.

    offered: (m, C) bool, among which categories, its missing last columns False; all of them if None.
    """

    item: np.ndarray
    category: np.ndarray
    worker: np.ndarray
    kind: np.ndarray | None = None
    offered: np.ndarray | None = None


class Events(NamedTuple):
    """Answers of one form: `source` (m,) numbers (worker, kind); `weight` 1 = whole, 0 = says nothing.

    said: the category chosen, or 1 yes and 0 no. offered: (m, C) for choices, None if all were offered every time.
    """

    item: np.ndarray
    category: np.ndarray
    source: np.ndarray
    said: np.ndarray
    weight: np.ndarray
    offered: np.ndarray | None = None

    def some(self, rows):
        """The events of these rows."""
        return Events(*(None if column is None else column[rows] for column in self))


class Log(NamedTuple):
    """Everything that was said: `choices`, `cells`, the sources' names and kinds, and the shape (n, C)."""

    choices: Events
    cells: Events
    worker: np.ndarray
    kind: np.ndarray
    shape: tuple[int, int]


def sample(log, gold, most):
    """(Log, gold), or those of every so many items with about `most` answers; the items are numbered anew."""
    every = -(-(len(log.choices.item) + len(log.cells.item)) // most)
    if every <= 1:
        return log, gold
    parts = [one.some(np.flatnonzero(one.item % every == 0)) for one in (log.choices, log.cells)]
    choices, cells = (one._replace(item=one.item // every) for one in parts)
    part = log._replace(choices=choices, cells=cells, shape=(-(-log.shape[0] // every), log.shape[1]))
    if gold is None:
        return part, None
    item, category, value = (np.asarray(column) for column in gold)
    known = item % every == 0
    return part, (item[known] // every, category[known], value[known])


def read(answers, exclusive, shape=None, gold=None):
    """The Log of an Answers, of Choices or of a list of such tables; raises ValueError naming the column that is wrong.

    Where categories exclude each other, the rows of one worker on one item in one query that hold one highest yes are
    a choice of it among those rows' categories; every other row, and every row elsewhere, is an event of its cell.
    """
    given = [answers] if isinstance(answers, (Answers, Choices)) else answers
    tables = [_checked(_long(table) if isinstance(table, Choices) else Answers(*table)) for table in given]
    shape = _shape(tables, gold, shape)
    sources, worker, kind = _sources(tables)
    events = [_events(*columns, exclusive, shape[1]) for columns in zip(given, tables, sources, strict=True)]
    return Log(_joined([one[0] for one in events]), _joined([one[1] for one in events]), worker, kind, shape)


def _long(choices):
    """A choose-one as yes to what was chosen; what it says of the other categories is in `offered`."""
    return Answers(*choices[:3], np.ones(len(choices.item)), choices.kind)


def _events(given, table, source, exclusive, categories):
    """(choose-ones, yes or no to cells) of one table."""
    if not exclusive or not len(source):
        return _none(), _cells(table, source, slice(None))
    if isinstance(given, Choices):
        offered = None if given.offered is None else _offered(given.offered, table.category, categories)
        return Events(table.item, table.category, source, table.category, table.value, offered), _none()
    choices, rest = _choices(table, source, categories)
    return choices, _cells(table, source, rest)


def _offered(given, chosen, categories):
    given, offered = np.asarray(given), np.zeros((len(chosen), categories), bool)
    if given.dtype != bool or given.ndim != 2 or len(given) != len(chosen) or given.shape[1] > categories:
        raise ValueError(f"answers.offered must be bool, {len(chosen)} rows of at most {categories} columns")
    offered[:, : given.shape[1]] = given
    if not offered[np.arange(len(chosen)), chosen].all():
        raise ValueError("answers.offered must hold the category that was chosen")
    return offered


def _joined(events):
    events = [one for one in events if len(one.item)] or [_none()]
    *columns, offered = zip(*events, strict=True)
    width = max((one.shape[1] for one in offered if one is not None), default=None)
    if width is not None:
        offered = [np.ones((len(item), width), bool) if some is None else some
                   for item, some in zip(columns[0], offered, strict=True)]  # fmt: skip
    return Events(*map(np.concatenate, columns), None if width is None else np.concatenate(offered))


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
    some = np.flatnonzero(chosen)
    some = some[np.argsort(first[some])]  # as they were given
    events = Events(table.item[first[some]], table.category[best[some]], source[first[some]],
                    table.category[best[some]], table.value[best[some]] - second[some])  # fmt: skip
    if (count[some] < categories).any():
        offered = np.zeros((len(count), categories), bool)
        offered[group, table.category] = True
        events = events._replace(offered=offered[some])
    return events, ~chosen[group]


def _cells(table, source, rows):
    value = table.value[rows]
    return Events(table.item[rows], table.category[rows], source[rows], (value > 0.5).astype(int), abs(2 * value - 1))


def _none():
    empty = np.zeros(0, int)
    return Events(empty, empty, empty, empty, np.zeros(0))


def _sources(tables):
    """Number every (worker, kind): (numbers (m,) of each table, the sources' workers, their kinds)."""
    names, worker = _numbered([_named(table.worker) for table in tables])
    kinds, kind = _numbered([(np.array([""]), np.zeros(len(table.item), int)) if table.kind is None else
                             _named(table.kind) for table in tables])  # fmt: skip
    code = [one * len(kinds) + other for one, other in zip(worker, kind, strict=True)]
    seen = sum((np.bincount(one, minlength=len(names) * len(kinds)) for one in code), np.zeros(len(names) * len(kinds)))
    used, number = np.nonzero(seen)[0], np.cumsum(seen > 0) - 1
    return [number[one] for one in code], names[used // max(len(kinds), 1)], kinds[used % max(len(kinds), 1)]


def _numbered(columns):
    """(all names, sorted; their numbers in each column), from columns of (own names, numbers)."""
    names = np.unique(np.concatenate([own for own, _ in columns] or [np.zeros(0, str)]))
    return names, [np.searchsorted(names, own.astype(names.dtype))[at] for own, at in columns]


def _named(column):
    """(names, sorted; the numbers (m,) of the column's in them); numbers are counted, which is quicker than sorting."""
    if not (len(column) and column.dtype.kind in "iu" and column.min() >= 0 and column.max() < 2 * len(column)):
        return np.unique(column, return_inverse=True)
    seen = np.bincount(column) > 0
    return np.flatnonzero(seen), (np.cumsum(seen) - 1)[column]


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


def _shape(tables, gold, shape):
    columns = [*((table.item, table.category) for table in tables), *([] if gold is None else [gold[:2]])]
    needed = tuple(max((int(np.max(pair[axis], initial=-1)) + 1 for pair in columns), default=0) for axis in (0, 1))
    if shape is None:
        return needed
    if len(shape) != 2 or shape[0] < needed[0] or shape[1] < needed[1]:
        raise ValueError(
            f"answers and gold number {needed[0]} items and {needed[1]} categories; shape {shape} does not hold them"
        )
    return tuple(shape)
