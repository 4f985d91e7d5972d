"""What came of it: consensus, and the exports."""

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers

from labeling import exporting, streaming
from labeling.access import READS
from labeling.api.bodies import asked
from labeling.api.doors import get
from labeling.api.finding import project_for
from labeling.api.pages import PARAMETERS, page, page_of
from labeling.models import Consensus


class ConsensusSerializer(serializers.ModelSerializer):
    """What is held true of one cell."""

    item = serializers.CharField(source="item.identifier")
    category = serializers.CharField(source="category.name")
    agreed = serializers.DateTimeField(allow_null=True, help_text="Since when; null if it is not.")

    class Meta:
        model = Consensus
        fields = ["item", "category", "degree", "error", "share", "posterior", "judgments", "agreed", "source"]
        extra_kwargs = {
            "degree": {"help_text": "Share of people who say yes, corrected for how reliable they are."},
            "error": {"help_text": "Standard error of the degree."},
            "share": {"help_text": "Share of people who say yes, as they said it."},
            "posterior": {"help_text": "Probability of a yes, from people and, as far as trusted, the classifier."},
        }


@get(page_of(ConsensusSerializer), parameters=PARAMETERS)
def consensus(request, project):
    """The consensus of every cell that is known or was judged."""
    project = project_for(request.user, project, READS)
    return page(request, project.consensus.select_related("item", "category"), ConsensusSerializer)


class ExportSerializer(serializers.Serializer):
    what = serializers.ChoiceField([(what, what) for what in exporting.WHAT], default="labeled")
    format = serializers.ChoiceField([(name, name) for name in exporting.FORMATS], default="csv")


@get({(200, media): OpenApiTypes.STR for _, media in exporting.FORMATS.values()}, parameters=[ExportSerializer])
def export(request, project):
    """The labeled set, the judgments, the predictions or the ledger, streamed."""
    project = project_for(request.user, project, READS)
    given = asked(request, ExportSerializer)
    return streaming.export(project, given["what"], given["format"])
