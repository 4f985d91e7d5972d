import numpy as np
from sklearn.linear_model import LogisticRegression

from segmentation import DeepSegmentation, pool, pooling
from segmentation.candidates import BOLD, PLAIN


def two_clouds(apart, seed, n=600):
    """Two round clouds in twenty dimensions, ten known rows of each; `apart` in standard deviations from the middle."""
    random = np.random.default_rng(seed)
    truth = np.arange(n) % 2
    x = random.standard_normal((n, 20))
    x[:, 0] += apart * (2 * truth - 1)
    known = np.concatenate([random.choice(np.flatnonzero(truth == k), 10, replace=False) for k in (0, 1)])
    y = np.full(n, -1)
    y[known] = truth[known]
    return x, y, truth


def bold_to_plain(apart, seeds=range(4)):
    weights = [DeepSegmentation(random_state=seed).fit(*two_clouds(apart, seed)[:2]).weights_[0] for seed in seeds]
    return [sum(found[name] for name in BOLD) / found[PLAIN] for found in weights]


def test_low_density_is_sought_where_there_is_a_gap_and_hardly_where_classes_overlap():
    assert max(bold_to_plain(0.5)) < 0.75
    assert min(bold_to_plain(3.0)) > 1.2


def test_where_classes_overlap_it_is_about_as_right_as_logistic_regression():
    lead = []
    for seed in range(4):
        x, y, truth = two_clouds(0.5, seed)
        plain = LogisticRegression().fit(x[y >= 0], y[y >= 0]).predict(x)
        ours = DeepSegmentation(random_state=seed).fit(x, y).predict(x)
        lead.append((ours == truth)[y < 0].mean() - (plain == truth)[y < 0].mean())
    assert np.mean(lead) > -0.01 and min(lead) > -0.03


def test_each_candidate_speaks_of_rows_whose_labels_it_was_not_shown(monkeypatch):
    x, y, _ = two_clouds(3.0, 0)
    judged = []

    def weighed(unseen, targets, weight, beforehand, toll):
        judged.append((unseen, targets, toll))
        return beforehand

    monkeypatch.setattr(pooling, "fit_weights", weighed)
    y[y >= 0] = np.where(np.arange((y >= 0).sum()) % 5 == 0, 1 - y[y >= 0], y[y >= 0])  # a fifth of the labels are lies
    fitted = DeepSegmentation(random_state=0).fit(x, y)
    ((unseen, targets, toll),) = judged
    assert unseen.shape == (7, 20, 2) and targets.shape == (20, 2)
    agreeing = (unseen.argmax(axis=2) == targets.argmax(axis=1)).mean(axis=1)
    assert agreeing[list(fitted.weights_[0]).index("extra trees")] < 0.9  # it would repeat any lie it had seen
    assert toll[0] == 0 and (toll[1:4] == pool.TOLL).all()
