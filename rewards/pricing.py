"""The price list: reward = clamp(round(base * product of factors)), the same sum for paying and for explaining.

A factor is one row of FACTORS. Amounts are integers of the smallest unit of the budget's currency.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral, Real


def _is_unit(value) -> bool:
    return isinstance(value, Real) and 0 <= value <= 1  # which NaN is not


def _is_whole(value) -> bool:
    return isinstance(value, Integral) and value >= 0


@dataclass(frozen=True)
class Signals:
    """The facts a price may depend on, about one query and the worker it is offered to.

    All but `cells` are in [0, 1], or None where nothing is known, which changes no price. ValueError otherwise.

    cells : cells the answer fills (1 for a yes/no, C for all categories of an item, N for N items)
    rating : the worker's estimated reliability
    training_value : what the answer would teach the classifier, 0.5 as much as usual
    falling_confidence : by how much the classifier's confidence has fallen since the run before, 0 not at all
    complexity : how hard the content is, 0 plain
    scarcity : how few people can give the answer, 0 plenty
    """

    cells: int = 1
    rating: float | None = None
    training_value: float | None = None
    falling_confidence: float | None = None
    complexity: float | None = None
    scarcity: float | None = None

    def __post_init__(self):
        if not _is_whole(self.cells):
            raise ValueError(f"cells is a whole number of at least 0, not {self.cells!r}")
        for signal in fields(self)[1:]:
            value = getattr(self, signal.name)
            if value is not None and not _is_unit(value):
                raise ValueError(f"{signal.name} lies between 0 and 1, or is None; it is {value!r}")


@dataclass(frozen=True)
class Factor:
    """One multiplier of the price, which a tariff may weaken; `name` is that of the signal it reads."""

    name: str
    title: str
    multiplier: Callable[[Signals], float]
    explanation: str


def _halves_to_doubles(name):
    def multiplier(signals: Signals) -> float:
        value = getattr(signals, name)
        return 1.0 if value is None else 2.0 ** (2 * value - 1)

    return multiplier


def _up_to_doubles(name):
    def multiplier(signals: Signals) -> float:
        return 1.0 + (getattr(signals, name) or 0.0)

    return multiplier


# Ratings and values lie about a middle, so they lower prices as well; the other three say how far a case is from the
# ordinary one, so they only raise them. No factor more than doubles, so no single fact can empty a budget.
FACTORS = (
    Factor(
        "rating",
        "Worker rating",
        _halves_to_doubles("rating"),
        "A reliable worker's answer is worth more: half the price at 0, the price at 0.5, twice the price at 1.",
    ),
    Factor(
        "training_value",
        "Training value",
        _halves_to_doubles("training_value"),
        "An answer that teaches more is worth more: half the price at 0, the price at 0.5, twice the price at 1.",
    ),
    Factor(
        "falling_confidence",
        "Falling confidence",
        _up_to_doubles("falling_confidence"),
        "When the classifier has become less sure, answers are urgent: up to twice the price.",
    ),
    Factor(
        "complexity",
        "Complexity",
        _up_to_doubles("complexity"),
        "Hard content takes longer to judge: up to twice the price.",
    ),
    Factor(
        "scarcity",
        "Scarcity",
        _up_to_doubles("scarcity"),
        "When few people can answer, more is offered: up to twice the price.",
    ),
)


@dataclass(frozen=True)
class Tariff:
    """A price list: base = per_cell * cells, factors by strength, and the bounds of one reward.

    strengths : factor name -> strength in [0, 1]; the factor enters as multiplier ** strength, so 0 is off and 1 full.
        A factor that is not named is off. ValueError for an unknown name, a negative price or a floor over the ceiling.
    """

    per_cell: int
    strengths: Mapping[str, float] = field(default_factory=dict)
    floor: int = 0
    ceiling: int = 10**9

    def __post_init__(self):
        for name in ("per_cell", "floor", "ceiling"):
            if not _is_whole(getattr(self, name)):
                raise ValueError(f"{name} is a whole number of at least 0, not {getattr(self, name)!r}")
        if self.floor > self.ceiling:
            raise ValueError(f"the floor, {self.floor}, is above the ceiling, {self.ceiling}")
        names = [factor.name for factor in FACTORS]
        for name, strength in self.strengths.items():
            if name not in names:
                raise ValueError(f"there is no factor {name!r}; there are {', '.join(names)}")
            if not _is_unit(strength):
                raise ValueError(f"the strength of {name} lies between 0 and 1; it is {strength!r}")


@dataclass(frozen=True)
class Row:
    """One factor's part in a price: what was known, its multiplier at the tariff's strength, and the product so far."""

    title: str
    fact: float | None
    strength: float
    multiplier: float
    product: float
    explanation: str


@dataclass(frozen=True)
class Explanation:
    """How a price came about; `exact` is the product before rounding, `clamped` the bound that set the price."""

    cells: int
    per_cell: int
    base: int
    rows: tuple[Row, ...]
    exact: float
    clamped: str | None
    price: int

    def __str__(self):
        lines = [f"{self.cells} cells at {self.per_cell}: {self.base}"]
        lines += [f"{row.title} {_said(row.fact)}: x {row.multiplier:.3g} = {row.product:.4g}" for row in self.rows]
        return "\n".join([*lines, f"Reward{f' ({self.clamped})' if self.clamped else ''}: {self.price}"])


def explain(tariff: Tariff, signals: Signals) -> Explanation:
    base = tariff.per_cell * int(signals.cells)
    rows, product = [], float(base)
    for factor in FACTORS:
        strength = tariff.strengths.get(factor.name, 0)
        multiplier = factor.multiplier(signals) ** strength
        product *= multiplier
        fact = getattr(signals, factor.name, None)
        rows.append(Row(factor.title, fact, strength, multiplier, product, factor.explanation))
    reward = min(max(round(product), tariff.floor), tariff.ceiling)
    clamped = None if reward == round(product) else "floor" if reward == tariff.floor else "ceiling"
    return Explanation(int(signals.cells), tariff.per_cell, base, tuple(rows), product, clamped, reward)


def price(tariff: Tariff, signals: Signals) -> int:
    """The reward for one answer, in the smallest unit: the last line of its explanation."""
    return explain(tariff, signals).price


def _said(fact):
    return "unknown" if fact is None else f"{fact:.2f}"
