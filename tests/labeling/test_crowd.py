"""What people said in every kind of query, made one."""

import numpy as np
import pytest

from labeling.crowd import Answers, Choices, Consensus
from tests.answered import a_crowd, long_table, right


def test_the_long_and_the_short_table_say_the_same():
    choices, _, _ = a_crowd(0)
    short = Consensus().fit(choices, shape=(400, 4))
    long = Consensus().fit(long_table(choices, 4), shape=(400, 4))
    assert np.allclose(short.probas_, long.probas_)
    assert np.allclose(short.degrees_.share, long.degrees_.share)


def test_all_three_kinds_feed_one_posterior():
    """Each worker is asked in one kind only; together they decide what none decides by itself."""
    random = np.random.default_rng(1)
    truth, rows = random.integers(4, size=300), []
    for item in range(300):
        for worker in range(2):
            said = truth[item] if random.random() < 0.6 else random.integers(4)
            rows += [(item, c, f"one{worker}", float(c == said), "one", 0) for c in range(4)]
        for worker in range(4):
            category = random.integers(4)
            says = (category == truth[item]) == (random.random() < 0.8)
            rows += [(item, category, f"yes{worker}", float(says), "yes", 1)]
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    whole = Consensus().fit(Answers(*columns), shape=(300, 4))
    alone = [Consensus().fit(Answers(*(column[columns[4] == kind] for column in columns)), shape=(300, 4))
             for kind in ("one", "yes")]  # fmt: skip
    assert right(whole.probas_, truth) > max(right(one.probas_, truth) for one in alone) + 0.03
    assert set(whole.workers_.kind) == {"one", "yes"}


def test_a_no_to_one_category_speaks_for_the_others():
    said = Answers(np.array([0]), np.array([0]), np.array(["ada"]), np.array([0.0]))
    probas = Consensus().fit(said, shape=(1, 3)).probas_[0]
    assert probas[0] < 1 / 3 < probas[1] == pytest.approx(probas[2])
    assert probas.sum() == pytest.approx(1)


def test_a_choice_among_few_is_read_within_what_was_offered():
    item, category = np.array([0, 0]), np.array([0, 1])
    two = Consensus(sweeps=0).fit(Answers(item, category, np.array(["ada", "ada"]), np.array([1.0, 0.0])), shape=(1, 4))
    four = Consensus(sweeps=0).fit(Choices(np.array([0]), np.array([0]), np.array(["ada"])), shape=(1, 4))
    assert two.raw_[0, 0] - two.raw_[0, 1] == pytest.approx(four.raw_[0, 0] - four.raw_[0, 1])
    assert two.evidence_[0, 0] > two.evidence_[0, 2] > two.evidence_[0, 1]  # who never saw it did not say no to it


def test_a_project_fits_its_short_and_long_tables_together():
    choices, truth, _ = a_crowd(0)
    short = Choices(*(column[:900] for column in choices[:3]))
    rest = Choices(*(column[900:] for column in choices[:3]))
    for tables in ([short, rest], [short, long_table(rest, 4)], [long_table(short, 4), rest]):
        assert np.allclose(Consensus().fit(tables).probas_, Consensus().fit(choices).probas_)
    asked = [short._replace(kind=np.full(900, "one")), long_table(rest, 4)._replace(kind=np.full(4 * 1100, "all"))]
    fitted = Consensus().fit(asked)
    assert set(fitted.workers_.kind) == {"one", "all"} and right(fitted.probas_, truth) > 0.8
    assert fitted.workers_.judged.sum() == 2000
    assert Consensus().fit([], shape=(3, 4)).probas_ == pytest.approx(0.25)


def test_what_was_offered_is_read_alike_from_both_tables():
    choices, _, _ = a_crowd(0)
    offered = np.random.default_rng(0).random((len(choices.item), 4)) < 0.7
    offered[np.arange(len(offered)), choices.category] = True
    offered[offered.sum(axis=1) < 2] = True  # alone on offer, a category is no choice but a yes
    long = long_table(choices, 4)
    kept = offered.ravel()
    long = Answers(*(column[kept] for column in long[:4]))
    short = choices._replace(offered=offered)
    fits = [Consensus().fit(table) for table in (short, long)]
    assert np.allclose(fits[0].probas_, fits[1].probas_) and not np.allclose(
        fits[0].probas_, Consensus().fit(choices).probas_
    )
    assert np.allclose(fits[0].degrees_.share, fits[1].degrees_.share, equal_nan=True)


def test_a_category_that_was_not_offered_is_unknown_there_and_not_no():
    """The last category came when 400 items had been answered."""
    choices, _, _ = a_crowd(0, categories=3)
    old = choices._replace(offered=np.ones((len(choices.item), 3), bool))
    fitted, before = Consensus(sweeps=0).fit(old, shape=(400, 4)), Consensus().fit(choices)
    weights = np.exp(fitted.raw_)
    assert np.allclose(weights[:, 3], weights[:, :3].mean(axis=1))  # so its probability is what it was
    fitted = Consensus().fit(old, shape=(400, 4))
    assert fitted.base_ == pytest.approx(1 / 4)  # nothing says that the new one is frequent, or rare
    assert (fitted.probas_.argmax(axis=1) == before.probas_.argmax(axis=1)).mean() > 0.97
    assert fitted.probas_[:, 3].min() > 0.1 and before.probas_.max() > 0.97


