"""Arrays are found by their hash, whatever storage holds them."""

import os

import numpy as np
import pytest
from django.core.files import File
from django.core.files.storage import FileSystemStorage

from labeling import arrays


class Elsewhere(FileSystemStorage):
    """A storage on another machine: files can be opened and saved, but have no path here."""

    def at(self, name):
        return super().path(name)

    def path(self, name):
        raise NotImplementedError

    def exists(self, name):
        return os.path.exists(self.at(name))

    def _open(self, name, mode="rb"):
        return File(open(self.at(name), mode))

    def _save(self, name, content):
        os.makedirs(os.path.dirname(self.at(name)), exist_ok=True)
        with open(self.at(name), "wb") as file:
            file.write(content.read())
        return name


@pytest.fixture(params=["local", "elsewhere"])
def storage(request, settings, tmp_path):
    backend = {
        "local": "django.core.files.storage.FileSystemStorage",
        "elsewhere": "tests.labeling.test_arrays.Elsewhere",
    }
    settings.STORAGES = settings.STORAGES | {
        "arrays": {"BACKEND": backend[request.param], "OPTIONS": {"location": str(tmp_path / "stored")}}
    }
    settings.ARRAYS_CACHE = tmp_path / "cache"
    return tmp_path / "stored"


def test_an_array_comes_back_as_it_was(storage):
    array = np.random.default_rng(0).random((100, 7)).astype(np.float32)
    pointer = arrays.save("7/probability", array)
    assert pointer["shape"] == [100, 7] and pointer["dtype"] == "float32"
    assert np.array_equal(arrays.load(pointer), array)


def test_saving_the_same_twice_keeps_one_file(storage):
    array = np.arange(5.0)
    assert arrays.save("a", array) == arrays.save("a", array)
    assert len(list(storage.rglob("*.npy"))) == 1


def test_a_damaged_file_is_refused(storage):
    pointer = arrays.save("a", np.arange(1000.0))
    file = next(storage.rglob("*.npy"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(arrays.ArrayDamaged, match="Retrain"):
        arrays.load(pointer)


def test_nothing_pickled_is_stored(storage):
    with pytest.raises(ValueError, match="allow_pickle"):
        arrays.save("a", np.array([{"x": 1}], dtype=object))
