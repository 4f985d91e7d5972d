"""What the classifier may decide: the audit, its picture, the certificates, and the buttons that move them."""

from django.contrib import messages
from django.shortcuts import redirect
from django.utils import timezone

from labeling import accepting, selecting
from labeling.models import Project
from labeling.views.curves import Curve, curve
from labeling.views.gates import by, signed_in
from labeling.views.projects.frame import changeable, number, page, readable

SHOWN = 20  # certificates listed
MORE = 50  # further audits that the form suggests


@signed_in
@by("GET", "POST")
def acceptance(request, slug):
    if request.method == "GET":
        return shown(request, readable(request, slug))
    project = changeable(request, slug)
    for name in DEEDS.keys() & request.POST.keys():
        try:
            messages.success(request, DEEDS[name](project, request.POST))
        except accepting.CannotAudit as refusal:
            messages.error(request, str(refusal))
            return shown(request, project, status=422)
    return redirect("project_acceptance", slug)


def shown(request, project: Project, status: int = 200):
    outlook = accepting.outlook(project)
    return page(
        request, project, "acceptance", status=status,
        outlook=outlook, audit=outlook.audit, certificate=outlook.certificate, plan=outlook.plan,
        curve=drawn(outlook), past=project.certificates.select_related("run")[:SHOWN], more=MORE,
        underway=accepting.resting(project),
    )  # fmt: skip


def drawn(outlook: accepting.Outlook) -> Curve | None:
    """The picture of the audit that stands: of all it has found, also on what has left play since."""
    if outlook.case is None:
        return None
    threshold = outlook.certificate.threshold if outlook.certificate else None
    places, wrong = outlook.case.decided
    return curve(outlook.case.frozen, places, wrong, outlook.audit.share, threshold)


# --- deeds: by the name of the button --------------------------------------------------------------------------------


def begin(project: Project, given) -> str:
    audit = accepting.begin(project, timezone.now())
    selecting.ring(project, timezone.now())
    return f"The audit of run {audit.run.number} has begun. Teaching rests until it is done."


def look(project: Project, given) -> str:
    accepting.look_now(project, timezone.now())
    return accepting.outlook(project).audit.reason


def go_on(project: Project, given) -> str:
    accepting.go_on(project, number(given.get("items")) or MORE)
    selecting.ring(project, timezone.now())
    return "More items are audited as soon as the queue is refilled."


def withdraw(project: Project, given) -> str:
    accepting.end(project, "It was withdrawn by hand.")
    return "The audit has ended. What was accepted is open again."


DEEDS = {"begin": begin, "look": look, "more": go_on, "withdraw": withdraw}
