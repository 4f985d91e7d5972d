"""Bytes people bring -> pixels and samples. What a check accepts here, the features can read later.

Every file is taken for hostile: sizes are known before anything is decoded, and whatever a decoder throws becomes one
sentence (BrokenContent).
"""

import io
import numbers
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy.io import wavfile

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
MAX_BYTES = 100 * 2**20
MAX_PIXELS = 50_000_000  # 200 MB as RGBA, a 50 megapixel photo
RATES = (1_000, 400_000)  # samples a second
EVENTS, DEPTH = 10_000, 4  # events of a list; dicts within dicts of a record


class BrokenContent(ValueError):
    """Content that cannot be used: `sentence` says why, `position` (from 0) where in the sequence, None if alone."""

    def __init__(self, sentence, position=None):
        super().__init__(sentence, position)
        self.sentence, self.position = sentence, position

    def __str__(self):
        return self.sentence if self.position is None else f"Position {self.position}: {self.sentence}"


class EncoderMissing(Exception):
    """A pretrained encoder, or what loads it, is not on this machine; the sentence says how to get it."""


@dataclass(frozen=True)
class Stored:
    """A file under a name that means these bytes for ever, so that what was made of it needs no second opening."""

    name: str
    open: Callable[[], BinaryIO]

    def __call__(self):
        return self.open()


def check_image(file):
    """Raise BrokenContent unless `file` is an image that can be shown and learned from; see `read` for `file`."""
    data = read(file)
    with _in_a_sentence("The image is damaged or cut short."), _opened(data) as image:
        image.verify()  # checksums; decoding alone does not look at all of them
    decode_image(data)


def check_audio(file):
    """Seconds that a WAV file takes to hear; raises BrokenContent where it is none or silent of samples. See `read` for
    `file`."""
    rate, samples = decode_sound(file)
    return len(samples) / rate


def check_record(values):
    """Raise BrokenContent unless `values` is a dict of names to plain values, further such dicts, or lists of events.

    A plain value is a number, text, yes/no or nothing; an event is a dict of plain values (its `type` and its time `at`
    among them), or a plain value alone.
    """
    if not isinstance(values, dict):
        raise BrokenContent(f"A record is a set of named values, not {type(values).__name__}.")
    names = [name for name, value in named_values(values) if _check_value(name, value) is None]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BrokenContent(f"The record holds two values that are called {twice!r}.")


def named_values(values, within="", depth=1):
    """(name, value) of a record, where a dict within it gives its own values: {"home": {"town": 1}} -> home town, 1."""
    for key, value in values.items():
        name = f"{within} {key}" if within else str(key)
        if isinstance(value, dict):
            if depth == DEPTH:
                raise BrokenContent(f"The value of {name!r} is nested more than {DEPTH} deep.")
            yield from named_values(value, name, depth + 1)
        else:
            yield name, value


def plain(value):
    return value is None or isinstance(value, (str, numbers.Real, np.bool_))


def _check_value(name, value):
    if isinstance(value, (list, tuple)):
        _check_events(name, value)
    elif not plain(value):
        raise BrokenContent(f"The value of {name!r} is neither a number, text, yes/no, empty nor a list of events.")


def _check_events(name, events):
    if len(events) > EVENTS:
        raise BrokenContent(f"{name!r} lists {len(events):,} events; at most {EVENTS:,} can be kept.")
    for at, event in enumerate(events, 1):
        if isinstance(event, dict) and not all(map(plain, event.values())):
            unfit = [key for key, value in named_values(event) if not plain(value)]
            if unfit:
                where = f"{name!r}, event {at}: the value of {unfit[0]!r}"
                raise BrokenContent(f"{where} is neither a number, text, yes/no nor empty.")
        elif not isinstance(event, dict) and not plain(event):
            raise BrokenContent(f"{name!r}, event {at} is neither a set of named values nor a plain one.")


def read(content):
    """Content -> bytes, at most MAX_BYTES.

    `content` is a path, bytes, a binary file (read from its start, rewound, left open) or a function without arguments
    that opens one (closed again: so a long sequence never holds more than one file open).
    """
    try:
        data = _read(content)
    except (OSError, TypeError, ValueError) as error:
        raise BrokenContent(f"The file cannot be opened: {getattr(error, 'strerror', None) or error}.") from None
    if not isinstance(data, bytes):
        raise BrokenContent("The file was opened as text; open it as binary.")
    if len(data) > MAX_BYTES:
        raise BrokenContent(f"The file is larger than {MAX_BYTES // 2**20} MB.")
    return data


def _read(content):
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    if hasattr(content, "read"):
        return _read_from_start(content)
    with content() if callable(content) else Path(content).open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _read_from_start(file):
    if not file.seekable():
        return file.read(MAX_BYTES + 1)
    file.seek(0)
    data = file.read(MAX_BYTES + 1)
    file.seek(0)
    return data


def decode_image(content, side=64):
    """Content -> (side, side, 3) uint8: the first frame, upright, stretched to a square, transparency on white."""
    data = read(content)
    with _in_a_sentence("The image is damaged or cut short."), _opened(data) as image:
        image.draft("RGB", (side, side))  # a JPEG is decoded at a fraction of its size; others ignore this
        small = ImageOps.exif_transpose(_eight_bits(image).resize((side, side), Image.Resampling.BILINEAR))
        white = Image.new("RGBA", small.size, "white")
        return np.asarray(Image.alpha_composite(white, small.convert("RGBA")).convert("RGB"))


@contextmanager
def _opened(data):
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise BrokenContent(_too_many(f"{image.width} x {image.height}"))
        yield image


def _too_many(size):
    return f"The image is too large ({size} pixels; at most {MAX_PIXELS // 10**6} million)."


def _eight_bits(image):
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would clip rather than scale
        return Image.fromarray((np.asarray(image) / 257).astype(np.uint8))
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def decode_sound(content, seconds=None):
    """WAV -> (rate, samples (n,) float32 in about [-1, 1]): channels averaged, the first `seconds` only if given."""
    data = read(content)
    with _in_a_sentence("The sound cannot be read: a WAV file of plain (PCM) samples is needed, whole."):
        rate, samples = wavfile.read(io.BytesIO(data))
        if not RATES[0] <= rate <= RATES[1]:
            raise BrokenContent(f"The sound has {rate} samples a second; {RATES[0]} to {RATES[1]} can be read.")
        if not samples.size:
            raise BrokenContent("The file holds no sound.")
        samples = _unit_scale(samples[: int(seconds * rate)] if seconds else samples)
        return rate, samples if samples.ndim == 1 else samples.mean(axis=1)


def _unit_scale(samples):
    if samples.dtype.kind == "f":  # clipped, since a hostile 1e38 squared is no longer finite
        return np.clip(np.nan_to_num(samples), -8, 8).astype(np.float32)
    middle = 128 if samples.dtype.kind == "u" else 0
    return (samples.astype(np.float32) - middle) / 2.0 ** (8 * samples.itemsize - 1)


@contextmanager
def _in_a_sentence(sentence):
    try:
        yield
    except BrokenContent:
        raise
    except UnidentifiedImageError:
        raise BrokenContent("This is not an image that can be shown: use PNG, JPEG, GIF, WebP or BMP.") from None
    except Image.DecompressionBombError:
        raise BrokenContent(_too_many("more than 100 million")) from None
    except Exception:  # decoders meet hostile bytes with SyntaxError, struct.error, IndexError and more
        raise BrokenContent(sentence) from None
