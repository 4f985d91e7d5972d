"""Agreement figures of a project: on its page, by API and in an export."""

import csv
import io

import pytest

from labeling import answering, asking, comparing, exporting, renewing
from labeling.models import Assignment
from tests.crowding import a_crowd, said_by
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now
from tests.speaking import Speaker
from tests.visiting import page, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return a_project(owner=a_user("olga"))


def answered(query, worker, *yes):
    query.take_place()
    answering.record(asking.offer(query, worker, now()), an_answer(query, yes), now=now())


def test_nobody_agrees_before_anybody_answers(project):
    assert comparing.compare(project) is None
    assert Speaker(project.members.get().user).get(f"projects/{project.slug}/agreement/").status_code == 204


def test_choices_are_compared_item_by_item(project):
    said = said_by(items=30, workers=4)
    a_crowd(project, said)
    found = comparing.compare(project)
    pairs = [(row[a] == row[b]) for row in said for a in range(4) for b in range(a)]
    assert found.unit == "items" and found.overall.units == 30 and len(found.pairs) == 6
    assert (found.common, found.share) == (180, pytest.approx(sum(pairs) / 180))
    assert found.overall.low < found.overall.value < found.overall.high
    assert [name for name, _ in found.categories] == ["cat", "dog", "bird"]
    assert sum(same for same, _ in found.of_workers().values()) == 2 * sum(pairs)


def test_where_an_item_may_have_several_categories_cells_are_compared():
    project = a_project(exclusive=False)
    query = a_query(project, "categories", wanted=9)
    for yes in (["cat"], ["cat", "dog"], []):
        answered(query, a_worker(project), *yes)
    found = comparing.compare(project)
    assert (found.unit, found.overall.units, found.overall.answers) == ("cells", 3, 9)
    assert found.share == pytest.approx((1 + 1 + 3) / 9), "cat: one pair of three; dog: one of three; bird: all"


def test_a_choice_and_a_yes_no_agree_on_a_category(project):
    choice = a_query(project, "categories", wanted=9)
    close = a_query(project, "yes_no", choice.item_list, wanted=9)
    answered(choice, a_worker(project), "cat")
    answered(close, a_worker(project), "cat")
    by_name = dict(comparing.compare(project).categories)
    assert by_name["cat"].units == 1 and by_name["dog"].units == 0


def test_who_is_set_aside_is_left_out(project):
    *_, last = a_crowd(project, said_by(items=5, workers=3))
    renewing.set_aside(last, True, now=now())
    assert len(comparing.compare(project).pairs) == 1
    assert Assignment.objects.filter(worker=last).exists()


def test_the_page_shows_alpha_with_its_interval(client, project):
    a_crowd(project, said_by(items=40, workers=4))
    client.force_login(project.members.get(role="owner").user)
    found, shown = comparing.compare(project), text(page(client, project, "project_agreement"))
    assert f">{found.overall.value:.3f}<" in shown
    assert f"95% interval {found.overall.low:.3f} to {found.overall.high:.3f}" in shown
    assert f"{found.share:.1%}" in shown and "of 240 comparisons" in shown


def test_the_api_says_the_same(project):
    a_crowd(project, said_by(items=20, workers=3))
    found = comparing.compare(project)
    reply = Speaker(project.members.get(role="owner").user).get(f"projects/{project.slug}/agreement/").json()
    assert reply["overall"]["alpha"] == found.overall.value and reply["comparisons"] == 60
    assert [one["category"] for one in reply["categories"]] == ["cat", "dog", "bird"]


def test_every_pair_is_exported(project):
    workers = a_crowd(project, said_by(items=20, workers=3))
    rows = list(csv.DictReader(io.StringIO("".join(exporting.as_csv(exporting.WHAT["agreement"](project))))))
    assert [(row["worker"], row["other"]) for row in rows] == [
        (f"w{workers[a].pk}", f"w{workers[b].pk}") for a, b in ((0, 1), (0, 2), (1, 2))
    ]
    assert {row["common"] for row in rows} == {"20"} and all(0 < float(row["kappa"]) <= 1 for row in rows)


# --- kept figures ----------------------------------------------------------------------------------------------------


def test_figures_are_reckoned_once_while_nothing_is_said(project, monkeypatch):
    a_crowd(project, said_by(items=30, workers=4))
    first = comparing.compare(project)
    monkeypatch.setattr(comparing, "reckoned", lambda project: pytest.fail("reckoned again"))
    assert comparing.compare(project) == first


def test_no_figure_is_stale(project):
    """Whatever they are made of changes them at once: an answer, its correction, a worker set aside or taken back."""
    query = a_query(project, "categories", wanted=9)
    ada, ben, eve = (a_worker(project) for _ in range(3))
    answered(query, ada, "cat"), answered(query, ben, "cat")
    assert comparing.compare(project).share == 1.0
    answered(query, eve, "dog")
    assert comparing.compare(project).share == pytest.approx(1 / 3)
    given = answering.undo(eve)
    answering.record(given, an_answer(query, ["cat"]), now=now())
    assert comparing.compare(project).share == 1.0
    answered(a_query(project, "categories", wanted=9), eve, "dog")
    renewing.set_aside(eve, True, now=now())
    assert comparing.compare(project).common == 1
    renewing.set_aside(eve, False, now=now())
    assert comparing.compare(project).common == 3
    project.categories.filter(name="cat").update(name="kitten")
    assert comparing.compare(project).categories[0][0] == "kitten"


def test_a_correction_that_only_takes_back_changes_the_figures():
    """A pick-all corrected to nothing stores no new judgment."""
    project = a_project(exclusive=False)
    query = a_query(project, "categories", wanted=9)
    ada, ben = a_worker(project), a_worker(project)
    answered(query, ada, "cat"), answered(query, ben, "cat")
    assert comparing.compare(project).share == 1.0
    given = answering.undo(ben)
    answering.record(given, {}, now=now())
    assert comparing.compare(project).share == pytest.approx(2 / 3)
