"""What the classifier may decide: audits of a run, the certificates they earn, and what one would cost and bring."""

from django.utils import timezone
from rest_framework import serializers
from rest_framework.response import Response

from labeling import accepting, selecting
from labeling.access import READS, RUNS
from labeling.api.bodies import Text, Whole, read
from labeling.api.doors import get, post
from labeling.api.finding import project_for
from labeling.api.idempotency import idempotent
from labeling.api.pages import PARAMETERS, page, page_of
from labeling.models import Audit, Certificate, Project


class AuditSerializer(serializers.ModelSerializer):
    """People judge random items of one frozen run blindly."""

    run = serializers.IntegerField(source="run.number")
    share = serializers.FloatField(help_text="At most so much of what is accepted may be wrong.")
    confidence = serializers.FloatField(help_text="How surely.")
    lead = serializers.IntegerField(help_text="People by whom an answer must lead to be held true.")
    size = serializers.IntegerField(help_text="Items that the run might decide.")
    wanted = serializers.IntegerField(help_text="Of those the first by lot are audited, as far as they are in play.")
    lowest = serializers.FloatField(allow_null=True, help_text="In play are the items of this confidence or more.")
    looks = serializers.IntegerField(help_text="Looks taken.")
    reason = serializers.CharField(help_text="What the last look came to, or why it ended.")

    class Meta:
        model = Audit
        fields = [
            "run", "state", "share", "confidence", "lead", "size", "wanted", "lowest", "looks", "reason", "begun",
            "ended",
        ]  # fmt: skip


class CertificateSerializer(serializers.ModelSerializer):
    """Of the `accepted` items at most a share `bound` is wrong, as audits would have it, with this confidence."""

    number = serializers.IntegerField(source="pk")
    run = serializers.IntegerField(source="run.number")
    threshold = serializers.FloatField(
        help_text="Accepted is what the run is at least as sure of, without the audited."
    )
    withdrawn = serializers.DateTimeField(allow_null=True, help_text="Since when it stands no longer; null if it does.")
    reason = serializers.CharField(help_text="Why it was withdrawn.")

    class Meta:
        model = Certificate
        fields = [
            "number", "run", "threshold", "share", "confidence", "look", "accepted", "audited", "wrong", "bound",
            "made", "withdrawn", "reason",
        ]  # fmt: skip


class PlanSerializer(serializers.Serializer):
    """What an audit would cost and bring, if the classifier is as often right as it says."""

    lead = serializers.IntegerField(help_text="People by whom an audited answer must lead.")
    audits = serializers.IntegerField(help_text="Items to audit; 0 where no audit pays.")
    cost = serializers.IntegerField()
    accepted = serializers.IntegerField(help_text="Items that it may let the classifier decide, on average.")
    saved = serializers.IntegerField(help_text="Against asking people about each of them.")
    items = serializers.IntegerField(help_text="Items that the classifier might decide.")
    unit = serializers.CharField(help_text="Of cost and saving: the currency, or answers where nothing is paid.")
    affordable = serializers.BooleanField()
    reason = serializers.CharField()


class AcceptanceSerializer(serializers.Serializer):
    audit = AuditSerializer(allow_null=True, help_text="The one that stands, or the last.")
    certificate = CertificateSerializer(allow_null=True, help_text="The one that stands.")
    plan = PlanSerializer(
        allow_null=True, help_text="Of a first audit of the published run; null where none may begin."
    )
    refusal = serializers.CharField(help_text="Why none may begin.")


@get(AcceptanceSerializer)
def acceptance(request, project):
    """What the classifier decides by certificate, and what an audit would cost and bring."""
    outlook = accepting.outlook(project_for(request.user, project, READS))
    return Response(AcceptanceSerializer(outlook).data)


@get(page_of(AuditSerializer), parameters=PARAMETERS)
def audits(request, project):
    """The audits of a project, newest first."""
    project = project_for(request.user, project, READS)
    return page(request, project.audits.select_related("run"), AuditSerializer, newest_first=True)


@get(page_of(CertificateSerializer), parameters=PARAMETERS)
def certificates(request, project):
    """The certificates of a project, those withdrawn included, newest first."""
    project = project_for(request.user, project, READS)
    return page(request, project.certificates.select_related("run"), CertificateSerializer, newest_first=True)


@post({201: AuditSerializer})
@idempotent
def begin_audit(request, project):
    """Audit the published run, if that pays.

    Nothing is asked to teach meanwhile. The audit's queries come with the refills.
    """
    project = project_for(request.user, project, RUNS)
    audit = accepting.begin(project, timezone.now())
    selecting.ring(project, timezone.now())
    return Response(AuditSerializer(audit).data, 201)


class MoreSerializer(serializers.Serializer):
    items = Whole(min_value=1, max_value=1_000_000, help_text="Further items to audit, as far as they are in play.")


@post(AuditSerializer, MoreSerializer)
@idempotent
def audit_more(request, project):
    """Audit further items of a run whose audit is done: to check its certificate, or to certify more."""
    project = project_for(request.user, project, RUNS)
    audit = accepting.go_on(project, read(request, MoreSerializer)["items"])
    selecting.ring(project, timezone.now())
    return Response(AuditSerializer(audit).data)


@post(AcceptanceSerializer)
@idempotent
def look_now(request, project):
    """Wait no longer for people: what they have not decided counts as wrong."""
    project = project_for(request.user, project, RUNS)
    accepting.look_now(project, timezone.now())
    return outlook_of(project)


class EndSerializer(serializers.Serializer):
    reason = Text(max_length=300, default="It was withdrawn by hand.")


@post(AcceptanceSerializer, EndSerializer)
@idempotent
def end_audit(request, project):
    """End the audit and withdraw its certificate: what was accepted is open again."""
    project = project_for(request.user, project, RUNS)
    if not accepting.end(project, read(request, EndSerializer)["reason"]):
        raise accepting.CannotAudit("There is no audit to end.")
    return outlook_of(project)


def outlook_of(project: Project) -> Response:
    return Response(AcceptanceSerializer(accepting.outlook(project)).data)
