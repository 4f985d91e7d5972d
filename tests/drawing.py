"""Contents to read: pictures and sounds made on the spot, and what few labels of features come to."""

import functools
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def shared(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the shared data {name} is not beside this checkout")
    return path


def picture(pixels, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(file, kind, **options)
    return file.getvalue()


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape)


def sound(samples, rate=8000):
    file = io.BytesIO()
    wavfile.write(file, rate, np.asarray(samples))
    return file.getvalue()


def tone(hertz, seconds=0.5, rate=8000):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


@functools.cache
def digit_pictures():
    """scikit-learn's handwritten digits, drawn large enough to read."""
    return [picture(np.kron(255 - digit * 15.9, np.ones((16, 16)))) for digit in load_digits().images]


def few_labels(X, y, k, seeds=5):
    """Mean accuracy of a logistic regression that knows k of each category, on all others."""
    scores = []
    for seed in range(seeds):
        shuffled = np.random.default_rng(seed).permutation(len(y))
        known = np.concatenate([shuffled[y[shuffled] == category][:k] for category in np.unique(y)])
        rest = np.setdiff1d(shuffled, known)
        scores.append(LogisticRegression(max_iter=2000).fit(X[known], y[known]).score(X[rest], y[rest]))
    return np.mean(scores)
