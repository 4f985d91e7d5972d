"""The forms of a project's pages: what is typed is checked and explained here, before a flow is called."""

import uuid

from django import forms
from django.conf import settings
from django.core.validators import MinValueValidator
from django.template.defaultfilters import filesizeformat

from labeling import opening
from labeling.models import Category, Media, Member, Project
from labeling.views.terms import Percent
from rewards.models import MOST

CATEGORIES = 500  # as many as a form lists; the API takes more


def lines_of(text: str) -> list[str]:
    return [line for line in (line.strip() for line in text.splitlines()) if line]


class CategoryLines(forms.CharField):
    """Names of categories, one a line."""

    widget = forms.Textarea(attrs={"rows": 6})

    def clean(self, value):
        names = lines_of(super().clean(value))
        if len(names) > CATEGORIES:
            raise forms.ValidationError(
                f"These are {len(names):,} categories; a project's form takes up to {CATEGORIES}."
            )
        return names


class NewProjectForm(forms.ModelForm):
    categories = CategoryLines(
        help_text="One name a line, in the order in which workers see them.",
        error_messages={"required": "Name at least one category."},
    )
    currency = forms.CharField(
        max_length=20,
        initial="points",
        help_text="What rewards are counted in, by its smallest unit: points, cents. Amounts are whole numbers.",
    )

    class Meta:
        model = Project
        fields = ["name", "instructions", "media", "exclusive"]
        widgets = {"instructions": forms.Textarea(attrs={"rows": 6})}
        labels = {
            "media": "What the items are",
            "exclusive": "Every item belongs to exactly one category",
        }
        help_texts = {
            "name": "What workers and colleagues will call it.",
            "exclusive": "Leave this out if an item may belong to several categories, or to none.",
            "media": "All items of a project are of one medium. This cannot be changed later.",
        }
        error_messages = {
            "name": {"required": "Give it a name."},
            "instructions": {"required": "Say what workers should look for."},
            "media": {"required": "Choose what the items are."},
        }

    field_order = ["name", "instructions", "media", "categories", "exclusive", "currency"]

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.fields["media"].choices = [("", "Choose one"), *Media.choices]

    def open(self, user) -> Project | None:
        """The project, opened for this user; None, with the error beside its field, if it is refused."""
        if not self.is_valid():
            return None
        try:
            return opening.open_project(user, **self.cleaned_data)
        except opening.Refused as refusal:
            self.add_error(refusal.field if refusal.field in self.fields else None, str(refusal))
            return None


class NewCategoriesForm(forms.Form):
    categories = CategoryLines(label="New categories", help_text="One name a line; they are added at the end.")

    def add(self, project: Project) -> list[Category] | None:
        if not self.is_valid():
            return None
        if len(self.cleaned_data["categories"]) + project.categories.count() > CATEGORIES:
            self.add_error("categories", f"A project's form takes up to {CATEGORIES} categories in all.")
            return None
        try:
            return opening.add_categories(project, self.cleaned_data["categories"])
        except opening.Refused as refusal:
            self.add_error("categories", str(refusal))
            return None


class DescriptionsForm(forms.Form):
    """What each category means, one line each."""

    def __init__(self, project: Project, data=None):
        super().__init__(data)
        self.project = project
        self.categories = list(project.categories.all()[:CATEGORIES])
        longest = Category._meta.get_field("description").max_length
        for category in self.categories:
            self.fields[f"description_{category.pk}"] = forms.CharField(
                label=category.name, initial=category.description, required=False, max_length=longest
            )

    def rows(self):
        """(category, its field, may it be removed) of each category."""
        free = set(opening.unused(self.project.categories.all()).values_list("pk", flat=True))
        return [(one, self[f"description_{one.pk}"], one.pk in free) for one in self.categories]

    def save(self) -> None:
        for category in self.categories:
            category.description = self.cleaned_data[f"description_{category.pk}"]
        Category.objects.bulk_update(self.categories, ["description"])


class ImportForm(forms.Form):
    """Items from a file, or typed as lines."""

    file = forms.FileField(required=False, allow_empty_file=False, label="A file")
    create_categories = forms.BooleanField(required=False, label="Add categories that the project does not have yet")
    lines = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        label="Or lines of text",
        help_text="One item a line. The text itself names it.",
    )

    def clean(self):
        data = super().clean()
        if self.errors:
            return data
        if bool(data.get("file")) == bool(lines_of(data.get("lines") or "")):
            raise forms.ValidationError("Choose a file, or type lines: one of the two.")
        if data.get("file") and data["file"].size > settings.UPLOAD_LIMIT:
            self.add_error(
                "file", f"The file has {filesizeformat(data['file'].size)}; {self.limit()} is the most at a time."
            )
        return data

    def limit(self) -> str:
        return filesizeformat(settings.UPLOAD_LIMIT)


class AmountForm(forms.Form):
    """An amount to move, with the key that makes a second click move nothing."""

    amount = forms.IntegerField(min_value=1, max_value=MOST)
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)


class DailyLimitForm(forms.Form):
    """What may be spent in a day; nothing is no limit."""

    daily_limit = forms.IntegerField(min_value=0, max_value=MOST, required=False)


class BeginningsForm(forms.ModelForm):
    """What an admin knows of a worker, and the rating to begin with for that."""

    class Meta:
        model = Member
        fields = ["qualifications", "experience", "starting_rating", "starting_answers"]
        widgets = {name: forms.Textarea(attrs={"rows": 2}) for name in ("qualifications", "experience")}
        help_texts = {
            "qualifications": "Degrees, certificates, languages: what makes the worker fit for this.",
            "experience": "What was done before, here or elsewhere, and how well.",
            "starting_answers": "The more, the longer it counts against the worker's own answers.",
        }
        labels = {"starting_answers": "Weighs as much as so many answers"}

    starting_rating = Percent(
        label="Rating to begin with, in %", help_text="How often you expect answers to be right. 75 is usual."
    )

    def __init__(self, *args, hidden: bool = False, **options):
        """hidden: the rating was carried over from a project that whoever asks may not read."""
        super().__init__(*args, **options)
        if hidden:
            del self.fields["starting_rating"], self.fields["starting_answers"]
        else:
            self.fields["starting_answers"].min_value = 1
            self.fields["starting_answers"].validators.append(MinValueValidator(1))


class ExportForm(forms.Form):
    """What to export, and how."""

    WHAT = (  # exporting.WHAT and exporting.FORMATS, in words
        ("labeled", "Labeled set: every item with its categories, degrees, probabilities and who decided"),
        ("judgments", "Judgments: who said what of which cell, and when"),
        ("predictions", "Predictions: what the published classifier says of every item"),
        ("agreement", "Agreement in pairs: how often each two workers say the same, and beyond chance"),
        ("runs", "Runs: what each had spent, how right it was, and what it foretold"),
        ("ledger", "Ledger: every movement of money"),
    )
    FORMATS = (("csv", "CSV, for spreadsheets"), ("jsonl", "JSON Lines, for programs"))

    what = forms.ChoiceField(choices=WHAT, widget=forms.RadioSelect, initial="labeled", label="What")
    format = forms.ChoiceField(choices=FORMATS, widget=forms.RadioSelect, initial="csv", label="Format")
