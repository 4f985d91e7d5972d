"""The price list: reward = clamp(round(base * product of factors)), the same sum for paying and for explaining.

The base is a price a cell, or an hourly rate times the seconds that such an answer was measured to take. A factor is
one row of FACTORS. Amounts are integers of the smallest unit of the budget's currency.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil, log2
from numbers import Integral, Real

HOUR = 3600  # seconds
NEWCOMER = 0.75  # the reliability of somebody of whom nothing is known; paid the price as it is
FACTS = ("rating", "training_value", "falling_confidence", "complexity", "scarcity")


def _is_unit(value) -> bool:
    return isinstance(value, Real) and 0 <= value <= 1  # which NaN is not


def _is_whole(value) -> bool:
    return isinstance(value, Integral) and value >= 0


def _is_time(value) -> bool:
    return value is None or (isinstance(value, Real) and 0 < value < float("inf"))


@dataclass(frozen=True)
class Signals:
    """The facts a price may depend on, about one query and the worker it is offered to.

    Facts are in [0, 1], or None where nothing is known, which changes no price. ValueError otherwise.

    cells : cells the answer fills (1 for a yes/no, C for all categories of an item, N for N items)
    rating : the worker's estimated reliability in such queries
    training_value : what the answer would teach the classifier, 0.5 as much as usual
    falling_confidence : by how much the classifier's confidence has fallen since the run before, 0 not at all
    complexity : how hard the content is, 0 plain
    scarcity : how few people can give the answer, 0 plenty
    choices : answers there are to choose among, 2 for a yes or no
    seconds : that such an answer usually takes (median)
    work : seconds that such answers take on average, pauses left out
    """

    cells: int = 1
    rating: float | None = None
    training_value: float | None = None
    falling_confidence: float | None = None
    complexity: float | None = None
    scarcity: float | None = None
    choices: int = 2
    seconds: float | None = None
    work: float | None = None

    def __post_init__(self):
        if not _is_whole(self.cells):
            raise ValueError(f"cells is a whole number of at least 0, not {self.cells!r}")
        for name in FACTS:
            value = getattr(self, name)
            if value is not None and not _is_unit(value):
                raise ValueError(f"{name} lies between 0 and 1, or is None; it is {value!r}")
        if not _is_whole(self.choices):
            raise ValueError(f"choices is a whole number, not {self.choices!r}")
        for name in ("seconds", "work"):
            if not _is_time(getattr(self, name)):
                raise ValueError(f"{name} is more than 0, or None; it is {getattr(self, name)!r}")


def information(rating: float, choices: int = 2) -> float:
    """Bits that an answer tells about which of so many equally likely categories is true, if it is right so often and
    its errors fall evenly (the capacity of a symmetric channel: Shannon 1948, section 12). 0 from chance downwards."""
    choices = max(choices, 2)
    rating = max(rating, 1 / choices)
    wrong = 1 - rating
    doubt = -sum(p * log2(p) for p in (rating, wrong) if p > 0) + wrong * log2(choices - 1)
    return max(0.0, log2(choices) - doubt)


def told(rating: float, choices: int = 2) -> float:
    """How much more an answer tells than a newcomer's: 1 as much, 2 twice as much."""
    return information(rating, choices) / information(NEWCOMER, choices)


@dataclass(frozen=True)
class Factor:
    """One multiplier of the price, which a tariff may weaken; `name` is that of the signal it reads."""

    name: str
    title: str
    multiplier: Callable[[Signals], float]
    explanation: str


