"""Lists, a page at a time: {next, previous, results}. `next` is an address to follow, not one to build."""

import re
from functools import cache

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

from labeling.api.refusals import Refusal

PARAMETERS = [
    OpenApiParameter("cursor", str, description="From the `next` or `previous` of a page."),
    OpenApiParameter("limit", int, description="Rows on a page: 1 to 1000, otherwise 100."),
]


class Pages(CursorPagination):
    """By primary key, which no row shares and none changes."""

    page_size, max_page_size, page_size_query_param = 100, 1000, "limit"

    def __init__(self, newest_first: bool):
        self.ordering = "-pk" if newest_first else "pk"

    def decode_cursor(self, request):
        try:
            cursor = super().decode_cursor(request)
        except Exception:  # whatever a made-up cursor breaks
            cursor = refuse()
        named = cursor and cursor.position
        return cursor if named is None or re.fullmatch(r"[0-9]{1,18}", named) else refuse()


def refuse():
    raise Refusal(400, "bad_cursor", "This is no cursor of ours. Follow the addresses that a page names.", "cursor")


def page(request, rows, shape: type[serializers.Serializer], *, newest_first: bool = False, **context) -> Response:
    """One page of a queryset, each row said in this shape."""
    pages = Pages(newest_first)
    found = pages.paginate_queryset(rows, request)
    said = shape(found, many=True, context={"request": request} | context).data
    return pages.get_paginated_response(said)


@cache
def page_of(shape: type[serializers.Serializer]) -> type[serializers.Serializer]:
    """The shape of a page of these, for the document."""
    fields = {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": shape(many=True),
    }
    return type(f"{shape.__name__.removesuffix('Serializer')}PageSerializer", (serializers.Serializer,), fields)
