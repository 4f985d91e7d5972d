"""What is asked next: the classifier's doubt, priced, chosen within the budget, opened as queries."""

import numpy as np
import pytest

from labeling import answering, arrays, asking, selecting
from labeling.models import Consensus, Gold, Item, Project, Query
from tests.making import a_project, a_query, a_worker, an_answer, an_item, now

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_arrays")]


def publish(project, probability, **metrics):
    """A finished run that says this."""
    run = project.runs.create(
        number=1 + project.runs.count(), state="done", seed=0, requested=now(), metrics=metrics,
        arrays={"probability": arrays.save("probability", np.array(probability, np.float32))},
    )  # fmt: skip
    Project.objects.filter(pk=project.pk).update(published=run)
    project.refresh_from_db()
    return run


def refill(project, **options):
    return selecting.refill(project, random_state=0, **options)


def opened(project):
    return {(query.kind, tuple(item.row for item in query.item_list)) for query in project.queries.open()}


def test_before_any_classifier_a_naive_start_draws_items_at_random():
    project = a_project(items=30, queue_size=10, policy="random")
    assert refill(project).opened == 10
    assert set(project.queries.values_list("kind", "purpose", "run")) == {("categories", "random", None)}
    assert project.queries.first().drawn == pytest.approx(10 / 30)


def test_by_thresholds_each_kind_of_doubt_becomes_its_kind_of_query():
    project = a_project(items=40, queue_size=6, hard=0.5, certain=0.9, grid=4, policy="thresholds")
    close, hard, sure = [0.55, 0.45, 0.0], [0.34, 0.33, 0.33], [0.0, 0.02, 0.98]
    publish(project, [close] * 30 + [hard] * 5 + [sure] * 5)
    refill(project)
    kinds = {kind: {row for query_kind, rows in opened(project) if query_kind == kind for row in rows} for kind in
             ("yes_no", "categories", "items")}  # fmt: skip
    assert kinds["yes_no"] and kinds["yes_no"] <= set(range(30))
    assert kinds["categories"] and kinds["categories"] <= set(range(30, 35))
    assert kinds["items"] and kinds["items"] <= set(range(30))
    assert not any(row >= 35 for rows in kinds.values() for row in rows)  # what is certain is not asked


def test_a_new_run_withdraws_what_the_old_one_wanted_and_nobody_was_asked():
    project = a_project(items=10, queue_size=5)
    refill(project)
    held = asking.next_assignment(a_worker(project), now=now()).query
    publish(project, [[0.4, 0.3, 0.3]] * 10)
    assert refill(project).withdrawn == 4
    held.refresh_from_db()
    assert held.state == Query.State.OPEN


def test_an_item_is_in_one_open_query_at_most():
    project = a_project(items=8, queue_size=20)
    refill(project), refill(project)
    rows = [row for _, rows in opened(project) for row in rows]
    assert sorted(rows) == list(range(8))


def test_agreed_items_are_not_asked_again():
    project = a_project(items=3, agree_count=1, wanted=1)
    refill(project)
    worker = a_worker(project)
    assignment = asking.next_assignment(worker, now=now())
    answering.record(assignment, an_answer(assignment.query, ["cat"]), now=now())
    refill(project)
    assert len(opened(project)) == 2


def test_what_people_ruled_out_is_not_asked_and_the_next_best_is():
    project = a_project(agree_count=1, wanted=1, queue_size=1)
    item, (cat, _, _) = an_item(project), project.categories.all()
    publish(project, [[0.6, 0.4, 0.0]])
    Consensus.objects.create(
        project=project, item=item, category=cat, degree=0, posterior=0.1, judgments=1, exclusive=True
    )
    publish(project, [[0.5, 0.3, 0.2]])
    refill(project)
    assert [c.name for c in project.queries.open().get().category_list] == ["dog"]


def test_items_judged_as_often_as_wanted_without_agreement_rest():
    project = a_project(agree_count=2, wanted=2, agree_share=1.0)
    a_query(project, "categories", wanted=2)
    for said in ("cat", "dog"):
        assignment = asking.next_assignment(a_worker(project), now=now())
        answering.record(assignment, an_answer(assignment.query, [said]), now=now())
    assert refill(project).opened == 0


