"""Inviting workers of another project that one runs: all of them, or some."""

from django.contrib import messages
from django.shortcuts import redirect

from labeling import sharing
from labeling.models import Project
from labeling.views.gates import by, signed_in
from labeling.views.projects.frame import changeable, page

SHOWN = 500  # workers listed to choose from


@signed_in
@by("GET", "POST")
def invite(request, slug):
    project = changeable(request, slug)
    sources = sharing.sources(request.user, project)
    source = sources.filter(slug=request.POST.get("from") or request.GET.get("from", "")).first() or only(sources)
    if request.method == "POST" and source:
        return bring(request, project, source)
    found = list(sharing.candidates(source, project)[: SHOWN + 1]) if source else []
    return page(
        request, project, "invite", status=422 if request.method == "POST" else 200,
        sources=sources, source=source, workers=found[:SHOWN], more=len(found) > SHOWN, known=sharing.KNOWN,
    )  # fmt: skip


def only(sources) -> Project | None:
    """The one there is, if there is no choice."""
    found = list(sources[:2])
    return found[0] if len(found) == 1 else None


def bring(request, project: Project, source: Project):
    chosen = sharing.candidates(source, project)
    if "everybody" not in request.POST:
        picked = [pk for pk in request.POST.getlist("worker") if pk.isdecimal()]
        chosen = chosen.filter(pk__in=picked)
    count = sharing.invite(project, chosen, carry="carry" in request.POST)
    if count:
        told = (
            f"{count} worker{'' if count == 1 else 's'} of {source.name} may work here now; they find it on their page."
        )
        messages.success(request, told)
    else:
        messages.error(request, "Nobody was chosen, so nobody was invited.")
    return redirect("project_people", project.slug)
