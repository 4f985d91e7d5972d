"""A project's price list as a form: base, bounds, who gets what, and the strength of each factor."""

from django import forms

from labeling.models import Project
from labeling.quoting import FACTORS
from labeling.views.terms import Percent

GROUPS = (
    (
        "Base",
        "What an answer is paid before factors. For offers from now on; what was offered stays as it was.",
        {
            "price_by": (
                "The base follows",
                "By the hour, each kind is paid for the seconds it usually takes, as measured below.",
            ),
            "cell_price": ("Price of a cell", "One item and one category. A grid of 12 items has 12 cells."),
            "hourly_rate": ("Price of an hour", "Of answering at the usual pace."),
        },
    ),
    (
        "Bounds",
        "What no answer is paid below or above. The ceiling stands above everything.",
        {
            "price_floor": ("Floor", "No answer is offered for less."),
            "price_ceiling": ("Ceiling", "No answer is offered for more."),
            "hourly_floor": (
                "Hourly floor",
                "No hour of work shall earn less. Where a kind would, new offers of it are raised. 0: no floor.",
            ),
        },
    ),
    (
        "Who gets what",
        "Each worker is asked what tells most for the reward when this worker answers it.",
        {
            "equal_pay": (
                "Equal pay",
                "Everybody is offered the same for the same query: the worker's own rating does not enter.",
            ),
            "least_told": (
                "Least that an answer must tell, in % of others'",
                "For the same reward. Who is known to tell less in one kind of query is asked other kinds, as long as "
                "there are enough others. 0: everybody is asked everything.",
            ),
        },
    ),
)
TEXTS = {name: text for _, _, fields in GROUPS for name, text in fields.items()}


class PricesForm(forms.ModelForm):
    class Meta:
        model = Project
        fields = list(TEXTS)
        labels = {name: label for name, (label, _) in TEXTS.items()}
        help_texts = {name: text for name, (_, text) in TEXTS.items()}

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        label, text = TEXTS["least_told"]
        self.fields["least_told"] = Percent(label=label, help_text=text)
        for factor in FACTORS:
            self.fields[f"factor_{factor.name}"] = Percent(
                label=f"{factor.title}, strength in %",
                help_text=factor.explanation,
                initial=self.instance.factors.get(factor.name, 0.0),
            )

    def clean(self):
        data = super().clean()
        if data.get("price_ceiling") is not None and data["price_ceiling"] < (data.get("price_floor") or 0):
            self.add_error("price_ceiling", f"The ceiling must not be below the floor, which is {data['price_floor']}.")
        return data

    def groups(self):
        """The fields as the page shows them: (title, sentence, bound fields)."""
        for title, sentence, names in GROUPS:
            yield title, sentence, [self[name] for name in names]
        factors = [self[f"factor_{factor.name}"] for factor in FACTORS]
        yield "Factors", "What multiplies the base. At 0% a factor is off, at 100% it has its full effect.", factors

    def proposed(self) -> Project:
        """The project as it would be, not saved."""
        strengths = {factor.name: self.cleaned_data[f"factor_{factor.name}"] for factor in FACTORS}
        self.instance.factors = {name: strength for name, strength in strengths.items() if strength}
        return self.instance

    def save(self) -> Project:
        """Write these fields and no others."""
        self.proposed().save(update_fields=[*self.Meta.fields, "factors"])
        return self.instance
