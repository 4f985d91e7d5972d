"""A price as a picture: the base, each factor that is on as a step up or down from it, the bound, the reward."""

from dataclasses import dataclass
from typing import NamedTuple

from labeling.quoting import Explanation, Row

WIDTH = 300  # of the drawing


class Step(NamedTuple):
    """A bar from what the product was to what it is now, in units of the drawing's width."""

    title: str
    said: str
    amount: float
    x: float
    width: float
    turn: str  # "base", "up", "down" or "same"
    explanation: str


@dataclass(frozen=True)
class Product:
    steps: list[Step]
    off: list[str]
    price: int
    clamped: str | None


def picture(told: Explanation) -> Product:
    on = [row for row in told.rows if row.strength]
    widest = max([told.base, told.price, *(row.product for row in on)]) or 1
    steps, before = [step("Base", told.source, 0, told.base, widest, "")], told.base
    for row in on:
        steps.append(step(row.title, said(row), before, row.product, widest, row.explanation))
        before = row.product
    if told.clamped:
        steps.append(step(f"The {told.clamped}", "", before, told.price, widest, ""))
    steps[0] = steps[0]._replace(turn="base")
    return Product(steps, [row.title for row in told.rows if not row.strength], told.price, told.clamped)


def step(title: str, words: str, before: float, now: float, widest: float, explanation: str) -> Step:
    left, right = sorted((WIDTH * before / widest, WIDTH * now / widest))
    turn = "up" if now > before else "down" if now < before else "same"
    return Step(title, words, now, round(left, 1), round(max(right - left, 2), 1), turn, explanation)


def said(row: Row) -> str:
    """The fact and what it multiplies by."""
    fact = "not known" if row.fact is None else f"{row.fact:.2f}"
    return f"{fact}, × {row.multiplier:.2f}"
