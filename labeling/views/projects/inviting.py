"""Who takes part: links that invite, members, each worker's agreement with the consensus, and who is worth a look."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from labeling import opening, watching
from labeling.access import may
from labeling.models import Member, Project
from labeling.views.gates import by, signed_in
from labeling.views.projects import crew
from labeling.views.projects.frame import changeable, number, page, readable

PAGE = 50
INVITED = (
    (Member.Role.WORKER, "answers queries and is paid for it"),
    (Member.Role.RESEARCHER, "reads these pages and exports, changes nothing"),
    (Member.Role.ADMIN, "may change everything here, money included"),
)


@signed_in
@by("GET", "POST")
def people(request, slug):
    if request.method == "POST" and "look" in request.POST:
        found = watching.look(changeable(request, slug), timezone.now())
        messages.success(request, f"Looked at the latest answers: {len(found) or 'nothing'} worth a look.")
        return redirect("project_people", slug)
    if request.method == "POST":
        opening.renew_invitations(changeable(request, slug))
        messages.success(request, "The links are new. Those given out before no longer let anybody in.")
        return redirect("project_people", slug)
    project = readable(request, slug)
    members = project.members.select_related("user").order_by("-pk")
    workers = Paginator(members.workers(), PAGE).get_page(number(request.GET.get("page")) or 1)
    workers.object_list = crew.with_figures(project, workers.object_list)
    return page(
        request, project, "people",
        workers=workers,
        suspected=crew.suspected(project),
        staff=members.exclude(role=Member.Role.WORKER)[:PAGE],
        invitations=invitations(request, project) if may(request.user, project) else [],
        days=opening.INVITATION_DAYS,
    )  # fmt: skip


def invitations(request, project: Project) -> list[tuple[str, str, str]]:
    """(role, what it may do, link) of each role one can be invited to."""
    return [
        (role.label, words, request.build_absolute_uri(reverse("join", args=[opening.invitation(project, role)])))
        for role, words in INVITED
    ]
