"""Contents of items in storage: checked before they are kept, under names that say nothing and cannot be guessed."""

import io
import secrets
from typing import NamedTuple

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from labeling.models import Media, Project
from segmentation.content import check_audio, check_image


class Saved(NamedTuple):
    """Where a content lies in storage, and how many seconds it takes to hear, if it is a sound."""

    path: str
    seconds: float | None


def save(project: Project, data: bytes) -> Saved:
    """Store a content that can be shown and learned from. Raises BrokenContent."""
    suffix, seconds = CHECKS[project.media](data)
    name = secrets.token_hex(16)
    return Saved(default_storage.save(f"{project.pk}/{name[:2]}/{name}.{suffix}", ContentFile(data)), seconds)


def delete(path: str) -> None:
    default_storage.delete(path)


def checked_image(data: bytes) -> tuple[str, None]:
    """The suffix tells a browser the type, so it comes from the bytes and not from anybody's file name."""
    check_image(data)
    with Image.open(io.BytesIO(data)) as image:
        return image.format.lower(), None


def checked_sound(data: bytes) -> tuple[str, float]:
    return "wav", check_audio(data)


CHECKS = {Media.IMAGE: checked_image, Media.AUDIO: checked_sound}  # suffix, seconds
