"""An answer: recorded once, paid once, corrected without money, never lost."""

from datetime import timedelta

import pytest

from labeling import answering, asking, rating, renewing
from labeling.kinds import KINDS
from labeling.models import Assignment, Consensus, Judgment, Query, TrainingRun
from rewards import ledger
from tests.making import a_project, a_query, a_run, a_worker, an_answer, an_item, now

pytestmark = pytest.mark.django_db


def ask(worker):
    return asking.next_assignment(worker, now=now())


def answer(worker, yes=(), at=None):
    assignment = ask(worker)
    return answering.record(assignment, an_answer(assignment.query, yes), now=at or now())


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_of_any_kind_is_paid_what_was_offered(kind):
    project = a_project()
    query = a_query(project, kind)
    worker = a_worker(project)
    outcome = answer(worker, ["cat"])
    assert outcome.paid == 10 * len(query.cells()) == ledger.balance(worker.user, project.budget)
    assert project.budget.reserved == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_cell_of_the_rectangle_gets_a_consensus(kind):
    project = a_project()
    query = a_query(project, kind)
    answer(a_worker(project), ["cat"])
    degrees = {(c.item_id, c.category_id): (c.degree, c.judgments) for c in Consensus.objects.all()}
    assert degrees == {tuple(cell): (float(cell in an_answer(query, ["cat"])), 1) for cell in query.cells()}


def test_a_second_click_pays_nothing():
    project = a_project()
    a_query(project)
    worker = a_worker(project)
    assignment = ask(worker)
    first = answering.record(assignment, an_answer(assignment.query), now=now())
    again = answering.record(Assignment.objects.get(), an_answer(assignment.query, ["cat"]), now=now())
    assert again.repeated and again.paid == first.paid == ledger.balance(worker.user, project.budget)
    assert [judgment.degree for judgment in Judgment.objects.all()] == [0.0]


def test_six_of_nine_make_a_degree_of_two_thirds():
    project = a_project(agree_count=9, wanted=9, agree_share=0.66)
    a_query(project)
    for said in ["cat"] * 6 + ["dog"] * 3:
        answer(a_worker(project), [said])
    cell = Consensus.objects.get()
    assert cell.share == pytest.approx(0.667, abs=0.001)
    assert cell.share < cell.degree < 1  # some of those who said no erred, more than of those who said yes
    assert 0 < cell.error < 0.5


def test_two_who_agree_settle_an_exclusive_item_and_close_the_query():
    project = a_project()
    a_query(project, "categories")
    for _ in range(2):
        answer(a_worker(project), ["dog"])
    assert Consensus.objects.agreed().get().category.name == "dog"
    assert Query.objects.get().state == Query.State.CLOSED


def test_two_who_disagree_leave_the_query_open_for_a_third():
    project = a_project()
    a_query(project, "categories")
    answer(a_worker(project), ["dog"])
    answer(a_worker(project), ["cat"])
    assert not Consensus.objects.agreed().exists()
    assert Query.objects.get().state == Query.State.OPEN
    answer(a_worker(project), ["cat"])
    assert Consensus.objects.agreed().get().category.name == "cat"


def test_two_who_say_no_close_the_question_and_settle_nothing():
    project = a_project()
    a_query(project, "yes_no")
    for _ in range(2):
        answer(a_worker(project))
    assert not Consensus.objects.agreed().exists()
    assert Query.objects.get().state == Query.State.CLOSED


def test_where_categories_are_not_exclusive_a_no_is_agreed_too():
    project = a_project(exclusive=False)
    a_query(project, "categories")
    for _ in range(2):
        answer(a_worker(project), ["cat", "dog"])
    agreed = {row.category.name: row.degree for row in Consensus.objects.agreed()}
    assert agreed == {"cat": 1.0, "dog": 1.0, "bird": 0.0}


