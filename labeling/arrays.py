"""Versioned arrays in storage: features, probabilities, and all that a classifier is made of. One `.npy` file a version
(`.npz` where several belong together), its pointer in the database.

A file is named by the hash of its content and never changes, so a reader needs no lock and a cache never goes stale.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages


class ArrayDamaged(Exception):
    """The stored bytes are not those that were saved."""


def save(name: str, array: np.ndarray) -> dict:
    """Store `array` under `name` and return its pointer {path, sha256, shape, dtype}; durable before it returns."""
    pointer = stored(name, ".npy", lambda file: np.save(file, np.ascontiguousarray(array), allow_pickle=False))
    return pointer | {"shape": list(array.shape), "dtype": str(array.dtype)}


def save_together(name: str, parts: Mapping[str, np.ndarray]) -> dict:
    """Store named arrays in one file and return its pointer {path, sha256}. Raises ValueError for an array of objects,
    which only a pickle could hold."""
    if unfit := [part for part, array in parts.items() if array.dtype.hasobject]:
        raise ValueError(f"{unfit[0]} is an array of objects, which cannot be stored.")
    return stored(name, ".npz", lambda file: np.savez(file, **parts))


def stored(name: str, ending: str, write: Callable) -> dict:
    settings.ARRAYS_CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=settings.ARRAYS_CACHE, suffix=ending, delete=False) as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    temporary = Path(file.name)
    digest = sha256(temporary)
    path = f"{name}-{digest[:20]}{ending}"
    put(temporary, path)
    return {"path": path, "sha256": digest}


def put(temporary: Path, path: str) -> None:
    storage = storages["arrays"]
    if storage.exists(path):
        temporary.unlink()
        return
    local = local_path(path)
    if local is None:
        with open(temporary, "rb") as file:
            storage.save(path, File(file))
        temporary.unlink()
    else:
        local.parent.mkdir(parents=True, exist_ok=True)
        os.replace(temporary, local)


def load(pointer: dict) -> np.ndarray:
    """The array behind a pointer, mapped read-only into memory; raises ArrayDamaged if its bytes have changed."""
    return _load(pointer["path"], pointer["sha256"])


def load_together(pointer: dict) -> dict[str, np.ndarray]:
    """The named arrays behind a pointer; raises ArrayDamaged if its bytes have changed."""
    with np.load(sound(pointer["path"], pointer["sha256"]), allow_pickle=False) as parts:
        return dict(parts)


@lru_cache(maxsize=64)
def _load(path: str, digest: str) -> np.ndarray:
    return np.load(sound(path, digest), mmap_mode="r", allow_pickle=False)


def sound(path: str, digest: str) -> Path:
    """The file on this machine, its hash checked before anything is read of it."""
    file = local_path(path) or fetched(path, digest)
    if sha256(file) != digest:
        raise ArrayDamaged(f"{path} is damaged: its hash is not the one in the database. Retrain to make it anew.")
    return file


def delete(pointers: Iterable[dict], kept: Iterable[dict]) -> None:
    """Delete the files behind `pointers`, but for those that a kept one names too: equal arrays share a file."""
    for path in {pointer["path"] for pointer in pointers} - {pointer["path"] for pointer in kept}:
        storages["arrays"].delete(path)


def fetched(path: str, digest: str) -> Path:
    """A copy on this machine, for storages that are not a local folder."""
    cached = settings.ARRAYS_CACHE / f"{digest}{Path(path).suffix}"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        with (
            storages["arrays"].open(path) as source,
            tempfile.NamedTemporaryFile(dir=cached.parent, delete=False) as copy,
        ):
            shutil.copyfileobj(source, copy)
        os.replace(copy.name, cached)
    return cached


def local_path(path: str) -> Path | None:
    try:
        return Path(storages["arrays"].path(path))
    except NotImplementedError:
        return None


def sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
