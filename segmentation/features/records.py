"""Records -> numbers on one scale, words as columns, events told in numbers; what columns mean is learned in fit."""

import json
import re
from collections import Counter

import numpy as np
from scipy.stats import skew
from sklearn.feature_extraction.text import HashingVectorizer

from segmentation.content import check_record
from segmentation.features.axes import spreads
from segmentation.features.events import Amount, bounded, days_of, flat
from segmentation.features.texts import words as words_of
from segmentation.features.transformer import Features

# Without leading zeros: those of "007" or a postcode mean something that a number would lose.
_NUMBER = re.compile(r"\s*[+-]?(?!0\d)(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
SKEWED = 2.0  # the skewness of an exponential distribution; what leans more is bent


class RecordFeatures(Features):
    """Records (dicts of named values) -> one column or more for each name seen in fit; other names are ignored.

    A number (or text that reads as one) is standardised; where it was missing in fit it becomes the median, with a
    column that says so; a column that leans to one side, as money and counts do, is bent first (asinh around the
    median), or a few large values would hide the others. A date is its days since 1970. Text and yes/no become one
    column a value, those rarer than `rare` share one; a name with more than `levels` different texts is hashed by words
    into `levels` columns. Dicts within the record give their own values, named by both names.

    A list of events, [{"type": "buy", "amount": 3.5, "at": "2026-01-01T10:00:00Z"}, ...], becomes, for all together and
    for each type: how many, how many a day (over the time from the record's first event to its last, a day at least),
    when the last one was, the sum and mean of each number; for each type its share too; for all together the number of
    different texts under each name and how often each came. What a record does not mention is 0 in counts and sums.
    Times are absolute, so features do not change with the day on which they are made. A list of plain texts counts as
    one of events that have a type and no more.

    Encodings are not kept in a cache: the record lies before us, and looking it up would cost about as much.

    Parameters
    ----------
    columns : int
        Names kept, the most often filled.
    levels : int
        Different texts of a name that get a column each.
    rare : float
        Share of records (two at least) below which a text, or what is told of events, is rare; a rare one of the
        latter gets no column.
    sample : int
        Records learned from, drawn at random where there are more.

    Raises
    ------
    BrokenContent
        A record is not a dict of numbers, text, yes/no, nothing, such dicts, or lists of events.
    """

    keyed = False

    def __init__(self, columns=1_000, levels=64, rare=0.005, sample=100_000, random_state=None):
        self.columns = columns
        self.levels = levels
        self.rare = rare
        self.sample = sample
        self.random_state = random_state

    def _raw(self, record):
        check_record(record)
        return flat(record)

    def _learn(self, records, random):
        filled, amounts = Counter(), set()
        for record in records:
            given = [name for name, value in record.items() if value not in (None, "")]
            filled.update(given)
            amounts.update(name for name in given if isinstance(record[name], Amount))
        least = max(2, self.rare * len(records))
        common = Counter({name: n for name, n in filled.items() if name not in amounts or n >= least})
        kept = {name for name, _ in common.most_common(self.columns)}
        names = [name for name in common if name in kept]  # in the order first seen
        self.columns_ = [
            (name, column) for name in names for column in self._columns(*split(records, name), name in amounts, least)
        ]

    def _columns(self, numbers, words, amount, least):
        counts = Counter(word for word in words if word is not None)
        if amount:
            numbers = np.nan_to_num(numbers)
        if not np.isnan(numbers).all():
            yield _Numbers.of(numbers, otherwise=0.0 if amount else None)
        if len(counts) > self.levels:
            yield _Hashed(self.levels)
        elif counts:
            yield _Levels.of(counts, least)

    def _project(self, records):
        parts = [column(*split(records, name)) for name, column in self.columns_]
        return np.hstack(parts or [np.zeros((len(records), 1))]).astype(np.float32)

    def _learned(self):
        told = [(name, type(column).__name__, column.told()) for name, column in self.columns_]
        return {"columns": np.array(json.dumps(told))}

    def _resume(self, arrays):
        kinds = {kind.__name__: kind for kind in (_Numbers, _Levels, _Hashed)}
        told = json.loads(str(arrays["columns"]))
        self.columns_ = [(name, kinds[kind](*state)) for name, kind, state in told]


def split(records, name):
    """One name's values -> numbers (n,) float64, NaN where there is none, and words, a list with None likewise."""
    pairs = [_number_or_word(record.get(name)) for record in records]
    return np.array([number for number, _ in pairs]), [word for _, word in pairs]


def _number_or_word(value):
    if value is None or value == "":
        return np.nan, None
    if isinstance(value, (bool, np.bool_)):
        return np.nan, "yes" if value else "no"
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        days = days_of(value)
        return (np.nan, value) if days is None else (days, None)
    return bounded(value), None


# Each kind of column is made `of` what was read, and again of what it has `told` in plain numbers and texts.


class _Numbers:
    def __init__(self, otherwise, missing, bend, centre, spread):
        self.otherwise, self.missing, self.bend = otherwise, missing, bend and _Bend(*bend)
        self.centre, self.spread = centre, spread

    @classmethod
    def of(cls, numbers, otherwise=None):
        missing = np.isnan(numbers)
        otherwise = float(np.median(numbers[~missing])) if otherwise is None else otherwise
        filled = np.where(missing, otherwise, numbers)
        bend = _Bend.around(filled) if _skewed(filled) else None
        filled = _Bend(*bend)(filled) if bend else filled
        return cls(otherwise, bool(missing.any()), bend, float(filled.mean()), float(spreads(filled)))

    def told(self):
        return self.otherwise, self.missing, self.bend and (self.bend.middle, self.bend.near), self.centre, self.spread

    def __call__(self, numbers, words):
        missing = np.isnan(numbers)
        scaled = (self._bent(np.where(missing, self.otherwise, numbers)) - self.centre) / self.spread
        scaled = np.clip(scaled, -1000, 1000)  # of a million rows none that was fitted lies beyond: sqrt(n) is the most
        return np.column_stack([scaled, missing] if self.missing else [scaled])

    def _bent(self, numbers):
        return self.bend(numbers) if self.bend else numbers


def _skewed(numbers):
    return spreads(numbers) != 1.0 and abs(skew((numbers - numbers.mean()) / spreads(numbers))) > SKEWED


class _Bend:
    """Linear near the median, logarithmic far from it; what is near is the spread of the middle half."""

    def __init__(self, middle, near):
        self.middle, self.near = middle, near

    @staticmethod
    def around(numbers):
        low, middle, high = np.quantile(numbers, [0.25, 0.5, 0.75]).tolist()
        others = np.abs(numbers - middle)[numbers != middle]
        return middle, (high - low) / 1.35 or float(np.median(others))  # where more than half are alike, of the others

    def __call__(self, numbers):
        return np.arcsinh((numbers - self.middle) / self.near)


class _Levels:
    def __init__(self, kept, width):
        self.column, self.width = {word: at for at, word in enumerate(kept)}, width

    @classmethod
    def of(cls, counts, least):
        kept = [word for word, count in counts.items() if count >= least]
        return cls(kept, len(kept) + (len(kept) < len(counts)))  # the last column is for the rare ones together

    def told(self):
        return list(self.column), self.width

    def __call__(self, numbers, words):
        A = np.zeros((len(words), self.width + 1))  # and one more, dropped again, for those without a column
        at = [self.width if word is None else self.column.get(word, len(self.column)) for word in words]
        A[np.arange(len(words)), at] = 1
        return A[:, : self.width]


class _Hashed:
    def __init__(self, width):
        self.width, self.hash = width, HashingVectorizer(analyzer=words_of, n_features=width)

    def told(self):
        return (self.width,)

    def __call__(self, numbers, words):
        return self.hash.transform([word or "" for word in words]).toarray()
