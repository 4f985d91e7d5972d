"""How hard an item's content is to judge, from 0, plain, to 1: long or hard to read, long to hear. Pure."""

import re

LONG = 300  # words of a text that are much to read
LISTENING = 60  # seconds of a sound that are much to hear
PLAIN = 60.0  # reading ease from which a text reads as plain English (Flesch 1948); below, it reads ever more slowly
LETTERS = 6  # a word and its blank: scripts that leave no blanks have words as long
MOST = 20_000  # characters looked at
WORD, SENTENCE, VOWELS = re.compile(r"[^\W\d_]+"), re.compile(r"[.!?\u2026\u3002]+(?:\s|$)"), re.compile(r"[aeiouy]+")


def of_text(text: str) -> float:
    """Length, counted up to double where the words and sentences are hard."""
    text = text[:MOST]
    words = max(len(text.split()), len(text) / LETTERS if " " not in text.strip() else 0)
    hard = min(max(1 - reading_ease(text) / PLAIN, 0.0), 1.0)
    return min(1.0, words / LONG * (1 + hard))


def of_sound(seconds: float | None) -> float | None:
    return None if seconds is None else min(1.0, seconds / LISTENING)


def reading_ease(text: str) -> float:
    """Flesch 1948, "A new readability yardstick", Journal of Applied Psychology 32(3): about 100 very easy, 60 plain, 0
    very hard; for English. Syllables are counted as groups of vowels, a silent e apart."""
    words = WORD.findall(text.lower())
    if not words:
        return 100.0
    sentences = max(1, len(SENTENCE.findall(text)))
    return 206.835 - 1.015 * len(words) / sentences - 84.6 * sum(map(syllables, words)) / len(words)


def syllables(word: str) -> int:
    groups = len(VOWELS.findall(word))
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and groups > 1
    return max(1, groups - silent)
