"""The three ways to ask, as data: a kind is a row of KINDS and a template; nothing else asks which kind a query is."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django import forms

from labeling import disguises, proposals


class Cell(NamedTuple):
    """One (item, category), by primary keys: the atom of everything."""

    item: int
    category: int


class Option(NamedTuple):
    """What a worker may choose: its value in the form, its words, the key that is printed on it."""

    value: str
    title: str
    key: str


KEYS = "1234567890" + "abdefghijklmopqrtvwxz"  # c, n, s, u and y are the page's own


def keyed(pairs: Iterable[tuple[int, str]], own: Collection[str] = ()) -> list[Option]:
    """Options in order, each on the next free key; one whose title is in `own` is on the key of that name."""
    free = (key for key in KEYS if key not in own)
    return [Option(str(value), title, title if title in own else next(free, "")) for value, title in pairs]


def yes_or_no(query) -> forms.Field:
    options = [Option("1", "Yes", "y"), Option("0", "No", "n")]
    return one_of(options, "Answer yes or no, or say that you cannot tell.")


def one_of(options: list[Option], missing: str) -> forms.Field:
    field = forms.ChoiceField(
        choices=[(option.value, option.title) for option in options], error_messages={"required": missing}
    )
    field.options = options
    return field


def some_of(options: list[Option], required: bool = False) -> forms.Field:
    field = forms.MultipleChoiceField(choices=[(option.value, option.title) for option in options], required=required)
    field.options = options
    return field


def categories_of_the_item(query) -> forms.Field:
    named = [(category.pk, category.name) for category in query.category_list]
    options = keyed(named, own=[name for _, name in named if name in tuple(KEYS[:10])])  # "7" is on key 7
    if query.project.exclusive:
        return one_of(options, "Choose one category, or say that you cannot tell.")
    return some_of(options)


def items_of_the_category(query) -> forms.Field:
    return some_of(keyed((item.pk, item.identifier) for item in query.item_list))


@dataclass(frozen=True)
class Kind:
    """A way to ask.

    propose: doubt -> proposals of this kind; check: gold -> rectangles that look like real ones of this kind;
    field: query -> the form field a worker fills;
    degrees: (what was chosen, the query's cells) -> {cell: degree};
    chosen: its inverse, so that an undo can show the earlier choice;
    implied: cells that an answer leaves out count as 0 (a choose-from-all answer stores only the chosen);
    template: how it looks; pace: seconds a cell takes, as long as none were measured (see `pacing`); size: cells
    that a query usually has, of so many categories and items in a grid.
    """

    name: str
    title: str
    propose: Callable
    check: Callable
    field: Callable[..., forms.Field]
    degrees: Callable[[Iterable[str], Iterable[Cell]], Mapping[Cell, float]]
    chosen: Callable[[Mapping[Cell, float]], list[str]]
    implied: bool
    template: str
    pace: float
    size: Callable[[int, int], int]


def chosen_categories(chosen, cells):
    return {cell: 1.0 for cell in cells if str(cell.category) in chosen}


def every_item(chosen, cells):
    return {cell: float(str(cell.item) in chosen) for cell in cells}


def the_answer(chosen, cells):
    return {cell: float(value) for cell, value in zip(cells, chosen, strict=True)}


def categories_chosen(degrees):
    return [str(cell.category) for cell, degree in degrees.items() if degree >= 0.5]


def items_chosen(degrees):
    return [str(cell.item) for cell, degree in degrees.items() if degree >= 0.5]


def answer_chosen(degrees):
    return [str(int(degree >= 0.5)) for degree in degrees.values()]


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "yes_no", "Yes or no", proposals.cells, disguises.one_cell,
            yes_or_no, the_answer, answer_chosen, False, "labeling/queries/yes_no.html",
            2.0, lambda categories, grid: 1,
        ),
        Kind(
            "categories", "All categories of an item", proposals.rows, disguises.whole_row,
            categories_of_the_item, chosen_categories, categories_chosen, True, "labeling/queries/categories.html",
            0.4, lambda categories, grid: categories,
        ),
        Kind(
            "items", "Many items of a category", proposals.grids, disguises.a_grid,
            items_of_the_category, every_item, items_chosen, False, "labeling/queries/items.html",
            1.0, lambda categories, grid: grid,
        ),
    )
}  # fmt: skip


class AnswerForm(forms.Form):
    """One query's answer as a worker's browser sends it; `degrees()` fills the rectangle.

    `unsure` holds the items of a grid of which the worker cannot tell: their cells stay empty, unpaid.
    """

    def __init__(self, query, data=None):
        super().__init__(data)
        self.query, self.kind = query, KINDS[query.kind]
        self.fields["answer"] = self.kind.field(query)
        self.fields["unsure"] = some_of(keyed((item.pk, item.identifier) for item in query.item_list))

    @property
    def nothing_told(self) -> bool:
        """Whether the worker is unsure of all that is shown: that is no answer."""
        return len(set(self.cleaned_data["unsure"])) == len(self.fields["unsure"].options)

    def degrees(self) -> dict[Cell, float]:
        chosen = self.cleaned_data["answer"]
        chosen = [chosen] if isinstance(chosen, str) else chosen
        unsure = set(self.cleaned_data["unsure"])
        degrees = self.kind.degrees(chosen, self.query.cells())
        return {cell: degree for cell, degree in degrees.items() if str(cell.item) not in unsure}
