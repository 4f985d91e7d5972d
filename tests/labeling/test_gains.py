"""What an answer is expected to tell, its mutual information with the truth, and whether that is worth its price."""

import numpy as np
import pytest
from scipy.stats import entropy

from labeling.crowd import rates
from labeling.proposals import Doubt, gains
from tests.doubting import SEEDS


def told(p, likelihood):
    """Mutual information in bits from the joint table of truth and answer; p (C,), likelihood (C, S)."""
    joint = p[:, None] * likelihood
    return entropy(joint.ravel(), base=2).item() * -1 + entropy(p, base=2) + entropy(joint.sum(axis=0), base=2)


def some_rates(random, categories):
    return random.dirichlet(np.ones(categories), categories) * 0.4 + 0.6 * np.eye(categories)


@SEEDS
def test_a_choice_tells_the_mutual_information_of_answer_and_category(seed):
    random = np.random.default_rng(seed)
    p, confusion = random.dirichlet(np.ones(5), 20), some_rates(random, 5)
    assert gains.of_choice(p, confusion) == pytest.approx([told(row, confusion) for row in p], abs=1e-9)


@SEEDS
def test_a_yes_or_no_tells_no_more_of_the_item_than_of_its_cell(seed):
    random = np.random.default_rng(seed)
    p, confusion = random.dirichlet(np.ones(4), 20), some_rates(random, 2)
    likelihood = confusion[[0, 0, 1, 0]]  # each category says yes as a cell of the third would
    assert gains.of_cell(p[:, 2], confusion) == pytest.approx([told(row, likelihood) for row in p], abs=1e-9)


def test_nothing_is_told_by_who_answers_alike_whatever_is_true_nor_of_what_is_certain():
    p = np.array([0.2, 0.5, 0.9])
    assert gains.of_cell(p, np.array([[0.3, 0.7], [0.3, 0.7]])) == pytest.approx(0, abs=1e-9)
    assert gains.of_cell(np.array([0.0, 1.0]), rates.fresh(2).rates) == pytest.approx(0, abs=1e-9)
    assert gains.of_choice(np.eye(3), rates.fresh(3).rates) == pytest.approx(0, abs=1e-9)


def test_who_never_errs_tells_all_that_is_in_doubt():
    p = np.array([[0.5, 0.3, 0.2], [1 / 3, 1 / 3, 1 / 3]])
    assert gains.of_choice(p, np.eye(3)) == pytest.approx(entropy(p, base=2, axis=1))
    assert gains.of_cell(np.array([0.5]), np.eye(2)) == pytest.approx(1)


def test_people_of_whom_nothing_is_known_are_as_the_consensus_takes_them():
    for categories in (3, 4, 10):
        even = np.full((1, categories), 1 / categories)
        doubt = Doubt(even, True, np.ones(1, bool), tuple(map(str, range(categories))))
        assert np.array_equal(doubt.said("categories", categories), rates.fresh(categories).rates)
        assert np.array_equal(doubt.said("yes_no", 2), rates.fresh(2).rates)


def test_answers_about_one_item_tell_less_and_less():
    value = [
        gains.of_query(np.array([[0.6, 0.4]]), [0], rates.fresh(2).rates, [judged], True, False) for judged in range(6)
    ]
    assert value == sorted(value, reverse=True) and value[5] < 0.6 * value[0]


def test_a_querys_value_falls_as_its_answer_becomes_foreseeable():
    rows = [np.array([[top, 0.9 - top, 0.1]]) for top in (0.5, 0.7, 0.85)]
    for choice, kind in ((True, rates.fresh(3).rates), (False, rates.fresh(2).rates)):
        columns = [0, 1, 2] if choice else [0]
        value = [gains.of_query(row, columns, kind, [1], True, choice) for row in rows]
        assert value == sorted(value, reverse=True)


def test_a_grid_tells_the_sum_of_its_cells_and_a_shared_row_too():
    p = np.array([[0.5, 0.2], [0.9, 0.4]])
    cells = gains.of_cell(p, rates.fresh(2).rates)
    assert gains.of_query(p, [1], rates.fresh(2).rates, [0, 0], True, False) == pytest.approx(cells[:, 1].sum())
    assert gains.of_query(p[:1], [0, 1], rates.fresh(2).rates, [0], False, True) == pytest.approx(cells[0].sum())


@pytest.mark.parametrize(
    ("value", "price", "worth", "answer"),
    [
        (1.0, 40, 100, True),  # half of two bits settles 50 of 100
        (1.0, 50, 100, False),  # nothing is gained at 50
        (1.0, 60, 100, False),
        (0.0, 0, 100, False),
        (0.01, 10**6, None, True),
        (0.0, 10, None, False),
        (2.0, 10, 0, False),  # who gives nothing for an item asks nothing
    ],
)
def test_an_answer_is_asked_for_while_it_settles_more_than_it_costs(value, price, worth, answer):
    assert gains.worth_asking(value, price, worth, bits=gains.whole(4, exclusive=True)) == answer


def test_an_item_of_several_categories_holds_a_bit_in_each():
    assert gains.whole(8, exclusive=True) == 3 and gains.whole(8, exclusive=False) == 8
    assert gains.whole(1, exclusive=True) == 1
