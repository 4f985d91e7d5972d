"""Who takes part: links that invite, members, and each worker's agreement with the consensus."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone

from labeling import agreeing, opening
from labeling.access import may
from labeling.models import Member, Project
from labeling.views.gates import by, signed_in
from labeling.views.projects import figures
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
    if request.method == "POST":
        opening.renew_invitations(changeable(request, slug))
        messages.success(request, "The links are new. Those given out before no longer let anybody in.")
        return redirect("project_people", slug)
    project = readable(request, slug)
    members = project.members.select_related("user").order_by("-pk")
    workers = Paginator(members.workers(), PAGE).get_page(number(request.GET.get("page")) or 1)
    workers.object_list = figures.with_figures(project, workers.object_list)
    return page(
        request, project, "people",
        workers=workers,
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


@signed_in
@by("GET", "POST")
def set_aside(request, slug, member):
    """A page that says what it would do, and the deed."""
    project = changeable(request, slug)
    worker = get_object_or_404(project.members.workers().select_related("user"), pk=member)
    if request.method == "GET":
        (worker,) = figures.with_figures(project, [worker])
        return page(request, project, "set_aside", worker=worker)
    aside = request.POST.get("aside") == "1"
    worker.project = project
    renewed = agreeing.set_aside(worker, aside, now=timezone.now())
    done = "set aside" if aside else "taken back"
    messages.success(
        request,
        f"{worker.user}'s judgments were {done}: consensus was recomputed for {renewed} "
        f"item{'' if renewed == 1 else 's'}. No money moved.",
    )
    return redirect("project_people", slug)
