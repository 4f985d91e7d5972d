import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.linear_model import LogisticRegression

import segmentation
from segmentation import DeepSegmentation, TransductiveSVM, views
from segmentation.confidence import expected_calibration_error
from segmentation.degrees import to_targets
from segmentation.scaling import Scaling

X, Y = load_iris(return_X_y=True)
Y = np.where(np.arange(150) % 10 == 0, Y, -1)
TRUTH = load_iris().target


def digits(seed, labels=10):
    """All digits on one scale, and `labels` known ones of each."""
    pixels, truth = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    known = np.concatenate([rng.choice(np.flatnonzero(truth == k), labels, replace=False) for k in range(10)])
    y = np.full(len(truth), -1)
    y[known] = truth[known]
    return (pixels - pixels.mean(axis=0)) / 6, y, truth


def overlapping(seed, n=400, categories=4):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, categories, n)
    return 1.8 * rng.standard_normal((categories, 8))[truth] + 1.5 * rng.standard_normal((n, 8)), truth


@pytest.mark.parametrize(("method", "at_least"), [("pooled", 0.025), ("patent", -0.01)])
def test_it_is_about_as_accurate_as_logistic_regression_on_digits_or_better(method, at_least):
    gains = []
    for seed in range(2):
        x, y, truth = digits(seed)
        supervised = LogisticRegression(max_iter=1000).fit(x[y >= 0], y[y >= 0]).predict(x)
        deep = DeepSegmentation(method=method, random_state=seed).fit(x, y).transduction_.argmax(axis=1)
        gains.append((deep == truth)[y < 0].mean() - (supervised == truth)[y < 0].mean())
    assert np.mean(gains) > at_least


def test_the_pool_is_about_as_sure_as_it_is_right():
    x, y, truth = digits(0)
    p = DeepSegmentation(random_state=0).fit(x, y).transduction_[y < 0]
    assert expected_calibration_error(p.max(axis=1), p.argmax(axis=1) == truth[y < 0]) < 0.04


def test_candidates_and_their_weights_are_told():
    weights = DeepSegmentation(random_state=0).fit(*digits(0)[:2]).weights_[0]
    assert len(weights) == 7 and all(weight >= 0 for weight in weights.values())
    assert (
        weights["regression on the spectrum"]
        + weights["spreading to neighbours"]
        + weights["separation on the spectrum"]
        > weights["extra trees"]
    )
    assert DeepSegmentation(method="patent", random_state=0).fit(X, Y).weights_ == [{}]


def test_the_network_alone_is_nearly_as_right_about_rows_it_never_saw():
    x, y, truth = digits(0)
    seen = np.arange(len(x)) % 4 > 0
    found = DeepSegmentation(random_state=0).fit(x[seen], y[seen]).predict_proba(x[~seen]).argmax(axis=1)
    assert (found == truth[~seen])[y[~seen] < 0].mean() > 0.9


def test_views_at_hand_are_used():
    x, y, _ = digits(0)
    made = views.prepare(Scaling().fit_transform(x), random_state=0)
    fitted = DeepSegmentation(views=made, random_state=0).fit(x, y)
    assert fitted.views_ is made
    with pytest.raises(ValueError, match="inconsistent numbers"):
        DeepSegmentation(views=made).fit(X, Y)


def test_a_warm_start_keeps_views_weights_and_network_where_few_labels_are_new():
    x, y, truth = digits(0)
    deep = DeepSegmentation(warm_start=True, random_state=0).fit(x, y)
    looked, weights = deep.views_, deep.weights_
    more = y.copy()
    more[np.flatnonzero(y < 0)[:5]] = truth[np.flatnonzero(y < 0)[:5]]
    again = deep.fit(x, more)
    assert again.views_ is looked and again.weights_ == weights
    assert (again.predict(x) == truth)[y < 0].mean() > 0.92
    many = y.copy()
    many[:300] = truth[:300]
    assert deep.fit(x, many).weights_ != weights
    assert deep.fit(x[:200], truth[:200]).views_ is not looked  # other rows


def test_a_category_that_comes_later_is_learned_by_a_warm_start():
    deep = DeepSegmentation(warm_start=True, random_state=0).fit(X, np.where(TRUTH == 2, -1, Y))
    assert deep.fit(X, Y).transduction_.shape == (150, 3)


