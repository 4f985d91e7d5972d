"""Try before you pay: trials of policies with people made up, one by one and in a list."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django_htmx.http import HttpResponseClientRefresh

from labeling import trying
from labeling.models import Project, Trial
from labeling.simulating import Unplayable
from labeling.simulating.policies import POLICIES
from labeling.views import trials as pictures
from labeling.views.gates import by, signed_in
from labeling.views.projects.frame import changeable, page, readable

SHOWN = 30  # trials listed


class TrialForm(forms.ModelForm):
    policies = forms.MultipleChoiceField(
        label="Policies",
        choices=[(one.name, one.title) for one in POLICIES.values()],
        initial=["own", "sure", "votes"],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one policy."},
    )
    more = forms.CharField(
        required=False, max_length=300, label="More, with settings of their own",
        help_text="As on the command line: planner:wanted=5, random:agree_count=1.",
    )  # fmt: skip
    classifier = forms.ChoiceField(
        required=False, initial=trying.QUICK, label="Classifier",
        help_text="A quick one shows in minutes what the project's own would take longer for.",
    )  # fmt: skip

    class Meta:
        model = Trial
        fields = ["crowd", "classifier", "seeds", "items"]
        labels = {"crowd": "People", "seeds": "Crowds", "items": "Items at most"}
        help_texts = {
            "crowd": "All policies meet the same people with the same slips.",
            "seeds": "Each is another draw of people; more of them narrow the intervals.",
            "items": "Drawn at random, of those whose truth is known or, where few are, foretold by the classifier.",
        }

    field_order = ["policies", "more", "crowd", "classifier", "seeds", "items"]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        named = [(key, title) for key, (title, _) in settings.CLASSIFIERS.items()]
        self.fields["classifier"].choices = [("", "The project's own"), *named]
        self.fields["crowd"].choices = Trial.Crowd.choices

    def names(self) -> list[str]:
        """The policies, the project's own first: it is the measure of the others."""
        more = [name.strip() for name in self.cleaned_data["more"].split(",") if name.strip()]
        return [*self.cleaned_data["policies"], *more]

    def request(self, project: Project, user) -> Trial | None:
        """The trial, queued; None, with the error in the form, if it is refused."""
        if not self.is_valid():
            return None
        fields = {name: self.cleaned_data[name] for name in self.Meta.fields}
        try:
            return trying.request(project, user, policies=self.names(), now=timezone.now(), **fields)
        except Unplayable as sentence:
            self.add_error(None, str(sentence))
            return None


@signed_in
@by("GET", "POST")
def trials(request, slug):
    if request.method == "GET":
        return listed(request, readable(request, slug), TrialForm())
    project = changeable(request, slug)
    form = TrialForm(request.POST)
    trial = form.request(project, request.user)
    if trial is None:
        return listed(request, project, form, status=422)
    messages.success(request, "The trial is on its way. Its picture grows as its plays end.")
    return redirect("project_trial", slug, trial.pk)


def listed(request, project: Project, form: TrialForm, status: int = 200):
    found = project.trials.defer("found").select_related("by")[:SHOWN]
    return page(request, project, "trials", status=status, form=form, trials=found)


@signed_in
@by("GET")
def trial(request, slug, trial):
    project = readable(request, slug)
    found = get_object_or_404(Trial.objects.select_related("by"), project=project, pk=trial)
    comparison = trying.comparison(found)
    return page(
        request, project, "trial", trial=found, **pictures.found(comparison, project.budget.currency)
    )  # fmt: skip


@signed_in
@by("GET")
def progress(request, slug, trial):
    """Asked for every few seconds while it runs; when a play or all is over the whole page is read anew."""
    project = readable(request, slug)
    found = Trial.objects.filter(project=project, pk=trial).first()
    if request.htmx and (found is None or found.state not in Trial.PENDING or plays(found) != request.GET.get("plays")):
        return HttpResponseClientRefresh()
    return render(request, "labeling/trials/_progress.html", {"project": project, "trial": found})


def plays(trial: Trial) -> str:
    return str(len(trial.found.get("played", [])))


@signed_in
@by("POST")
def delete_trial(request, slug, trial):
    project = changeable(request, slug)
    trying.delete(get_object_or_404(Trial, project=project, pk=trial))
    messages.success(request, "The trial was deleted. Nothing else had come of it.")
    return redirect("project_trials", slug)
