"""Does an audit pay for itself? The same project to its end with certified acceptance and without, in money.

Run by name: `python tests/benchmarks/bench_auditing.py [--seeds 0 1 2] [--pools ...] [--share .1] [--skilled]`. The
planner asks; after each round an audit is weighed as the product weighs it, and begins where nearly all would be
decided, or when the planner's money is spent. What a certificate accepts is asked of nobody; the rest is asked until .9
sure, by two people at least, as a project's rule has it, and five at most. Without an audit every item is.
"""

import argparse
import sys
from copy import copy
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench_economy import FIRST, SHARE, Evidence, planned, row
from economies import NAMES, Book, price, world

from segmentation import certificates

DELTA = 0.05
NEARLY = 0.9
RIGHT = 0.99
PLACES = 4
MOST_LEAD = 5
AGREE = 2  # people that the project wants to agree
MONEY = 40_000  # asked by the planner before it gives up


def decided(book, item, lead):
    """What an audit's people say of one item: the category that leads by so many, or none; asked of new people."""
    votes = np.zeros(book.world.shape[1], int)
    for _ in range(PLACES * lead):
        before = book.votes[item].copy()
        book.ask(*row(item, book))
        votes += (book.votes[item] - before).astype(int)
        second, first = np.sort(votes)[-2:]
        if first - second >= lead:
            return int(votes.argmax())
    return None


def lead_of(skill):
    """(lead, right, people) at which audits are right as often as the product wants them: the gambler's ruin."""
    for lead in range(2, MOST_LEAD + 1):
        right = 1 / (1 + ((1 - skill) / skill) ** lead)
        if right >= RIGHT:
            break
    return lead, right, lead * (2 * right - 1) / (2 * skill - 1)


def audited(book, confidence, guess, share, plan, lead, random):
    """The certificate or None, the places audited, what people said there."""
    places = certificates.next_audit(confidence, random.random(len(confidence)), [], plan.audits)
    said = [decided(book, int(item), lead) for item in places]
    wrong = np.array([one != guess[item] for one, item in zip(said, places, strict=True)])
    return certificates.certify(confidence, places, wrong, share, DELTA), places, said


def copied(book):
    """A book that goes on by itself."""
    other = copy(book)
    other.rows, other.asked, other.votes = list(book.rows), book.asked.copy(), book.votes.copy()
    return other


def learned(here, seed):
    """The book, learner and state after each round of the planner."""
    book, random, learner, state = Book(here), np.random.default_rng([seed, 9]), Evidence(here), None
    before = -1
    while before < book.spent < MONEY:
        before = book.spent
        first = FIRST * price("categories", here.shape[1])
        for query in planned(book, state, max(300, SHARE * before) if before else first, random):
            book.ask(*query)
        state, *_ = learner.learn(book)
        yield book, learner, state


def due(here, seed, share, skill):
    """When an audit begins by itself, or the last state; and what it is planned to be."""
    lead, right, people = lead_of(skill)
    cost = price("categories", here.shape[1])
    for round_ in learned(here, seed):
        confidence = round_[-1].posterior.max(axis=1)
        plan = certificates.worth_auditing(confidence, share, DELTA, people * cost, AGREE * cost, right)
        if plan.audits and plan.accepted + plan.audits >= NEARLY * len(confidence):
            break
    return *round_, plan, lead


def finished(book, learner, state, settled):
    """Whatever is not settled is asked until sure: the labels (n,)."""
    random = np.random.default_rng(5)
    while True:
        doubt = (book.asked < AGREE) | ((book.asked < 5) & (state.posterior.max(axis=1) < 0.9))
        rest = np.flatnonzero(doubt & ~settled)
        if not len(rest):
            return state.posterior.argmax(axis=1)
        for item in random.permutation(rest)[: max(50, len(rest) // 4)]:
            book.ask(*row(item, book))
        state, *_ = learner.learn(book)


def compare(name, seed, share, skilled):
    slips = dict.fromkeys(("categories", "yes_no", "items"), 0.2) if skilled else {}
    here = world(name, seed, slips=slips)
    skill = 1 - (1 - here.crowd.right.mean()) * slips.get("categories", 1.0)
    book, learner, state, plan, lead = due(here, seed, share, skill)
    without, known = copied(book), book.spent
    labels = finished(without, learner, state, np.zeros(len(here.y), bool))
    said = f"{name:10} {seed} without: {without.spent:7} wrong {np.mean(labels != here.y):.3f}"
    if not plan.audits:
        return print(f"{said}   no audit: {plan.reason}", flush=True)
    confidence, guess = state.posterior.max(axis=1), state.posterior.argmax(axis=1)
    proof, places, said_there = audited(book, confidence, guess, share, plan, lead, np.random.default_rng([seed, 7]))
    spent_on_audits, settled = book.spent - known, np.zeros(len(here.y), bool)
    if proof:
        settled = certificates.accepted(proof, confidence, places)
    labels = np.where(settled, guess, finished(book, learner, state, settled))
    labels[places] = [guess[at] if one is None else one for at, one in zip(places, said_there, strict=True)]
    wrong = np.mean(guess[settled] != here.y[settled]) if proof else 0.0
    print(
        f"{said}   with: {book.spent:7} wrong {np.mean(labels != here.y):.3f}, planner {known} audits {spent_on_audits}"
        f" accepted {settled.mean():.2f}, of them wrong {wrong:.3f} of {share} allowed", flush=True,
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--pools", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--share", type=float, default=0.1, help="of the accepted may be wrong")
    parser.add_argument("--skilled", action="store_true", help="people err a fifth as often")
    args = parser.parse_args()
    for name in args.pools:
        for seed in args.seeds:
            compare(name, seed, args.share, args.skilled)


if __name__ == "__main__":
    main()