def test_without_a_warm_start_a_second_fit_is_like_a_first():
    deep = DeepSegmentation(random_state=0)
    first = deep.fit(X, Y).transduction_
    assert np.array_equal(deep.fit(X, Y).transduction_, first)
    assert deep.rows_ is None  # and rows are not kept for nothing


def test_any_algorithm_that_takes_unlabeled_rows_may_separate():
    class Told(TransductiveSVM):
        seen = 0

        def fit(self, X, y, sample_weight=None):
            Told.seen += 1
            return super().fit(X, y, sample_weight)

    for method in ("pooled", "patent"):
        Told.seen = 0
        DeepSegmentation(method=method, separation=Told(), iterations=2, random_state=0).fit(X, Y)
        assert Told.seen == {"pooled": 3 * 6, "patent": 2}[method]


@pytest.mark.parametrize("method", ["pooled", "patent"])
def test_an_autoencoder_may_be_the_start(method):
    fits = [
        DeepSegmentation(method=method, init=init, random_state=0, iterations=1, pretraining_epochs=0).fit(X, Y)
        for init in ("autoencoder", "glorot")
    ]
    assert not np.allclose(fits[0].transform(X), fits[1].transform(X))


def test_the_networks_learn_from_what_the_separation_says():
    x, truth = overlapping(0)
    y = np.where(np.arange(len(truth)) < 16, truth, -1)
    first, last = (
        DeepSegmentation(method="patent", separation=TransductiveSVM(balance=balance), random_state=0)
        .fit(x, y)
        .transduction_[16:]
        .mean(axis=0)
        for balance in ([7, 1, 1, 1], [1, 1, 1, 7])
    )
    assert first[0] > last[0] + 0.02
    assert last[3] > first[3] + 0.02


def test_a_no_to_one_category_of_many_is_knowledge_and_is_used():
    gains = []
    for seed in range(3):
        x, truth = overlapping(seed)
        targets, _ = to_targets(np.where(np.arange(len(truth)) < 8, truth, -1), classes=range(4))
        partly = targets.copy()
        rng = np.random.default_rng(seed)
        for row in range(8, 200):
            partly[row, rng.choice(np.delete(np.arange(4), truth[row]))] = 0.01
        without, used = (
            DeepSegmentation(random_state=seed).fit(x, t).transduction_.argmax(axis=1) for t in (targets, partly)
        )
        gains.append((used == truth)[200:].mean() - (without == truth)[200:].mean())  # rows nobody said anything about
    assert np.mean(gains) > 0.03


def test_the_category_ruled_out_becomes_improbable_for_its_row():
    targets, _ = to_targets(Y)
    told = targets.copy()
    rows = (TRUTH == 1) & (Y < 0)
    told[rows, 2] = 0.01
    before, after = (DeepSegmentation(random_state=0).fit(X, t).transduction_[rows, 2].mean() for t in (targets, told))
    assert after < before / 2


def test_by_the_patent_fitted_rows_and_new_rows_are_served_by_the_same_networks():
    fitted = DeepSegmentation(method="patent", random_state=0).fit(X, Y)
    assert fitted.predict_proba(X) == pytest.approx(fitted.transduction_, abs=1e-12)
    assert fitted.predict_proba(X[7:9]) == pytest.approx(fitted.transduction_[7:9], abs=1e-9)
    assert (fitted.predict(X) == TRUTH).mean() > 0.8
    assert fitted.transform(X).shape == (150, 32)
    assert np.abs(fitted.transform(X)).max() <= 1


def test_the_result_averages_all_iterations_exponentially():
    fitted = DeepSegmentation(method="patent", random_state=0, decay=0.8).fit(X, Y)
    weight = fitted.networks_[0].arrays["weight"]
    assert weight[1:] == pytest.approx(0.2 * 0.8 ** np.array([4, 3, 2, 1, 0]))
    assert weight.sum() == pytest.approx(1)


