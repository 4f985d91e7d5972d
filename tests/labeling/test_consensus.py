"""Consensus: degrees, posteriors, agreement and ratings, cell by cell and all at once."""

import numpy as np
import pytest
from scipy.stats import binomtest

from labeling.consensus import Cell, Consensus, Rule, agreement, agrees, rating, settle, tally, tally_row

NAN = np.nan


def a_crowd(seed, people=30, items=200, categories=5, answers=4, exclusive=True, worst=0.55):
    """(Answers columns, truth, skill): each item judged in every category by `answers` people, right .95 at best."""
    random = np.random.default_rng(seed)
    skill = random.uniform(worst, 0.95, people)
    truth = np.eye(categories)[random.integers(categories, size=items)]
    rows = []
    for item in range(items):
        for worker in random.choice(people, answers, replace=False):
            right = random.random() < skill[worker]
            if exclusive:
                said = truth[item] if right else np.eye(categories)[random.integers(categories)]
            else:
                said = np.where(random.random(categories) < skill[worker], truth[item], 1 - truth[item])
            rows += [(item, category, worker, said[category]) for category in range(categories)]
    item, category, worker, value = (np.array(column) for column in zip(*rows, strict=True))
    return (item, category, worker, value.astype(float)), truth, skill


def table_of(answers, item, categories):
    """One item's judgments as (people, C) with their workers."""
    rows = answers[0] == item
    people = np.unique(answers[2][rows])
    values = np.full((len(people), categories), NAN)
    values[np.searchsorted(people, answers[2][rows]), answers[1][rows]] = answers[3][rows]
    return values, people


def test_six_of_nine_say_yes():
    cell = tally([1] * 6 + [0] * 3)
    assert cell.degree == pytest.approx(2 / 3)
    assert cell.judgments == 9
    assert 0.5 < cell.posterior < 1
    assert agrees(cell, Rule())


def test_degree_is_the_mean_of_graded_degrees():
    assert tally([0.2, 0.9, 1.0]).degree == pytest.approx(0.7)


def test_one_judgment_is_as_sure_as_its_worker():
    assert tally([1], [0.8]).posterior == pytest.approx(0.8)
    assert tally([0], [0.8]).posterior == pytest.approx(0.2)
    assert tally_row([[1, 0, 0, 0]], [0.8])[0].posterior == pytest.approx(0.8)


def test_nobody_is_trusted_without_bound():
    assert tally([1], [1.0]).posterior == pytest.approx(0.99)
    assert tally([1, 0], [1.0, 1.0]).posterior == pytest.approx(0.5)


def test_equal_judgments_count_by_their_design_effect():
    odds = (0.7 / 0.3) ** (3 / (1 + 0.3 * 2))
    assert tally([1, 1, 1], [0.7] * 3).posterior == pytest.approx(odds / (1 + odds))


def test_nobody_asked_leaves_the_prior():
    assert tally([], prior=0.3) == Cell(0.3, pytest.approx(0.3), 0)
    cells = tally_row(np.full((1, 3), NAN), prior=[0.2, 0.3, 0.5])
    assert [cell.posterior for cell in cells] == pytest.approx([0.2, 0.3, 0.5])
    assert [cell.judgments for cell in cells] == [0, 0, 0]


@pytest.mark.parametrize("seed", range(5))
def test_a_further_yes_never_lowers_the_posterior(seed):
    random = np.random.default_rng(seed)
    for _ in range(50):
        people = random.integers(1, 12)
        ratings = random.uniform(0, 1, people + 1)
        fewer = tally(np.ones(people), ratings[:-1]).posterior
        assert tally(np.ones(people + 1), ratings).posterior >= fewer - 1e-12


@pytest.mark.parametrize("seed", range(5))
def test_yes_and_no_are_mirror_images(seed):
    random = np.random.default_rng(seed)
    degrees, ratings, prior = random.random(6), random.random(6), random.random()
    yes, no = tally(degrees, ratings, prior), tally(1 - degrees, ratings, 1 - prior)
    assert yes.posterior == pytest.approx(1 - no.posterior)
    assert yes.degree == pytest.approx(1 - no.degree)


def test_order_of_people_does_not_matter():
    assert tally([1, 0, 1], [0.9, 0.8, 0.6]).posterior == pytest.approx(tally([1, 1, 0], [0.6, 0.9, 0.8]).posterior)