def test_a_category_added_to_a_running_project_is_found_by_asking_again():
    choices, _, _ = a_crowd(0, categories=3)
    old = choices._replace(offered=np.ones((len(choices.item), 3), bool))
    again = Choices(np.repeat(np.arange(100, 140), 4), np.full(160, 3), np.tile(np.arange(4), 40))
    alone, after = (Consensus().fit(tables, shape=(400, 4)).probas_ for tables in (old, [old, again]))
    as_if_no = Consensus().fit([choices, again], shape=(400, 4)).probas_
    assert (after[100:140].argmax(axis=1) == 3).all() and (as_if_no[100:140].argmax(axis=1) == 3).mean() < 0.9
    others = np.r_[:100, 140:400]
    assert (after[others].argmax(axis=1) == alone[others].argmax(axis=1)).mean() > 0.9


def test_not_ticking_a_box_is_weaker_than_saying_no():
    """Workers who tick half of what holds and hardly anything else, beside workers who are asked yes or no."""
    random = np.random.default_rng(2)
    truth, rows = random.random((200, 4)) < 0.4, []
    for item in range(200):
        for worker in range(5):
            ticked = truth[item] & (random.random(4) < 0.5) | (random.random(4) < 0.03)
            rows += [(item, c, f"w{worker}", float(ticked[c]), "all") for c in range(4)]
            told = truth[item] ^ (random.random(4) < 0.15)
            rows += [(item, c, f"w{worker}", float(told[c]), "yes") for c in range(4)]
    fitted = Consensus(exclusive=False).fit(Answers(*(np.array(column) for column in zip(*rows, strict=True))))
    no = {
        kind: np.mean([np.log(rates[0, 0] / rates[1, 0]) for rates, asked in zip(fitted.workers_.rates,
              fitted.workers_.kind, strict=True) if asked == kind])
        for kind in ("all", "yes")
    }  # fmt: skip
    assert 0 < no["all"] < no["yes"] - 0.5


def test_half_a_yes_says_nothing():
    said = Answers(np.array([0, 1]), np.array([0, 0]), np.array(["ada", "ada"]), np.array([0.5, 0.5]))
    assert Consensus(exclusive=False).fit(said).probas_ == pytest.approx(0.5)


@pytest.mark.parametrize(("exclusive", "open"), [(True, 0.25), (False, 0.5)])
def test_nothing_said_leaves_everything_open(exclusive, open):
    empty = np.zeros(0, int)
    nothing = Answers(empty, empty, empty.astype(str), empty.astype(float))
    fitted = Consensus(exclusive).fit(nothing, shape=(3, 4))
    assert np.allclose(fitted.probas_, open) and np.isnan(fitted.degrees_.share).all()
    assert len(fitted.workers_.name) == 0 and fitted.blend_ == 0
    assert Consensus(exclusive).fit(nothing).probas_.shape == (0, 0)


def test_one_category_is_no_question():
    assert Consensus().fit(Choices(np.array([0]), np.array([0]), np.array(["ada"]))).probas_ == pytest.approx(1)
    asked = Answers(np.array([0, 1]), np.array([0, 0]), np.array(["ada", "ada"]), np.array([1.0, 0.0]))
    assert Consensus().fit(asked).probas_ == pytest.approx(1)


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"value": np.array([2.0, 0.0])}, "answers.value must hold numbers from 0 to 1"),
        ({"value": np.array([np.nan, 0.0])}, "answers.value must hold numbers from 0 to 1"),
        ({"item": np.array([-1, 0])}, "answers.item must hold row numbers from 0"),
        ({"category": np.array([0.5, 1])}, "answers.category must hold row numbers from 0"),
        ({"worker": np.array(["ada"])}, "differ in length"),
    ],
)
def test_answers_that_cannot_be_are_named(change, sentence):
    good = Answers(np.array([0, 0]), np.array([0, 1]), np.array(["ada", "bob"]), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match=sentence):
        Consensus().fit(good._replace(**change))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"prior": np.full((2, 2), 2.0)}, "prior must hold probabilities"),
        ({"prior": np.full((2, 2), 0.5), "mass": np.ones(3)}, "mass must hold 2 numbers"),
        ({"shape": (1, 1)}, "does not hold them"),
        ({"gold": (np.array([5]), np.array([0]), np.array([1.0])), "shape": (2, 2)}, "does not hold them"),
    ],
)
def test_options_that_cannot_be_are_named(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Consensus().fit(Choices(np.array([0, 1]), np.array([0, 1]), np.array(["ada", "bob"])), **options)


@pytest.mark.parametrize(
    ("offered", "sentence"),
    [
        (np.ones((2, 3), bool), "rows of at most 2 columns"),
        (np.ones((2, 2)), "answers.offered must be bool"),
        (np.array([[True, False]] * 2), "must hold the category that was chosen"),
    ],
)
def test_what_cannot_have_been_offered_is_named(offered, sentence):
    with pytest.raises(ValueError, match=sentence):
        Consensus().fit(Choices(np.array([0, 1]), np.array([0, 1]), np.array(["ada", "bob"]), offered=offered))