def test_the_same_seed_gives_the_same_and_another_seed_another_result():
    first, again, other = (DeepSegmentation(random_state=seed).fit(X, Y).transduction_ for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_torch_is_not_disturbed_by_a_fit():
    torch.manual_seed(1)
    expected, threads = torch.rand(2), torch.get_num_threads()
    torch.manual_seed(1)
    DeepSegmentation(random_state=0, iterations=1).fit(X, Y)
    assert torch.equal(torch.rand(2), expected)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize(("method", "last"), [("patent", "iteration 6 of 6"), ("pooled", "learning from all items")])
def test_progress_rises_from_nothing_and_says_what_is_done(method, last):
    said = []
    DeepSegmentation(method=method, random_state=0, progress=lambda *words: said.append(words)).fit(X, Y)
    fractions = [fraction for fraction, _ in said]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0 and len(fractions) >= 7
    assert fractions[-1] < 1
    assert said[-1][1] == last


def test_categories_that_are_not_exclusive_are_answered_one_by_one():
    y = np.column_stack([TRUTH >= 1, TRUTH == 0, np.ones(150)]).astype(float)
    y[Y < 0] = np.nan
    y[::20, 1] = np.nan  # some cells of an item known, others not
    said = []
    fitted = DeepSegmentation(exclusive=False, random_state=0, progress=lambda *words: said.append(words)).fit(X, y)
    assert (fitted.predict(X)[:, 0] == (TRUTH >= 1)).mean() > 0.95
    assert (fitted.predict(X)[:, 1] == (TRUTH == 0)).mean() > 0.95
    assert fitted.transduction_[:, 2] == pytest.approx(16 / 17)  # fifteen times yes, never no, one imagined of each
    assert not np.allclose(fitted.transduction_.sum(axis=1), 1)
    assert fitted.transform(X).shape == (150, 96)
    assert any(message.startswith("category 2 of 3: ") for _, message in said)


def test_minus_one_is_unknown_where_categories_are_not_exclusive():
    y = np.where(Y[:, None] < 0, np.nan, Y[:, None] == [0, 2])
    by_nan = DeepSegmentation(exclusive=False, random_state=0).fit(X, y).transduction_
    by_minus_one = DeepSegmentation(exclusive=False, random_state=0).fit(X, np.where(np.isnan(y), -1, y)).transduction_
    assert np.array_equal(by_nan, by_minus_one)


def test_weights_of_single_cells_count():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (150, 2)).astype(float)  # contradictory answers
    weight = np.where(y == [1, 0], 5.0, 1.0)
    probability = DeepSegmentation(exclusive=False, random_state=0).fit(X, y, weight).transduction_
    assert probability[:, 0].mean() > 0.7
    assert probability[:, 1].mean() < 0.35


def labeled(rows, categories=3, n=150):
    targets = np.ones((n, categories))
    for row, category in rows.items():
        targets[row] = np.eye(categories)[category]
    return targets


@pytest.mark.parametrize(
    ("x", "y"),
    [
        pytest.param(X, labeled({0: 0, 149: 2}), id="a category never seen"),
        pytest.param(X, labeled({0: 0, 60: 1, 149: 2}), id="one label each"),
        pytest.param(X, labeled({0: 0, 60: 1}, categories=26), id="26 categories"),
        pytest.param(X, TRUTH, id="all labeled"),
        pytest.param(X, np.where(np.arange(150) < 148, np.minimum(Y, 1), 2), id="a category with one row in a hundred"),
        pytest.param(X, np.where((Y >= 0) & (np.arange(150) % 100 == 0), (Y + 1) % 3, Y), id="wrong labels"),
        pytest.param(X, np.where(np.arange(150) == 80, -1, TRUTH), id="one unlabeled row"),
        pytest.param(np.ones((150, 3)), Y, id="constant columns only"),
        pytest.param(np.column_stack([X, np.full(150, 1e9)]), Y, id="a constant column"),
        pytest.param(np.repeat(X[:30], 5, axis=0), Y, id="duplicate rows"),
        pytest.param(X[[0, 149]], np.array([0, 1]), id="two rows"),
        pytest.param(X[[0, 70, 149]], np.array([0, -1, 1]), id="three rows"),
        pytest.param(X * 1e30, Y, id="huge numbers"),
        pytest.param(X * 1e-30, Y, id="tiny numbers"),
        pytest.param(X.astype(np.float16), Y, id="float16"),
        pytest.param(X, labeled({0: 0, 1: 2, 2: 0, 3: 2}), id="contradictions"),
        pytest.param(X, np.where(TRUTH[:, None] == 0, [0.6, 0.5, 0.5], [0.5, 0.5, 0.6]), id="hardly anything said"),
    ],
)
@pytest.mark.parametrize("method", ["pooled", "patent"])
def test_probabilities_are_finite_and_sum_to_one_with(x, y, method):
    fitted = DeepSegmentation(method=method, random_state=0, iterations=2).fit(x, y)
    for found in (fitted.transduction_, fitted.predict_proba(x[:1])):
        assert np.isfinite(found).all()
        assert found.sum(axis=1) == pytest.approx(1)
    assert fitted.transduction_.shape[0] == len(x)
    assert np.isfinite(fitted.transform(x)).all()


