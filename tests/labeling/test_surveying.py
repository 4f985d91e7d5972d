"""The first items asked are typical, no two of a kind while there is another; the naive start stays selectable."""

import numpy as np
import pytest

from labeling import selecting, surveying
from labeling.models import Project, Query
from labeling.proposals.covering import TYPICAL
from tests.making import a_project, an_item

pytestmark = pytest.mark.django_db
GROUPS = 20, 8, 4


def grouped(**fields):
    """Records in three groups far apart, the largest first."""
    project = a_project(media="record", **fields)
    random = np.random.default_rng(0)
    for group, size in enumerate(GROUPS):
        for _ in range(size):
            x, y = random.normal((10 * group, 5 * (group % 2)), 0.1)
            an_item(project, text="", values={"x": float(x), "y": float(y)})
    return project


def asked(project):
    """The group of each item asked about, in order of value."""
    border = np.cumsum(GROUPS)
    rows = [query.item_list[0].row for query in project.queries.order_by("-value", "pk")]
    return np.searchsorted(border, rows, side="right").tolist()


def refill(project, seed=0):
    return selecting.refill(project, random_state=seed)


@pytest.mark.parametrize("seed", range(4))
def test_the_first_items_are_typical_and_no_two_of_a_kind(seed):
    project = grouped(queue_size=3)
    assert refill(project, seed).opened == 3
    assert asked(project) == [0, 1, 2]
    assert set(project.queries.values_list("kind", "purpose", "run", "drawn", "reason")) == {
        ("categories", "teach", None, 1.0, TYPICAL)
    }


def test_what_is_being_asked_already_stands_for_its_kind():
    project = grouped(queue_size=1)
    refill(project)
    Project.objects.filter(pk=project.pk).update(queue_size=3)
    refill(project)
    assert sorted(asked(project)) == [0, 1, 2]


def test_by_the_plain_rules_the_first_items_are_drawn_at_random():
    for policy in set(Project.Policy.values) - {"planner"}:
        project = grouped(queue_size=3, policy=policy)
        refill(project)
        assert project.queries.filter(purpose="random").count() == 3
        assert project.queries.first().drawn == pytest.approx(3 / sum(GROUPS))


def test_items_that_cannot_be_described_are_drawn_at_random():
    project = a_project(media="image", items=6, queue_size=3)  # without any file
    assert refill(project).opened == 3
    assert set(project.queries.values_list("reason", flat=True)) == {"drawn at random"}


def test_where_an_encoder_waits_for_the_training_process_nothing_is_described(settings):
    settings.ENCODERS = {"record": "somebody/something"}
    project = grouped(queue_size=3)
    assert refill(project).opened == 3
    assert set(project.queries.values_list("reason", flat=True)) == {"drawn at random"}


def test_of_many_items_a_sample_is_described_and_whoever_is_asked_belongs_to_it(monkeypatch):
    monkeypatch.setattr(surveying, "SAMPLE", 8)
    project = grouped(queue_size=2)
    refill(project)
    board = selecting.read(project)
    doubt = surveying.surveyed(project, board, selecting.doubt_of(project, board), np.random.default_rng(1))
    described = set(np.flatnonzero(np.diff(doubt.graph.indptr)).tolist())
    assert len(described) == 8 and set(np.flatnonzero(doubt.judged).tolist()) <= described
    assert doubt.judged.sum() == 2


def test_what_was_withdrawn_stands_for_nothing():
    project = grouped(queue_size=1)
    refill(project)
    project.queries.update(state=Query.State.WITHDRAWN)
    refill(project, 1)
    assert asked(project) == [0, 0]


@pytest.mark.parametrize("items", [0, 1, 2, 3])
def test_a_project_of_a_few_items_asks_about_all_of_them(items):
    project = a_project(items=items, queue_size=10)
    assert refill(project).opened == items
