"""What to ask next: rectangles worth asking, what an answer to each would tell, and the choice among them in a limit.

Pure: arrays in, proposals out. Scoring and choosing never share a function.
"""

from labeling.proposals.choosing import by_worth, cheapest_first, dearest_first, fullest, in_turns, lowest_first
from labeling.proposals.covering import typical
from labeling.proposals.damping import damped
from labeling.proposals.doubts import Doubt
from labeling.proposals.gains import of_query, whole, worth_asking
from labeling.proposals.planning import cells, grids, rows
from labeling.proposals.rectangles import Proposal
from labeling.proposals.rounds import plan
from labeling.proposals.sampling import margin, random_items
from labeling.proposals.thresholds import close_calls, hard_items, weak_categories

__all__ = [
    "Doubt", "Proposal", "by_worth", "cells", "cheapest_first", "close_calls", "damped", "dearest_first", "fullest",
    "grids", "hard_items", "in_turns", "lowest_first", "margin", "of_query", "plan", "random_items", "rows",
    "typical", "weak_categories", "whole", "worth_asking",
]  # fmt: skip
