"""What is streamed to a client, whichever door it asked at: stored content of items, and exports.

A file comes from outside, so it is shown in the page only if its type is on the list; anything else is a download.
"""

import re
from pathlib import PurePath

from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone

from labeling import exporting
from labeling.access import may_see
from labeling.models import Item, Project

SHOWN = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".avif": "image/avif",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
}


def export(project: Project, what: str, format: str) -> StreamingHttpResponse:
    """What of a project (a name in exporting.WHAT) in which format (one in exporting.FORMATS), as a download."""
    lines, media = exporting.FORMATS[format]
    name = f"{project.slug}-{what}-{timezone.now():%Y-%m-%d}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    pieces = lines(exporting.WHAT[what](project))
    return StreamingHttpResponse(pieces, content_type=f"{media}; charset=utf-8", headers=headers)


def content(user, pk: int, asked: str = "") -> HttpResponse:
    """The content of an item, or the range of it asked for; to whom it is not for, it does not exist."""
    item = get_object_or_404(Item.objects.exclude(content=""), pk=pk)
    if not may_see(user, item):
        raise Http404("There is no such content.")
    try:
        file = item.content.open()
    except FileNotFoundError:
        raise Http404("The content of this item is missing.") from None
    shown = SHOWN.get(PurePath(item.content.name).suffix.lower())
    # No file name: it could tell the answer.
    headers = {
        "Content-Type": shown or "application/octet-stream",
        "Content-Disposition": "inline" if shown else "attachment",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=3600",
        "Accept-Ranges": "bytes",
    }
    return part(file, item.content.size, asked, headers)


def part(file, size: int, asked: str, headers: dict) -> HttpResponse:
    """The whole file or the one range of bytes asked for: players of sound seek by ranges."""
    if not (found := re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", asked)) or asked == "bytes=-":
        return streamed(file, size, headers)
    first, last = bounds(found[1], found[2], size)
    if first > last:
        file.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    file.seek(first)
    headers |= {"Content-Range": f"bytes {first}-{last}/{size}"}
    return streamed(file, last - first + 1, headers, status=206)


def bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte; without a first one, `last` counts from the end."""
    if not first:
        return max(0, size - int(last)), size - 1 if int(last) else -1
    return int(first), min(int(last) if last else size - 1, size - 1)


def streamed(file, length: int, headers: dict, status: int = 200) -> FileResponse:
    response = FileResponse(Slice(file, length), status=status)
    for name, value in (headers | {"Content-Length": str(length)}).items():
        response.headers[name] = value
    return response


class Slice:
    """The next `length` bytes of a file, as something to stream. It has no name, so no response can tell it."""

    def __init__(self, file, length: int):
        self.file, self.left = file, length
        self.close = file.close

    def read(self, size: int) -> bytes:
        data = self.file.read(min(size, self.left))
        self.left -= len(data)
        return data
