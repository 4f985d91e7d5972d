"""What to ask while nothing is learned: items that together stand for as many others as they can.

An item stands for another as far as a short walk over the neighbour graph leads from one to the other. The next adds
most to what those before it, and what people were asked already, stand for: typical items come first, and no second of
a kind while there is another kind (TypiClust, Hacohen, Dekel and Weinshall 2022). This is facility location; greedy
choice is within 1 - 1/e of the best (Nemhauser, Wolsey and Fisher 1978).
"""

import heapq

import numpy as np
from scipy import sparse

from labeling.proposals.doubts import STEPS, Doubt
from labeling.proposals.gains import row_bits
from labeling.proposals.rectangles import Proposal, whole_rows
from labeling.proposals.sampling import random_items

WALK = 0.5  # chance that a walk goes on; .5 to .99 did equally well
TYPICAL = "typical of what nobody was asked about"


def typical(doubt: Doubt, limit: int, random_state=None) -> list[Proposal]:
    """All categories of items that stand for most others; those in no neighbourhood are left out, and where there are
    no others items are drawn at random.

    A graph over some thousands of items takes a second: of more items, give the ties of a sample.
    """
    random = np.random.default_rng(random_state)
    judged = np.zeros(len(doubt.whole), bool) if doubt.judged is None else doubt.judged > 0
    tied = np.zeros(len(judged), bool) if doubt.graph is None else np.diff(doubt.graph.indptr) > 0
    places = np.flatnonzero(tied)
    free = np.flatnonzero((doubt.whole & ~judged)[places])
    if not len(free):
        return random_items(doubt, limit, random_state)
    alike = likeness(doubt.graph[places][:, places])
    found, added = cover(alike, np.flatnonzero(judged[places]), random.permutation(free), limit)
    rows = places[found]
    return whole_rows(doubt, rows, row_bits(doubt, rows) * added, [TYPICAL] * len(rows))


def likeness(graph) -> sparse.csr_array:
    """(n, n) from 0 to 1: how far each item stands for each other, wholly for itself. graph: symmetric affinities."""
    now = total = sparse.eye_array(graph.shape[0], dtype=np.float32, format="csr")
    for _ in range(STEPS):
        now = WALK * (graph @ now)
        total = total + now
    scale = sparse.diags_array(1 / np.sqrt(total.diagonal()))
    return sparse.csr_array(scale @ total @ scale)


def cover(alike, asked, candidates, count) -> tuple[list[int], np.ndarray]:
    """The candidates that add most, one after the other, and what each added, in items.

    What one adds only falls as others are chosen, so that most need not be weighed again (Minoux 1978).
    """
    covered = alike[asked].max(axis=0).toarray().ravel() if len(asked) else np.zeros(alike.shape[0], np.float32)

    def adds(item):
        some = slice(alike.indptr[item], alike.indptr[item + 1])
        return np.maximum(alike.data[some] - covered[alike.indices[some]], 0).sum(dtype=float)

    queue = [(-adds(item), turn, item) for turn, item in enumerate(candidates.tolist())]
    heapq.heapify(queue)
    found, added = [], []
    while queue and len(found) < count:
        _, turn, item = heapq.heappop(queue)
        now = adds(item)
        if queue and -now > queue[0][0]:
            heapq.heappush(queue, (-now, turn, item))
            continue
        found.append(item)
        added.append(now)
        some = slice(alike.indptr[item], alike.indptr[item + 1])
        np.maximum.at(covered, alike.indices[some], alike.data[some])
    return found, np.array(added)
