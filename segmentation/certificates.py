"""Which items may the classifier decide? At most a share alpha of them is wrong, with confidence 1 - delta.

The statement is about the items that nobody audited. It holds for any classifier, however sure it wrongly is, as long
as audits are drawn as `next_audit` draws them; its "wrong" is what the audit's people call wrong.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import gammaln

STARTS = (0.45, 0.85), (0.25, 0.15)  # the sequences of thresholds: begins at this share of the pool; share of delta
FIRST = 0.75  # the share of delta that the first look spends
LEAST = 50  # audits; fewer hardly prove anything at any share worth certifying
TRIES = 20  # imagined projects for each size of an audit
IMAGINED = 20_000  # items of an imagined project at most; a larger one is thinned, which makes it no surer
FAITH = 5  # audits: as many all the classifier's own doubts together count in what is yet to come


class Certificate(NamedTuple):
    """At most a share `bound` <= `alpha` of the `accepted` items is wrong, with confidence 1 - `delta`.

    Accepted are the items of confidence >= `threshold` without the `audited` ones there, of which `wrong` were wrong.
    It belongs to the frozen run whose confidences it was made from, and to the `look`-th look at the audits.
    """

    threshold: float
    accepted: int
    audited: int
    wrong: int
    bound: float
    alpha: float
    delta: float
    look: int


class Plan(NamedTuple):
    """An audit that pays, or why none does: `audits` is 0 then; `accepted` and `saved` are means of what may happen."""

    audits: int
    accepted: float
    saved: float
    reason: str


class _Steps(NamedTuple):
    """Thresholds from high confidence down, one for each further audited item, as low as the next one lets it.

    `items`, `audited` and `wrong` count what is at or above the threshold; `broken` is the least number of wrong ones
    among those left that breaks the statement.
    """

    threshold: np.ndarray
    items: np.ndarray
    audited: np.ndarray
    wrong: np.ndarray
    broken: np.ndarray


def certify(confidence, audited, wrong, alpha, delta, look=1, lowest=-np.inf):
    """The lowest threshold that the audits certify, or None.

    Thresholds are tested from high confidence down in a few sequences that share delta; each stops at its first failure
    (Wiens 2003; Bauer et al. 1998 for one sequence). A test is exact and hypergeometric. What it claims at a threshold
    is fixed before anything is known of the answers: of all its items at most q + b - 1 are wrong, where b wrong ones
    among those left would break the statement and q is the largest number of wrong audits that still proves it. All
    claims of a sequence hold at once with its share of confidence. Where q were found, those left are thus at most
    b - 1; where fewer were, the claims made further down serve.

    Parameters
    ----------
    confidence : array (n,)
        Of all items of one frozen run that the classifier could accept, by any measure: only the order matters.
    audited : array (m,) of int
        Places of all items drawn by `next_audit`, with a number wanted that no answer had a say in. An item is not left
        out because people took long to answer: those are the hard ones.
    wrong : array (m,) of bool
        Whether people, judging blindly, contradict the classifier.
    alpha, delta : float
        The share that may be wrong; the risk that the statement does not hold, over all looks together.
    look : int
        Which look at this run's audits this is, from 1; it may spend the share `spent(look)` of delta.
    lowest : float
        The confidence below which this look's audits were not drawn; no threshold is below it.

    Returns
    -------
    Certificate or None

    Raises
    ------
    ValueError
        Arrays do not meet, an audited place is named twice or is below `lowest`, or a number is out of its range.
    """
    confidence, audited, wrong = _checked(confidence, audited, wrong, alpha, delta, look)
    if (confidence[audited] < lowest).any():
        raise ValueError(f"Some audited items are less confident than lowest={lowest}; leave them out.")
    steps = _steps(confidence, audited, wrong, alpha, lowest)
    risk = delta * spent(look)
    found = [_sequence(steps, len(confidence), start, risk * share) for start, share in STARTS]
    place, bound = max(found, key=lambda it: (it[0], -it[1]))
    if place < 0:
        return None
    items, drawn, bad = (int(column[place]) for column in steps[1:4])
    left = items - drawn
    return Certificate(float(steps.threshold[place]), left, drawn, bad, bound / left, alpha, delta, look)


def spent(look):
    """The share of delta that a look may spend; those of all looks together are 1.

    The first has most of it, for `worth_auditing` chooses its size so that it is likely to do. The others have shares
    that fall as slowly as they may.
    """
    return FIRST if look == 1 else (1 - FIRST) / (look * (look - 1))


def _checked(confidence, audited, wrong, alpha, delta, look=1):
    confidence, audited, wrong = np.asarray(confidence, float), np.asarray(audited, int), np.asarray(wrong, bool)
    if confidence.ndim != 1 or not np.isfinite(confidence).all():
        raise ValueError("confidence must be one finite number per item; leave out items without one.")
    if audited.ndim != 1 or audited.shape != wrong.shape:
        raise ValueError(f"{audited.size} audited items do not meet {wrong.size} answers; give one answer for each.")
    if len(np.unique(audited)) < len(audited) or not np.isin(audited, np.arange(len(confidence))).all():
        raise ValueError("audited must hold different places of confidence, from 0.")
    if not 0 < alpha < 1 or not 0 < delta < 0.5 or look < 1:
        raise ValueError(f"alpha={alpha} must be in (0, 1), delta={delta} in (0, 0.5), look={look} at least 1.")
    return confidence, audited, wrong


def _steps(confidence, audited, wrong, alpha, lowest=-np.inf):
    drawn, bad = np.zeros((2, len(confidence)), int)
    drawn[audited], bad[audited] = 1, wrong
    order = np.argsort(-confidence, kind="stable")
    sorted_, audited, wrong = confidence[order], drawn[order].cumsum(), bad[order].cumsum()
    last = np.flatnonzero(_is_last(sorted_))  # equal confidences stay together
    last = last[_is_last(audited[last]) & (audited[last] > 0) & (sorted_[last] >= lowest)]
    broken = np.floor(alpha * (last + 1 - audited[last]) + 1e-9).astype(int) + 1
    return _Steps(sorted_[last], last + 1, audited[last], wrong[last], broken)


def _is_last(values):
    """Whether the next one differs."""
    return np.append(values[1:] != values[:-1], True)[: len(values)]


def _sequence(steps, pool, start, risk):
    """(place of the lowest threshold certified, at most so many left are wrong); place -1 if none is."""
    most = _provable(steps, risk)
    begins = (steps.items >= start * pool) & (most > 0)  # a first test that one wrong audit fails would often fail
    if not begins.any():
        return -1, 0
    first = int(begins.argmax())
    fails = np.flatnonzero((steps.wrong > most)[first:])
    stop = first + int(fails[0]) if len(fails) else len(most)
    left = np.where(np.arange(stop) < first, np.iinfo(int).max, (most + steps.broken - 1 - steps.wrong)[:stop])
    if stop == len(most) > first and steps.items[-1] == pool:
        left[-1] = steps.broken[-1] - 1  # nothing is below it: the sequence goes on with ever smaller claims there
    left = np.minimum.accumulate(left[::-1])[::-1]  # what is left above a threshold is also left above a lower one
    good = np.flatnonzero((left < steps.broken[:stop]) & (steps.items > steps.audited)[:stop])
    return (int(good[-1]), int(left[good[-1]])) if len(good) else (-1, 0)


def _provable(steps, risk):
    """The most wrong audits, for each step, at which `broken` wrong ones left would be too unlikely; else -1."""
    left = steps.items - steps.audited
    expected = (steps.audited * steps.broken / np.maximum(left, 1)).astype(int)  # as many as are then likely, or more
    fits, fails = np.full(len(left), -1), np.minimum(steps.audited, expected) + 1
    while (fails - fits > 1).any():
        k = np.maximum((fits + fails) // 2, 0)
        wrong = np.minimum(k + steps.broken, steps.items)
        fine = (at_most(k, steps.items, wrong, steps.audited) <= risk) & (steps.broken <= left)
        middle = fails - fits > 1
        fits, fails = np.where(middle & fine, k, fits), np.where(middle & ~fine, k, fails)
    return fits


def at_most(k, items, wrong, drawn):
    """Probability of at most k wrong ones among `drawn` of `items` with `wrong` in all; arrays of one shape.

    The hypergeometric distribution: for many arrays at once a hundred times as fast as scipy's.
    """
    k, items, wrong, drawn = (np.asarray(it, float) for it in np.broadcast_arrays(k, items, wrong, drawn))
    many = k * items > drawn * wrong  # then there are few right ones: the sum begins where its terms are largest
    tail = _few(np.where(many, drawn - k - 1, k), items, np.where(many, items - wrong, wrong), drawn)
    return np.where(many, 1 - tail, tail)


def _few(k, items, wrong, drawn):
    """`at_most` for k of no more than the mean: summed from k down, each term from the last."""
    possible = (k >= 0) & (k >= drawn + wrong - items)
    at = np.where(possible, k, np.minimum(wrong, drawn))
    log = _log_choose(wrong, at) + _log_choose(items - wrong, drawn - at) - _log_choose(items, drawn)
    term = np.where(possible, np.exp(np.where(possible, log, 0)), 0.0)
    total = term
    while (term > 1e-12 * total).any():
        term = term * at * (items - wrong - drawn + at) / ((wrong - at + 1) * (drawn - at + 1))
        total, at = total + term, np.maximum(at - 1, 0)
    return np.minimum(total, 1.0)


def _log_choose(n, k):
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)


def accepted(certificate, confidence, audited):
    """(n,) bool: the items that the certificate lets the classifier decide; the audited ones people have decided."""
    chosen = np.asarray(confidence) >= certificate.threshold
    chosen[np.asarray(audited, int)] = False
    return chosen


def next_audit(confidence, lot, audited, wanted, lowest=-np.inf):
    """Places of the items to audit next, in the order of their lots.

    They are those of the `wanted` smallest lots of the whole pool that are in play and not audited. So each threshold
    in play has had the audits that it would have had if none had been dropped, whatever the answers were, and dropping
    costs no validity.

    Parameters
    ----------
    confidence, lot : array (n,)
        Of one frozen run; random keys that never change and nothing else depends on.
    audited : array of int
        Places audited before, all at a smaller `wanted`.
    wanted : int
        Fixed beforehand for every look, for instance doubling; where the whole pool is in play, the audits in all.
    lowest : float
        What `lowest_in_play` said at the last look; it never sinks from look to look.
    """
    confidence, lot = np.asarray(confidence), np.asarray(lot)
    if confidence.shape != lot.shape:
        raise ValueError(f"{len(confidence)} confidences do not meet {len(lot)} lots; give one of each per item.")
    first = np.argsort(lot, kind="stable")[: max(0, wanted)]
    first = first[confidence[first] >= lowest]
    return first[~np.isin(first, audited)]


def lowest_in_play(confidence, audited, wrong, alpha, delta, lowest=-np.inf):
    """The lowest threshold that is not yet proven (at delta) to hold more than a share alpha of wrong ones.

    None if there is no such threshold: more audits are then unlikely to certify anything.
    """
    confidence, audited, wrong = _checked(confidence, audited, wrong, alpha, delta)
    kept = confidence[audited] >= lowest
    steps = _steps(confidence, audited[kept], wrong[kept], alpha, lowest)
    limit = np.floor(alpha * steps.items + 1e-9)
    hopeful = np.flatnonzero(~_proven_more(steps.wrong, steps.items, limit, steps.audited, delta))
    if not len(hopeful):
        return None if len(steps.items) else lowest
    return lowest if hopeful[-1] == len(limit) - 1 else float(steps.threshold[hopeful[-1]])


def _proven_more(found, items, limit, drawn, risk):
    """Whether `found` of `drawn` are too many for at most `limit` wrong ones among the items."""
    return at_most(drawn - found, items, items - limit, drawn) <= risk  # as few right ones


def contradicted(certificate, drawn, wrong, delta, look=1):
    """Whether a later audit proves, with confidence 1 - delta, that more of the accepted are wrong than alpha allows.

    Parameters
    ----------
    drawn, wrong : int
        Items drawn at random from the certificate's accepted ones since it was made, in all, and how many were wrong.
    delta, look : float, int
        The risk of contradicting a statement that holds, over all looks together; which look this is.
    """
    if not 0 <= wrong <= drawn <= certificate.accepted:
        raise ValueError(f"{wrong} wrong of {drawn} drawn of {certificate.accepted} accepted cannot be; count again.")
    limit = np.floor(certificate.alpha * certificate.accepted + 1e-9)
    return bool(_proven_more(wrong, certificate.accepted, limit, drawn, delta * spent(look)))


def worth_auditing(confidence, alpha, delta, audit_price, answer_price, audit_right=0.99, random_state=0):
    """Before anybody is asked: how many audits would pay best, and what could be accepted, if confidences are honest.

    For sizes that double, projects are imagined whose items are right with the probability of their confidence and
    whose audits are right with `audit_right`, and certified in one look.

    Parameters
    ----------
    confidence : array (n,)
        Probabilities of being right, calibrated.
    audit_price, answer_price : float
        What people are paid for all blind answers on one audited item; for deciding one item without a certificate.
        An audited item is decided by its audit, so it saves its answers too.

    Returns
    -------
    Plan
    """
    confidence = _checked(confidence, [], [], alpha, delta)[0]
    random, plans, items = np.random.default_rng(random_state), [], len(confidence)
    confidence = np.sort(confidence)[:: -(-items // IMAGINED) or 1]
    thinned = items / max(1, len(confidence))
    for audits in _sizes(len(confidence)):
        share = np.mean([_imagined(confidence, audits, alpha, delta, audit_right, random) for _ in range(TRIES)])
        share *= thinned
        plans.append((int(audits), float(share), float(answer_price * (share + audits) - audit_price * audits)))
    best = max(plans, key=lambda it: it[2], default=(0, 0.0, 0.0))
    return Plan(*(best if best[2] > 0 else (0, 0.0, 0.0)), _reason(*best, items))


def worth_going_on(
    confidence, audited, wrong, alpha, delta, audit_price, answer_price, *, wanted, look, lowest=-np.inf, accepted=0,
    random_state=0,
):  # fmt: skip
    """After a look: would twice the audits pay? As `worth_auditing`, with what the audits so far make of confidences.

    Parameters
    ----------
    confidence, audited, wrong, alpha, delta, lowest : as for `certify`.
    audit_price, answer_price : as for `worth_auditing`.
    wanted, look : of the look that was taken.
    accepted : int
        Items that a certificate lets the classifier decide already.

    Returns
    -------
    Plan
        `audits` more ones; `accepted` in all after them; `saved` by them alone.
    """
    confidence, audited, wrong = _checked(confidence, audited, wrong, alpha, delta, look)
    chance = expected_wrong(confidence, audited, wrong)
    rest = np.setdiff1d(np.flatnonzero(confidence >= lowest), audited)
    more = round(len(rest) * min(1.0, wanted / max(1, len(confidence) - wanted)))
    random, found = np.random.default_rng(random_state), []
    for _ in range(TRIES if more else 0):
        drawn = random.choice(rest, more, replace=False)
        said = np.append(wrong, random.random(more) < chance[drawn])
        certificate = certify(confidence, np.append(audited, drawn), said, alpha, delta, look + 1, lowest)
        found.append(max(accepted - more, certificate.accepted if certificate else 0))
    share = float(np.mean(found)) if found else 0.0
    saved = answer_price * (share + more - accepted) - audit_price * more
    if saved <= 0:
        return Plan(0, float(accepted), 0.0, "Twice the audits would cost more than they would save.")
    return Plan(more, share, saved, f"{more} more audits may let the classifier decide {share:.0f} items in all.")


def expected_wrong(confidence, audited, wrong):
    """(n,) the chance that an audit contradicts the classifier: rising as confidence falls, fitted to the audits.

    Isotonic, least squares (Barlow et al. 1972); the classifier's own doubts count as a few audits.
    """
    if not len(audited):
        return 1 - confidence
    order = np.argsort(-confidence[audited], kind="stable")
    sure, found = confidence[audited][order], np.asarray(wrong, float)[order]
    faith = FAITH / len(found)
    fitted = isotonic_regression((found + faith * (1 - np.clip(sure, 0, 1))) / (1 + faith)).x
    return np.interp(-confidence, -sure, fitted)


def _sizes(items):
    return [size for size in LEAST * 2 ** np.arange(8) if size <= items // 2]


def _imagined(confidence, audits, alpha, delta, audit_right, random):
    audited = random.choice(len(confidence), audits, replace=False)
    wrong = random.random(audits) >= confidence[audited]
    certificate = certify(confidence, audited, wrong ^ (random.random(audits) >= audit_right), alpha, delta)
    return certificate.accepted if certificate else 0


def _reason(audits, share, saved, items):
    if saved > 0:
        return f"{audits} audits may let the classifier decide {share:.0f} of {items} items and save {saved:.0f}."
    if not _sizes(items):
        return f"{items} items are too few: an audit takes at least {LEAST}, and half of them at most."
    return (
        f"No audit of these {items} items would pay for itself: the best, of {audits}, may let the classifier decide "
        f"{share:.0f} of them and would cost {-saved:.0f} more than it saves."
    )
