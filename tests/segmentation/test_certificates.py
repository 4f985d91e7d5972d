"""The classifier decides items only under a statement that audits prove."""

import numpy as np
import pytest
from scipy.stats import binom, hypergeom

from segmentation.certificates import (
    STARTS,
    accepted,
    at_most,
    certify,
    contradicted,
    expected_wrong,
    lowest_in_play,
    next_audit,
    spent,
    worth_auditing,
    worth_going_on,
)

ALPHA = DELTA = 0.05


def pool(items=3000, seed=0, mistakes=0.2):
    """Confidences (n,), wrong (n,) and lots (n,) of a calibrated classifier whose unsure items are often wrong."""
    random = np.random.default_rng(seed)
    doubt = mistakes * random.beta(0.3, 2, items)
    return 1 - doubt, random.random(items) < doubt, random.random(items)


def violated(certificate, confidence, wrong, audited):
    return wrong[accepted(certificate, confidence, audited)].mean() > ALPHA


def test_the_sum_agrees_with_scipy():
    random = np.random.default_rng(0)
    items = random.integers(1, 500, 400)
    wrong, drawn = random.integers(0, items + 1), random.integers(0, items + 1)
    k = random.integers(-1, drawn + 1)
    assert np.allclose(at_most(k, items, wrong, drawn), hypergeom.cdf(k, items, wrong, drawn), rtol=1e-9, atol=1e-12)


def test_the_sum_survives_very_small_probabilities():
    assert at_most(0, 10**6, 5 * 10**4, 2000) == pytest.approx(hypergeom.cdf(0, 10**6, 5 * 10**4, 2000), rel=1e-6)
    assert at_most(0, 10**6, 5 * 10**5, 20_000) == 0.0
    assert at_most(20_000, 10**6, 95 * 10**4, 20_000) == 1.0


def test_a_good_classifier_is_certified():
    confidence, wrong, lot = pool()
    audited = next_audit(confidence, lot, [], 500)
    certificate = certify(confidence, audited, wrong[audited], ALPHA, DELTA)
    mine = accepted(certificate, confidence, audited)
    assert mine.sum() == certificate.accepted > 2000
    assert not mine[audited].any() and (confidence[mine] >= certificate.threshold).all()
    assert certificate.audited == (confidence[audited] >= certificate.threshold).sum()
    assert certificate.wrong == wrong[audited][confidence[audited] >= certificate.threshold].sum()
    assert wrong[mine].mean() <= certificate.bound <= ALPHA
    assert (certificate.alpha, certificate.delta, certificate.look) == (ALPHA, DELTA, 1)


def test_a_classifier_that_is_often_wrong_is_not_certified():
    confidence, _, lot = pool()
    wrong = np.random.default_rng(3).random(len(lot)) < 0.2
    audited = next_audit(confidence, lot, [], 500)
    assert certify(confidence, audited, wrong[audited], ALPHA, DELTA) is None


def test_no_audit_certifies_nothing():
    assert certify(pool()[0], [], [], ALPHA, DELTA) is None
    assert certify([], [], [], ALPHA, DELTA) is None


def test_a_pool_audited_to_the_end_has_nothing_left_to_accept():
    assert certify(np.linspace(0, 1, 100), np.arange(100), np.zeros(100, bool), ALPHA, DELTA) is None


def test_where_all_items_are_equally_sure_one_exact_test_decides_of_those_left():
    """2,000 items, 800 audited: of 1,200 left 121 wrong ones break the statement."""
    level, audited = DELTA * spent(1) * max(share for _, share in STARTS), np.arange(800)
    certified = [certify(np.full(2000, 0.5), audited, audited < k, 0.1, DELTA) is not None for k in range(100)]
    single = [hypergeom.cdf(k, 2000, k + 121, 800) for k in range(100)]
    assert 40 < sum(certified) == sum(p <= level for p in single)


@pytest.mark.parametrize("kind", ["on the line", "surest wrong", "overconfident", "cliff"])
def test_the_statement_fails_at_most_as_often_as_it_says(kind):
    projects, failures = 400, 0
    for seed in range(projects):
        random = np.random.default_rng(seed)
        confidence, draw, audited = random.random(800), random.random(800), random.permutation(800)[:200]
        chance = {
            "on the line": 0.051,
            "surest wrong": np.where(confidence > 0.9, 0.2, 0.01),
            "overconfident": (1 - confidence) / 8,
            "cliff": np.where(confidence > 0.5, 0.02, 0.3),
        }[kind]
        wrong = draw < chance
        certificate = certify(confidence, audited, wrong[audited], 0.1 if kind == "cliff" else ALPHA, 0.2)
        if certificate:
            failures += wrong[accepted(certificate, confidence, audited)].mean() > certificate.alpha
    assert failures <= binom.ppf(0.999, projects, 0.2)


