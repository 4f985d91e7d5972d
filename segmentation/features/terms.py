"""Hashed terms of texts -> a sparse matrix of their weights, sublinear in how often, less for what is in many texts."""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.preprocessing import normalize


class Terms:
    """TF-IDF over the `most` frequent terms of `texts` (sorted uint32 hashes each) that `least` of them hold."""

    def __init__(self, kept, idf):
        self.kept, self.idf = kept, idf

    @classmethod
    def of(cls, texts, most, least):
        _, found, _ = counted(texts)
        found, texts_with = np.unique(found, return_counts=True)
        enough = texts_with >= least
        if not enough.any():  # not one term is shared
            enough[:] = True
        found, texts_with = found[enough], texts_with[enough]
        kept = np.sort(np.argsort(-texts_with, kind="stable")[:most])
        if not len(kept):
            return cls(np.zeros(1, np.uint32), np.ones(1))  # blanks alone still have a column
        return cls(found[kept], np.log((1 + len(texts)) / (1 + texts_with[kept])) + 1)

    def __call__(self, texts):
        """(n, terms) float32, rows of length one, blank ones nought."""
        rows, found, times = counted(texts)
        columns = np.minimum(np.searchsorted(self.kept, found), len(self.kept) - 1)
        known = self.kept[columns] == found
        rows, columns, times = rows[known], columns[known], times[known]
        weights = ((1 + np.log(times)) * self.idf[columns]).astype(np.float32)
        matrix = csr_matrix((weights, (rows, columns)), shape=(len(texts), len(self.kept)))
        return normalize(matrix, copy=False)


def counted(texts):
    """(text, term, times) of each term of each text, once."""
    found = np.concatenate([np.empty(0, np.uint32), *texts])
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), [len(text) for text in texts])
    first = np.ones(len(found), bool)
    first[1:] = (found[1:] != found[:-1]) | (rows[1:] != rows[:-1])
    at = np.flatnonzero(first)
    return rows[at], found[at], np.diff(np.append(at, len(found)))
