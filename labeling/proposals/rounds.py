"""A round of asking: what is proposed is priced, what is not worth its price is left, the money chooses of the rest.

It is empty when nothing is left that is worth its price.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from labeling.proposals import choosing, gains, planning
from labeling.proposals.doubts import Doubt
from labeling.proposals.rectangles import Proposal

AMPLE = 2  # times as many are proposed as are wanted: some will claim what others have
PLANNER = planning.cells, planning.rows, planning.grids


def plan(
    doubt: Doubt,
    price: Callable[[Sequence[Proposal]], Sequence[int]],
    money: int,
    limit: int,
    random_state=None,
    worth: int | None = None,
    proposers: Iterable[Callable] = PLANNER,
    choose: Callable = choosing.by_worth,
) -> list[Proposal]:
    """What to ask next: at most `limit` rectangles for at most `money`, the first chosen first.

    price: proposals -> what an answer to each costs. worth: what knowing an item's category is worth, in the same unit;
    None leaves nothing out. proposers: doubt, limit, random state -> proposals. choose: see `choosing`.
    """
    seed = np.random.default_rng(random_state).integers(2**32)  # of all proposers, so that an item's luck is its own
    found = [one for propose in proposers for one in propose(doubt, AMPLE * limit, seed)]
    prices = price(found)
    bits = gains.whole(len(doubt.names), doubt.exclusive)
    kept = [at for at, one in enumerate(found) if gains.worth_asking(one.value, prices[at], worth, bits)]
    chosen = choose([found[at] for at in kept], [prices[at] for at in kept], money, limit)
    return [found[kept[at]] for at in chosen]
