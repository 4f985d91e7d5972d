"""A run reads and encodes only what no run has read before, and says of which item it failed."""

import io

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage
from PIL import Image

from labeling import contents, dataset, training
from labeling.models import TrainingRun
from segmentation.features import ImageFeatures, PretrainedTextFeatures, TextFeatures
from tests.making import a_project, an_item, now
from tests.teaching import agree

pytestmark = pytest.mark.django_db
State = TrainingRun.State


@pytest.fixture(autouse=True)
def a_house_of_its_own(settings, tmp_path):
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = settings.STORAGES | {
        name: {"BACKEND": backend, "OPTIONS": {"location": str(tmp_path / name)}} for name in ("arrays", "default")
    }
    settings.ARRAYS_CACHE = tmp_path / "cache"
    settings.ENCODINGS = tmp_path / "encodings.sqlite3"


@pytest.fixture
def encoded(monkeypatch):
    """Every item that is encoded, in order."""
    found = []
    for features in (TextFeatures, ImageFeatures):
        raw = features._raw
        monkeypatch.setattr(features, "_raw", lambda self, item, raw=raw: found.append(item) or raw(self, item))
    return found


@pytest.fixture
def opened(monkeypatch):
    """Every stored file that is opened, in order."""
    found, open_ = [], FileSystemStorage.open
    monkeypatch.setattr(
        FileSystemStorage, "open", lambda self, name, *args: found.append(name) or open_(self, name, *args)
    )
    return found


def a_text_project(texts=6):
    project = a_project(categories=("cat", "dog"), classifier="logistic_regression")
    for at in range(texts):
        name = ("cat", "dog")[at % 2]
        agree(an_item(project, text=f"number {at} is a {name}"), name)
    return project


def an_image_project(shades=range(6)):
    project = a_project(categories=("cat", "dog"), classifier="logistic_regression", media="image")
    for shade in shades:
        item = an_item(project, text="", content=contents.save(project, picture(shade)).path)
        agree(item, ("cat", "dog")[shade % 2])
    return project


def picture(shade):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(shade).integers(0, 255, (9, 9, 3)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def run(project):
    project.refresh_from_db()
    return training.execute(training.request(project, "test", now=now(), seed=1))


def test_a_run_after_new_texts_encodes_those_alone(encoded):
    project = a_text_project()
    assert run(project).state == State.DONE
    before = list(encoded)
    an_item(project, text="a newcomer")
    assert run(project).state == State.DONE
    assert len(before) == 6 and encoded == [*before, "a newcomer"]


def test_another_project_of_the_same_texts_encodes_none(encoded):
    run(a_text_project())
    done = run(a_text_project())
    assert done.state == State.DONE and len(encoded) == 6


def test_a_run_after_a_new_image_opens_that_file_alone(opened, encoded):
    project = an_image_project()
    assert run(project).state == State.DONE
    del opened[:], encoded[:]
    item = an_item(project, text="", content=contents.save(project, picture(99)).path)
    assert run(project).state == State.DONE
    assert opened == [item.content.name] and len(encoded) == 1


def test_another_project_of_the_same_images_encodes_none(encoded):
    run(an_image_project())
    assert run(an_image_project()).state == State.DONE
    assert len(encoded) == 6


def test_progress_tells_counts():
    def told():
        messages = []
        dataset.features(dataset.read(project), 1, lambda done, message: messages.append(message))
        return messages

    project = a_text_project()
    assert "read 6 of 6 items" in told()
    an_item(project, text="a newcomer")
    again = told()
    assert "read 7 of 7 items, 6 known before" in again and "learning features from 7 of 7 items" in again


def test_a_file_that_was_lost_fails_the_run_and_names_the_item():
    project = an_image_project()
    lost = project.items.order_by("row")[3]
    default_storage.delete(lost.content.name)
    failed = run(project)
    assert failed.state == State.FAILED
    assert failed.message.startswith(f"The item '{lost.identifier}': The file cannot be opened")


def test_a_file_that_was_damaged_fails_the_run_and_names_the_item():
    project = an_image_project()
    path = default_storage.save("broken.png", ContentFile(b"no image"))
    an_item(project, "the broken one", text="", content=path)
    assert "'the broken one': This is not an image" in run(project).message


# --- a pretrained encoder --------------------------------------------------------------------------------------------


class Lengths:
    """An encoder that knows how long a text is."""

    name = "lengths"

    def encode(self, texts):
        return np.array([[len(text), text.count("cat")] for text in texts], float)


def lengths(encoder, download, random_state):
    assert encoder == "some/encoder" and download is False
    return PretrainedTextFeatures(Lengths(), random_state=random_state)


def test_an_encoder_named_in_the_settings_makes_the_features_and_its_loss_is_told(settings):
    project = a_text_project()
    first = run(project).arrays["features"]
    assert run(project).arrays["features"] == first
    settings.ENCODERS = settings.ENCODERS | {"text": "some/encoder"}
    settings.PRETRAINED = settings.PRETRAINED | {"text": "tests.labeling.test_features_kept.lengths"}
    second = run(project).arrays["features"]
    assert second["path"] != first["path"] and second["shape"][1] == 2
    settings.ENCODERS = settings.ENCODERS | {"text": "/nowhere/at/all"}
    settings.PRETRAINED = settings.PRETRAINED | {"text": "segmentation.features.PretrainedTextFeatures"}
    failed = run(project)
    assert failed.state == State.FAILED and "There is no folder /nowhere/at/all" in failed.message


def test_records_are_never_encoded_by_an_encoder(settings):
    maker = dataset.maker_of(a_project(media="record"), seed=1)
    assert type(maker).__name__ == "RecordFeatures"
