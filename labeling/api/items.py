"""Items: how one reads, how they come in, and their content."""

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.response import Response

from labeling import importing, streaming
from labeling.access import READS, RUNS
from labeling.api.doors import get, post
from labeling.api.finding import project_for
from labeling.api.idempotency import idempotent
from labeling.api.pages import PARAMETERS, page, page_of
from labeling.api.refusals import Refusal
from labeling.models import Item, Media


class ItemSerializer(serializers.Serializer):
    """An item: the identifier it was imported with, and what there is to read, see or hear of it."""

    id = serializers.CharField()
    media = serializers.ChoiceField(Media.choices)
    text = serializers.CharField(required=False)
    values = serializers.DictField(required=False, help_text="Of a record: its named values.")
    url = serializers.URLField(required=False, help_text="Of an image or sound: its content, for the same token.")

    def to_representation(self, item: Item) -> dict:
        media = item.project.media
        return {"id": item.identifier, "media": media} | SHOWS[media](item, self.context["request"])


def address(item: Item, request) -> dict:
    return {"url": request.build_absolute_uri(reverse("api_item_content", args=[item.pk]))}


SHOWS = {
    Media.TEXT: lambda item, request: {"text": item.text},
    Media.RECORD: lambda item, request: {"values": item.values or {}},
    Media.IMAGE: address,
    Media.AUDIO: address,
}


@get(page_of(ItemSerializer), parameters=PARAMETERS)
def items(request, project):
    """The items of a project."""
    project = project_for(request.user, project, READS)
    return page(request, project.items.all(), ItemSerializer)


@get({(200, "*/*"): OpenApiTypes.BINARY})
def item_content(request, item):
    """The image or sound of an item.

    For those who run or study the project, and for workers who were asked about it. Ranges of bytes are served."""
    return streaming.content(request.user, item, request.headers.get("Range", ""))


# --- import ----------------------------------------------------------------------------------------------------------


def names(**options) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), required=False, **options)


class RowSerializer(serializers.Serializer):
    """What is read of a row; categories and gold are names of the project's categories."""

    id = serializers.CharField(max_length=200)
    text = serializers.CharField(required=False)
    values = serializers.DictField(required=False)
    categories = names(help_text="Known: never asked about.")
    gold = names(help_text="Known, to check workers by.")


class RefusedRowSerializer(serializers.Serializer):
    row = serializers.IntegerField(help_text="Counted from 1.")
    reason = serializers.CharField()


class ReportSerializer(serializers.Serializer):
    created = serializers.IntegerField()
    existing = serializers.IntegerField(help_text="Rows whose item was there already; nothing is added twice.")
    known = serializers.IntegerField(help_text="Items whose categories are newly known.")
    gold = serializers.IntegerField(help_text="Items whose gold is new.")
    refused = RefusedRowSerializer(many=True)


FORMS = {
    "application/json": RowSerializer(many=True),
    "application/jsonl": OpenApiTypes.STR,
    "multipart/form-data": {
        "type": "object",
        "properties": {"file": {"type": "string", "format": "binary"}},
        "required": ["file"],
    },
}
ROWS = [{"id": "a1", "text": "The room was quiet."}, {"id": "a2", "text": "Never again.", "gold": ["bad"]}]
EXAMPLES = [OpenApiExample("One to check workers by", ROWS, request_only=True, media_type="application/json")]


@post(ReportSerializer, FORMS, examples=EXAMPLES)
@idempotent(repeatable=True)
def add_items(request, project):
    """Import items.

    A JSON array or JSON Lines of rows, or as a multipart `file` a zip of images or WAV files (or a CSV or JSON Lines
    file). Good rows are kept and bad ones named; sent again, nothing is added twice. 400 if every row was bad.
    """
    project = project_for(request.user, project, RUNS)
    report = taken(project, request.data, request.FILES)
    said = ReportSerializer(report).data
    if report.refused and not report.created and not report.existing:
        number, reason = report.refused[0]
        raise Refusal(400, "rows_refused", f"No row could be imported. Row {number}: {reason}", row=number, **said)
    return Response(said)


def taken(project, data, files) -> importing.Report:
    """Import whichever form the request has."""
    if files or hasattr(data, "getlist"):
        if list(files) != ["file"] or len(files.getlist("file")) != 1:
            raise Refusal(400, "no_file", "Send one file, under the name “file”.", "file")
        return importing.import_file(project, files["file"].file, name=files["file"].name)
    if hasattr(data, "read"):
        return importing.import_table(project, data, name="rows.jsonl")
    if not isinstance(data, list) or not data:
        raise Refusal(400, "no_rows", "Send a JSON array of rows, JSON Lines, or a file.")
    return importing.import_rows(project, data)
