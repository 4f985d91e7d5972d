import pytest

from labeling import arrays, learning, training
from labeling.models import TrainingRun
from segmentation import views
from tests.making import now
from tests.teaching import a_record, a_taught_project

pytestmark = pytest.mark.django_db


def run(project):
    done = training.execute(training.request(project, "by hand", now=now()))
    assert done.state == TrainingRun.State.DONE, done.message
    return done


@pytest.fixture
def prepared(monkeypatch):
    """How often views were made."""
    made, prepare = [], views.prepare

    def counted(*args, **options):
        made.append(1)
        return prepare(*args, **options)

    monkeypatch.setattr(views, "prepare", counted)
    return made


def test_views_are_made_once_and_serve_the_next_run(prepared):
    project = a_taught_project(classifier="deep_segmentation")
    first, second = run(project), run(project)
    assert len(prepared) == 1
    kept = {name: pointer["path"] for name, pointer in second.arrays.items() if name.startswith(learning.VIEWS)}
    assert len(kept) == 5
    assert kept == {name: pointer["path"] for name, pointer in first.arrays.items() if name in kept}
    assert len(learning.load_views(second.arrays)) == project.items.count()


def test_new_items_are_looked_at_anew_and_the_old_views_deleted_in_time(prepared):
    project = a_taught_project(classifier="deep_segmentation")
    first = run(project)
    a_record(project, "cat")
    later = [run(project) for _ in range(training.KEPT_RUNS + 1)]
    assert len(prepared) == 2
    assert len(learning.load_views(later[-1].arrays)) == project.items.count()
    assert not arrays.storages["arrays"].exists(first.arrays["views.pca"]["path"])


def test_a_classifier_without_views_keeps_none():
    assert not [name for name in run(a_taught_project()).arrays if name.startswith(learning.VIEWS)]


def test_the_run_tells_who_was_heard():
    done = run(a_taught_project(classifier="deep_segmentation"))
    assert done.metrics["voices"].keys() >= {"logistic regression", "separation", "spreading to neighbours"}
    assert 0 < sum(done.metrics["voices"].values()) < 9
