"""What leaves the house: the labeled set, judgments, predictions, runs and ledger, streamed as CSV or JSON Lines."""

from labeling import streaming
from labeling.views.forms import ExportForm
from labeling.views.gates import by, signed_in
from labeling.views.projects.frame import page, readable


@signed_in
@by("GET")
def export(request, slug):
    project = readable(request, slug)
    form = ExportForm(request.GET or None)
    if not form.is_bound:
        return page(request, project, "export", form=form)
    if not form.is_valid():
        return page(request, project, "export", status=422, form=form)
    return streaming.export(project, form.cleaned_data["what"], form.cleaned_data["format"])