def test_a_grid_answered_in_part_is_paid_in_part():
    project = a_project()
    query = a_query(project, "items")
    worker = a_worker(project)
    assignment = ask(worker)
    two = dict(list(an_answer(query).items())[:2])
    assert answering.record(assignment, two, now=now()).paid == 20
    assert (project.budget.reserved, project.budget.spent) == (0, 20)


@pytest.mark.parametrize(
    "kind, degrees, code",
    [
        ("yes_no", lambda cells: {}, "empty"),
        ("yes_no", lambda cells: {cells[0]: 1.5}, "bad_degree"),
        ("yes_no", lambda cells: {cells[0]: float("nan")}, "bad_degree"),
        ("yes_no", lambda cells: {cells[0]._replace(item=10**9): 1.0}, "unknown_cell"),
        ("categories", lambda cells: {}, "empty"),
        ("categories", lambda cells: dict.fromkeys(cells, 1.0), "too_many"),
        ("items", lambda cells: {}, "empty"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_and_the_query_still_held(kind, degrees, code):
    project = a_project()
    query = a_query(project, kind)
    assignment = ask(a_worker(project))
    with pytest.raises(answering.AnswerRefused) as refused:
        answering.record(assignment, degrees(query.cells()), now=now())
    assert refused.value.code == code
    assert Assignment.objects.get().state == Assignment.State.LIVE
    assert not Judgment.objects.exists()


def test_a_late_answer_is_taken_while_there_is_a_place():
    project = a_project()
    query = a_query(project)
    worker = a_worker(project)
    assignment = ask(worker)
    later = assignment.expires + timedelta(minutes=1)
    asking.expire(later)
    outcome = answering.record(Assignment.objects.get(), an_answer(query), now=later)
    assert outcome.counted and outcome.paid == 10 == ledger.balance(worker.user, project.budget)


def test_a_late_answer_whose_place_is_taken_is_kept_unpaid_and_uncounted():
    project = a_project(agree_count=1, wanted=1)
    query = a_query(project, wanted=1)
    slow, quick = a_worker(project), a_worker(project)
    assignment = ask(slow)
    later = assignment.expires + timedelta(minutes=1)
    asking.next_assignment(quick, now=later)
    for _ in range(2):
        outcome = answering.record(Assignment.objects.get(pk=assignment.pk), an_answer(query, ["cat"]), now=later)
        assert not outcome.counted and outcome.paid == 0 and "too late" in outcome.sentence
    assert Judgment.objects.filter(worker=slow).count() == 1
    assert not Consensus.objects.exists() and ledger.balance(slow.user, project.budget) == 0


def test_a_late_answer_counts_for_the_offer_made_anew():
    project = a_project(agree_count=1, wanted=1)
    query = a_query(project, wanted=1)
    worker = a_worker(project)
    first = ask(worker)
    later = first.expires + timedelta(minutes=1)
    again = asking.next_assignment(worker, now=later)
    assert again != first
    first.refresh_from_db()
    assert answering.record(first, an_answer(query), now=later).assignment == again
    assert ledger.balance(worker.user, project.budget) == 10


def test_an_answer_given_back_is_refused():
    project = a_project()
    query = a_query(project)
    assignment = ask(a_worker(project))
    asking.give_back(assignment, now=now())
    with pytest.raises(answering.AnswerRefused, match="gave this query back"):
        answering.record(assignment, an_answer(query), now=now())


def test_undo_replaces_the_judgments_and_moves_no_money():
    project = a_project(agree_count=1)
    query = a_query(project, "categories")
    worker = a_worker(project)
    answer(worker, ["cat"])
    reopened = answering.undo(worker)
    assert Consensus.objects.agreed().get().category.name == "cat"  # stands until it is replaced
    assert ask(worker) == reopened
    transfers = list(ledger.entries(project.budget))
    answering.record(reopened, an_answer(query, ["bird"]), now=now())
    assert Consensus.objects.agreed().get().category.name == "bird"
    assert [j.category.name for j in Judgment.objects.standing()] == ["bird"] and Judgment.objects.count() == 2
    assert list(ledger.entries(project.budget)) == transfers


def test_undo_can_be_left_as_it_was():
    project = a_project()
    a_query(project)
    worker = a_worker(project)
    answer(worker, ["cat"])
    answering.keep(answering.undo(worker))
    assert not Assignment.objects.filter(reopened=True).exists()
    assert Judgment.objects.standing().get().degree == 1.0


def test_undo_is_refused_once_a_run_has_learned():
    project = a_project()
    a_query(project)
    worker = a_worker(project)
    answer(worker)
    TrainingRun.objects.create(project=project, number=1, state="done", seed=0, requested=now(), started=now())
    with pytest.raises(answering.AnswerRefused, match="learned"):
        answering.undo(worker)


def test_undo_is_refused_after_twenty_more_answers():
    project = a_project()
    for _ in range(21):
        a_query(project)
    worker = a_worker(project)
    first = answer(worker).assignment
    for _ in range(19):
        answer(worker)
    assert answering.undo(worker, first)
    answering.keep(first)
    answer(worker)
    with pytest.raises(answering.AnswerRefused, match="20 others"):
        answering.undo(worker, first)


def test_enough_agreed_items_ask_for_a_run_once():
    project = a_project(agree_count=1, wanted=1, retrain_every=2)
    worker = a_worker(project)
    for _ in range(4):
        a_query(project, "categories")
        answer(worker, ["cat"])
    assert TrainingRun.objects.get().state == TrainingRun.State.QUEUED


def test_agreement_follows_the_consensus_as_a_batch_would_have_it():
    project = a_project()
    workers = [a_worker(project) for _ in range(4)]
    item = an_item(project)
    for kind, said in [
        ("categories", ["cat", "cat", "dog"]),
        ("categories", ["dog", "bird", "dog"]),
        ("items", ["cat"] * 3),
    ]:
        a_query(project, kind, None if kind == "items" else [an_item(project)])
        for worker, word in zip(workers, said, strict=False):
            if asking.held_by(worker).exists() or Query.objects.open().exists():
                answer(worker, [word])
    a_query(project, "yes_no", [item])
    answer(workers[0])
    online = list(project.members.workers().values_list("agreed", "judged"))
    rating.count_all(project)
    assert online == list(project.members.workers().values_list("agreed", "judged"))
    assert any(judged for _, judged in online)


def test_setting_a_spammer_aside_changes_the_consensus_and_no_money():
    project = a_project(agree_count=2, wanted=4)
    query = a_query(project, "categories", wanted=4)
    spammers, honest = [a_worker(project), a_worker(project)], a_worker(project)
    for spammer in spammers:
        answer(spammer, ["dog"])
    Query.objects.update(state="open")
    answer(honest, ["cat"])
    assert Consensus.objects.agreed().get().category.name == "dog"
    paid = project.budget.spent
    for spammer in spammers:
        assert renewing.set_aside(spammer, True, now=now()).done == 1
    assert not Consensus.objects.agreed().exists()
    assert Consensus.objects.get(category__name="cat", item=query.item_list[0]).share == 1.0
    renewing.set_aside(spammers[0], False, now=now())
    assert Consensus.objects.get(category__name="cat").share == 0.5
    assert project.budget.spent == paid


def test_an_imported_answer_outranks_people():
    project = a_project()
    query = a_query(project, "categories")
    cat = project.categories.get(name="cat")
    Consensus.objects.create(
        project=project, item=query.item_list[0], category=cat, degree=1, posterior=1, exclusive=True,
        agreed=now(), source=Consensus.Source.IMPORT,
    )  # fmt: skip
    for _ in range(2):
        answer_once = a_worker(project)
        Query.objects.update(state="open")
        answer(answer_once, ["dog"])
    assert Consensus.objects.agreed().get().category == cat


def test_gold_rates_workers_and_makes_no_consensus():
    from labeling.models import Gold

    project = a_project(gold_share=1.0)
    a_query(project)  # in whose place gold is asked
    query = a_query(project, "categories", purpose="gold")
    Gold.objects.create(item=query.item_list[0], category=project.categories.get(name="cat"), degree=1.0)
    good, bad = a_worker(project), a_worker(project)
    answer(good, ["cat"])
    answer(bad, ["dog"])
    good.refresh_from_db(), bad.refresh_from_db()
    assert not Consensus.objects.exists()
    assert good.rating > bad.rating


def test_a_no_to_one_of_two_categories_is_a_yes_to_the_other():
    project = a_project(categories=["book", "other"])
    query = a_query(project, "yes_no")
    workers = [a_worker(project), a_worker(project)]
    for worker in workers:
        answer(worker)
    agreed = Consensus.objects.agreed().get()
    assert (agreed.category.name, agreed.degree, agreed.judgments) == ("other", 1.0, 0)
    renewing.set_aside(workers[0], True, now=now())
    assert not Consensus.objects.agreed().exists()
    renewing.set_aside(workers[0], False, now=now())
    assert Consensus.objects.agreed().get().item == query.item_list[0]


def a_late_one(kind, other, **fields):
    """Who was asked the same cell by a second query after the first one expired and was withdrawn."""
    project = a_project(wanted=3, **fields)
    query, worker = a_query(project, kind), a_worker(project)
    first = ask(worker)
    later = first.expires + timedelta(minutes=1)
    asking.expire(later)
    Query.objects.update(state="withdrawn")
    a_query(project, other, query.item_list)
    return Assignment.objects.get(), asking.next_assignment(worker, now=later), later


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("kind, other", [("yes_no", "categories"), ("categories", "yes_no"), ("yes_no", "yes_no")])
def test_a_late_answer_about_what_was_answered_meanwhile_is_kept_unpaid(kind, other, exclusive):
    first, second, later = a_late_one(kind, other, exclusive=exclusive)
    answering.record(second, an_answer(second.query, ["cat"]), now=later)
    outcome = answering.record(first, an_answer(first.query, ["cat"]), now=later)
    assert not outcome.counted and outcome.paid == 0 and "too late" in outcome.sentence
    assert Judgment.objects.exclude(replaced=None).get().assignment == first
    assert set(Consensus.objects.values_list("judgments", flat=True)) == {1}


def test_a_late_answer_about_what_is_held_anew_leaves_room_for_that():
    first, second, later = a_late_one("yes_no", "yes_no")
    Query.objects.update(state="open")
    assert not answering.record(first, an_answer(first.query, ["cat"]), now=later).counted
    assert answering.record(second, an_answer(second.query, ["cat"]), now=later).paid == 10


def test_a_correction_is_refused_once_a_run_has_learned():
    project = a_project(agree_count=1)
    query, worker = a_query(project), a_worker(project)
    answer(worker, ["cat"])
    reopened = answering.undo(worker)
    a_run(project)
    outcome = answering.record(reopened, an_answer(query), now=now())
    assert outcome.repeated and outcome.paid == 10 and "learned from it already" in outcome.sentence
    assert Judgment.objects.get().degree == 1.0
    assert Consensus.objects.agreed().get().degree == 1.0
    assert not Assignment.objects.filter(reopened=True).exists()


@pytest.mark.parametrize("state, taken", [("queued", True), ("running", False), ("failed", True)])
def test_an_answer_that_a_run_may_be_reading_stays(state, taken):
    project = a_project()
    worker = a_worker(project)
    query = a_query(project)
    began = now()
    answer(worker, ["cat"])
    reopened = answering.undo(worker)
    a_run(project, state, started=None if state == "queued" else began)
    answering.record(reopened, an_answer(query), now=now())
    assert (Judgment.objects.standing().get().degree == 0.0) == taken
    if taken:
        assert answering.undo(worker)
    else:
        with pytest.raises(answering.AnswerRefused, match="learning"):
            answering.undo(worker)


def test_a_run_that_died_and_waits_has_not_learned():
    project = a_project()
    a_query(project)
    worker = a_worker(project)
    answer(worker)
    a_run(project, "queued", started=now())
    assert answering.undo(worker)
