"""Certified acceptance: when an audit begins, and what it asks."""

import numpy as np
import pytest

from labeling import accepting, board, training
from labeling.accepting import freezing, weighing
from labeling.models import Audit, Certificate, Consensus, Member, Project, Query
from tests.making import a_query, a_run, a_worker, an_item, measured, now
from tests.proving import a_sure_project, audits, judge, publish, refill, say
from tests.teaching import agree

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_arrays")]


def rows(queries):
    return {query.item_list[0].row for query in queries}


# --- begin -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"accept_share": None}, "accepts nothing yet"),
        ({"published": None}, "No classifier is published"),
        ({"state": "paused"}, "The project is paused"),
        ({"audit_lead": 4}, "must lead by 4 people, as reliable as they are; there are 3 workers"),
        ({"accept_share": 0.001}, "No audit of these 120 items would pay"),
    ],
)
def test_an_audit_that_cannot_be_is_refused_with_the_reason(change, said):
    project = a_sure_project()
    Project.objects.filter(pk=project.pk).update(**change)
    project.refresh_from_db()
    with pytest.raises(accepting.CannotAudit, match=said):
        accepting.begin(project, now())
    assert not Audit.objects.exists()


def test_an_audit_of_a_small_pool_is_refused_with_the_number():
    with pytest.raises(accepting.CannotAudit, match="90 items are too few: an audit takes at least 50"):
        accepting.begin(a_sure_project(items=90), now())


def test_an_audit_that_the_budget_does_not_pay_is_refused_with_the_numbers():
    project = a_sure_project(cell_price=1000)
    with pytest.raises(
        accepting.CannotAudit, match=r"50 audited items, for about 100,990 points.*has 100,000 available"
    ):
        accepting.begin(project, now())


def test_an_audit_is_planned_with_the_doubts_that_the_exam_has_of_the_classifier():
    """It says it is wrong in 1.6% of the items; on the exam it was in 40%."""
    project = a_sure_project()
    plan = weighing.weigh(project, freezing.pooled(project, board.read(project)))
    project.published.metrics = measured(0.6, 80) | {"exam_confidence": 0.984}
    sober = weighing.weigh(project, freezing.pooled(project, board.read(project)))
    assert plan.accepted > 10 * sober.accepted
    project.published.metrics = measured(0.6, 20) | {"exam_confidence": 0.984}  # too few to tell
    assert weighing.weigh(project, freezing.pooled(project, board.read(project))) == plan


def test_what_an_audited_item_costs_is_what_it_takes_until_one_answer_leads():
    project = a_sure_project(audit_lead=3, cell_price=1)
    for _ in range(20):
        a_worker(project)
    Member.objects.workers().update(rating=0.9)
    random, asked, right = np.random.default_rng(0), [], []
    for _ in range(4000):
        steps = np.where(random.random(200) < 0.9, 1, -1).cumsum()
        end = int(np.argmax(np.abs(steps) >= 3))
        asked.append(end + 1), right.append(steps[end] > 0)
    cost = weighing.prices(project)
    assert cost.audit == pytest.approx(3 * np.mean(asked), rel=0.03)  # a row of three cells
    assert cost.right == pytest.approx(np.mean(right), abs=0.006) and cost.answers == 3 * project.agree_count


