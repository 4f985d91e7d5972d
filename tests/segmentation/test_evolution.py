import numpy as np
import pytest
from sklearn.datasets import load_iris, load_wine

from segmentation.breeding import Population, Rules
from segmentation.evolution import EvolvedRules, steadier

X, Y = load_wine(return_X_y=True)
EVERY_NINTH = np.where(np.arange(len(Y)) % 9 == 0, Y, -1)


def evolved(**settings):
    return EvolvedRules(random_state=0, **({"population": 40} | settings))


def a_population(codes, y, size=40, conditions=2, seed=0):
    known = np.eye(y.max() + 1)[y]
    codes = codes.T.astype(np.uint8)
    return Population(codes, codes, known, 32, size, conditions, 1.0, 0.1, np.random.RandomState(seed))


def test_few_labels_tell_wines_apart():
    fitted = evolved().fit(X, EVERY_NINTH)
    assert (fitted.transduction_.argmax(axis=1) == Y)[EVERY_NINTH < 0].mean() > 0.9
    assert fitted.transduction_ == pytest.approx(fitted.predict_proba(X))


def test_breeding_makes_rules_fitter():
    codes = np.random.default_rng(0).integers(0, 32, (300, 20))
    population = a_population(codes, ((codes[:, 3] > 16) & (codes[:, 7] < 12)).astype(int))
    before = population.scores.fitness.copy()
    for _ in range(20):
        population.generation()
    assert population.scores.fitness.mean() > before.mean() + 0.1
    assert population.scores.fitness.max() > before.max()


def test_the_fittest_rule_is_the_one_that_made_the_categories():
    codes = np.random.default_rng(1).integers(0, 32, (400, 10))
    population = a_population(codes, ((codes[:, 3] >= 16) & (codes[:, 7] < 12)).astype(int), size=100)
    for _ in range(40):
        population.generation()
    best = population.rules[[population.scores.fitness.argmax()]]
    assert {3, 7} == set(best.factor[0][best.width[0] < 31])


def test_no_rule_is_ever_replaced_by_a_less_fit_one():
    codes = np.random.default_rng(2).integers(0, 32, (100, 5))
    population = a_population(codes, (codes[:, 0] > 15).astype(int))
    for _ in range(5):
        before = population.scores.fitness.copy()
        population.generation()
        assert (population.scores.fitness >= before).all()


def test_scores_stay_those_of_the_rules():
    codes = np.random.default_rng(3).integers(0, 32, (100, 5))
    population = a_population(codes, (codes[:, 0] > 15).astype(int))
    for _ in range(5):
        population.generation()
    assert population.scores.fitness == pytest.approx(population.scored(population.rules).fitness)


def test_a_rule_fires_between_its_ends_and_nowhere_else():
    rule = Rules(np.array([[0, 1]]), np.array([[3, 0]], np.uint8), np.array([[4, 31]], np.uint8), np.array([0]))
    codes = np.vstack([np.arange(32), np.zeros(32)]).astype(np.uint8)
    assert np.flatnonzero(rule.fire(codes)[0]).tolist() == [3, 4, 5, 6, 7]
    assert rule.conditions(32).tolist() == [1]


def test_of_equally_good_rules_the_shorter_is_fitter():
    codes = np.random.default_rng(4).integers(0, 32, (200, 2))
    population = a_population(codes, (codes[:, 0] > 15).astype(int))
    long = Rules(np.array([[0, 0]]), np.array([[16, 16]], np.uint8), np.array([[15, 15]], np.uint8), np.array([1]))
    short = Rules(np.array([[0, 0]]), np.array([[16, 0]], np.uint8), np.array([[15, 31]], np.uint8), np.array([1]))
    assert population.scored(short).fitness[0] > population.scored(long).fitness[0]


def test_factors_that_tell_nothing_alone_tell_together():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((1000, 4))
    y = (features[:, 0] * features[:, 1] > 0).astype(int)
    shown = np.where(np.arange(1000) % 5 == 0, y, -1)
    found = evolved(directions=0).fit(features, shown).transduction_
    assert (found.argmax(axis=1) == y)[shown < 0].mean() > 0.8