def test_no_more_is_opened_than_the_budget_pays():
    project = a_project(items=30, funds=100, cell_price=10, agree_count=1, wanted=1)
    assert refill(project).opened == 3  # three rows of three cells
    assert project.budget.reserved == 0  # only an offer moves money


def test_an_empty_budget_is_the_reason():
    project = a_project(items=3, funds=0)
    assert "budget" in refill(project).reason


def test_a_target_reached_asks_only_to_measure():
    project = a_project(items=10, target_confidence=0.8)
    publish(project, [[0.85, 0.1, 0.05]] * 10)
    assert refill(project).opened == 0
    Project.objects.update(exam_share=1.0)
    refill(project)
    assert set(project.queries.open().values_list("purpose", flat=True)) == {"exam"}


def test_exam_items_are_asked_blindly_and_only_for_the_exam():
    project = a_project(exam_share=0.5, queue_size=20)
    kept, others = [an_item(project, lot=0.1) for _ in range(10)], [an_item(project, lot=0.9) for _ in range(10)]
    refill(project)
    by_purpose = {
        purpose: {item for query in project.queries.filter(purpose=purpose) for item in query.item_list}
        for purpose in ("random", "exam")
    }
    assert by_purpose["random"] <= set(others) and by_purpose["exam"] <= set(kept) and by_purpose["exam"]


def test_gold_checks_workers_and_is_not_asked_to_teach():
    project = a_project(items=5, gold_share=0.02)
    item = project.items.first()
    Gold.objects.create(item=item, category=project.categories.first(), degree=1)
    refill(project)
    queries = {query.item_list[0]: query.purpose for query in project.queries.open()}
    assert queries.pop(item) == "gold" and set(queries.values()) == {"teach"}
    standing = project.queries.get(purpose="gold")
    refill(project)
    assert project.queries.get(purpose="gold") == standing, "one standing gold query is enough"


def test_withdrawn_items_are_not_asked():
    project = a_project(items=4)
    Item.objects.filter(row=0).update(withdrawn=True)
    refill(project)
    assert ("categories", (0,)) not in opened(project) and len(opened(project)) == 3


@pytest.mark.parametrize("policy", Project.Policy.values)
def test_every_policy_fills_the_queue(policy):
    project = a_project(items=20, policy=policy, queue_size=6, grid=2)
    publish(project, np.random.default_rng(0).dirichlet([1, 1, 1], 20))
    assert refill(project).opened == 6


@pytest.mark.parametrize(
    "fields, sentence",
    [
        ({"categories": ()}, "too few categories"),
        ({}, "no items"),
        ({"items": 1, "state": "paused"}, "paused"),
    ],
)
def test_a_project_that_cannot_ask_says_why(fields, sentence):
    project = a_project(**fields)
    refilled = refill(project)
    assert refilled.opened == 0 and sentence in refilled.reason


def test_where_categories_are_not_exclusive_single_cells_are_asked():
    project = a_project(exclusive=False, items=10, hard=0.9)
    publish(project, [[0.5, 0.99, 0.01]] * 10)
    refill(project)
    assert {c.name for query in project.queries.open() for c in query.category_list} == {"cat"}


@pytest.mark.parametrize("exclusive", [True, False])
def test_what_another_refill_opened_meanwhile_is_left_out(exclusive):
    project = a_project(exclusive=exclusive, items=6, queue_size=6)
    board = selecting.read(project)
    doubt = selecting.doubt_of(project, board)
    drafts = selecting.choose(project, board, doubt, 6, np.random.default_rng(0))
    assert selecting.publish(project, board, drafts) == 6
    assert selecting.publish(project, board, drafts) == 0


def test_a_project_that_was_sure_enough_asks_again_about_new_items():
    project = a_project(items=10, target_confidence=0.8)
    publish(project, [[0.97, 0.02, 0.01]] * 10)
    assert refill(project).code == "reached"
    new = {an_item(project).row for _ in range(20)}
    refill(project)
    assert {row for _, rows in opened(project) for row in rows} == new


