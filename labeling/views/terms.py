"""The terms a project runs on, as a form: thresholds and classifier, each with one sentence of help."""

from django import forms
from django.conf import settings

from labeling import qualifying
from labeling.models import Project


class Percent(forms.FloatField):
    """A share in [0, 1], shown and typed as a percentage; ten digits keep two thirds what they are."""

    def __init__(self, *, least=0, most=100, **options):
        super().__init__(min_value=least, max_value=most, step_size=None, **options)
        self.widget.attrs["step"] = "any"

    def prepare_value(self, value):
        return f"{100 * value:.10g}" if isinstance(value, float | int) else value

    def clean(self, value):
        share = super().clean(value)
        return None if share is None else share / 100


# Each group of the settings page: its title, what it is about, and its fields with a label and one sentence of help.
SETTINGS = (
    (
        "What people read",
        "",
        {
            "name": ("Name", "What workers and colleagues call it."),
            "instructions": ("Instructions", "What workers read before their first query, and whenever they like."),
        },
    ),
    (
        "Agreement",
        "When a cell, which is one item and one category, counts as settled by people. Applies to answers from now on.",
        {
            "agree_by": ("What counts", "Heads, or what each person is worth, measured by the others and by gold."),
            "agree_count": ("People who must agree", "At least so many have judged the cell."),
            "agree_share": ("Share that must say the same, in %", "By heads: 66 lets two of three decide, 100 all."),
            "agree_posterior": ("How sure it must be, in %", "By worth: 95 is wrong in one of twenty at most."),
            "wanted": ("People asked at most", "After so many answers a query is closed, agreed or not."),
        },
    ),
    (
        "What is asked",
        "What the queue holds, and who may hold it for how long.",
        {
            "policy": ("How queries are chosen", "The others are there to compare with."),
            "item_worth": (
                "What knowing an item is worth",
                "In the smallest unit of the currency. Nothing is asked that costs more than it is expected to settle "
                "of that. Leave it empty to ask while there is doubt and money.",
            ),
            "queue_size": ("Open queries", "How many are kept ready. Fewer follow the classifier more closely."),
            "certain": ("Certain from, in %", "Nothing is asked about a cell of this confidence or more."),
            "hard": ("Hard below, in %", "An item whose confidence is below is asked with all its categories."),
            "grid": ("Items in a grid", "How many items are shown in one query about a category."),
            "exam_share": ("Exam, in % of items", "Drawn at random to measure accuracy. They never train."),
            "gold_share": ("Gold, in % of what is asked", "Of each worker's queries so many have a known truth."),
            "lease_seconds": ("Time to answer, in seconds", "After that the query goes to somebody else."),
            "ahead": ("Queries held at a time", "How many a worker may hold; more than one for pages that load ahead."),
        },
    ),
    (
        "Who may answer",
        "A test before the first paid query. It is made of gold, unpaid, shown as what it is, and its outcome is kept.",
        {
            "test_length": ("Length of the test, in queries", "0: no test. Who works here already is not tested."),
            "test_pass": ("Pass mark, in % of it right", "Whoever stays below is told kindly; you may let them in."),
        },
    ),
    (
        "Watching over workers",
        "What follows when answers speak against their worker, never before ten. The evidence is on the people page.",
        {
            "on_fast": ("Too fast", "Most answers in less than a quarter of the time that others take."),
            "on_guessing": ("No better than chance", "Answers side with others no more than guesses would."),
            "on_copying": ("Same errors as another", "Repeats the wrong answers of one who answered before."),
            "watch_level": ("False alarms, in %", "Of those who come under suspicion at most so many are honest."),
        },
    ),
    (
        "Classifier",
        "What learns from the answers, and when.",
        {
            "classifier": ("Classifier", "The next run uses it."),
            "retrain_when": ("A run starts", "By itself. Never two at a time, and by hand whenever you like."),
            "retrain_every": ("Newly agreed until a run", "In items; in cells, where an item may have several."),
            "retrain_hours": ("Hours from run to run", "On a schedule: from the last run asked for to the next."),
            "train_on": ("Learn from", "Agreed items are few and sound. All answers are more, and weighed."),
            "training_set": (
                "Training set",
                "Reinitialised, a run learns only from items that people agreed on since the published run read the "
                "answers: for content whose meaning drifts. It forgets the rest.",
            ),
        },
    ),
    (
        "Until when people are asked",
        "Asking ends at the first of these. Leave all of them empty and it goes on for ever, while there is doubt and "
        "money.",
        {
            "target_confidence": ("Target confidence, in %", "Until the mean confidence of the classifier reaches it."),
            "target_decided": (
                "Target certificate, in % of items",
                "Until a certificate stands and so many items are decided, by people or under it.",
            ),
            "target_spent": ("Target budget", "In the smallest unit. Until so much is spent, with what is on offer."),
            "aim": ("Accuracy to forecast, in %", "The forecast says what it would take. Reaching it ends nothing."),
        },
    ),
    (
        "What the classifier may decide",
        "People audit random items blindly; what that proves the classifier right about is accepted. The next audit "
        "keeps to these.",
        {
            "accept_share": (
                "Wrong at most, in % of what it decides",
                "As audits would have it. Leave it empty and nothing is accepted.",
            ),
            "accept_confidence": ("How surely that holds, in %", "95 means: in one of twenty projects it may not."),
            "audit_lead": (
                "People by whom an audited answer leads, at least",
                "2 asks two who agree, and others where they do not. More, where their ratings ask for it.",
            ),
        },
    ),
)  # fmt: skip
TEXTS = {name: text for _, _, fields in SETTINGS for name, text in fields.items()}
PERCENTS = {  # from, to
    "agree_share": (50, 100), "agree_posterior": (50, 99), "certain": (0, 100), "hard": (0, 100),
    "exam_share": (0, 100), "gold_share": (0, 100),
    "target_confidence": (0, 100), "target_decided": (1, 100), "aim": (0, 100),
    "test_pass": (0, 100), "watch_level": (0.1, 50), "accept_share": (0.1, 50),
    "accept_confidence": (51, 99.9),
}  # fmt: skip


