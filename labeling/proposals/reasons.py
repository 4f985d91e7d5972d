"""Why a rectangle is worth asking, in words for admins."""

import numpy as np

from labeling.proposals.ranking import runner_up

STRANGE = 0.5  # answers near an item; below, nothing like it was asked about
BETWEEN = 0.8  # of the probability in two categories makes a close call between them


def of_cells(doubt, rows, columns) -> list[str]:
    names = doubt.names
    if not doubt.exclusive or len(names) == 1:
        return [f"close call on {names[column]}" for column in columns]
    rivals = runner_up(doubt.probability[rows], columns)
    return [f"close call between {names[a]} and {names[b]}" for a, b in zip(columns, rivals, strict=True)]


def of_rows(doubt, rows) -> list[str]:
    """What is open in each of these items, or that nothing like it was asked about."""
    why = of_close_rows(doubt, rows)
    strange = np.zeros(len(rows), bool) if doubt.mass is None else doubt.mass[rows] < STRANGE
    if doubt.judged is not None:
        strange &= doubt.judged[rows] == 0
    return ["unlike anything asked so far" if new else said for new, said in zip(strange, why, strict=True)]


def of_close_rows(doubt, rows) -> list[str]:
    if not doubt.exclusive or len(doubt.names) < 3:
        return of_hard_rows(doubt, rows)
    order = np.argsort(-doubt.probability[rows], axis=1)[:, :2]
    close = np.take_along_axis(doubt.probability[rows], order, axis=1).sum(axis=1) >= BETWEEN
    calls = of_cells(doubt, rows, order[:, 0])
    return [call if two else hard for call, two, hard in zip(calls, close, of_hard_rows(doubt, rows), strict=True)]


def of_hard_rows(doubt, rows) -> list[str]:
    total = len(doubt.names)
    counts = [total] * len(rows) if doubt.exclusive else doubt.doubtful_in(rows).sum(axis=1)
    return [f"hard in all {total} categories" if n == total else f"hard in {n} of {total} categories" for n in counts]


def of_grid(doubt, column: int, count: int) -> str:
    return f"category '{doubt.names[column]}' is weak in {count} items"