def test_the_heap_of_half_answered_queries_is_bounded():
    project = a_project(items=60, queue_size=3, agree_count=2, wanted=2)
    worker = a_worker(project)
    for _ in range(40):
        refill(project)
        try:
            assignment = asking.next_assignment(worker, now=now())
        except asking.NothingToAsk:
            break
        answering.record(assignment, an_answer(assignment.query, ["cat"]), now=now())
    assert project.queries.open().count() == selecting.HEAP * project.queue_size
    assert refill(project).code == "full"


def test_queries_one_worker_skipped_do_not_fill_the_queue():
    project = a_project(items=20, queue_size=4)
    refill(project)
    worker = a_worker(project)
    for _ in range(4):
        asking.give_back(asking.next_assignment(worker, now=now()), now=now())
    assert refill(project).opened == 4
    assert asking.next_assignment(worker, now=now())


def test_one_person_alone_is_asked_on_after_ruling_a_category_out():
    project = a_project(agree_count=1, wanted=1, categories=["cat", "dog", "bird"], hard=0.7)
    item = an_item(project)
    query, worker = a_query(project, "yes_no", [item]), a_worker(project)
    answering.record(asking.next_assignment(worker, now=now()), an_answer(query), now=now())  # no cat
    publish(project, [[0.4, 0.3, 0.3]])
    refill(project)
    asked = asking.next_assignment(worker, now=now()).query
    assert "cat" not in {category.name for category in asked.category_list} and asked.item_list == [item]


def test_queries_about_items_agreed_meanwhile_are_withdrawn():
    project = a_project(items=2)
    refill(project)
    query = project.queries.first()
    asking.next_assignment(a_worker(project), now=now())
    Consensus.objects.create(
        project=project, item=query.item_list[0], category=project.categories.first(), degree=1, posterior=1,
        exclusive=True, agreed=now(), source="import",
    )  # fmt: skip
    refill(project)
    query.refresh_from_db()
    assert query.state == Query.State.WITHDRAWN


def test_a_dear_query_does_not_stand_before_the_cheap_ones():
    project = a_project(funds=30, agree_count=1)
    a_query(project, "items", [an_item(project) for _ in range(12)], value=9)
    cheap = a_query(project, "yes_no", value=1)
    assert asking.next_assignment(a_worker(project), now=now()).query == cheap
    refill(project)
    assert not project.queries.open().filter(kind="items").exists()


def test_a_refill_leaves_the_money_that_open_queries_still_need():
    project = a_project(items=40, funds=240, agree_count=2, queue_size=4)  # a row costs 30, twice
    assert refill(project).opened == 4
    asking.next_assignment(a_worker(project), now=now())
    assert refill(project).opened == 0


def test_an_exam_item_that_people_could_not_tell_is_not_asked_to_teach():
    project = a_project(exam_share=1.0)
    item = an_item(project, lot=0.1)
    a_query(project, "categories", [item], purpose="exam", state="exhausted")
    publish(project, [[0.4, 0.3, 0.3]])
    assert refill(project).opened == 0


@pytest.mark.parametrize("fields, code", [({"funds": 0}, "budget"), ({"items": 0}, "unready")])
def test_a_worker_reads_why_nothing_was_chosen(fields, code):
    project = a_project(**{"items": 3} | fields)
    worker = a_worker(project)
    refill(project)
    with pytest.raises(asking.NothingToAsk) as refused:
        asking.next_assignment(worker, now=now())
    assert refused.value.code == code


def test_a_worker_reads_that_everything_has_been_asked():
    project = a_project(items=1, agree_count=1, wanted=1)
    refill(project)
    worker = a_worker(project)
    assignment = asking.next_assignment(worker, now=now())
    answering.record(assignment, an_answer(assignment.query, ["cat"]), now=now())
    refill(project)
    with pytest.raises(asking.NothingToAsk, match="Everything has been asked"):
        asking.next_assignment(worker, now=now())


