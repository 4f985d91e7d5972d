"""What leaves the house: the labeled set, judgments, predictions and ledger, streamed as CSV or JSON Lines."""

from django.http import StreamingHttpResponse
from django.utils import timezone

from labeling import exporting
from labeling.models import Project
from labeling.views.forms import ExportForm
from labeling.views.gates import by, signed_in
from labeling.views.projects.frame import page, readable

ROWS = {
    "labeled": exporting.labeled,
    "judgments": exporting.judgments,
    "predictions": exporting.predictions,
    "ledger": exporting.ledger,
}
FORMATS = {
    "csv": (exporting.as_csv, "text/csv; charset=utf-8"),
    "jsonl": (exporting.as_jsonl, "application/jsonl; charset=utf-8"),
}


@signed_in
@by("GET")
def export(request, slug):
    project = readable(request, slug)
    form = ExportForm(request.GET or None)
    if not form.is_bound:
        return page(request, project, "export", form=form)
    if not form.is_valid():
        return page(request, project, "export", status=422, form=form)
    return delivered(project, form.cleaned_data["what"], form.cleaned_data["format"])


def delivered(project: Project, what: str, format: str) -> StreamingHttpResponse:
    lines, content_type = FORMATS[format]
    name = f"{project.slug}-{what}-{timezone.now():%Y-%m-%d}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(lines(ROWS[what](project)), content_type=content_type, headers=headers)
