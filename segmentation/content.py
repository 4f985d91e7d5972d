"""Bytes people bring -> pixels and samples. What a check accepts here, the features can read later.

Every file is taken for hostile: sizes are known before anything is decoded, and whatever a decoder throws becomes one
sentence (BrokenContent).
"""

import io
import numbers
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy.io import wavfile

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
MAX_BYTES = 100 * 2**20
MAX_PIXELS = 50_000_000  # 200 MB as RGBA, a 50 megapixel photo
RATES = (1_000, 400_000)  # samples a second


class BrokenContent(ValueError):
    """Content that cannot be used: `sentence` says why, `position` (from 0) where in the sequence, None if alone."""

    def __init__(self, sentence, position=None):
        super().__init__(sentence, position)
        self.sentence, self.position = sentence, position

    def __str__(self):
        return self.sentence if self.position is None else f"Position {self.position}: {self.sentence}"


def check_image(file):
    """Raise BrokenContent unless `file` is an image that can be shown and learned from; see `read` for `file`."""
    data = read(file)
    with _in_a_sentence("The image is damaged or cut short."), _opened(data) as image:
        image.verify()  # checksums; decoding alone does not look at all of them
    decode_image(data)


def check_audio(file):
    """Raise BrokenContent unless `file` is a WAV file with sound in it; see `read` for `file`."""
    decode_sound(file)


def check_record(values):
    """Raise BrokenContent unless `values` is a dict of names to numbers, text, yes/no or nothing."""
    if not isinstance(values, dict):
        raise BrokenContent(f"A record is a set of named values, not {type(values).__name__}.")
    for name, value in values.items():
        if not (value is None or isinstance(value, (str, numbers.Real, np.bool_))):
            raise BrokenContent(f"The value of {name!r} is neither a number, text, yes/no nor empty.")


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
