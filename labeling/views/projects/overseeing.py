"""How far workers agree; one worker: what speaks against, what is known beforehand, and what an admin decides."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh

from labeling import comparing, qualifying, renewing, sharing, watching
from labeling.models import Member, Project, Renewal
from labeling.views.forms import BeginningsForm
from labeling.views.gates import by, signed_in
from labeling.views.projects import crew
from labeling.views.projects.frame import changeable, page, readable

PAGE = 200  # workers compared on one page; the export has all


@signed_in
@by("GET")
def agreement(request, slug):
    """How far people agree with each other, overall, by category and by worker."""
    project = readable(request, slug)
    found = comparing.compare(project)
    shown = crew.sided_with_others(project, found)[:PAGE] if found else []
    return page(request, project, "agreement", found=found, workers=shown)


def worker_of(project: Project, member: int) -> Member:
    worker = get_object_or_404(project.members.workers().select_related("user"), pk=member)
    worker.project = project
    return worker


@signed_in
@by("GET", "POST")
def worker(request, slug, member):
    if request.method == "GET":
        project = readable(request, slug)
        return portrait(request, project, worker_of(project, member))
    project = changeable(request, slug)
    found = worker_of(project, member)
    for name, deed in DEEDS.items():
        if name in request.POST:
            deed(request, found)
            return redirect("project_worker", slug, member)
    form = BeginningsForm(request.POST, instance=found, hidden=sharing.hides(request.user, found))
    if not form.is_valid():
        return portrait(request, project, worker_of(project, member), form, status=422)
    qualifying.record(found, **form.cleaned_data)
    messages.success(request, f"What you know of {found.user} was saved.")
    return redirect("project_worker", slug, member)


def portrait(request, project: Project, found: Member, form=None, status: int = 200):
    (found,) = crew.with_figures(project, [found])
    hidden = sharing.hides(request.user, found)
    form = form or BeginningsForm(instance=found, hidden=hidden)
    by_kind = [] if hidden else crew.by_kind(found)
    history = crew.elsewhere(request.user, found)
    return page(
        request,
        project,
        "worker",
        status=status,
        worker=found,
        form=form,
        by_kind=by_kind,
        history=history,
        hidden=hidden,
    )


def let_go_on(request, found: Member) -> None:
    watching.let_go_on(found, timezone.now())
    messages.success(request, f"{found.user} goes on. What was answered until now is not held against them again.")


def admit(request, found: Member) -> None:
    qualifying.record(found, admitted=True)
    messages.success(request, f"{found.user} is let in, whatever the test says.")


def test_again(request, found: Member) -> None:
    qualifying.record(found, admitted=False)
    messages.success(request, f"For {found.user} the test decides again.")


DEEDS = {"let_go_on": let_go_on, "admit": admit, "test_again": test_again}


@signed_in
@by("GET", "POST")
def set_aside(request, slug, member):
    """A page that says what it would do, and the deed."""
    project = changeable(request, slug)
    found = worker_of(project, member)
    if request.method == "GET":
        (found,) = crew.with_figures(project, [found])
        return page(request, project, "set_aside", worker=found)
    aside = request.POST.get("aside") == "1"
    renewal = renewing.set_aside(found, aside, now=timezone.now())
    done, items = "set aside" if aside else "taken back", f"{renewal.items:,} item{'' if renewal.items == 1 else 's'}"
    follows = f"consensus {'was' if renewal.done == renewal.items else 'is being'} recomputed for {items}"
    messages.success(request, f"{found.user}'s judgments were {done}: {follows}. No money moved.")
    return redirect("project_people", slug)


@signed_in
@by("GET")
def renewals(request, slug):
    """How far consensus is renewed, asked for every two seconds; when it is done the whole page is read anew."""
    project = readable(request, slug)
    found = Renewal.objects.filter(worker__project=project).select_related("worker__user")
    if request.htmx and not found:
        return HttpResponseClientRefresh()
    return render(request, "labeling/projects/_renewals.html", {"project": project, "renewals": found})
