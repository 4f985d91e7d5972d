"""Policies side by side: what their plays have come to, as rows of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from labeling.simulating import curves, policies
from labeling.simulating.curves import DELIVERED, UNSEEN, Need, Plays, Ratio
from labeling.simulating.scenes import Unplayable


@dataclass(frozen=True)
class Row:
    """One policy: after all it spends, means over seeds; needs: for each level what it takes, and in times of what the
    first policy takes."""

    name: str
    title: str
    seeds: int
    spend: float
    accuracy: float
    unseen: float | None
    hours: float
    needs: list[tuple[Need, Ratio]]


@dataclass
class Comparison:
    """Plays as they are told. curves: {policy: {seed: [[spend, accuracy, on unseen items, seconds]]}}; played: those
    that are over, [policy, seed]."""

    names: Sequence[str]
    seeds: Sequence[int]
    curves: dict = field(default_factory=dict)
    played: list = field(default_factory=list)

    def hear(self, told: Mapping) -> None:
        """A line of a child."""
        if not told:
            return
        policy, seed = told["policy"], told["seed"]
        if "played" in told:
            self.played.append([policy, seed])
        else:
            point = [told["point"][name] for name in ("spend", "accuracy", "accuracy_test", "seconds")]
            self.curves.setdefault(policy, {}).setdefault(str(seed), []).append(point)

    @property
    def plays(self) -> list[tuple[str, int]]:
        """All there are to play: seed by seed, so that what is done early is a fair comparison already."""
        return [(name, seed) for seed in self.seeds for name in self.names]

    @property
    def kept(self) -> dict:
        """As a row keeps it."""
        return {"curves": self.curves, "played": self.played}

    def progress(self, budget: int) -> float:
        """Share of all there is to play: a play is as far as its spend is on the way to the budget."""
        over = {(name, seed) for name, seed in self.played}
        going = [
            curve[-1][0] / max(budget, 1)
            for name, plays in self.curves.items()
            for seed, curve in plays.items()
            if (name, int(seed)) not in over
        ]
        return (len(over) + sum(min(share, 1.0) for share in going)) / max(1, len(self.plays))

    def whole(self) -> dict[str, Plays]:
        """{policy: {seed: curve}} of the plays that are over."""
        done = {(name, seed) for name, seed in self.played}
        return {
            name: {seed: self.curves[name][str(seed)] for seed in self.seeds if (name, seed) in done}
            for name in self.names
        }

    def levels(self, wanted: Sequence[float] = ()) -> list[float]:
        return sorted(wanted) or curves.levels(self.whole())

    def rows(self, levels: Sequence[float]) -> list[Row]:
        """Of the policies of which some play is over, in the order in which they were named."""
        whole = self.whole()
        told = [name for name in self.names if whole[name]]
        return [row(name, whole[name], whole[told[0]], levels) for name in told]


def row(name: str, plays: Plays, first: Plays, levels: Sequence[float]) -> Row:
    last = [curve[-1] for curve in plays.values()]
    unseen = [point[UNSEEN] for point in last if point[UNSEEN] is not None]
    return Row(
        name, policies.named(name).title, len(plays), float(np.mean([point[0] for point in last])),
        float(np.mean([point[DELIVERED] for point in last])), float(np.mean(unseen)) if unseen else None,
        float(np.mean([point[3] for point in last])) / 3600,
        [(curves.need(plays, level), curves.ratio(plays, first, level)) for level in levels],
    )  # fmt: skip


def comparison(names: Sequence[str], seeds: int) -> Comparison:
    """Raises Unplayable where a name is none, or twice there."""
    for name in names:
        policies.named(name)
    if len(set(names)) != len(names) or not names:
        raise Unplayable("Name at least one policy, and each once.")
    return Comparison(list(names), list(range(seeds)))
