"""Who takes part: links that invite, members, each worker's agreement with the consensus, and who is worth a look."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from labeling import opening, watching
from labeling.access import RIGHTS, may
from labeling.models import Member, Project, Renewal
from labeling.views.gates import by, signed_in
from labeling.views.projects import crew
from labeling.views.projects.frame import changeable, number, page, readable

PAGE = 50
INVITED = (Member.Role.WORKER, Member.Role.RESEARCHER, Member.Role.ADMIN)


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
    workers = Paginator(members.workers().present(), PAGE).get_page(number(request.GET.get("page")) or 1)
    workers.object_list = crew.with_figures(project, workers.object_list)
    return page(
        request, project, "people",
        workers=workers,
        suspected=crew.suspected(project),
        renewals=Renewal.objects.filter(worker__project=project).select_related("worker__user"),
        staff=members.present().exclude(role=Member.Role.WORKER)[:PAGE],
        gone=members.exclude(left=None).order_by("-left")[:PAGE],
        rights=[(role.label, words) for role, words in RIGHTS.items()],
        invitations=invitations(request, project) if may(request.user, project) else [],
        days=opening.INVITATION_DAYS,
    )  # fmt: skip


def invitations(request, project: Project) -> list[tuple[str, str, str]]:
    """(role, what it may do, link) of each role one can be invited to."""
    links = {role: reverse("join", args=[opening.invitation(project, role)]) for role in INVITED}
    return [(role.label, RIGHTS[role], request.build_absolute_uri(link)) for role, link in links.items()]
