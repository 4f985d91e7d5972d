"""Images -> principal axes of their pixels and gradients."""

import numpy as np
from scipy.ndimage import uniform_filter

from segmentation.content import decode_image
from segmentation.features.transformer import Axes, Features, spread

SIDE, CELLS, BINS = 64, 8, 9  # pixels a side, cells a side, directions in half a turn
PIXELS = 16 * 16 + 2 * 8 * 8  # lightness, two opponent colours


class ImageFeatures(Features):
    """Images (path, bytes, binary file or a function that opens one) -> principal axes of pixels and gradients.

    Lightness at 16 x 16, two opponent colours at 8 x 8 and a histogram of oriented gradients at 8 x 8 x 9. Pixels and
    gradients weigh the same; single pixels are not standardised, since an even border would become noise.

    Parameters
    ----------
    width : int
        Columns at most; fewer where there are fewer images.
    sample : int
        Images that the axes are learned from, drawn at random where there are more.

    Raises
    ------
    BrokenContent
        An image cannot be read or has more than `content.MAX_PIXELS` pixels.

    References
    ----------
    Dalal, Triggs 2005, "Histograms of oriented gradients for human detection", CVPR.
    """

    def __init__(self, width=128, sample=10_000, random_state=None):
        self.width = width
        self.sample = sample
        self.random_state = random_state

    def _raw(self, image):
        return describe(decode_image(image, side=SIDE).astype(np.float32) / 255)

    def _learn(self, images, random):
        A = np.stack(images)  # (n, PIXELS + CELLS * CELLS * BINS)
        self.weights_ = np.empty(A.shape[1], np.float32)
        for group in (slice(None, PIXELS), slice(PIXELS, None)):
            self.weights_[group] = 1 / (spread(A[:, group]) * np.sqrt(A[:, group].shape[1]))
        self.axes_ = Axes(A * self.weights_, self.width, random)

    def _project(self, images):
        return self.axes_(np.stack(images) * self.weights_)


def describe(pixels):
    """(SIDE, SIDE, 3) in [0, 1] -> (PIXELS + CELLS * CELLS * BINS,) float32."""
    light = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    red, green, blue = _means(pixels, 8).transpose(2, 0, 1)
    parts = [_means(light, 16), red - green, blue - (red + green) / 2, gradients(light)]
    return np.concatenate([part.ravel() for part in parts]).astype(np.float32)


def _means(pixels, cells):
    step = SIDE // cells
    return pixels.reshape(cells, step, cells, step, -1).mean(axis=(1, 3)).squeeze()


_ALONG = np.arange(SIDE) * CELLS // SIDE
_CELL = CELLS * _ALONG[:, None] + _ALONG  # (SIDE, SIDE): the cell of each pixel


def gradients(light):
    """(SIDE, SIDE) -> (CELLS, CELLS, BINS): strength by direction, relative to the strength nearby."""
    down, right = np.gradient(light)
    strength = np.hypot(down, right)
    turn = np.arctan2(down, right) % np.pi * (BINS / np.pi)
    lower = np.floor(turn).astype(int)
    upper_share = turn - lower  # a direction between two bins is shared by both
    histogram = _sums(lower, strength * (1 - upper_share)) + _sums(lower + 1, strength * upper_share)
    nearby = uniform_filter((histogram**2).sum(axis=2), 3, mode="nearest")
    return histogram / np.sqrt(nearby + 0.01)[:, :, None]  # 0.01: noise in an even area stays small


def _sums(bins, weights):
    at = _CELL * BINS + bins % BINS
    return np.bincount(at.ravel(), weights.ravel(), CELLS * CELLS * BINS).reshape(CELLS, CELLS, BINS)
