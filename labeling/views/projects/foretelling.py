"""What more money will buy: a page, and a part of the overview that answers another budget or another aim."""

import math

from django.shortcuts import render

from labeling import forecasting
from labeling.models import Project
from labeling.views.fans import fan
from labeling.views.gates import by, signed_in
from labeling.views.projects.frame import number, page, readable


@signed_in
@by("GET")
def forecast(request, slug):
    project = readable(request, slug)
    shown = picture(project, number(request.GET.get("budget")), share(request.GET.get("aim")))
    if request.htmx:
        return render(
            request, "labeling/projects/_forecast.html", shown | {"project": project, "budget": project.budget}
        )
    return page(request, project, "forecast", **shown)


def picture(project: Project, budget: int = 0, aim: float | None = None) -> dict:
    """What the templates draw; of the project's own budget and aim where none is named."""
    outlook = forecasting.outlook(project, budget or None, aim)
    return {"outlook": outlook, "fan": fan(forecasting.course_of(project), outlook)}


def share(text: str | None) -> float | None:
    """A percentage as typed, as a share; None if it is none."""
    try:
        value = float(text or "") / 100
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 < value < 1 else None
