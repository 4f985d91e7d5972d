"""Pretrained encoders on this machine: a folder, or a name that was fetched before, -> an object that encodes.

Nothing is downloaded unless it is told to. An encoder has a `name` that says which it is, down to its weights, and
`encode(raws) -> (n, d)`. Libraries and weights are loaded when the first item is encoded, never before.
"""

import importlib
import json
import sys
from functools import cached_property
from hashlib import file_digest, sha256
from pathlib import Path

import numpy as np

from segmentation.content import EncoderMissing

REQUIREMENTS = '"sentence-transformers>=5.1,<7" "transformers>=4.56,<6" "torch==2.13.0"'
WEIGHTS = ("*.safetensors", "*.json", "*.txt", "*.model")  # nothing pickled, no code


def folder_of(encoder, download=False):
    """The folder of an encoder named by itself or by what a hub calls it; raises EncoderMissing."""
    if Path(encoder).is_dir():
        return Path(encoder)
    if Path(encoder).is_absolute() or encoder.startswith("."):
        raise EncoderMissing(f"There is no folder {encoder} with an encoder in it.")
    hub = library("huggingface_hub")
    try:
        return Path(hub.snapshot_download(encoder, allow_patterns=list(WEIGHTS), local_files_only=not download))
    except Exception as trouble:  # the hub's errors are of many kinds
        how = f"{Path(sys.executable).with_name('hf')} download {encoder}"
        why = f" ({trouble})" if download else ""
        sentence = f"The encoder {encoder} is not on this machine{why}. Fetch it once, where there is a network: {how}"
        raise EncoderMissing(sentence) from None


def library(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        how = f"{sys.executable} -m pip install {REQUIREMENTS}"
        raise EncoderMissing(f"A pretrained encoder needs {name}, which is not installed. Install it: {how}") from None


def fingerprint(folder):
    """A hash of all that the encoder is made of: another one in the same folder is not taken for it."""
    found = sha256()
    for path in sorted(path for kind in WEIGHTS for path in folder.rglob(kind)):
        with path.open("rb") as file:
            found.update(f"{path.relative_to(folder).as_posix()} {file_digest(file, 'sha256').hexdigest()}\n".encode())
    return found.hexdigest()[:20]


class Encoder:
    """A pretrained encoder in a folder. `encode(raws)` -> (n, d) float32."""

    def __init__(self, folder):
        self.folder = folder
        self.name = f"{type(self).__name__} {fingerprint(folder)}"

    @cached_property
    def torch(self):
        return library("torch")

    @cached_property
    def device(self):
        return "cuda" if self.torch.cuda.is_available() else "cpu"

    @cached_property
    def model(self):
        loaded = library("transformers").AutoModel.from_pretrained(
            str(self.folder), local_files_only=True, use_safetensors=True
        )
        return loaded.to(self.device).eval()

    def setting(self, name, otherwise):
        """A value of the folder's preprocessor_config.json."""
        path = self.folder / "preprocessor_config.json"
        return (json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}).get(name) or otherwise

    def run(self, method, **inputs):
        """What the model says, as an array; `method` is the one that some models have for just this."""
        with self.torch.inference_mode():
            tensors = {name: self.torch.as_tensor(array).to(self.device) for name, array in inputs.items()}
            return pooled(getattr(self.model, method, self.model)(**tensors))


class TextEncoder(Encoder):
    """A sentence-transformers model."""

    @cached_property
    def model(self):
        return library("sentence_transformers").SentenceTransformer(
            str(self.folder), device=self.device, local_files_only=True, model_kwargs={"use_safetensors": True}
        )

    def encode(self, texts):
        return self.model.encode(list(texts), show_progress_bar=False, convert_to_numpy=True)


class ImageEncoder(Encoder):
    """A vision model of transformers (ViT, DINOv2, CLIP, SigLIP, ResNet, ...), on (side, side, 3) uint8."""

    @cached_property
    def side(self):
        size = self.setting("crop_size", None) or self.setting("size", 224)
        return size if isinstance(size, int) else size.get("height") or size.get("shortest_edge") or 224

    def encode(self, images):
        pixels = np.stack(images).astype(np.float32) / 255
        mean, std = (np.float32(self.setting(name, [0.5] * 3)) for name in ("image_mean", "image_std"))
        return self.run("get_image_features", pixel_values=((pixels - mean) / std).transpose(0, 3, 1, 2))


class SoundEncoder(Encoder):
    """An audio model of transformers (wav2vec 2.0, HuBERT, WavLM, AST, CLAP, ...), on samples (m,) float32."""

    @property
    def rate(self):
        return self.setting("sampling_rate", 16_000)

    @cached_property
    def extractor(self):
        return library("transformers").AutoFeatureExtractor.from_pretrained(str(self.folder), local_files_only=True)

    def encode(self, sounds):
        """One by one: padded to a common length they would change each other's encodings."""
        return np.concatenate([self.encode_one(samples) for samples in sounds])

    def encode_one(self, samples):
        inputs = self.extractor(samples, sampling_rate=self.rate, return_tensors="np")
        return self.run("get_audio_features", **inputs)


def pooled(output):
    """A model's output -> (n, d): its own summary of each item if it has one, else the mean over patches or time."""
    summary = getattr(output, "pooler_output", None)
    if summary is None:
        summary = output.last_hidden_state.mean(dim=1) if hasattr(output, "last_hidden_state") else output
    return summary.flatten(1).float().cpu().numpy()
