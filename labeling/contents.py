"""Contents of items in storage: checked before they are kept, under names that say nothing and cannot be guessed."""

import io
import secrets

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from labeling.models import Media, Project
from segmentation.content import check_audio, check_image


def save(project: Project, data: bytes) -> str:
    """Store a content that can be shown and learned from; returns its path. Raises BrokenContent."""
    suffix = SUFFIXES[project.media](data)
    name = secrets.token_hex(16)
    return default_storage.save(f"{project.pk}/{name[:2]}/{name}.{suffix}", ContentFile(data))


def delete(path: str) -> None:
    default_storage.delete(path)


def image_suffix(data: bytes) -> str:
    """The suffix tells a browser the type, so it comes from the bytes and not from anybody's file name."""
    check_image(data)
    with Image.open(io.BytesIO(data)) as image:
        return image.format.lower()


def sound_suffix(data: bytes) -> str:
    check_audio(data)
    return "wav"


SUFFIXES = {Media.IMAGE: image_suffix, Media.AUDIO: sound_suffix}
