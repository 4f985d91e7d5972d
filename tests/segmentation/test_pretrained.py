"""Pretrained encoders: any object that encodes, tiny models where the libraries are, and never a download unasked."""

import io
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import wavfile
from sklearn.base import clone

from segmentation.content import BrokenContent, EncoderMissing
from segmentation.encodings import EncodingCache
from segmentation.features import PretrainedAudioFeatures, PretrainedImageFeatures, PretrainedTextFeatures, encoders

TEXTS = ["a red car", "a blue car", "the sea", "the deep sea", ""] * 20


class Letters:
    """An encoder that counts letters, and how many texts it has met."""

    name = "letters"

    def __init__(self):
        self.met = []

    def encode(self, texts):
        self.met += texts
        return np.array([[text.count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts], float)


def picture(shade):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(shade).integers(0, 255, (40, 30, 3)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def tone(hertz, rate=8_000, seconds=0.5):
    file = io.BytesIO()
    wavfile.write(file, rate, np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate).astype(np.float32))
    return file.getvalue()


# --- any object that encodes -----------------------------------------------------------------------------------------


def test_texts_become_axes_of_their_embeddings_and_like_texts_lie_together():
    X = PretrainedTextFeatures(Letters(), width=3, random_state=0).fit_transform(TEXTS)
    assert X.shape == (100, 3) and X.dtype == np.float32 and np.isfinite(X).all()
    np.testing.assert_array_equal(X[0], X[5])
    assert np.linalg.norm(X[2] - X[3]) < np.linalg.norm(X[2] - X[0])


def test_a_text_is_encoded_once_whatever_the_cache_and_new_ones_alone(tmp_path):
    encoder = Letters()
    with EncodingCache(tmp_path / "encodings.sqlite3") as cache:
        first = PretrainedTextFeatures(encoder, random_state=0).fit_transform(TEXTS, cache=cache)
        assert sorted(encoder.met) == sorted(set(TEXTS))
        second = PretrainedTextFeatures(encoder, random_state=0).fit_transform(TEXTS, cache=cache)
        PretrainedTextFeatures(encoder).fit_transform([*TEXTS, "new"], cache=cache)
    np.testing.assert_array_equal(first, second)
    assert encoder.met[5:] == ["new"]


def test_another_encoder_finds_nothing_of_the_first(tmp_path):
    with EncodingCache(tmp_path / "encodings.sqlite3") as cache:
        for name in ("one", "other"):
            encoder = Letters()
            encoder.name = name
            PretrainedTextFeatures(encoder).fit_transform(TEXTS, cache=cache)
            assert len(encoder.met) == 5


def test_images_come_as_the_square_that_the_encoder_wants_and_sounds_at_its_rate():
    class Shapes:
        name, side, rate = "shapes", 24, 16_000

        def encode(self, raws):
            self.shapes = [raw.shape for raw in raws]
            return np.array([[raw.mean(), raw.std()] for raw in raws])

    encoder = Shapes()
    PretrainedImageFeatures(encoder).fit([picture(1), picture(2)])
    assert encoder.shapes == [(24, 24, 3)] * 2
    PretrainedAudioFeatures(encoder).fit([tone(440), tone(660, rate=44_100), tone(440, seconds=0.01)])
    assert encoder.shapes == [(8_000,), (8_000,), (4_000,)]


def test_an_encoder_that_gives_too_few_or_no_numbers_is_refused():
    class Wrong:
        name = "wrong"

        def encode(self, texts):
            return np.full((len(texts), 2), np.nan)

    with pytest.raises(ValueError, match="no finite numbers"):
        PretrainedTextFeatures(Wrong()).fit(TEXTS)


def test_what_cannot_be_read_is_named_by_its_position():
    with pytest.raises(BrokenContent) as refusal:
        PretrainedImageFeatures(Letters()).fit([picture(1), b"no image"])
    assert refusal.value.position == 1
    with pytest.raises(BrokenContent, match="Position 1: A text is needed"):
        PretrainedTextFeatures(Letters()).fit(["a", 7])


# --- what is not on this machine -------------------------------------------------------------------------------------


def test_a_missing_library_is_named_with_the_command_that_installs_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)  # as if it were not installed
    with pytest.raises(EncoderMissing, match=r"needs sentence_transformers.* -m pip install .*torch==2\.13\.0"):
        PretrainedTextFeatures(str(tmp_path)).fit(TEXTS)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(EncoderMissing, match=r"no folder .*nowhere"):
        PretrainedTextFeatures(str(tmp_path / "nowhere")).fit(TEXTS)


