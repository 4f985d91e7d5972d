"""Files to import, made on the spot, and what became of them."""

import io
import struct
import wave
import zipfile
from pathlib import Path

from PIL import Image

from labeling.importing import import_file
from labeling.models import Consensus


def stored_files(storage: Path) -> list[Path]:
    return [path for path in storage.rglob("*") if path.is_file()]


def from_bytes(project, data: bytes | str, name="items.csv", **options):
    return import_file(project, io.BytesIO(data.encode() if isinstance(data, str) else data), name=name, **options)


def reasons(report) -> dict[int, str]:
    return dict(report.refused)


def a_picture(colour="red", kind="PNG", size=(8, 8)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def a_sound(samples=800) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(struct.pack(f"<{samples}h", *(at % 100 for at in range(samples))))
    return file.getvalue()


def a_zip(files: dict[str, bytes | str], compression=zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    file.seek(0)
    return file


def cells(project, **fields):
    rows = Consensus.objects.filter(project=project, **fields).order_by("item__row", "category__column")
    return [(row.item.identifier, row.category.name, row.degree) for row in rows.select_related("item", "category")]
