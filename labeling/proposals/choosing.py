"""The choice among proposals: which to ask within money and room. None claims what another has claimed.

Scoring and choosing never share a function: a choice sees values and prices only.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from labeling.proposals.rectangles import Proposal

RESOLVING = 0.3  # of the money goes to settling open items, while there are both


class Basket:
    """What is chosen so far."""

    def __init__(self, proposals: Sequence[Proposal], prices: Sequence[int], money: int, limit: int):
        if len(prices) != len(proposals) or min(prices, default=0) < 0:
            raise ValueError(f"{len(prices)} prices for {len(proposals)} proposals; give each a price of at least 0")
        self.proposals, self.prices, self.money, self.limit = proposals, prices, money, limit
        self.chosen, self.claimed = [], set()

    @property
    def full(self) -> bool:
        return len(self.chosen) >= self.limit

    def first(self, queue: Iterable[int]) -> int | None:
        """The first of the queue that is free and affordable."""
        for index in queue:
            if self.prices[index] <= self.money and self.claimed.isdisjoint(self.proposals[index].claims()):
                return index
        return None

    def put(self, index: int) -> None:
        self.chosen.append(index)
        self.claimed |= self.proposals[index].claims()
        self.money -= self.prices[index]


def by_worth(proposals, prices, money: int, limit: int, resolving: float = RESOLVING) -> list[int]:
    """Indexes of the most value per price; open and new items get their shares of the money, what one leaves the other
    gets."""
    basket, spent = Basket(proposals, prices, money, limit), {True: 0, False: 0}
    order = _ordered(proposals, prices, _lucky_rate)
    queues = {side: iter([at for at in order if proposals[at].resolves == side]) for side in (True, False)}
    while queues and not basket.full:
        side = spent[True] * (1 - resolving) <= spent[False] * resolving
        side = side if side in queues else not side
        index = basket.first(queues[side])
        if index is None:
            del queues[side]
        else:
            basket.put(index)
            spent[side] += prices[index]
    return basket.chosen


def in_turns(proposals, prices, money: int, limit: int) -> list[int]:
    """Kinds take turns, the one with the best offer first, each with its best value per price. A kind drops out when
    nothing is left of it, so none is starved while it has something to say."""
    basket, queues = Basket(proposals, prices, money, limit), {}
    for index in _ordered(proposals, prices, _rate):
        queues.setdefault(proposals[index].kind, []).append(index)
    turns = {kind: iter(queue) for kind, queue in queues.items()}
    while turns and not basket.full:
        for kind, queue in list(turns.items()):
            index = basket.first(queue)
            if index is None:
                del turns[kind]
            elif not basket.full:
                basket.put(index)
    return basket.chosen


def lowest_first(proposals, prices, money: int, limit: int) -> list[int]:
    """The least sure items first, whatever they cost: lowest-N."""
    return _in_order(proposals, prices, money, limit, lambda one, price: one.value / len(one.rows))


def cheapest_first(proposals, prices, money: int, limit: int) -> list[int]:
    """The cheapest first, so that the money buys most answers; of equal prices the one worth most."""
    return _in_order(proposals, prices, money, limit, lambda one, price: (-price, one.value))


def dearest_first(proposals, prices, money: int, limit: int) -> list[int]:
    """What is worth most first, however dear: a dearer one goes before a cheaper one only if it is worth more."""
    return _in_order(proposals, prices, money, limit, lambda one, price: (one.value, -price))


def fullest(proposals, prices, money: int, limit: int) -> list[int]:
    """As much of the money as so many queries can use: the dearest that still fits, again and again."""
    return _in_order(proposals, prices, money, limit, lambda one, price: (price, one.value))


def _in_order(proposals, prices, money, limit, key):
    basket = Basket(proposals, prices, money, limit)
    queue = iter(_ordered(proposals, prices, key))
    while not basket.full and (index := basket.first(queue)) is not None:
        basket.put(index)
    return basket.chosen


def _ordered(proposals, prices, key):
    return sorted(range(len(proposals)), key=lambda at: key(proposals[at], prices[at]), reverse=True)


def _rate(proposal, price, luck=1.0):
    value = proposal.value * luck
    return (value / price if price else np.inf if value else 0, value)


def _lucky_rate(proposal, price):
    return _rate(proposal, price, proposal.luck)
