import numpy as np
import pytest
from django.conf import settings
from django.utils.module_loading import import_string
from sklearn.datasets import load_iris

X, Y = load_iris(return_X_y=True)


@pytest.mark.parametrize("name", settings.CLASSIFIERS)
def test_every_classifier_a_project_may_choose_learns_from_what_people_said(name):
    said = np.ones((len(Y), 3))
    said[::3] = np.where(np.eye(3)[Y[::3]] > 0, 1.0, 0.02)
    said[1] = [1, 1, 0.05]
    _, path = settings.CLASSIFIERS[name]
    found = import_string(path)(exclusive=True, random_state=0).fit(X, said).transduction_
    assert found.shape == (len(Y), 3)
    assert np.isfinite(found).all() and found.min() >= 0
    assert found.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (found.argmax(axis=1) == Y).mean() > 0.85


def test_titles_tell_classifiers_apart():
    titles = [title for title, _ in settings.CLASSIFIERS.values()]
    assert len(set(titles)) == len(titles)
