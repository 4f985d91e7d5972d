"""What came of it: consensus, and the exports."""

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers

from labeling import exporting
from labeling.api.bodies import asked
from labeling.api.doors import get
from labeling.api.finding import project_for
from labeling.api.pages import PARAMETERS, page, page_of
from labeling.models import Consensus
from labeling.views.access import READS


class ConsensusSerializer(serializers.ModelSerializer):
    """What is held true of one cell."""

    item = serializers.CharField(source="item.identifier")
    category = serializers.CharField(source="category.name")
    agreed = serializers.DateTimeField(allow_null=True, help_text="Since when; null if it is not.")

    class Meta:
        model = Consensus
        fields = ["item", "category", "degree", "posterior", "judgments", "agreed", "source"]


@get(page_of(ConsensusSerializer), parameters=PARAMETERS)
def consensus(request, project):
    """The consensus of every cell that is known or was judged."""
    project = project_for(request.user, project, READS)
    return page(request, project.consensus.select_related("item", "category"), ConsensusSerializer)


WHAT = {
    "labeled": exporting.labeled,
    "judgments": exporting.judgments,
    "predictions": exporting.predictions,
    "ledger": exporting.ledger,
}
FORMATS = {"csv": (exporting.as_csv, "text/csv"), "jsonl": (exporting.as_jsonl, "application/jsonl")}


class ExportSerializer(serializers.Serializer):
    what = serializers.ChoiceField([(what, what) for what in WHAT], default="labeled")
    format = serializers.ChoiceField([(name, name) for name in FORMATS], default="csv")


@get({(200, media): OpenApiTypes.STR for _, media in FORMATS.values()}, parameters=[ExportSerializer])
def export(request, project):
    """The labeled set, the judgments, the predictions or the ledger, streamed."""
    project = project_for(request.user, project, READS)
    given = asked(request, ExportSerializer)
    lines, media = FORMATS[given["format"]]
    name = f"{project.slug}-{given['what']}.{given['format']}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    rows = WHAT[given["what"]](project)
    return StreamingHttpResponse(lines(rows), content_type=f"{media}; charset=utf-8", headers=headers)