class SettingsForm(forms.ModelForm):
    """Everything about a project that may change while it runs."""

    class Meta:
        model = Project
        fields = list(TEXTS)
        widgets = {"instructions": forms.Textarea(attrs={"rows": 6})}
        labels = {name: label for name, (label, _) in TEXTS.items()}
        help_texts = {name: text for name, (_, text) in TEXTS.items()}

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        for name, (least, most) in PERCENTS.items():
            old = self.fields[name]
            kept = {"label": old.label, "help_text": old.help_text, "required": old.required}
            self.fields[name] = Percent(least=least, most=most, **kept)
        classifiers = [(key, title) for key, (title, _) in settings.CLASSIFIERS.items()]
        label, text = TEXTS["classifier"]
        self.fields["classifier"] = forms.ChoiceField(choices=classifiers, label=label, help_text=text)

    def clean(self):
        data = super().clean()
        if data.get("wanted") is not None and data["wanted"] < (data.get("agree_count") or 0):
            self.add_error("wanted", f"At least {data['agree_count']} must be asked, because so many must agree.")
        if data.get("retrain_when") == "at_once" and data.get("training_set") == "reinitialised":
            sentence = "Each run would learn from one item: begin anew with so many newly agreed, or on a schedule."
            self.add_error("training_set", sentence)
        if data.get("target_decided") and not data.get("accept_share"):
            sentence = "Nothing is certified yet: say below what share of what the classifier decides may be wrong."
            self.add_error("target_decided", sentence)
        if data.get("test_length"):
            self.instance.test_length = data["test_length"]
            try:
                qualifying.check_length(self.instance)
            except forms.ValidationError as error:
                self.add_error("test_length", error.message_dict["test_length"][0])
        return data

    def groups(self):
        """The fields as the page shows them: (title, sentence, bound fields)."""
        for title, sentence, names in SETTINGS:
            yield title, sentence, [self[name] for name in names]

    def save(self) -> Project:
        """Write these fields and no others: numbers allotted and a state changed meanwhile must stay."""
        self.instance.save(update_fields=self.Meta.fields)
        return self.instance
