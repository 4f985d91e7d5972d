"""Texts in any language -> the strongest directions of their words, pairs of words and pieces of words."""

import re
import unicodedata
from zlib import crc32

import numpy as np

from segmentation.content import BrokenContent
from segmentation.features.axes import Rows, directions
from segmentation.features.terms import Terms
from segmentation.features.transformer import Features

# Marks written on letters, which Python does not count as letters: Hebrew and Arabic points, the vowels of India.
_MARKS = r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0903\u093a-\u0963\u0980-\u0dff"
# Scripts without spaces between words: Thai to Burmese, Khmer, kana, Han. There each character stands for a word.
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    r"\U00020000-\U0003fffd"
)
_LETTERS = rf"(?:[^\W{_UNSPACED}]|[{_MARKS}])+"
_WORD = re.compile(rf"[{_UNSPACED}]|{_LETTERS}(?:['’]{_LETTERS})*")

SPACE = ord(" ")
# Odd numbers at random: a sum of products, cut to its upper half, is a universal hash (Dietzfelbinger et al. 1997).
_PAIR = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], np.uint64)
_PIECE = np.array([0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3], np.uint64)


def words(text):
    """Words in any language; characters where a text has no words (signs, emoji)."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(text) or [character for character in text if not character.isspace()]


def terms(text):
    """Words, neighbouring pairs, and pieces of four letters, which join book, books and bookshop.

    Returns their hashes (m,) uint32, sorted, a term met twice being there twice. So no vocabulary is needed to read a
    text; among a million different terms about a hundred share a hash.
    """
    found = words(text)
    single = np.fromiter((crc32(_bytes(word)) for word in found), np.uint32, len(found))
    return np.sort(np.concatenate([single, _hashes(np.stack([single[:-1], single[1:]]), _PAIR), _pieces(found)]))


def _pieces(found):
    letters = np.frombuffer(f" {' '.join(found)} ".encode("utf-32-le", "surrogatepass"), np.uint32)
    fours = np.stack([letters[start : len(letters) - 3 + start] for start in range(4)]) if len(letters) > 3 else letters
    if fours.ndim == 1:
        return np.empty(0, np.uint32)
    return _hashes(fours[:, (fours[1] != SPACE) & (fours[2] != SPACE)], _PIECE)  # none reaches over two words


def _hashes(parts, factors):
    """(k, m) uint32 -> (m,) uint32."""
    return (np.sum(parts * factors[:, None], axis=0, dtype=np.uint64) >> np.uint64(32)).astype(np.uint32)


def _bytes(word):
    return word.encode("utf-8", "surrogatepass")


class TextFeatures(Features):
    """Texts (str) -> the strongest directions of their TF-IDF terms (latent semantic analysis).

    Each direction is weighed by the square of its singular value, which is to pass every text twice through the matrix
    of which terms go together: a word then stands for its company too, and few known texts reach far. Rows have one
    length. A blank text, or one of unknown terms only, lies at the origin of the directions.

    Parameters
    ----------
    width : int
        Columns at most; fewer where there are fewer texts or terms.
    vocabulary : int
        Terms kept, those in most texts.
    characters : int
        What lies beyond in a text is not read.
    sample : int
        Texts that the vocabulary and the directions are learned from, drawn at random where there are more.

    References
    ----------
    Deerwester et al. 1990, "Indexing by latent semantic analysis", JASIS 41(6).
    Cristianini, Shawe-Taylor, Lodhi 2002, "Latent semantic kernels", J. Intelligent Information Systems 18 (the
    semantic matrix; its powers).
    """

    reads = ("characters",)

    def __init__(self, width=128, vocabulary=20_000, characters=100_000, sample=20_000, random_state=None):
        self.width = width
        self.vocabulary = vocabulary
        self.characters = characters
        self.sample = sample
        self.random_state = random_state

    def _load(self, text):
        if not isinstance(text, str):
            raise BrokenContent(f"A text is needed, not {type(text).__name__}.")
        return text

    def _raw(self, text):
        return terms(self._load(text)[: self.characters])

    def _learn(self, texts, random):
        # A term met once says nothing about another text, but among few texts that is nearly all terms.
        self.terms_ = Terms.of(texts, self.vocabulary, least=1 if len(texts) < 100 else 2)
        T = self.terms_(texts)  # (n, terms)
        axes, strengths = directions(T, self.width, random)
        self.axes_ = (axes * (strengths / max(strengths[0], 1e-12)) ** 2).astype(np.float32)
        self.rows_ = Rows.of(T @ self.axes_)

    def _project(self, texts):
        return self.rows_(self.terms_(texts) @ self.axes_)

    def _learned(self):
        return {"kept": self.terms_.kept, "idf": self.terms_.idf, "axes": self.axes_, **self.rows_.to_arrays()}

    def _resume(self, arrays):
        self.terms_, self.axes_ = Terms(arrays["kept"], arrays["idf"]), arrays["axes"]
        self.rows_ = Rows.from_arrays(arrays)