def test_rules_are_told_in_the_units_of_the_features():
    column = np.concatenate([np.linspace(100, 200, 50), np.linspace(300, 400, 50)])[:, None]
    fitted = evolved(directions=0).fit(column, np.repeat(["small", "large"], 50))
    said = [sentence for sentence in fitted.describe(["weight"], most=1) if "small" in sentence]
    assert said[0].startswith("weight below 2")
    assert 200 < float(said[0].split("below ")[1].split(":")[0]) < 300


def test_likelihoods_say_the_same_as_a_vector():
    targets = np.where(EVERY_NINTH[:, None] < 0, 1.0, np.eye(3)[EVERY_NINTH])
    assert evolved().fit(X, targets).transduction_ == pytest.approx(evolved().fit(X, EVERY_NINTH).transduction_)


@pytest.mark.parametrize("rows", [[], [0], [0, 1, 2]])
def test_with_one_category_or_none_each_gets_its_share(rows):
    targets = np.ones((len(Y), 3))
    targets[rows] = [1, 0, 0]
    found = evolved().fit(X, targets)
    assert found.transduction_ == pytest.approx(np.tile(np.array([1 + len(rows), 1, 1]) / (3 + len(rows)), (len(Y), 1)))
    assert found.describe() == []


@pytest.mark.parametrize("case", ["two labels in all", "one row a category", "duplicates", "few rows", "26 categories"])
def test_scarce_labels_give_finite_probabilities_that_sum_to_one(case):
    features, shown = {
        "two labels in all": (X, np.where(np.isin(np.arange(len(Y)), [0, 177]), Y, -1)),
        "one row a category": (X, np.where(np.isin(np.arange(len(Y)), [0, 100, 177]), Y, -1)),
        "duplicates": (np.repeat(X[:20], 9, axis=0), np.tile([0, 1, -1], 60)),
        "few rows": (X[[0, 100]], np.array([0, 1])),
        "26 categories": (X, np.where(np.arange(len(Y)) < 52, np.arange(len(Y)) % 26, -1)),
    }[case]
    found = evolved().fit(features, shown).transduction_
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(1)


def test_categories_that_are_not_exclusive_are_bred_one_by_one():
    y = np.column_stack([Y >= 1, Y == 2, np.ones(len(Y))]).astype(float)
    y[1::2] = np.nan
    fitted = evolved(exclusive=False).fit(X, y)
    assert fitted.transduction_.shape == (len(Y), 3)
    assert (fitted.predict(X)[:, :2] == np.column_stack([Y >= 1, Y == 2])).mean() > 0.9
    assert fitted.transduction_[:, 2].min() > 0.9


@pytest.mark.parametrize("exclusive", [True, False])
def test_rules_come_back_from_arrays_alone(exclusive, tmp_path):
    iris, kinds = load_iris(return_X_y=True)
    y = kinds if exclusive else np.column_stack([kinds == 1, np.ones(len(kinds))]).astype(float)
    fitted = evolved(exclusive=exclusive).fit(iris, y)
    np.savez(tmp_path / "kept.npz", **fitted.to_arrays())
    with np.load(tmp_path / "kept.npz", allow_pickle=False) as arrays:
        back = EvolvedRules.from_arrays(arrays)
    assert np.array_equal(back.predict_proba(iris), fitted.predict_proba(iris))


def test_the_same_seed_breeds_the_same_rules():
    assert evolved().fit(X, EVERY_NINTH).describe() == evolved().fit(X, EVERY_NINTH).describe()


def test_progress_rises_to_the_end():
    seen = []
    evolved(progress=lambda fraction, message: seen.append(fraction)).fit(X, EVERY_NINTH)
    assert seen == sorted(seen)
    assert seen[0] < 0.05 and 0.9 < seen[-1] <= 1


@pytest.mark.parametrize(
    "wrong", [{"population": 3}, {"folds": 1}, {"levels": 300}, {"strength": 0}, {"conditions": 0}, {"generations": -1}]
)
def test_settings_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        evolved(**wrong).fit(X, EVERY_NINTH)


def test_a_mean_of_noisy_votes_may_be_trusted_further_than_one_of_them():
    rng = np.random.default_rng(0)
    truth = rng.standard_normal((5000, 1)) * [1, -1]
    votes = [truth + rng.standard_normal((5000, 1)) * [1, -1] for _ in range(4)]
    assert steadier(votes) == pytest.approx(2 / 1.25, rel=0.05)
    assert steadier([truth, truth]) == pytest.approx(1)
