"""What the pages of a project share: who may open them, how they are rendered, what a forged number comes to."""

from django.core.exceptions import PermissionDenied
from django.shortcuts import render

from labeling.access import READS, may, project_for
from labeling.models import Project


def readable(request, slug: str) -> Project:
    """The project, for those who run or study it; for anybody else there is none."""
    return project_for(request.user, slug, READS)


def changeable(request, slug: str) -> Project:
    """The project, for those who run it; who may only read it is told so."""
    project = readable(request, slug)
    if not may(request.user, project):
        raise PermissionDenied("Only an owner or an admin of this project may change it.")
    return project


UNDER = {  # the tab that leads to a page without one
    **dict.fromkeys(("run", "trial", "trials"), "detail"),
    "query": "queries",
    **dict.fromkeys(("agreement", "invite", "member", "set_aside", "worker"), "people"),
}


def page(request, project: Project, name: str, *, status: int = 200, **context):
    """tab: the one that is lit; here: what it says to who cannot see that, the page itself or the way to it."""
    changes = may(request.user, project)
    context |= {"project": project, "budget": project.budget, "may_change": changes}
    context["steps"] = steps(project) if changes else []
    context |= {"tab": UNDER.get(name, name), "here": "true" if name in UNDER else "page"}
    return render(request, f"labeling/projects/{name}.html", context, status=status)


def steps(project: Project) -> list[tuple[bool, str, str]]:
    """(done, words, page) of what a project needs before people can agree on anything; nothing once it has all."""
    workers = project.members.workers().present().count()
    more = f"Invite another worker: {project.agree_count} must agree, {workers} can answer"
    needed = [
        (project.items.present().exists(), "Bring in items", "project_items"),
        (project.budget.figures().funded > 0, "Fund the budget", "project_money"),
        (workers >= project.agree_count, more if workers else "Invite workers", "project_people"),
    ]
    return [] if all(done for done, _, _ in needed) else needed


def number(text: str | None) -> int:
    """The number a browser sent, 0 if it is none: no row has that."""
    return int(text) if text and text.isdecimal() and len(text) < 19 else 0