def test_a_column_far_from_anything_fitted_stays_finite():
    fitted = DeepSegmentation(random_state=0, iterations=1).fit(X, Y)
    assert np.isfinite(fitted.predict_proba(np.full((1, 4), 1e300))).all()


@pytest.mark.parametrize(
    ("y", "shares"),
    [
        (np.ones((150, 3)), [1 / 3, 1 / 3, 1 / 3]),
        (labeled({0: 2}), [0.25, 0.25, 0.5]),
        (labeled({0: 2, 1: 2}), [0.2, 0.2, 0.6]),
        (np.where(Y == 0, 5, -1), [1.0]),
        (np.ones((150, 1)), [1.0]),
    ],
    ids=["nothing said", "one row labeled", "one category seen", "one class", "one category, no label"],
)
def test_where_there_is_nothing_to_tell_apart_each_category_gets_its_share(y, shares):
    found = DeepSegmentation(random_state=0).fit(X, y).transduction_
    assert found == pytest.approx(np.tile(shares, (150, 1)), abs=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_that_are_not_finite_are_refused(bad):
    x = X.copy()
    x[3, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        DeepSegmentation().fit(x, Y)
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        DeepSegmentation(random_state=0, iterations=1).fit(X, Y).predict_proba(x)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"iterations": 0}, "iterations"),
        ({"batch_size": 0}, "batch_size"),
        ({"decay": 1.0}, "decay"),
        ({"scaling": "rows"}, "scaling"),
        ({"method": "newest"}, "method is 'newest'; choose one of pooled, patent"),
        ({"init": "zeros"}, "init"),
    ],
)
def test_parameters_that_mean_nothing_are_refused_by_name(parameters, sentence):
    with pytest.raises(ValueError, match=sentence):
        DeepSegmentation(**parameters).fit(X, Y)


def test_labels_may_be_strings():
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)
    fitted = DeepSegmentation(random_state=0, iterations=2).fit(X, np.where(Y < 0, -1, names[Y]))
    assert fitted.classes_.tolist() == names.tolist()
    assert (fitted.predict(X) == names[TRUTH]).mean() > 0.85


@pytest.mark.parametrize("exclusive", [True, False])
def test_it_comes_back_from_arrays_alone(exclusive, tmp_path):
    y = Y if exclusive else np.where(Y[:, None] < 0, np.nan, Y[:, None] == np.arange(3))
    fitted = DeepSegmentation(exclusive, random_state=0, iterations=2).fit(X, y)
    np.savez(tmp_path / "kept.npz", **fitted.to_arrays())
    with np.load(tmp_path / "kept.npz", allow_pickle=False) as arrays:
        back = DeepSegmentation.from_arrays(arrays)
    assert np.array_equal(back.predict_proba(X), fitted.predict_proba(X))
    assert np.array_equal(back.predict(X), fitted.predict(X))
    assert np.array_equal(back.transform(X), fitted.transform(X))


def test_string_labels_survive_the_arrays_without_pickle(tmp_path):
    y = np.where(Y < 0, -1, np.array(["a", "b", "c"], dtype=object)[Y])
    np.savez(tmp_path / "kept.npz", **DeepSegmentation(random_state=0, iterations=1).fit(X, y).to_arrays())
    with np.load(tmp_path / "kept.npz", allow_pickle=False) as arrays:
        assert DeepSegmentation.from_arrays(arrays).classes_.tolist() == ["a", "b", "c"]


def test_a_clone_is_unfitted_and_has_the_same_parameters():
    fitted = DeepSegmentation(random_state=3, decay=0.5).fit(X, Y)
    assert clone(fitted).get_params() == fitted.get_params()
    assert not hasattr(clone(fitted), "networks_")


def test_importing_the_package_costs_no_torch():
    code = "import sys, segmentation; dir(segmentation); assert not {'torch', 'sklearn'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(segmentation.__file__).parents[1])


def test_a_name_the_package_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="Shallow"):
        _ = segmentation.ShallowSegmentation