def with_refit(project, prior):
    """A refit that trusts the classifier this far."""
    refit = project.refits.create(
        made=now(), blend=0.5, categories=project.category_keys, skills={"yes_no": 8.0},
        arrays={
            "base": arrays.save("base", np.full(3, 1 / 3)),
            "prior": arrays.save("prior", np.array(prior, np.float32)),
            "rates.yes_no": arrays.save("rates", np.array([[0.9, 0.1], [0.2, 0.8]])),
        },
    )  # fmt: skip
    Project.objects.filter(pk=project.pk).update(refit=refit)
    project.refresh_from_db()


def test_what_the_classifier_is_sure_of_without_evidence_near_is_asked_all_the_same():
    project = a_project(items=6, queue_size=6, target_confidence=1.0)
    publish(project, [[0.98, 0.01, 0.01]] * 6)
    assert refill(project).opened == 0
    with_refit(project, [[0.4, 0.3, 0.3]] * 3 + [[0.98, 0.01, 0.01]] * 3)
    refill(project)
    assert {row for _, rows in opened(project) for row in rows} == {0, 1, 2}


def test_an_open_item_is_seen_as_people_left_it_and_the_rest_as_the_classifier_would_have_it():
    project = a_project(items=3)
    publish(project, [[0.2, 0.6, 0.2]] * 3)
    item, cat = project.items.get(row=1), project.categories.first()
    Consensus.objects.create(
        project=project, item=item, category=cat, degree=0.7, posterior=0.7, judgments=1, exclusive=True
    )
    board = selecting.read(project)
    assert board.posterior[0] == pytest.approx([0.2, 0.6, 0.2])
    assert board.posterior[1] == pytest.approx([0.7, 0.225, 0.075])
    assert board.judged.tolist() == [0, 1, 0]


def test_people_are_believed_to_err_as_the_last_refit_measured_it():
    project = a_project(items=3)
    assert selecting.read(project).rates == {}
    with_refit(project, np.full((3, 3), 1 / 3))
    assert selecting.read(project).rates["yes_no"] == pytest.approx(np.array([[0.9, 0.1], [0.2, 0.8]]))


def test_neighbours_come_from_the_views_of_the_published_run_and_new_items_have_none():
    project = a_project(items=3)
    run = publish(project, [[0.4, 0.3, 0.3]] * 3)
    parts = {"data": np.ones(2, np.float32), "indices": np.array([1, 0], np.int32), "indptr": np.array([0, 1, 2, 2])}
    run.arrays |= {f"views.{name}": arrays.save(name, part) for name, part in parts.items()} | {"features": {"rows": 3}}
    run.arrays["mass"] = arrays.save("mass", np.array([5.0, 1.0, 0.0]))
    run.save()
    an_item(project)
    project.refresh_from_db()
    board = selecting.read(project)
    assert board.graph.toarray().tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [0] * 4, [0] * 4]
    assert board.mass.tolist() == [5, 1, 0, 0]
    project.items.filter(row=0).delete()
    assert selecting.read(project).graph is None  # the others have moved


def test_asking_stops_where_no_answer_is_worth_its_price():
    project = a_project(items=10, item_worth=1000)
    publish(project, [[0.4, 0.35, 0.25]] * 10)
    assert refill(project).opened == 10
    Query.objects.update(state="withdrawn")
    Project.objects.update(item_worth=5)
    refilled = refill(project)
    assert refilled.opened == 0 and refilled.code == "worth"
    assert refilled.reason.startswith("What is left in doubt would cost more than it would settle")
    assert selecting.ended(Project.objects.get()) == refilled.reason


def test_a_worker_reads_that_what_is_left_is_not_worth_its_price():
    project = a_project(items=10, item_worth=5)
    publish(project, [[0.4, 0.35, 0.25]] * 10)
    refill(project)
    with pytest.raises(asking.NothingToAsk, match="Everything that is worth its reward has been asked"):
        asking.next_assignment(a_worker(project), now=now())


def test_what_is_certain_is_not_said_to_be_too_dear():
    project = a_project(items=5, item_worth=1, target_confidence=None)
    publish(project, [[0.98, 0.01, 0.01]] * 5)
    assert refill(project).code == "done"
