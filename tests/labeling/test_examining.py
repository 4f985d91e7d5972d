"""What the exam says beside the classifier's accuracy: how right all that is delivered is, and what choosing saved."""

import numpy as np
import pytest

from labeling import dataset, examining
from labeling.models import Project
from rewards import ledger
from tests.making import a_query, a_run, a_user, a_worker, measured
from tests.proving import say
from tests.teaching import PLACES, a_record, a_taught_project, agree, examine, run
from tests.visiting import page, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_arrays")]


def answered(project, workers, name, purpose, said=None, lot=0.5):
    """A new record of this category that these workers were asked about and agree on."""
    item = a_record(project, name, lot=lot)
    query = a_query(project, "categories", [item], purpose=purpose, wanted=len(workers))
    for worker in workers:
        say(query, worker, said or name)
    return item


def an_asked_project(first=6, taught=50, exam=51):
    """A random first set, then what was chosen, and an exam, all of it answered by two people and paid for."""
    project = a_taught_project(agreed=0, unknown=10, cell_price=1, retrain_every=10_000)
    ledger.fund(project.budget, 100_000)
    workers = [a_worker(project) for _ in range(2)]
    for purpose, count, lot in (("random", first, 0.5), ("teach", taught, 0.5), ("exam", exam, 0.01)):
        for at in range(count):
            answered(project, workers, list(PLACES)[at % 3], purpose, lot=lot)
    return Project.objects.get(pk=project.pk)


# --- delivered -------------------------------------------------------------------------------------------------------


def test_a_run_says_how_right_what_is_delivered_is():
    project = a_taught_project(agreed=10, unknown=30)
    examine(project, 60)
    figures = run(project).metrics
    assert figures["delivered_low"] <= figures["delivered"] <= figures["delivered_high"]
    agreed, left = 30 + 60, 90
    assert figures["delivered_agreed"] == pytest.approx(agreed / (agreed + left))
    assert figures["people_error"] == pytest.approx(0.02), "as the consensus has it of the exam"


def test_what_people_agreed_on_is_as_right_as_the_consensus_believes_and_others_are_taken_at_their_word():
    project = a_taught_project(agreed=0, unknown=1)
    ours, theirs, _ = project.items.order_by("row")
    agree(ours, "cat", degree=0.9)
    agree(theirs, "dog", source="import", degree=0.9)
    agreed, wrong = examining.agreement(dataset.read(project))
    assert np.argwhere(agreed).tolist() == [[0, 0], [1, 1]]
    assert wrong[0, 0] == pytest.approx(1 - 0.884) and wrong[1, 1] == 0


def test_gold_and_withdrawn_items_are_not_counted_as_delivered():
    project = a_taught_project(agreed=2, unknown=2)
    project.items.filter(row=3).update(withdrawn=True)
    assert examining.gone(dataset.read(project)).tolist() == [False] * 3 + [True] + [False] * 8


@pytest.mark.parametrize("exclusive", [True, False])
def test_projects_of_several_categories_are_measured_by_cells(exclusive):
    project = a_taught_project(agreed=5, unknown=5, exclusive=exclusive)
    if not exclusive:
        for item in project.items.filter(row__lt=20):
            agree(item, *PLACES, degree=0.0)
            agree(item, list(PLACES)[item.row // 10], degree=1.0)
    examine(project, 30)
    assert 0 < run(project).metrics["delivered"] <= 1


# --- saving ----------------------------------------------------------------------------------------------------------


def test_the_saving_is_told_at_what_random_asking_has_cost_and_no_farther():
    project = an_asked_project()
    figures = run(project).metrics["saving"]
    paid = 2 * 3  # two people, three cells at one point each
    assert figures["spent"] == round(6 * paid + 51 * paid * 4 / 5)
    assert figures["items"] == 51
    assert [row[0] for row in figures["curve"]] == sorted(row[0] for row in figures["curve"])
    assert figures["curve"][0][0] == 6 * paid, "it begins where both were the same"
    assert figures["curve"][0][1] == figures["curve"][0][2]
    assert figures["gain"][1] <= figures["gain"][0] <= figures["gain"][2]


def test_nothing_is_said_before_as_much_was_chosen_as_was_drawn():
    assert "saving" not in run(an_asked_project(taught=20)).metrics


def test_nothing_is_said_by_a_small_exam():
    assert "saving" not in run(an_asked_project(exam=49)).metrics


def test_chosen_answers_that_mislead_show_as_a_loss():
    project = an_asked_project(taught=0)
    workers = list(project.members.workers().select_related("project__budget", "user"))
    for at in range(60):
        name = list(PLACES)[at % 3]
        answered(project, workers, name, "teach", said=list(PLACES)[(at + 1) % 3])
    figures = run(Project.objects.get(pk=project.pk)).metrics["saving"]
    assert figures["gain"][2] < 0


# --- seen ------------------------------------------------------------------------------------------------------------


def shown(client, **figures):
    project = a_taught_project(owner=a_user("olga"))
    client.force_login(project.members.get().user)
    a_run(project, metrics=measured(0.9, 60) | figures)
    return text(page(client, project))


CURVE = [[100, 0.5, 0.5], [1_234, 0.831, 0.795]]


def test_the_page_tells_what_is_delivered_and_how_far_people_may_be_wrong(client):
    said = shown(
        client, delivered=0.953, delivered_low=0.93, delivered_high=0.97, delivered_agreed=0.4, people_error=0.031
    )
    assert "95.3%" in said and "93% to 97%" in said and "40% as people agreed" in said
    assert "up to 3.1% of that may be wrong" in said and "Gold" not in said


def test_where_little_is_known_of_people_the_page_says_what_would_tell_more(client):
    said = shown(client, people_error=0.31)
    assert "up to 31.0% of that may be wrong" in said and "Gold, or more people an item" in said


def test_the_page_tells_the_saving_with_its_interval_and_draws_it(client):
    said = shown(
        client,
        saving={"spent": 1_234, "items": 60, "gain": [0.036, 0.005, 0.065], "times": [1.8, 1.2, 2.6], "curve": CURVE},
    )
    assert "right in 83.1% by choosing, 79.5% at random: +3.6 points (+0.5 to +6.5)" in said
    assert "random asking takes 1.8 times the money of choosing (1.2 to 2.6)" in said
    assert 'id="rivals-title"' in said


def test_a_saving_that_may_be_chance_is_called_so(client):
    said = shown(
        client,
        saving={"spent": 1_234, "items": 60, "gain": [0.01, -0.02, 0.04], "times": [1.1, 0.8, 1.5], "curve": CURVE},
    )
    assert "may be chance" in said and "times the money" not in said


def test_a_loss_is_told_as_plainly(client):
    said = shown(
        client,
        saving={"spent": 1_234, "items": 60, "gain": [-0.04, -0.06, -0.02], "times": [0.5, 0.4, 0.8], "curve": CURVE},
    )
    assert "choosing takes 2.0 times the money of random asking (1.2 to 2.5)" in said


def test_without_figures_the_page_says_what_is_missing(client):
    said = shown(client)
    assert "It needs 50 exam items" in said and 'id="rivals-title"' not in said


def test_a_gain_without_a_price_is_told_as_such(client):
    figures = {"spent": 1_234, "items": 60, "gain": [0.03, 0.01, 0.05], "times": [1.1, 0.9, 1.5], "curve": CURVE}
    said = shown(client, saving=figures)
    assert "How much money that is cannot be told yet" in said and "times the money" not in said