def _by_information(signals: Signals) -> float:
    rating = signals.rating
    return 1.0 if rating is None else min(max(told(rating, signals.choices), 0.5), 2.0)


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
        _by_information,
        "Paid for what the answer tells, in bits, beside a newcomer's. Bits add up where ratings do not: it takes so "
        "many more answers of a less reliable worker to be as sure. Half the price to twice the price.",
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
        "Long texts, hard words and long sounds take longer to judge: up to twice the price.",
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
    """A price list: the base, the strength of each factor, and the bounds of one reward.

    per_cell : price of a cell
    strengths : factor name -> strength in [0, 1]; the factor enters as multiplier ** strength, so 0 is off and 1 full.
        A factor that is not named is off. ValueError for an unknown name, a negative price or a floor over the ceiling.
    per_hour : the base is this for an hour, whatever the cells, where the seconds are known; None: by cells
    hourly_floor : no reward is less than this for an hour of work, as far as the ceiling lets it
    """

    per_cell: int
    strengths: Mapping[str, float] = field(default_factory=dict)
    floor: int = 0
    ceiling: int = 10**9
    per_hour: int | None = None
    hourly_floor: int = 0

    def __post_init__(self):
        for name in ("per_cell", "floor", "ceiling", "hourly_floor"):
            if not _is_whole(getattr(self, name)):
                raise ValueError(f"{name} is a whole number of at least 0, not {getattr(self, name)!r}")
        if self.per_hour is not None and not _is_whole(self.per_hour):
            raise ValueError(f"per_hour is a whole number of at least 0, or None; it is {self.per_hour!r}")
        if self.floor > self.ceiling:
            raise ValueError(f"the floor, {self.floor}, is above the ceiling, {self.ceiling}")
        names = [factor.name for factor in FACTORS]
        for name, strength in self.strengths.items():
            if name not in names:
                raise ValueError(f"there is no factor {name!r}; there are {', '.join(names)}")
            if not _is_unit(strength):
                raise ValueError(f"the strength of {name} lies between 0 and 1; it is {strength!r}")

    def base(self, signals: Signals) -> tuple[float, str]:
        """The price before factors, and how it comes about."""
        if self.per_hour is None or signals.seconds is None:
            cells = f"{signals.cells} cell{'' if signals.cells == 1 else 's'}"
            return self.per_cell * int(signals.cells), f"{cells} at {self.per_cell:,}"
        return self.per_hour * signals.seconds / HOUR, f"{signals.seconds:.1f} s at {self.per_hour:,} an hour"

    def bound(self, price: float, signals: Signals) -> tuple[int, str | None]:
        """The reward, and which bound set it."""
        hourly = ceil(self.hourly_floor * (signals.work or 0) / HOUR - 1e-9)
        least, name = max((self.floor, "floor"), (hourly, "hourly floor"), key=lambda bound: bound[0])
        reward = min(max(round(price), least), self.ceiling)
        if reward == round(price):
            return reward, None
        return reward, "ceiling" if reward == self.ceiling else name


@dataclass(frozen=True)
class Row:
    """One factor's part in a price: what was known, its multiplier at the tariff's strength, and the product so far."""

    name: str
    title: str
    fact: float | None
    strength: float
    multiplier: float
    product: float
    explanation: str


@dataclass(frozen=True)
class Explanation:
    """How a price came about: `source` says where the base is from, `exact` is the product before rounding, `clamped`
    the bound that set the price."""

    source: str
    base: float
    rows: tuple[Row, ...]
    exact: float
    clamped: str | None
    price: int

    def __str__(self):
        lines = [f"{self.source}: {self.base:.4g}"]
        lines += [f"{row.title} {_said(row.fact)}: x {row.multiplier:.3g} = {row.product:.4g}" for row in self.rows]
        return "\n".join([*lines, f"Reward{f' ({self.clamped})' if self.clamped else ''}: {self.price}"])


def explain(tariff: Tariff, signals: Signals) -> Explanation:
    base, source = tariff.base(signals)
    rows, product = [], float(base)
    for factor in FACTORS:
        strength = tariff.strengths.get(factor.name, 0)
        multiplier = factor.multiplier(signals) ** strength
        product *= multiplier
        fact = getattr(signals, factor.name, None)
        rows.append(Row(factor.name, factor.title, fact, strength, multiplier, product, factor.explanation))
    reward, clamped = tariff.bound(product, signals)
    return Explanation(source, base, tuple(rows), product, clamped, reward)


def price(tariff: Tariff, signals: Signals) -> int:
    """The reward for one answer, in the smallest unit: the last line of its explanation."""
    return explain(tariff, signals).price


def _said(fact):
    return "unknown" if fact is None else f"{fact:.2f}"
