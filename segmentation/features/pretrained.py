"""Texts, images and sounds -> principal axes of what a pretrained encoder on this machine makes of them."""

import numpy as np
from scipy.signal import resample_poly

from segmentation.content import BrokenContent, decode_image, decode_sound, read
from segmentation.features.axes import Axes
from segmentation.features.encoders import ImageEncoder, SoundEncoder, TextEncoder, folder_of
from segmentation.features.transformer import Features


class PretrainedFeatures(Features):
    """Items -> principal axes of the embeddings that a pretrained encoder gives them.

    Parameters
    ----------
    encoder : str or object
        A folder, or the name of an encoder that was fetched before; or an object with a `name` (which says which one it
        is: embeddings are kept under it) and `encode(raws) -> (n, d)`.
    width : int
        Columns at most; fewer where there are fewer items.
    download : bool
        Whether an encoder that is missing may be fetched; without it nothing is ever downloaded.
    sample : int
        Items that the axes are learned from, drawn at random where there are more.

    Raises
    ------
    EncoderMissing
        The encoder, or the library that loads it, is not on this machine; the sentence says what to do.
    BrokenContent
        An item cannot be read.
    """

    def __init__(self, encoder, width=128, download=False, sample=50_000, random_state=None):
        self.encoder = encoder
        self.width = width
        self.download = download
        self.sample = sample
        self.random_state = random_state

    @property
    def reader(self):
        return f"{super().reader} {self._loaded().name}"

    def _loaded(self):
        """The encoder, found once; its libraries and weights are loaded when it first encodes."""
        if not isinstance(self.encoder, str):
            return self.encoder
        if getattr(self, "_found", (None,))[0] != self.encoder:
            self._found = self.encoder, self.Encoder(folder_of(self.encoder, self.download))
        return self._found[1]

    def __getstate__(self):
        return {name: value for name, value in super().__getstate__().items() if name != "_found"}

    def _encode(self, raws):
        if not raws:
            return []
        found = np.asarray(self._loaded().encode(raws), np.float32)
        if found.shape[:1] != (len(raws),) or found.ndim != 2 or not np.isfinite(found).all():
            raise ValueError(f"The encoder gave an array {found.shape} for {len(raws)} items, or no finite numbers.")
        return list(found)

    def _learn(self, embeddings, random):
        self.axes_ = Axes.of(np.stack(embeddings), self.width, random)

    def _project(self, embeddings):
        return self.axes_(np.stack(embeddings))

    def _learned(self):
        return self.axes_.to_arrays()

    def _resume(self, arrays):
        self.axes_ = Axes.from_arrays(arrays)


class PretrainedTextFeatures(PretrainedFeatures):
    """Texts, by a model of sentence-transformers; the parameters are those of PretrainedFeatures."""

    Encoder = TextEncoder

    def _load(self, text):
        if not isinstance(text, str):
            raise BrokenContent(f"A text is needed, not {type(text).__name__}.")
        return text

    _raw = _load


class PretrainedImageFeatures(PretrainedFeatures):
    """Images, by a vision model of transformers, stretched to the square that it wants."""

    Encoder = ImageEncoder

    def _load(self, image):
        return read(image)

    def _raw(self, image):
        return decode_image(image, side=getattr(self._loaded(), "side", 224))


class PretrainedAudioFeatures(PretrainedFeatures):
    """WAV files, by an audio model of transformers, at the rate that it wants; later seconds are not heard."""

    Encoder = SoundEncoder
    SECONDS = 30

    def _load(self, sound):
        return read(sound)

    def _raw(self, sound):
        rate, samples = decode_sound(sound, self.SECONDS)
        wanted = getattr(self._loaded(), "rate", 16_000)
        samples = resample_poly(samples, wanted, rate) if rate != wanted else samples
        return np.pad(samples, (0, max(0, wanted // 4 - len(samples)))).astype(np.float32)  # models want a few frames
