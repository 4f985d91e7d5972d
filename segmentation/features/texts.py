"""Texts in any language -> the strongest directions of their words, pairs of words and pieces of words."""

import re
import unicodedata
from itertools import pairwise

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from segmentation.content import BrokenContent
from segmentation.features.transformer import Features, directions, spread

# Marks written on letters, which Python does not count as letters: Hebrew and Arabic points, the vowels of India.
_MARKS = r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0903\u093a-\u0963\u0980-\u0dff"
# Scripts without spaces between words: Thai to Burmese, Khmer, kana, Han. There each character stands for a word.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003fffd"
)
_LETTERS = rf"(?:[^\W{_UNSPACED}]|[{_MARKS}])+"
_WORD = re.compile(rf"[{_UNSPACED}]|{_LETTERS}(?:['’]{_LETTERS})*")


def words(text):
    """Words in any language; characters where a text has no words (signs, emoji)."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(text) or [character for character in text if not character.isspace()]


def terms(text):
    """Words, neighbouring pairs, and pieces of four letters, which join book, books and bookshop."""
    found = words(text)
    return found + [" ".join(pair) for pair in pairwise(found)] + [piece for word in found for piece in _pieces(word)]


def _pieces(word, letters=4):
    framed = f"<{word}>"
    return [framed[start : start + letters] for start in range(len(framed) - letters + 1)]


class TextFeatures(Features):
    """Texts (str) -> the strongest directions of their TF-IDF terms (latent semantic analysis).

    A blank text, or one of unknown terms only, lies at the origin of those directions.

    Parameters
    ----------
    width : int
        Columns at most; fewer where there are fewer texts or terms. With few known texts more columns cost accuracy.
    vocabulary : int
        Terms kept, the most frequent ones.
    characters : int
        What lies beyond in a text is not read.
    sample : int
        Texts that the vocabulary and the directions are learned from, drawn at random where there are more.

    References
    ----------
    Deerwester et al. 1990, "Indexing by latent semantic analysis", JASIS 41(6).
    """

    def __init__(self, width=64, vocabulary=50_000, characters=100_000, sample=20_000, random_state=None):
        self.width = width
        self.vocabulary = vocabulary
        self.characters = characters
        self.sample = sample
        self.random_state = random_state

    def _raw(self, text):
        if not isinstance(text, str):
            raise BrokenContent(f"A text is needed, not {type(text).__name__}.")
        return text[: self.characters]

    def _learn(self, texts, random):
        self.terms_ = self._vocabulary(texts)
        if self.terms_:
            T = self.terms_.transform(texts)
            self.axes_ = directions(T, self.width, random)  # (terms, k)
            rows = T @ self.axes_
            self.centre_, self.scale_ = rows.mean(axis=0), spread(rows)

    def _vocabulary(self, texts):
        if not any(text.strip() for text in texts):
            return None
        # A term met once says nothing about another text, but among few texts that is nearly all terms.
        least = 1 if len(texts) < 100 else 2
        tfidf = TfidfVectorizer(
            analyzer=terms, sublinear_tf=True, min_df=least, max_features=self.vocabulary, dtype=np.float32
        )
        try:
            return tfidf.fit(texts)
        except ValueError:  # not one term is shared
            return tfidf.set_params(min_df=1).fit(texts)

    def _project(self, texts):
        if not self.terms_:  # nothing but blanks was seen
            return np.zeros((len(texts), 1), np.float32)
        rows = self.terms_.transform(texts) @ self.axes_
        return ((rows - self.centre_) / self.scale_).astype(np.float32)
