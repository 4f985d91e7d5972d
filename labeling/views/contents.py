"""Stored content of items, as a page shows or plays it."""

from labeling import streaming
from labeling.views.gates import by, signed_in


@signed_in
@by("GET")
def content(request, item):
    return streaming.content(request.user, item, request.headers.get("Range", ""))