def test_a_reliable_worker_outweighs_two_guessers():
    assert tally([1, 0, 0], [0.95, 0.5, 0.5]).posterior == pytest.approx(0.95)
    assert tally([1, 0, 0], [0.95, 0.6, 0.6]).posterior > 0.5


def test_shared_errors_make_ten_people_less_sure_than_ten_coins():
    independent = 1 / (1 + (0.25 / 0.75) ** 10)
    assert 0.9 < tally([1] * 10, [0.75] * 10).posterior < independent


def test_a_sure_prior_does_not_deafen():
    assert tally([0] * 6, [0.95] * 6, prior=1.0).posterior < 0.5


def test_the_default_rule_wants_two_agreeing_people():
    assert not agrees(tally([1]), Rule())
    assert agrees(tally([1, 1]), Rule()) and agrees(tally([0, 0]), Rule())
    assert not agrees(tally([1, 0]), Rule())
    assert agrees(tally([1, 0, 1]), Rule()) and agrees(tally([0, 1, 0]), Rule())


@pytest.mark.parametrize(("people", "share"), [(3, 2 / 3), (4, 0.75), (5, 0.8), (10, 0.9)])
def test_a_share_met_exactly_is_met_on_both_sides(people, share):
    against = [1] + [0] * (people - 1)
    assert agrees(tally(against), Rule(share=share))
    assert agrees(tally([1 - degree for degree in against]), Rule(share=share))


def test_one_answer_suffices_where_the_rule_says_so():
    assert agrees(tally([1]), Rule(count=1))


def test_an_even_split_never_agrees():
    assert not agrees(tally([1, 0, 1, 0]), Rule(share=0.5))


@pytest.mark.parametrize("rule", [{"count": 0}, {"share": 0.4}, {"share": 1.1}, {"share": NAN}])
def test_a_rule_that_cannot_be_met_or_missed_is_refused(rule):
    with pytest.raises(ValueError, match=f"Rule.{next(iter(rule))}"):
        Rule(**rule)


def test_an_exclusive_item_settles_on_the_category_that_meets_the_rule():
    cells = dict(zip(["rock", "jazz", "blues"], tally_row([[1, 0, 0], [1, 0, 0], [0, 1, 0]]), strict=True))
    assert settle(cells, Rule()) == "rock"
    assert settle(cells, Rule(share=0.7)) is None


def test_agreed_noes_settle_nothing():
    assert settle({"rock": tally([0, 0, 0]), "jazz": tally([])}, Rule()) is None
    assert settle({}, Rule()) is None


def test_a_tie_is_no_agreement():
    yes = tally([1, 1])
    assert settle({"rock": yes, "jazz": yes}, Rule()) is None
    assert settle({"rock": yes, "jazz": tally([1, 1, 0])}, Rule()) == "rock"


def test_a_tie_undoes_no_agreement():
    yes, more = tally([1, 1, 0]), tally([1, 1])
    assert settle({"rock": yes, "jazz": yes}, Rule(), standing="jazz") == "jazz"
    assert settle({"rock": yes, "jazz": yes}, Rule(), standing="folk") is None
    assert settle({"rock": more, "jazz": yes}, Rule(), standing="jazz") == "rock"


def test_in_an_exclusive_item_a_yes_speaks_against_the_others():
    alone, row = tally([], prior=1 / 3), tally_row([[1, NAN, NAN]])
    assert row[1].posterior < alone.posterior < row[0].posterior
    assert row[1].judgments == 0


def test_a_no_speaks_for_the_others_alike():
    row = tally_row([[0, NAN, NAN]])
    assert row[0].posterior < 1 / 3 < row[1].posterior == row[2].posterior


def test_choosing_one_of_many_is_stronger_than_one_yes():
    chosen, confirmed = tally_row([[1, 0, 0, 0, 0]]), tally_row([[1, NAN, NAN, NAN, NAN]])
    assert chosen[0].posterior > confirmed[0].posterior


def test_with_two_categories_a_row_is_a_cell():
    degrees, ratings = [1, 0, 1], [0.9, 0.6, 0.8]
    row = tally_row([[d, 1 - d] for d in degrees], ratings)
    assert row[0].posterior == pytest.approx(tally(degrees, ratings).posterior)
    degrees = [1, 0.3, 0.7]
    one_sided = tally_row([[d, NAN] for d in degrees], ratings)
    assert one_sided[0].posterior == pytest.approx(tally(degrees, ratings).posterior)


