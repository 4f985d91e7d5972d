"""Items per CPU second for each medium: plain reading, the first run, the next one (all known) and one after an item
has come; beside them what learning and projecting cost alone, which every run does. Then what few labels come to.

Run by name: `python tests/benchmarks/bench_features.py [--short]`.
"""

import argparse
import csv
import io
import sys
import tempfile
import warnings
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
from PIL import Image
from scipy.io import wavfile
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

sys.path.insert(0, str(Path(__file__).parents[2]))

from segmentation.content import Stored, read
from segmentation.encodings import EncodingCache
from segmentation.features import AudioFeatures, ImageFeatures, RecordFeatures, TextFeatures

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LABELS = 1, 3, 10, 30
SEEDS = range(5, 10)  # features were chosen on 0 to 4


# --- items -----------------------------------------------------------------------------------------------------------


def texts(number, random):
    """200 words each, drawn as words are in a language."""
    words = np.array([f"{chr(97 + at % 26)}{chr(97 + at // 26 % 26)}word{at}" for at in range(20_000)])
    share = 1 / np.arange(1, len(words) + 1)
    return [" ".join(random.choice(words, 200, p=share / share.sum())) for _ in range(number)]


def drawings(number, random):
    digits = load_digits().images
    return [drawing(digits[at % len(digits)] + random.uniform(0, 1, (8, 8))) for at in range(number)]


def drawing(ink):
    """A digit as the demonstration draws it: 160 x 160, dark on light."""
    paper = np.pad(255 - np.minimum(ink, 16) * (255 / 16), 1, constant_values=255).round().astype(np.uint8)
    return written(Image.fromarray(paper).resize((160, 160), Image.Resampling.BICUBIC), "PNG")


def photos(number, random):
    """JPEG of two megapixels with some structure at every scale."""
    return [
        written(Image.fromarray(random.integers(0, 256, (60, 80, 3), np.uint8)).resize((1600, 1200)), "JPEG")
        for _ in range(number)
    ]


def written(image, kind):
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def sounds(number, random):
    """Five seconds at 16 kHz."""
    time = np.arange(5 * 16_000) / 16_000
    return [sound(np.sin(2 * np.pi * random.uniform(100, 2_000) * time) * random.uniform(0, 1)) for _ in range(number)]


def sound(samples):
    file = io.BytesIO()
    wavfile.write(file, 16_000, (samples * 30_000).astype(np.int16))
    return file.getvalue()


def customers(number, random):
    """Ten profile values and fifty events."""
    return [
        {
            **{f"number {at}": float(random.normal()) for at in range(8)},
            "country": str(random.choice(["FR", "DK", "IT"])),
            "since": f"20{random.integers(10, 26)}-03-01",
            "events": [event(random) for _ in range(50)],
        }
        for _ in range(number)
    ]


def event(random):
    day, amount = random.integers(1, 28), round(float(random.lognormal()), 2)
    kind = ("buy", "visit", "call")[random.integers(3)]
    return {"type": kind, "amount": amount, "at": f"2026-{random.integers(1, 13):02}-{day:02}T10:00:00Z"}


# --- speed -----------------------------------------------------------------------------------------------------------

MEDIA = {
    "texts, 200 words": (TextFeatures, texts, 5_000),
    "images, PNG 160 x 160": (ImageFeatures, drawings, 4_000),
    "images, JPEG 1600 x 1200": (ImageFeatures, photos, 300),
    "sounds, 5 s at 16 kHz": (AudioFeatures, sounds, 1_000),
    "records, 50 events": (RecordFeatures, customers, 5_000),
}


def seconds(do):
    start = process_time()
    result = do()
    return process_time() - start, result


def kept_in(folder, items):
    """Files are kept as the product keeps them; texts and records are as they are."""
    if not isinstance(items[0], bytes):
        return items
    for at, item in enumerate(items):
        (folder / str(at)).write_bytes(item)
    return [Stored(str(at), partial((folder / str(at)).open, "rb")) for at in range(len(items))]


def measure(name, features, items):
    with tempfile.TemporaryDirectory() as folder, EncodingCache(Path(folder) / "encodings.sqlite3") as cache:
        stored = kept_in(Path(folder), items)
        made = features(random_state=0)
        plain, _ = seconds(lambda: [read(item) if isinstance(item, Stored) else str(item) for item in stored])
        first, X = seconds(lambda: made.fit_transform(stored[:-1], cache=cache))
        again, same = seconds(lambda: made.fit_transform(stored[:-1], cache=cache))
        one_more, _ = seconds(lambda: made.fit_transform(stored, cache=cache))
        encodings = features(random_state=0)._fit(stored, None, cache)[1]
        learning, _ = seconds(lambda: alone(made, list(encodings.values())))
        assert np.array_equal(X, same)
        size = cache.filled() / len(items) if made.keyed else 0
    rates = [f"{len(items) / max(took, 1e-9):10,.0f}" for took in (plain, first, again, one_more, learning)]
    print(f"{name:26}{len(items):6,}{''.join(rates)}{size:12,.0f}", flush=True)


def alone(made, encodings):
    made._learn(encodings, np.random.RandomState(0))
    for start in range(0, len(encodings), 1024):
        made._project(encodings[start : start + 1024])


# --- few labels ------------------------------------------------------------------------------------------------------


def accuracies(X, y):
    return [np.mean([accuracy(X, y, k, seed) for seed in SEEDS]) for k in LABELS]


def accuracy(X, y, k, seed):
    """Of a logistic regression that knows k of each category, on all the others."""
    random = np.random.default_rng(1000 * seed + k)
    known = np.concatenate([random.choice(np.flatnonzero(y == c), k, replace=False) for c in np.unique(y)])
    rest = np.setdiff1d(np.arange(len(y)), known)
    return LogisticRegression(max_iter=2000).fit(X[known], y[known]).score(X[rest], y[rest])


def show(name, X, y):
    print(f"{name:40}{''.join(f'{value:8.3f}' for value in accuracies(X, y))}", flush=True)


def few_labels():
    images, y, pixels = load_digits().images, load_digits().target, load_digits().data / 16
    show("digits, raw pixels", pixels, y)
    show("digits, ImageFeatures", ImageFeatures(random_state=0).fit_transform([drawing(ink) for ink in images]), y)
    folder = DATA / "amazon_isbook"
    if not folder.exists():
        print("reviews are left out: shared/data/amazon_isbook is not beside the checkout", file=sys.stderr)
        return
    reviews = [row["text"] for row in rows(folder / "items.csv")]
    y = np.array([row["label"] for row in rows(folder / "truth.csv")])
    show("reviews, TextFeatures", TextFeatures(random_state=0).fit_transform(reviews), y)


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of the items, and no accuracies")
    short = parser.parse_args().short
    warnings.simplefilter("ignore", ConvergenceWarning)
    print("Items per CPU second")
    names = "plain", "first", "again", "one more", "learning"
    print(f"{'':26}{'items':>6}{''.join(f'{name:>10}' for name in names)}{'bytes kept':>12}")
    for name, (features, items, number) in MEDIA.items():
        number = max(30, number // 10) if short else number
        measure(name, features, items(number, np.random.default_rng(0)))
    if not short:
        print(f"\nAccuracy by labels of each category{''.join(f'{k:8}' for k in LABELS).removeprefix('   ')}")
        few_labels()