class Hub:
    """Stands where huggingface_hub would be: it has nothing, and knows what it was asked for."""

    asked = ()

    def snapshot_download(self, name, allow_patterns, local_files_only):
        self.asked = name, local_files_only
        if local_files_only:
            raise OSError("not in the local cache")
        raise ConnectionError("no network")


def test_an_encoder_that_was_not_fetched_is_not_downloaded_unless_told(monkeypatch):
    hub = Hub()
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    with pytest.raises(EncoderMissing, match=r"some/encoder is not on this machine\. .*hf download some/encoder"):
        PretrainedTextFeatures("some/encoder").fit(TEXTS)
    assert hub.asked == ("some/encoder", True)
    with pytest.raises(EncoderMissing, match="no network"):
        PretrainedTextFeatures("some/encoder", download=True).fit(TEXTS)
    assert hub.asked == ("some/encoder", False)


def test_to_import_and_to_make_such_features_loads_no_library():
    code = (
        "import sys; from segmentation.features import PretrainedTextFeatures; PretrainedTextFeatures('x');"
        "sys.exit(bool({'torch', 'transformers', 'sentence_transformers', 'huggingface_hub'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_command_names_what_the_extra_of_the_project_asks_for():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = project["optional-dependencies"]["pretrained"]
    assert " ".join(f'"{line}"' for line in extra) == encoders.REQUIREMENTS
    assert [line for line in extra if "torch==" in line] == [
        line for line in project["dependencies"] if "torch" in line
    ]


# --- tiny models, made on the spot where the libraries are installed -------------------------------------------------


@pytest.fixture
def offline(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def text_model(tmp_path):
    sentences = pytest.importorskip("sentence_transformers")
    import transformers

    vocabulary = "[PAD] [UNK] [CLS] [SEP] [MASK] a red car blue the sea deep"
    (tmp_path / "vocab.txt").write_text(vocabulary.replace(" ", "\n"))
    tokenizer = transformers.BertTokenizer(str(tmp_path / "vocab.txt"))
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.BertModel(transformers.BertConfig(vocab_size=12, **sizes)).save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    sentences.SentenceTransformer(str(tmp_path / "bert"), device="cpu").save(str(tmp_path / "model"))
    return str(tmp_path / "model")


@pytest.fixture
def image_model(tmp_path):
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    transformers.ViTModel(transformers.ViTConfig(image_size=32, patch_size=8, **sizes)).save_pretrained(tmp_path)
    settings = '{"size": {"height": 32, "width": 32}, "image_mean": [0.4, 0.4, 0.4]}'
    (tmp_path / "preprocessor_config.json").write_text(settings)
    return str(tmp_path)


@pytest.fixture
def sound_model(tmp_path):
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    sizes |= {"conv_dim": (8, 8), "conv_kernel": (10, 8), "conv_stride": (20, 16), "num_conv_pos_embeddings": 4}
    sizes |= {"num_conv_pos_embedding_groups": 2}
    transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(**sizes)).save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    return str(tmp_path)


def check(features, items, tmp_path):
    X = features.fit_transform(items)
    assert X.shape[0] == len(items) and np.isfinite(X).all() and len(np.unique(X.round(4), axis=0)) > 1
    np.testing.assert_array_equal(clone(features).fit_transform(items), X)
    with EncodingCache(tmp_path / "encodings.sqlite3") as cache:
        features.fit(items, cache=cache)
        again = clone(features).fit(items, cache=cache)
        assert "model" not in vars(again._loaded())  # all was known: nothing was loaded
        np.testing.assert_allclose(again.transform(items, cache=cache), X, atol=1e-3)


def test_a_tiny_model_of_sentence_transformers_encodes_texts(text_model, offline, tmp_path):
    check(PretrainedTextFeatures(text_model, random_state=0), TEXTS, tmp_path)


def test_a_tiny_vision_model_encodes_images(image_model, offline, tmp_path):
    features = PretrainedImageFeatures(image_model, random_state=0)
    assert features._loaded().side == 32
    check(features, [picture(at) for at in range(6)], tmp_path)


def test_a_tiny_audio_model_encodes_sounds(sound_model, offline, tmp_path):
    check(PretrainedAudioFeatures(sound_model, random_state=0), [tone(220 * at) for at in range(1, 6)], tmp_path)


def test_other_weights_in_the_same_folder_are_another_encoder(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = PretrainedTextFeatures(str(tmp_path)).reader
    assert PretrainedTextFeatures(str(tmp_path)).reader == first
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert PretrainedTextFeatures(str(tmp_path)).reader != first