@pytest.mark.parametrize("seed", range(5))
def test_a_row_is_a_distribution(seed):
    random = np.random.default_rng(seed)
    values = np.where(random.random((6, 4)) < 0.3, NAN, random.random((6, 4)))
    cells = tally_row(values, random.random(6), random.random(4))
    assert sum(cell.posterior for cell in cells) == pytest.approx(1)
    assert all(0 <= cell.degree <= 1 and 0 <= cell.posterior <= 1 for cell in cells)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_the_batch_says_what_the_single_cells_say(exclusive, seed):
    answers, truth, _ = a_crowd(seed, items=60, exclusive=exclusive)
    keep = (
        np.random.default_rng(seed).random(len(answers[0])) < 0.7
    )  # partly answered rows, as yes/no and grids leave them
    answers = tuple(column[keep] for column in answers)
    prior = np.random.default_rng(seed).dirichlet(np.ones(truth.shape[1]), len(truth))
    batch = Consensus(exclusive).fit(answers, prior=prior)
    reliability = dict(zip(batch.workers_.name, batch.workers_.rating, strict=True))
    for item in range(len(truth)):
        values, people = table_of(answers, item, truth.shape[1])
        ratings = np.array([reliability[worker] for worker in people])
        if exclusive:
            cells = tally_row(values, ratings, prior[item])
            settled = settle(dict(enumerate(cells)), Rule())
            agreed = np.full(len(cells), NAN) if settled is None else np.eye(len(cells))[settled]
        else:
            asked = ~np.isnan(values)
            columns = range(truth.shape[1])
            cells = [tally(values[asked[:, k], k], ratings[asked[:, k]], prior[item, k]) for k in columns]
            agreed = [float(cell.degree > 0.5) if agrees(cell, Rule()) else NAN for cell in cells]
        np.testing.assert_allclose(batch.probas_[item], [cell.posterior for cell in cells])
        np.testing.assert_array_equal(batch.judgments_[item], [cell.judgments for cell in cells])
        judged = batch.judgments_[item] > 0
        np.testing.assert_allclose(batch.degrees_[item][judged], np.array([cell.degree for cell in cells])[judged])
        np.testing.assert_array_equal(batch.agreed_[item], agreed)


@pytest.mark.parametrize("seed", range(3))
def test_knowing_the_workers_is_better_than_the_vote(seed):
    answers, truth, skill = a_crowd(seed, people=20, items=400, categories=4, answers=5, worst=0.1)
    fitted = Consensus(exclusive=True).fit(answers)
    right = truth.argmax(axis=1)
    votes = fitted.degrees_ + np.random.default_rng(seed).random(truth.shape) * 1e-6  # ties at random
    assert (fitted.probas_.argmax(axis=1) == right).mean() > (votes.argmax(axis=1) == right).mean()
    assert np.corrcoef(fitted.workers_.rating, skill)[0, 1] > 0.75


def test_zeros_implied_by_a_choice_do_not_flatter_its_worker():
    choices = [(item, worker, chosen) for item in range(3) for worker, chosen in ((0, 0), (1, 0), (2, 1))]
    rows = [(item, k, worker, float(k == chosen)) for item, worker, chosen in choices for k in range(10)]
    workers = Consensus(exclusive=True).fit(tuple(map(np.array, zip(*rows, strict=True)))).workers_
    assert list(workers.agreed) == [3, 3, 0]
    assert list(workers.judged) == [3, 3, 3]


def test_half_a_yes_takes_no_side():
    rows = [(0, 0, worker, degree) for worker, degree in enumerate([1, 1, 1, 0.5])]
    workers = Consensus(exclusive=False).fit(tuple(map(np.array, zip(*rows, strict=True)))).workers_
    assert list(workers.judged) == [1, 1, 1, 0]


def test_a_tie_agrees_on_nothing_in_the_batch_either():
    rows = [(0, worker % 2, worker, 1.0) for worker in range(4)]  # two confirm one category, two another
    fitted = Consensus(exclusive=True).fit(tuple(map(np.array, zip(*rows, strict=True))))
    assert np.isnan(fitted.agreed_).all()
    assert fitted.probas_[0] == pytest.approx([0.5, 0.5])