def test_three_looks_together_fail_at_most_as_often_as_one_may():
    projects, failures = 300, 0
    for seed in range(projects):
        random = np.random.default_rng(seed)
        confidence, lot = random.random((2, 600))
        wrong, audited, lowest = random.random(600) < 0.053, np.array([], int), -np.inf
        for look, wanted in ((1, 75), (2, 150), (3, 300)):
            audited = np.append(audited, next_audit(confidence, lot, audited, wanted, lowest))
            kept = audited[confidence[audited] >= lowest]
            certificate = certify(confidence, kept, wrong[kept], ALPHA, 0.2, look, lowest)
            if certificate:
                failures += violated(certificate, confidence, wrong, audited)
                break
            lowest = lowest_in_play(confidence, audited, wrong[audited], ALPHA, 0.2, lowest)
            if lowest is None:
                break
    assert failures <= binom.ppf(0.999, projects, 0.2)


def test_a_later_look_needs_stronger_proof():
    confidence, wrong, lot = pool()
    audited = next_audit(confidence, lot, [], 400)
    found = [certify(confidence, audited, wrong[audited], ALPHA, DELTA, look) for look in (1, 2, 5, 20)]
    sizes = [it.accepted if it else 0 for it in found]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > sizes[-1]


def test_all_looks_together_spend_the_risk_once():
    shares = [spent(look) for look in range(1, 5001)]
    assert shares == sorted(shares, reverse=True) and 0.999 < sum(shares) < 1


def test_audits_that_are_often_mistaken_leave_nothing():
    confidence, wrong, lot = pool()
    audited = next_audit(confidence, lot, [], 500)
    mistaken = np.random.default_rng(0).random(500) < 0.06
    assert certify(confidence, audited, wrong[audited] ^ mistaken, ALPHA, DELTA) is None


def test_only_the_order_of_confidences_matters():
    confidence, wrong, lot = pool()
    audited = next_audit(confidence, lot, [], 500)
    one, other = (certify(it, audited, wrong[audited], ALPHA, DELTA) for it in (confidence, confidence**3))
    assert one[1:] == other[1:] and other.threshold == one.threshold**3


def test_equal_confidences_are_accepted_together():
    confidence, wrong, lot = pool()
    confidence = confidence.round(2)
    audited = next_audit(confidence, lot, [], 500)
    certificate = certify(confidence, audited, wrong[audited], ALPHA, DELTA)
    assert accepted(certificate, confidence, audited).sum() == certificate.accepted


def test_the_same_lots_draw_the_same_audits_and_a_longer_draw_contains_a_shorter():
    confidence, _, lot = pool()
    short, long = (next_audit(confidence, lot, [], wanted) for wanted in (100, 250))
    assert (long[:100] == short).all() and len(set(long)) == 250
    assert (next_audit(confidence, lot, short, 250) == long[100:]).all()
    assert (lot[long] <= np.sort(lot)[249]).all()


def test_items_out_of_play_are_not_drawn_and_none_is_drawn_in_their_place():
    confidence, _, lot = pool()
    middle = float(np.median(confidence))
    everywhere, upper = next_audit(confidence, lot, [], 400), next_audit(confidence, lot, [], 400, middle)
    assert (upper == everywhere[confidence[everywhere] >= middle]).all() and 150 < len(upper) < 250


def test_thresholds_that_hold_too_many_wrong_ones_leave_play():
    random = np.random.default_rng(0)
    confidence, lot = random.random((2, 3000))
    wrong = random.random(3000) < np.where(confidence > 0.6, 0.01, 0.5)
    audited = next_audit(confidence, lot, [], 400)
    lowest = lowest_in_play(confidence, audited, wrong[audited], ALPHA, DELTA)
    assert 0.4 < lowest < 0.6
    assert lowest_in_play(confidence, audited, np.zeros(400, bool), ALPHA, DELTA) == -np.inf
    assert lowest_in_play(confidence, audited, np.ones(400, bool), ALPHA, DELTA) is None


def test_what_is_below_play_changes_no_certificate():
    """Dropped audits leave the tests above them as they were."""
    confidence, wrong, lot = pool()
    audited = next_audit(confidence, lot, [], 600)
    whole = certify(confidence, audited, wrong[audited], 0.03, DELTA)
    for lowest in (whole.threshold, whole.threshold - 0.02):
        kept = audited[confidence[audited] >= lowest]
        assert certify(confidence, kept, wrong[kept], 0.03, DELTA, lowest=lowest).threshold >= whole.threshold


def test_a_later_audit_contradicts_a_certificate_that_does_not_hold():
    confidence, wrong, lot = pool()
    audited = next_audit(confidence, lot, [], 500)
    certificate = certify(confidence, audited, wrong[audited], ALPHA, DELTA)
    assert not contradicted(certificate, 0, 0, DELTA) and not contradicted(certificate, 200, 5, DELTA)
    assert contradicted(certificate, 200, 25, DELTA)


