"""Items -> encodings, each read and encoded at most once: what a cache holds is not even opened."""

from collections.abc import Sequence
from hashlib import sha256

from segmentation.content import BrokenContent, Stored

BATCH = 64  # items looked up and encoded at a time


def as_sequence(items):
    if isinstance(items, (str, bytes, dict)):
        raise ValueError("A sequence of items is needed, not a single one: put it in a list.")
    return items if isinstance(items, Sequence) else list(items)


def part(progress, low, high):
    """A progress callback for the part of the work between two fractions; None if there is none."""
    return progress and (lambda done, message: progress(low + (high - low) * done, message))


class Reading:
    """Reads items for `features`, with a cache or without. `known` counts the items that a cache held."""

    def __init__(self, features, cache=None):
        self.features, self.cache = features, cache if features.keyed else None
        self.reader = features.reader.encode() if self.cache else b""
        self.known = 0

    @property
    def said(self):
        return f", {self.known:,} known before" if self.known else ""

    def read(self, items, positions, progress):
        """The encodings of the items at these positions; raises BrokenContent with the position in `items`."""
        encodings, total = [], len(positions)
        for start in range(0, total, BATCH):
            batch = [int(position) for position in positions[start : start + BATCH]]
            contents = {position: items[position] for position in batch}
            encodings += self._cached(contents) if self.cache else self._fresh(contents)
            if progress:
                progress(len(encodings) / total, f"read {len(encodings):,} of {total:,} items{self.said}")
        return encodings

    def _fresh(self, contents):
        raws = [at_position(position, self.features._raw, content) for position, content in contents.items()]
        return self.features._encode(raws)

    def _cached(self, contents):
        """Items whose digest is known are looked up together; others are read, one at a time, to know it."""
        digests = self._digests(contents)
        found = self.cache.find([self._key(digest) for digest in digests.values()])
        raws, named = {}, {}
        self.known += sum(self._key(digest) in found for digest in digests.values())
        for position, content in contents.items():
            if position not in digests:
                name, content = name_of(content), at_position(position, self.features._load, content)
                digests[position] = digest_of(content)
                found |= self.cache.find([self._key(digests[position])])
                named |= {name: digests[position]} if name else {}
            key = self._key(digests[position])
            if key not in found and key not in raws:
                raws[key] = at_position(position, self.features._raw, content)
        new = dict(zip(raws, self.features._encode(list(raws.values())), strict=True))
        self.cache.keep(new, named)
        found |= new
        return [found[self._key(digests[position])] for position in contents]

    def _digests(self, contents):
        """{position: digest} of what is known without opening a file: texts, and files under a name met before."""
        names = {position: name_of(content) for position, content in contents.items() if name_of(content)}
        known = self.cache.digests(list(names.values()))
        digests = {position: known[name] for position, name in names.items() if name in known}
        return digests | {
            position: digest_of(content) for position, content in contents.items() if isinstance(content, str)
        }

    def _key(self, digest):
        return sha256(self.reader + digest).digest()[:20]


def name_of(content):
    return content.name if isinstance(content, Stored) else None


def digest_of(content):
    """The content's hash; a text is told from a file of the same bytes by the reader."""
    return sha256(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content).digest()


def at_position(position, do, content):
    try:
        return do(content)
    except BrokenContent as broken:
        raise BrokenContent(broken.sentence, position) from None