def test_gold_rates_workers_and_makes_no_consensus():
    answers = (np.array([0, 0, 1]), np.array([0, 0, 0]), np.array(["ann", "bob", "bob"]), np.array([1.0, 0.0, 1.0]))
    without = Consensus(exclusive=False).fit(answers, shape=(2, 2))
    fitted = Consensus(exclusive=False).fit(answers, gold=([0], [0], [1.0]), shape=(2, 2))
    assert list(without.workers_.judged) == [0, 0]
    assert list(fitted.workers_.agreed) == [1, 0] and list(fitted.workers_.judged) == [1, 1]
    assert fitted.probas_[0, 0] == 1 and fitted.degrees_[0, 0] == 0.5
    assert np.isnan(fitted.agreed_).all()
    assert fitted.probas_[1, 0] < without.probas_[1, 0]  # bob failed the gold


def test_a_known_yes_answers_an_exclusive_row():
    answers = (np.array([0]), np.array([2]), np.array(["ann"]), np.array([1.0]))
    assert list(Consensus(exclusive=True).fit(answers, gold=([0], [1], [1.0])).probas_[0]) == [0, 1, 0]


def test_evidence_holds_no_prior():
    answers, *_ = a_crowd(1, items=20)
    prior = np.random.default_rng(0).dirichlet(np.ones(5), 20)
    bare, primed = Consensus(True).fit(answers), Consensus(True).fit(answers, prior=prior)
    np.testing.assert_array_equal(bare.evidence_, primed.evidence_)
    assert not np.allclose(bare.probas_, primed.probas_)


def test_no_answers_at_all_is_a_defined_outcome():
    empty = tuple(np.array([], int) for _ in range(4))
    for exclusive in (True, False):
        fitted = Consensus(exclusive).fit(empty, prior=np.full((3, 2), 0.5))
        assert fitted.probas_ == pytest.approx(np.full((3, 2), 0.5))
        assert np.isnan(fitted.degrees_).all() and np.isnan(fitted.agreed_).all()
        assert len(fitted.workers_.name) == 0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({3: [1.0, NAN]}, "value"),
        ({3: [1.0, 1.5]}, "value"),
        ({0: [0, -1]}, "item"),
        ({1: [0.0, 0.5]}, "category"),
        ({2: ["ann"]}, "length"),
    ],
)
def test_a_malformed_table_is_named(change, named):
    columns = [[0, 1], [0, 1], ["ann", "bob"], [1.0, 0.0]]
    for position, column in change.items():
        columns[position] = column
    with pytest.raises(ValueError, match=named):
        Consensus(exclusive=False).fit(columns)


def test_answers_outside_the_given_shape_are_refused():
    answers = (np.array([5]), np.array([0]), np.array(["ann"]), np.array([1.0]))
    with pytest.raises(ValueError, match="6 items"):
        Consensus(exclusive=False).fit(answers, shape=(3, 2))


@pytest.mark.parametrize("bad", [{"degrees": [1.2]}, {"degrees": [NAN]}, {"ratings": [0.5, 0.5]}, {"prior": NAN}])
def test_a_malformed_cell_is_refused(bad):
    with pytest.raises(ValueError, match="|".join(bad)):
        tally(**{"degrees": [1], **bad})


def test_a_rating_starts_at_the_crowds_and_follows_the_worker():
    assert rating(0, 0) == 0.75
    assert 0.75 < rating(5, 5) < rating(50, 50) < 1
    assert rating(0, 50) < 0.2
    np.testing.assert_allclose(rating(np.array([0, 5]), np.array([0, 5])), [rating(0, 0), rating(5, 5)])


@pytest.mark.parametrize(("agreed", "judged"), [(0, 1), (1, 1), (3, 10), (10, 10), (512, 700)])
def test_agreement_carries_wilsons_interval(agreed, judged):
    figure = agreement(agreed, judged)
    interval = binomtest(agreed, judged).proportion_ci(0.95, method="wilson")
    assert figure.share == agreed / judged
    assert (figure.low, figure.high) == pytest.approx((interval.low, interval.high), abs=1e-4)


def test_agreement_without_judgments_claims_nothing():
    assert agreement(0, 0) == (None, 0.0, 1.0, 0)
    with pytest.raises(ValueError, match="3 agreed of 2"):
        agreement(3, 2)
