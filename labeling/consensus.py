"""When people agree: the project's rule on what was said of a cell, and a worker's agreement with it.

The plain rule reads shares only, so no worker's rating decides what counts as agreed; the other reads the posterior,
which weighs everybody by what they are worth.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

ROUNDING = 1e-9  # thirds are not exact in binary: two of three must meet a share of 2/3


@dataclass(frozen=True)
class Rule:
    """At least `count` people's judgments, and at least `share` of them on the same side; or, where `sure` is given,
    at least so probable a side."""

    count: int = 2
    share: float = 2 / 3
    sure: float | None = None

    def __post_init__(self):
        if self.count < 1:
            raise ValueError(f"Rule.count is {self.count}; agreement needs at least 1 judgment")
        if not 0.5 <= self.share <= 1:
            raise ValueError(f"Rule.share is {self.share}; give a share from 0.5 to 1")
        if self.sure is not None and not 0.5 <= self.sure < 1:
            raise ValueError(f"Rule.sure is {self.sure}; give a probability from 0.5 to less than 1")

    def strength(self, cell) -> float:
        """How strongly the cell says yes, in what this rule reads."""
        return cell.share if self.sure is None else cell.posterior


class Cell(NamedTuple):
    """People on one cell: the `share` of them that says yes, the `posterior` probability of it, how many judged."""

    share: float
    posterior: float
    judgments: int


class Agreement(NamedTuple):
    """Share of a worker's judgments that side with the consensus (None without any), with its Wilson interval."""

    share: float | None
    low: float
    high: float
    judged: int


def agreement(agreed: int, judged: int, z: float = 1.96) -> Agreement:
    """The figure a project page shows for a worker; interval by Wilson (1927), 95% at z = 1.96."""
    if not 0 <= agreed <= judged:
        raise ValueError(f"{agreed} agreed of {judged} judged; agreed must lie between 0 and judged")
    if judged == 0:
        return Agreement(None, 0.0, 1.0, 0)
    share, width = agreed / judged, z * z / judged
    middle = (share + width / 2) / (1 + width)
    reach = np.sqrt(width * share * (1 - share) + width * width / 4) / (1 + width)
    return Agreement(share, max(0.0, float(middle - reach)), min(1.0, float(middle + reach)), judged)


def agrees(cell, rule: Rule) -> bool:
    """Does the cell (with share, posterior, judgments) meet the rule, on whichever side? An even split never does."""
    strength, least = abs(rule.strength(cell) - 0.5), rule.share if rule.sure is None else rule.sure
    return bool(cell.judgments >= rule.count and strength >= least - 0.5 - ROUNDING and strength > ROUNDING)


def settle(cells: Mapping[Hashable, Cell], rule: Rule, standing: Hashable | None = None) -> Hashable | None:
    """The one category of an exclusive item that meets the rule with a yes.

    None if none does, or two do equally: a tie is no agreement, nor does it undo one. standing: what was agreed so far.
    """
    strengths = {category: rule.strength(cell) for category, cell in cells.items() if agrees(cell, rule)}
    met = {category: strength for category, strength in strengths.items() if strength > 0.5}
    best = max(met.values(), default=0)
    winners = [category for category, strength in met.items() if strength >= best - ROUNDING]
    if standing in winners:
        return standing
    return winners[0] if len(winners) == 1 else None
