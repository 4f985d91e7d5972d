"""The ring as those who run it turn it: runs, refills, and the queries with their reasons and prices."""

from django.db.models import Prefetch
from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response

from labeling import quoting, selecting, training
from labeling.access import READS, RUNS
from labeling.api.bodies import asked
from labeling.api.doors import get, post
from labeling.api.finding import project_for
from labeling.api.idempotency import idempotent
from labeling.api.pages import PARAMETERS, page, page_of
from labeling.api.refusals import Refusal
from labeling.models import Query, QueryCategory, QueryItem, TrainingRun


class RunSerializer(serializers.ModelSerializer):
    """One retraining; `metrics` are there when it is done."""

    metrics = serializers.DictField()

    class Meta:
        model = TrainingRun
        fields = [
            "number", "state", "trigger", "classifier", "seed", "progress", "message",
            "requested", "started", "finished", "training_items", "metrics",
        ]  # fmt: skip


@get(page_of(RunSerializer), parameters=PARAMETERS)
def runs(request, project):
    """The training runs of a project, newest first."""
    project = project_for(request.user, project, READS)
    return page(request, project.runs.all(), RunSerializer, newest_first=True)


@get(RunSerializer)
def run(request, project, number):
    """One training run: its progress and its metrics."""
    found = project_for(request.user, project, READS).runs.filter(number=number).first()
    if found is None:
        raise Refusal(404, "not_found", f"The project has no run {number}.")
    return Response(RunSerializer(found).data)


@post({201: RunSerializer, 200: RunSerializer})
@idempotent
def request_run(request, project):
    """Ask for a training run.

    200 and the pending one while a run is queued or running. It is executed by the training cluster.
    """
    project = project_for(request.user, project, RUNS)
    now = timezone.now()
    found = training.by_hand(project, f"asked for by {request.user}", now=now)
    return Response(RunSerializer(found).data, 201 if found.requested == now else 200)


class RefillSerializer(serializers.Serializer):
    opened = serializers.IntegerField(help_text="New queries.")
    withdrawn = serializers.IntegerField(help_text="Queries of an earlier run that nobody had been asked.")
    reason = serializers.CharField(help_text="Why none was opened, if none was.")


@post(RefillSerializer)
@idempotent(repeatable=True)
def refill(request, project):
    """Fill the queue with the queries most worth asking, within the budget."""
    project = project_for(request.user, project, RUNS)
    return Response(RefillSerializer(selecting.refill(project)).data)


class QuerySerializer(serializers.ModelSerializer):
    items = serializers.SerializerMethodField(help_text="Their ids.")
    categories = serializers.SerializerMethodField(help_text="Their names.")
    price = serializers.SerializerMethodField(help_text="The reward, quoted for the median worker.")

    class Meta:
        model = Query
        fields = [
            "id", "kind", "items", "categories", "state", "purpose", "drawn", "value", "price", "wanted", "asked",
            "given_back", "reason", "created",
        ]  # fmt: skip

    def get_items(self, query) -> list[str]:
        return [row.item.identifier for row in query.query_items.all()]

    def get_categories(self, query) -> list[str]:
        return [row.category.name for row in query.query_categories.all()]

    def get_price(self, query) -> int:
        query.project = self.context["project"]
        return quoting.price(query, self.context["ratings"][query.kind])


class WhichSerializer(serializers.Serializer):
    state = serializers.ChoiceField(Query.State.choices, required=False, help_text="Only those in this state.")


@get(page_of(QuerySerializer), parameters=[WhichSerializer, *PARAMETERS])
def queries(request, project):
    """The queries of a project, newest first: why each was chosen, what an answer is worth and costs."""
    project = project_for(request.user, project, READS)
    lists = [
        Prefetch("query_items", QueryItem.objects.order_by("pk").select_related("item")),
        Prefetch("query_categories", QueryCategory.objects.order_by("pk").select_related("category")),
    ]
    rows = project.queries.filter(**asked(request, WhichSerializer)).prefetch_related(*lists)
    return page(
        request, rows, QuerySerializer, newest_first=True, project=project, ratings=quoting.median_ratings(project)
    )
