"""Choosing what to ask and asking at random, as a picture: how right the same plain classifier is after each spend."""

from dataclasses import dataclass

from labeling.views.charts import Frame, Tick, floor_of
from labeling.views.fans import path, steps

WIDTH, HEIGHT = 560, 260


@dataclass(frozen=True)
class Rivals(Frame):
    """Ticks and the two paths; points of each as (x, y, words)."""

    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    lines: tuple[tuple[str, tuple[tuple[float, float, str], ...]], ...]


def rivals(figures: dict | None) -> Rivals | None:
    """figures: a run's saving; None without."""
    if not figures:
        return None
    curve = figures["curve"]
    most = curve[-1][0] * 1.05
    least, step = floor_of(min(min(row[1:]) for row in curve))
    left, top, right, bottom = 52, 12, WIDTH - 16, HEIGHT - 34

    def across(spend: float) -> float:
        return round(left + (right - left) * spend / most, 1)

    def up(value: float) -> float:
        return round(bottom - (bottom - top) * (value - least) / (1 - least), 1)

    def line(name: str, at: int):
        points = tuple((across(row[0]), up(row[at]), f"{name}: {row[at]:.1%} for {row[0]:,}") for row in curve)
        return path(point[:2] for point in points), points

    return Rivals(
        WIDTH, HEIGHT, left, top, right, bottom,
        x=tuple(Tick(across(at), f"{at:,.0f}") for at in steps(most)),
        y=tuple(Tick(up(level / 100), f"{level}%") for level in range(round(100 * least), 101, step)),
        lines=(line("by choosing", 1), line("at random", 2)),
    )  # fmt: skip
