"""WAV files -> statistics of their log-mel spectrum."""

from functools import lru_cache

import numpy as np
from scipy.signal import spectrogram

from segmentation.content import decode_sound
from segmentation.features.transformer import Features, spreads


class AudioFeatures(Features):
    """WAV files (path, bytes, binary file or a function that opens one) -> standardised log-mel statistics.

    40 mel bands up to 8 kHz in windows of 32 ms: mean, spread and spread of the change of each band in dB, and the
    logarithm of the duration; 121 columns whatever the rate or length.

    Parameters
    ----------
    seconds : int
        What comes later in a file is not heard.
    sample : int
        Files that the means and spreads are learned from, drawn at random where there are more.

    Raises
    ------
    BrokenContent
        A file is not a WAV file of PCM or float samples, or holds none.

    References
    ----------
    Davis, Mermelstein 1980, "Comparison of parametric representations for monosyllabic word recognition", IEEE Trans.
    ASSP 28(4).
    """

    def __init__(self, seconds=120, sample=50_000, random_state=None):
        self.seconds = seconds
        self.sample = sample
        self.random_state = random_state

    def _raw(self, sound):
        rate, samples = decode_sound(sound, self.seconds)
        bands = log_mel(rate, samples)
        change = np.diff(bands, axis=1, append=bands[:, -1:])
        return np.hstack([bands.mean(axis=1), bands.std(axis=1), change.std(axis=1), np.log(len(samples) / rate)])

    def _learn(self, sounds, random):
        A = np.stack(sounds)
        self.centre_, self.spreads_ = A.mean(axis=0), spreads(A)

    def _project(self, sounds):
        return ((np.stack(sounds) - self.centre_) / self.spreads_).astype(np.float32)


def log_mel(rate, samples):
    """Samples (n,) -> (40, windows) in dB of full scale, -100 at least; shorter than a window is padded by silence."""
    window = round(0.032 * rate)
    samples = np.pad(samples, (0, max(0, window - len(samples))))
    power = spectrogram(samples, rate, "hann", window, window // 2, detrend=False, scaling="spectrum")[2]
    return 10 * np.log10(_mel(rate, window) @ power + 1e-10)


@lru_cache(maxsize=8)
def _mel(rate, window, bands=40, low=50, high=8000):
    """(bands, window // 2 + 1): triangles evenly spaced in mel; those above half the rate are empty."""
    edges = 700 * np.expm1(np.linspace(np.log1p(low / 700), np.log1p(high / 700), bands + 2))[:, None]
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    hertz = np.fft.rfftfreq(window, 1 / rate)
    return np.clip(np.minimum((hertz - left) / (middle - left), (right - hertz) / (right - middle)), 0, None)