def test_a_certificate_that_holds_is_seldom_contradicted():
    confidence, wrong, lot = pool()
    audited = next_audit(confidence, lot, [], 500)
    certificate = certify(confidence, audited, wrong[audited], ALPHA, DELTA)
    least = next(k for k in range(200) if contradicted(certificate, 200, k, DELTA))
    assert 0 < hypergeom.sf(least - 1, certificate.accepted, int(ALPHA * certificate.accepted), 200) <= DELTA


def test_an_audit_of_a_small_pool_is_refused_beforehand():
    plan = worth_auditing(pool(80)[0], ALPHA, DELTA, 3, 1)
    assert plan.audits == 0 and "80 items are too few" in plan.reason


def test_an_audit_that_costs_more_than_it_saves_is_refused_beforehand():
    plan = worth_auditing(pool(1000)[0], ALPHA, DELTA, 50, 1)
    assert plan[:3] == (0, 0, 0) and "would pay" in plan.reason and "more than it saves" in plan.reason
    assert worth_auditing(np.full(3000, 0.6), ALPHA, DELTA, 3, 1).audits == 0


def test_the_plan_comes_true_on_average_where_confidences_are_honest():
    confidence = pool(4000, seed=2)[0]
    plan = worth_auditing(confidence, ALPHA, DELTA, 3, 1)
    sizes = []
    for seed in range(40):
        random = np.random.default_rng(seed)
        audited = next_audit(confidence, random.random(4000), [], plan.audits)
        wrong = (random.random(plan.audits) < 1 - confidence[audited]) ^ (random.random(plan.audits) < 0.01)
        certificate = certify(confidence, audited, wrong, ALPHA, DELTA)
        sizes.append(certificate.accepted if certificate else 0)
    deviation = np.std(sizes) * np.sqrt(1 / 40 + 1 / 20)
    assert plan.accepted == pytest.approx(np.mean(sizes), abs=3 * deviation)
    assert plan.saved == pytest.approx(plan.accepted - 2 * plan.audits) and plan.saved > 1000
    assert plan == worth_auditing(confidence, ALPHA, DELTA, 3, 1)


def test_a_larger_pool_is_imagined_from_a_part_of_it():
    confidence = pool(60_000, seed=1)[0]
    plan, part = (worth_auditing(it, ALPHA, DELTA, 3, 1) for it in (confidence, np.sort(confidence)[::3]))
    assert plan.audits == part.audits and plan.accepted == pytest.approx(3 * part.accepted)


def test_after_a_look_the_audits_say_more_than_the_classifier():
    """It is nearly always right where it says so half-heartedly: before the look no audit would pay, after it more."""
    confidence, _, lot = pool(3000)
    modest = confidence / 2 + 0.1
    audited = next_audit(modest, lot, [], 200)
    assert worth_auditing(modest, ALPHA, DELTA, 3, 2).audits == 0
    plan = worth_going_on(modest, audited, np.zeros(200, bool), ALPHA, DELTA, 3, 2, wanted=200, look=1)
    assert plan.audits == 200 and plan.accepted > 2000 and "200 more audits" in plan.reason
    done = worth_going_on(modest, audited, np.zeros(200, bool), ALPHA, DELTA, 3, 2, wanted=200, look=1, accepted=2800)
    assert done.audits == 0


def test_the_chance_of_being_wrong_rises_as_confidence_falls():
    confidence = np.linspace(0.5, 1, 101)
    wrong = np.arange(101)[::2] < 20
    chance = expected_wrong(confidence, np.arange(101)[::2], wrong)
    assert (np.diff(chance) <= 0).all() and chance[0] > 0.7 and chance[-1] < 0.1
    assert expected_wrong(confidence, np.array([], int), np.array([], bool)) == pytest.approx(1 - confidence)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"confidence": [0.5, np.nan, 0.7]}, "finite"),
        ({"wrong": [True]}, "do not meet 1 answers"),
        ({"audited": [0, 0]}, "different places"),
        ({"audited": [0, 3]}, "different places"),
        ({"alpha": 0}, "alpha=0"),
        ({"delta": 0.5}, "delta=0.5"),
        ({"look": 0}, "look=0"),
        ({"lowest": 0.6}, "lowest=0.6"),
    ],
)
def test_bad_input_is_told(change, said):
    given = {"confidence": [0.5, 0.6, 0.7], "audited": [0, 1], "wrong": [False, True], "alpha": 0.1, "delta": 0.1}
    with pytest.raises(ValueError, match=said):
        certify(**given | change)


def test_counts_and_lots_that_cannot_be_are_told():
    confidence, wrong, lot = pool()
    audited = next_audit(confidence, lot, [], 500)
    certificate = certify(confidence, audited, wrong[audited], ALPHA, DELTA)
    with pytest.raises(ValueError, match="cannot be"):
        contradicted(certificate, 3, 4, DELTA)
    with pytest.raises(ValueError, match="lots"):
        next_audit(confidence, lot[1:], [], 10)
