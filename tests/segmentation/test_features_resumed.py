"""What features learned, kept as plain arrays, makes the same rows of items that come later."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile

from segmentation.features import (
    AudioFeatures,
    ImageFeatures,
    PretrainedTextFeatures,
    RecordFeatures,
    TextFeatures,
)


class Lengths:
    name = "lengths"

    def encode(self, texts):
        return np.array([[len(text), text.count("a"), text.count("e")] for text in texts], float)


def a_picture(shade):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(shade).integers(0, 255, (20, 20, 3)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def a_tone(at):
    file = io.BytesIO()
    wave = np.sin(np.arange(4_000) * (0.1 + at / 20)) * np.random.default_rng(at).random(4_000)
    wavfile.write(file, 8_000, wave.astype(np.float32))
    return file.getvalue()


def a_text(at):
    words = ("the sea", "a red car", "is blue", "and deep", "books and bookshops", "")
    return f"{words[at % 6]} {words[(at // 2) % 6]} {at % 3}"


def a_record(at):
    return {
        "age": at % 50 if at % 7 else None,
        "money": float(np.exp(at % 11)),
        "town": ("Ulm", "Köln \ud83d", "東京")[at % 3],
        "since": f"2020-01-{1 + at % 28:02d}",
        "note": f"{'ab'[at % 2]} number {at}",
        "events": [{"type": "buy", "amount": at, "at": f"2021-02-{1 + at % 28:02d}T10:00:00"}] * (at % 4),
    }


MAKERS = [
    (lambda: TextFeatures(width=5, random_state=0), a_text),
    (lambda: ImageFeatures(width=5, random_state=0), a_picture),
    (lambda: AudioFeatures(width=5, random_state=0), a_tone),
    (lambda: RecordFeatures(levels=8, random_state=0), a_record),
    (lambda: PretrainedTextFeatures(Lengths(), width=2, random_state=0), a_text),
]


@pytest.mark.parametrize("make, an_item", MAKERS)
def test_features_go_on_from_arrays_alone(make, an_item, tmp_path):
    fitted = make().fit([an_item(at) for at in range(40)])
    np.savez(tmp_path / "kept.npz", **fitted.to_arrays())
    later = [an_item(at) for at in range(40, 60)]
    with np.load(tmp_path / "kept.npz", allow_pickle=False) as arrays:
        back = make().resume(arrays)
    X = fitted.transform(later)
    np.testing.assert_array_equal(back.transform(later), X)
    assert back.width_ == X.shape[1] and np.ptp(X, axis=0).max() > 0


@pytest.mark.parametrize("make, an_item", MAKERS)
def test_one_item_at_a_time_gives_the_rows_of_all_together(make, an_item):
    fitted = make().fit([an_item(at) for at in range(40)])
    later = [an_item(at) for at in range(40, 46)]
    alone = np.vstack([fitted.transform([item]) for item in later])
    np.testing.assert_allclose(alone, fitted.transform(later), atol=1e-5)
