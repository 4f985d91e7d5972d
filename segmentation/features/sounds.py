"""WAV files -> principal axes of what is heard, how much it varies, and in which order it comes."""

from functools import lru_cache

import numpy as np
from scipy.fft import dct
from scipy.signal import spectrogram

from segmentation.content import decode_sound, read
from segmentation.features.axes import Axes, spreads
from segmentation.features.transformer import Features

BANDS, QUIET = 40, 30  # mel bands; dB below the loudest moment at which a sound counts as silent
SLICES, SHAPES = 6, 13  # stretches of time; cepstral coefficients that describe a spectrum's shape


class AudioFeatures(Features):
    """WAV files (path, bytes, binary file or a function that opens one) -> principal axes of log-mel statistics.

    40 mel bands up to 8 kHz in windows of 32 ms, of which those within 30 dB of the loudest count, so that silence
    around a sound is no part of it: mean of each band below the loudest moment, spread, and spread of the change; 13
    cepstral coefficients in each of six stretches from the first sound to the last; durations and loudness. 201 columns
    whatever the rate or length, standardised, then at most `width` axes.

    Parameters
    ----------
    seconds : int
        What comes later in a file is not heard.
    width : int
        Columns at most; fewer where there are fewer files.
    sample : int
        Files that means, spreads and axes are learned from, drawn at random where there are more.

    Raises
    ------
    BrokenContent
        A file is not a WAV file of PCM or float samples, or holds none.

    References
    ----------
    Davis, Mermelstein 1980, "Comparison of parametric representations for monosyllabic word recognition", IEEE Trans.
    ASSP 28(4).
    """

    version = 2
    reads = ("seconds",)

    def __init__(self, seconds=120, width=64, sample=50_000, random_state=None):
        self.seconds = seconds
        self.width = width
        self.sample = sample
        self.random_state = random_state

    def _load(self, sound):
        return read(sound)

    def _raw(self, sound):
        return describe(*decode_sound(sound, self.seconds))

    def _learn(self, sounds, random):
        A = np.stack(sounds, dtype=np.float64)
        self.centre_, self.spreads_ = A.mean(axis=0), spreads(A)
        self.axes_ = Axes.of((A - self.centre_) / self.spreads_, self.width, random)

    def _project(self, sounds):
        return self.axes_((np.stack(sounds, dtype=np.float64) - self.centre_) / self.spreads_)

    def _learned(self):
        return {"centre": self.centre_, "spreads": self.spreads_, **self.axes_.to_arrays()}

    def _resume(self, arrays):
        self.centre_, self.spreads_, self.axes_ = arrays["centre"], arrays["spreads"], Axes.from_arrays(arrays)


def describe(rate, samples):
    """Samples (n,) -> (3 * BANDS + SHAPES * SLICES + 3,) float32."""
    bands = log_mel(rate, samples)  # (BANDS, windows)
    loudness = 10 * np.log10(np.mean(10 ** (bands / 10), axis=0))
    heard = loudness >= loudness.max() - QUIET
    change = np.diff(bands, axis=1, append=bands[:, -1:])
    first, last = np.flatnonzero(heard)[[0, -1]]
    durations = np.log([len(samples) / rate, (last + 1 - first) * 0.016])
    parts = [(bands[:, heard] - loudness.max()).mean(axis=1), bands[:, heard].std(axis=1), change[:, heard].std(axis=1)]
    return np.hstack([*parts, course(bands[:, first : last + 1]), durations, loudness.max()]).astype(np.float32)


def course(bands):
    """(BANDS, windows) -> (SHAPES * SLICES,): the mean shape of the spectrum in stretches of equal length."""
    shapes = dct(bands, axis=0, norm="ortho")[:SHAPES]
    edges = np.linspace(0, shapes.shape[1], SLICES + 1).astype(int)
    starts = np.minimum(edges[:-1], shapes.shape[1] - 1)
    ends = np.maximum(edges[1:], starts + 1)
    return np.hstack([shapes[:, start:end].mean(axis=1) for start, end in zip(starts, ends, strict=True)])


def log_mel(rate, samples):
    """Samples (n,) -> (BANDS, windows) in dB of full scale, -100 at least; what is too short is padded by silence."""
    window = round(0.032 * rate)
    samples = np.pad(samples, (0, max(0, window - len(samples))))
    power = spectrogram(samples, rate, "hann", window, window // 2, detrend=False, scaling="spectrum")[2]
    return 10 * np.log10(_mel(rate, window) @ power + 1e-10)


@lru_cache(maxsize=8)
def _mel(rate, window, low=50, high=8000):
    """(BANDS, window // 2 + 1): triangles evenly spaced in mel; those above half the rate are empty."""
    edges = 700 * np.expm1(np.linspace(np.log1p(low / 700), np.log1p(high / 700), BANDS + 2))[:, None]
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    hertz = np.fft.rfftfreq(window, 1 / rate)
    return np.clip(np.minimum((hertz - left) / (middle - left), (right - hertz) / (right - middle)), 0, None)
