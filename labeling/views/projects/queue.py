"""The queries: what is open, why each was chosen, what it is worth; and one query with its price explained."""

from django.core.paginator import Paginator
from django.shortcuts import get_object_or_404

from labeling import quoting
from labeling.kinds import KINDS
from labeling.models import Project, Query
from labeling.views import products
from labeling.views.gates import by, signed_in
from labeling.views.projects.figures import PURPOSES, described, priced
from labeling.views.projects.frame import number, page, readable

PAGE = 30
WORKERS = 200  # offered for a look at their price


@signed_in
@by("GET")
def queries(request, slug):
    project = readable(request, slug)
    state = request.GET.get("state") if request.GET.get("state") in Query.State.values else Query.State.OPEN
    kind = request.GET.get("kind") if request.GET.get("kind") in KINDS else ""
    shown = Paginator(listed(project, state, kind), PAGE).get_page(number(request.GET.get("page")) or 1)
    shown.object_list = priced(project, shown.object_list)
    return page(
        request, project, "queries",
        shown=shown, state=state, kind=kind, states=Query.State.choices,
        kinds=[(one.name, one.title) for one in KINDS.values()],
    )  # fmt: skip


def listed(project: Project, state: str, kind: str):
    """Open queries in the order in which they are asked, the others newest first."""
    found = project.queries.filter(state=state, **({"kind": kind} if kind else {}))
    return described(found.order_by("-value", "pk") if state == Query.State.OPEN else found.order_by("-pk"))


@signed_in
@by("GET")
def query(request, slug, query):
    project = readable(request, slug)
    found = get_object_or_404(Query.objects.select_related("run"), project=project, pk=query)
    found.project = project
    workers = list(project.members.workers().present().select_related("user").order_by("user__username")[:WORKERS])
    whose = next((one for one in workers if one.pk == number(request.GET.get("for"))), None)
    rating = whose.rating_in(found.kind) if whose else quoting.median_ratings(project)[found.kind]
    explanation = quoting.explain(found, rating)
    return page(
        request,
        project,
        "query",
        query=found,
        why=PURPOSES[found.purpose],
        explanation=explanation,
        product=products.picture(explanation),
        rating=rating,
        whose=whose,
        workers=workers,
        assignments=found.assignments.select_related("worker__user").order_by("pk")[:100],
        item_template=f"labeling/items/{project.media}.html",
    )