def test_what_an_audit_lets_be_accepted_is_worth_no_more_than_knowing_it_is():
    project = a_sure_project()
    dear = weighing.prices(project)
    assert weighing.weigh(project, freezing.pooled(project, board.read(project))).saved > 0
    for worth, answers in ((10**6, dear.answers), (dear.answers // 2, dear.answers // 2), (1, 1)):
        Project.objects.filter(pk=project.pk).update(item_worth=worth)
        project.refresh_from_db()
        assert weighing.prices(project) == dear._replace(answers=answers)
    with pytest.raises(accepting.CannotAudit, match="would pay"):
        accepting.begin(project, now())
    refill(project)
    assert not Audit.objects.exists()


@pytest.mark.parametrize(
    ("rating", "workers", "lead"), [(0.97, 20, 2), (0.9, 20, 3), (0.85, 20, 4), (0.8, 20, 5), (0.9, 6, 2)]
)
def test_the_less_reliable_people_are_the_more_of_them_must_agree_as_far_as_there_are_so_many(rating, workers, lead):
    project = a_sure_project()
    for _ in range(workers - 3):
        a_worker(project)
    Member.objects.workers().update(rating=rating)
    assert weighing.prices(project).lead == lead


def test_an_item_about_which_everybody_was_asked_is_waited_for_no_longer():
    project = a_sure_project()
    accepting.begin(project, now(), seed=1)
    refill(project)
    query, workers = audits(project).first(), list(project.members.workers().select_related("project__budget", "user"))
    say(query, workers[0], "cat"), say(query, workers[1], "dog")
    for other in audits(project, state="open").exclude(pk=query.pk):
        say(other, workers[0], "cat"), say(other, workers[1], "cat")
    refill(project)
    assert Audit.objects.get().looks == 0  # the third one may still say
    say(query, workers[2], "bird")
    refill(project)
    query.refresh_from_db()
    assert query.state == Query.State.EXHAUSTED and Certificate.objects.get().wrong == 1


def test_a_run_is_not_audited_while_another_is_on_its_way():
    project = a_sure_project()
    a_run(project, state="queued")
    with pytest.raises(accepting.CannotAudit, match="on its way"):
        accepting.begin(project, now())


def test_a_run_is_audited_once():
    project = a_sure_project()
    accepting.begin(project, now())
    with pytest.raises(accepting.CannotAudit, match="Run 1 was audited already"):
        accepting.begin(project, now())


def test_without_an_aim_nothing_is_audited_nor_accepted():
    project = a_sure_project(accept_share=None)
    refill(project)
    assert not audits(project).exists() and not Audit.objects.exists()


def test_the_audit_begins_by_itself_when_nearly_all_would_be_decided():
    project = a_sure_project(target_confidence=1.0)
    refill(project)
    assert audits(project).count() == Audit.objects.get().wanted >= 50


def test_the_audit_waits_while_asking_brings_more():
    project = a_sure_project(items=300, target_confidence=1.0)
    half = np.tile([0.4, 0.35, 0.25], (300, 1))
    half[:150] = [0.99, 0.006, 0.004]
    publish(project, half)
    refill(project)
    assert not Audit.objects.exists() and project.queries.open().teaching().exists()


def test_the_pool_is_what_the_classifier_might_decide_and_nobody_has():
    project = a_sure_project()
    items = list(project.items.all())
    agree(items[0], "cat")
    items[1].withdrawn = True
    items[1].save()
    agree(items[2], "cat", degree=0.0, agreed=False)  # people ruled out what the run says
    an_item(project)  # came after the run
    audit = accepting.begin(project, now())
    assert audit.size == 117


# --- what is asked ---------------------------------------------------------------------------------------------------


def test_an_audit_asks_whole_rows_of_items_that_lots_draw():
    project = a_sure_project()
    audit = accepting.begin(project, now(), seed=5)
    refill(project)
    lot = np.random.default_rng(5).random(120)
    assert rows(audits(project)) == set(np.argsort(lot)[: audit.wanted].tolist())
    assert {query.kind for query in audits(project)} == {"categories"}
    assert all(len(query.category_list) == 3 for query in audits(project))


def test_audits_come_in_refills_as_the_queue_has_room():
    project = a_sure_project(queue_size=20)
    audit = accepting.begin(project, now())
    refill(project)
    assert audits(project).count() == 20 and audit.wanted > 40
    judge(project)
    refill(project)
    assert audits(project).count() == 40
    assert not Certificate.objects.exists()  # a look waits for all that was drawn


def test_nothing_is_asked_to_teach_while_an_audit_goes_on():
    project = a_sure_project(target_confidence=1.0, certain=1.0)
    teaching = a_query(project, "yes_no", [project.items.first()])
    accepting.begin(project, now())
    refill(project)
    teaching.refresh_from_db()
    assert teaching.state == Query.State.WITHDRAWN
    assert set(project.queries.open().values_list("purpose", flat=True)) == {"audit"}


def test_no_run_starts_by_itself_while_an_audit_goes_on_or_a_certificate_stands():
    project = a_sure_project(retrain_every=1)
    for item in project.items.all()[:3]:
        agree(item, "cat")
    accepting.begin(project, now(), seed=1)
    assert training.request_if_due(project, now()) is None
    refill(project)
    judge(project)
    refill(project)
    assert Certificate.objects.standing().exists() and training.request_if_due(project, now()) is None
    accepting.end(project, "for the test")
    assert training.request_if_due(project, now()) is not None


def test_audit_answers_never_train():
    from labeling import dataset

    project = a_sure_project()
    accepting.begin(project, now())
    refill(project)
    judge(project)
    assert Consensus.objects.agreed().filter(project=project).count() >= 50
    assert not dataset.trained_by(project).exists()


def test_people_are_asked_until_one_answer_leads():
    project = a_sure_project()
    accepting.begin(project, now())
    refill(project)
    query = audits(project).first()
    for name, state in (("cat", "open"), ("dog", "open"), ("cat", "open"), ("cat", "closed")):
        say(query, a_worker(project), name)
        query.refresh_from_db()
        assert query.state == state


def test_an_audit_asks_its_own_people_where_others_agreed_before():
    project = a_sure_project()
    accepting.begin(project, now())
    refill(project)
    query = audits(project).first()
    agree(query.item_list[0], "cat", source="import")
    say(query, a_worker(project), "cat")
    query.refresh_from_db()
    assert query.state == "open"
