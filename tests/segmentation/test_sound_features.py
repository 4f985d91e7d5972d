"""Sounds -> X: spectra become rows that a classifier can learn from; damage is named."""

import io
import wave

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from segmentation import content
from segmentation.features import (
    AudioFeatures,
    BrokenContent,
    check_audio,
)
from tests.drawing import noise, picture, sound, tone


def test_tones_of_two_pitches_are_told_apart_whatever_their_loudness():
    random = np.random.default_rng(0)
    pitches = [440 if i % 2 else 660 for i in range(40)]
    files = [
        sound((tone(pitch) * random.uniform(0.1, 1) + random.normal(0, 0.01, 4000)).astype("f4")) for pitch in pitches
    ]
    X = AudioFeatures().fit_transform(files)
    assert cross_val_score(LogisticRegression(), X, pitches, cv=4).mean() == 1


@pytest.mark.parametrize("kind", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_a_sound_reads_the_same_in_every_width(kind):
    unit = np.iinfo(kind).max if kind[0] == "i" else 1
    written = tone(440) * 127 + 128 if kind == "u1" else tone(440) * unit
    _, samples = content.decode_sound(sound(written.astype(kind)))
    np.testing.assert_allclose(samples, tone(440), atol=0.02)  # eight bits are coarse


def test_twenty_four_bits_and_two_channels_are_read():
    samples = (tone(440) * (2**23 - 1)).astype("<i4")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((2, 3, 8000, 0, "NONE", ""))
        out.writeframes(np.repeat(samples, 2).view("u1").reshape(-1, 4)[:, :3].tobytes())
    check_audio(file)
    rate, read = content.decode_sound(file)
    assert rate == 8000
    np.testing.assert_allclose(read, tone(440), atol=1e-4)


def test_sounds_of_any_rate_and_length_have_the_same_columns():
    files = [sound([7], 8000), sound(tone(440, 0.01, 44100), 44100), sound(tone(440, 1, 96000), 96000), sound([0] * 99)]
    features = AudioFeatures(random_state=0)
    files = [sound(np.int16([7])), *files[1:]]
    assert {features._raw(file).shape for file in files} == {(201,)}
    assert np.isfinite(features.fit_transform(files)).all()


def test_only_the_first_seconds_are_heard():
    beginning, longer = tone(440, 1), np.concatenate([tone(440, 1), tone(100, 3)])
    _, heard = content.decode_sound(sound(longer), seconds=1)
    np.testing.assert_allclose(heard, beginning, atol=1e-6)


def test_samples_that_are_not_numbers_do_no_harm():
    wild = np.float32([np.nan, np.inf, -np.inf, 1e38] * 500)
    assert np.isfinite(AudioFeatures().fit_transform([sound(wild), sound(tone(440))])).all()


def test_what_holds_no_sound_is_refused_in_a_sentence():
    for file in (b"", b"RIFF", b"ID3 an mp3", picture(noise(9, 9)), sound(tone(440))[:30]):
        with pytest.raises(BrokenContent, match="a WAV file of plain"):
            check_audio(file)
    with pytest.raises(BrokenContent, match="no sound"):
        check_audio(sound(np.int16([])))
    with pytest.raises(BrokenContent, match="4000000 samples a second"):
        check_audio(sound(np.int16([1, 2]), 4_000_000))
