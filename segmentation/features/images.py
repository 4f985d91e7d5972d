"""Images -> principal axes of what they show where (pixels, edges) and of what they are made of (texture, colours)."""

import numpy as np
from scipy.ndimage import uniform_filter

from segmentation.content import decode_image, read
from segmentation.features.axes import Axes, spread
from segmentation.features.transformer import Features

SIDE, CELLS, BINS = 64, 8, 9  # pixels a side, cells a side, directions in half a turn
RINGS = (1, 3)  # pixels from the middle of a local pattern to its eight neighbours
SHADES = 4  # of each of red, green and blue
# What is described: number of columns, share of the variance. Texture and colours both tell what there is: half each.
GROUPS = {
    "pixels": (16 * 16 + 2 * 8 * 8, 1.0),
    "edges": (8 * 8 * BINS, 1.0),
    "coarse edges": (4 * 4 * BINS, 1.0),
    "texture": (BINS + 10 * len(RINGS), 0.5),
    "colours": (SHADES**3, 0.5),
}


class ImageFeatures(Features):
    """Images (path, bytes, binary file or a function that opens one) -> principal axes of four descriptions.

    Where what is: lightness at 16 x 16 with two opponent colours at 8 x 8; oriented gradients at 8 x 8, and at 4 x 4,
    which bears a shift. What there is, wherever: oriented gradients and local binary patterns (rotation-invariant, two
    sizes) of the whole, and its colours. The four weigh the same, since nobody knows beforehand which of them tells the
    categories apart; single columns are not standardised, since an even border would become noise.

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
    Ojala, Pietikäinen, Mäenpää 2002, "Multiresolution gray-scale and rotation invariant texture classification with
    local binary patterns", IEEE Trans. PAMI 24(7).
    Arandjelović, Zisserman 2012, "Three things everyone should know to improve object retrieval", CVPR (roots of
    histograms).
    """

    version = 2

    def __init__(self, width=128, sample=10_000, random_state=None):
        self.width = width
        self.sample = sample
        self.random_state = random_state

    def _load(self, image):
        return read(image)

    def _raw(self, image):
        return describe(decode_image(image, side=SIDE).astype(np.float32) / 255)

    def _learn(self, images, random):
        A = np.stack(images, dtype=np.float32)  # (n, columns of all groups)
        columns, shares = zip(*GROUPS.values(), strict=True)
        groups = zip(np.split(A, np.cumsum(columns)[:-1], axis=1), columns, shares, strict=True)
        self.weights_ = np.concatenate(
            [np.full(d, np.sqrt(share / d) / spread(G), np.float32) for G, d, share in groups]
        )
        self.axes_ = Axes.of(A * self.weights_, self.width, random)

    def _project(self, images):
        return self.axes_(np.stack(images, dtype=np.float32) * self.weights_)

    def _learned(self):
        return {"weights": self.weights_, **self.axes_.to_arrays()}

    def _resume(self, arrays):
        self.weights_, self.axes_ = arrays["weights"], Axes.from_arrays(arrays)


def describe(pixels):
    """(SIDE, SIDE, 3) in [0, 1] -> all groups side by side, float16."""
    light = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    red, green, blue = _means(pixels, 8).transpose(2, 0, 1)
    edges = gradients(light)
    coarse = edges.reshape(4, 2, 4, 2, BINS).mean(axis=(1, 3))
    parts = [_means(light, 16), red - green, blue - (red + green) / 2, edges, coarse, edges.mean(axis=(0, 1))]
    parts += [patterns(light, ring) for ring in RINGS] + [colours(pixels)]
    return np.concatenate([part.ravel() for part in parts]).astype(np.float16)


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


def patterns(light, ring):
    """(SIDE, SIDE) -> (10,): roots of how often 0 to 8 of eight neighbours, are lighter, in one arc or several."""
    framed = np.pad(light, ring, mode="edge")
    around = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    lighter = np.stack(
        [framed[down * ring : down * ring + SIDE, right * ring : right * ring + SIDE] for down, right in around]
    ) > (light + 0.01)  # 0.01: between two shades of 256 and three, so that rounding is no pattern
    changes = (lighter != np.roll(lighter, 1, axis=0)).sum(axis=0)
    return _shares(np.where(changes <= 2, lighter.sum(axis=0), 9), 10)


def colours(pixels):
    """(SIDE, SIDE, 3) -> (SHADES ** 3,): roots of the share of each colour."""
    shade = np.minimum((pixels * SHADES).astype(int), SHADES - 1)
    return _shares(shade @ np.array([SHADES * SHADES, SHADES, 1]), SHADES**3)


def _shares(kinds, number):
    return np.sqrt(np.bincount(kinds.ravel(), minlength=number) / kinds.size)
