"""Records -> numbers standardised, words as columns; what the columns mean is learned once, in fit."""

import re
from collections import Counter

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer

from segmentation.content import check_record
from segmentation.features.texts import words as words_of
from segmentation.features.transformer import Features, spreads

# Without leading zeros: those of "007" or a postcode mean something that a number would lose.
_NUMBER = re.compile(r"\s*[+-]?(?!0\d)(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_LARGEST = 1e30  # its square is finite


class RecordFeatures(Features):
    """Records (dicts of named values) -> one column or more for each name seen in fit; other names are ignored.

    A number (or text that reads as one) is standardised; where it was missing in fit it becomes the median, with a
    column that says so. Text and yes/no become one column a value, those rarer than `rare` share one; a name with more
    than `levels` different texts is hashed by words into `levels` columns.

    Parameters
    ----------
    columns : int
        Names kept, the most often filled.
    levels : int
        Different texts of a name that get a column each.
    rare : float
        Share of records (two at least) below which a text is rare.
    sample : int
        Records learned from, drawn at random where there are more.

    Raises
    ------
    BrokenContent
        A record is not a dict of numbers, text, yes/no or nothing.
    """

    def __init__(self, columns=1_000, levels=64, rare=0.005, sample=100_000, random_state=None):
        self.columns = columns
        self.levels = levels
        self.rare = rare
        self.sample = sample
        self.random_state = random_state

    def _raw(self, record):
        check_record(record)
        return record

    def _learn(self, records, random):
        filled = Counter(name for record in records for name, value in record.items() if value not in (None, ""))
        kept = {name for name, _ in filled.most_common(self.columns)}
        names = [name for name in filled if name in kept]  # in the order first seen
        self.columns_ = [(name, column) for name in names for column in self._columns(*split(records, name))]

    def _columns(self, numbers, words):
        counts = Counter(word for word in words if word is not None)
        if not np.isnan(numbers).all():
            yield _Numbers(numbers)
        if len(counts) > self.levels:
            yield _Hashed(self.levels)
        elif counts:
            yield _Levels(counts, least=max(2, self.rare * len(words)))

    def _project(self, records):
        parts = [column(*split(records, name)) for name, column in self.columns_]
        return np.hstack(parts or [np.zeros((len(records), 1))]).astype(np.float32)


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
        return np.nan, value
    return _bounded(value), None


def _bounded(value):
    try:
        number = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        number = _LARGEST if value > 0 else -_LARGEST
    return np.nan if np.isnan(number) else min(max(number, -_LARGEST), _LARGEST)


class _Numbers:
    def __init__(self, numbers):
        missing = np.isnan(numbers)
        self.median, self.missing = np.median(numbers[~missing]), missing.any()
        filled = np.where(missing, self.median, numbers)
        self.centre, self.spread = filled.mean(), spreads(filled)

    def __call__(self, numbers, words):
        missing = np.isnan(numbers)
        scaled = (np.where(missing, self.median, numbers) - self.centre) / self.spread
        scaled = np.clip(scaled, -1000, 1000)  # of a million rows none that was fitted lies beyond: sqrt(n) is the most
        return np.column_stack([scaled, missing] if self.missing else [scaled])


class _Levels:
    def __init__(self, counts, least):
        kept = [word for word, count in counts.items() if count >= least]
        self.column = {word: at for at, word in enumerate(kept)}
        self.width = len(kept) + (len(kept) < len(counts))  # the last column is for the rare ones together

    def __call__(self, numbers, words):
        A = np.zeros((len(words), self.width + 1))  # and one more, dropped again, for those without a column
        at = [self.width if word is None else self.column.get(word, len(self.column)) for word in words]
        A[np.arange(len(words)), at] = 1
        return A[:, : self.width]


class _Hashed:
    def __init__(self, width):
        self.hash = HashingVectorizer(analyzer=words_of, n_features=width)

    def __call__(self, numbers, words):
        return self.hash.transform([word or "" for word in words]).toarray()
