"""What came of it: consensus, how far people agree, and the exports."""

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.response import Response

from labeling import comparing, exporting, streaming
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


class AlphaSerializer(serializers.Serializer):
    """Krippendorff's alpha (nominal): 1 is perfect agreement, 0 what chance would give; null where undefined."""

    alpha = serializers.FloatField(allow_null=True, source="value")
    low = serializers.FloatField(allow_null=True, help_text="Of its 95% interval, from drawing the items anew.")
    high = serializers.FloatField(allow_null=True)
    units = serializers.IntegerField(help_text="Judged twice or more.")
    answers = serializers.IntegerField(help_text="Judgments of these.")

    def to_representation(self, found) -> dict:
        said = super().to_representation(found)
        return {name: None if value != value else value for name, value in said.items()}


class CategoryAlphaSerializer(serializers.Serializer):
    category = serializers.CharField()
    agreement = AlphaSerializer()


class AgreementSerializer(serializers.Serializer):
    """How far people agree with each other."""

    unit = serializers.ChoiceField(["items", "cells"], help_text="What they agree or disagree about.")
    overall = AlphaSerializer()
    share = serializers.FloatField(allow_null=True, help_text="How often two people say the same.")
    comparisons = serializers.IntegerField(source="common", help_text="Of so many.")
    categories = CategoryAlphaSerializer(many=True, help_text="Yes or no to each.")


@get({200: AgreementSerializer, 204: None})
def agreement(request, project):
    """How far people agree with each other beyond chance; 204 while nobody has answered.

    Every two workers are in the export `agreement`."""
    found = comparing.compare(project_for(request.user, project, READS))
    if found is None:
        return Response(status=204)
    said = vars(found) | {"share": found.share, "common": found.common}
    said["categories"] = [{"category": name, "agreement": one} for name, one in found.categories]
    return Response(AgreementSerializer(said).data)


class ExportSerializer(serializers.Serializer):
    what = serializers.ChoiceField([(what, what) for what in exporting.WHAT], default="labeled")
    format = serializers.ChoiceField([(name, name) for name in exporting.FORMATS], default="csv")


@get({(200, media): OpenApiTypes.STR for _, media in exporting.FORMATS.values()}, parameters=[ExportSerializer])
def export(request, project):
    """The labeled set, the judgments, the predictions, agreement in pairs, the runs or the ledger, streamed."""
    project = project_for(request.user, project, READS)
    given = asked(request, ExportSerializer)
    return streaming.export(project, given["what"], given["format"])
