"""Consensus in the database: ties, what is left over, and counts that never leave their bounds."""

import pytest

from labeling import answering, asking, knowing, rating, renewing
from labeling.models import Assignment, Consensus, Gold, Member, Query
from tests.making import a_project, a_query, a_worker, an_answer, an_item, now

pytestmark = pytest.mark.django_db


def answer(worker, yes=(), degree=None):
    """The next query, answered; `degree` for all its cells."""
    assignment = asking.next_assignment(worker, now=now())
    said = an_answer(assignment.query, yes) if degree is None else dict.fromkeys(assignment.query.cells(), degree)
    return answering.record(assignment, said, now=now())


def correct(assignment, yes=()):
    assignment = Assignment.objects.get(pk=assignment.pk)
    return answering.record(assignment, an_answer(assignment.query, yes), now=now())


def figures(worker):
    return Member.objects.values_list("agreed", "judged").get(pk=worker.pk)


def agreed(item):
    return list(Consensus.objects.agreed().filter(item=item).values_list("category__name", flat=True))


# --- ties ------------------------------------------------------------------------------------------------------------


def asked_about_two(project, item):
    cat, dog, _ = project.categories.all()
    a_query(project, "yes_no", [item], [cat], value=2.0), a_query(project, "yes_no", [item], [dog])


def test_a_later_yes_elsewhere_does_not_undo_what_is_agreed():
    project = a_project(agree_count=1)
    item, one, other = an_item(project), a_worker(project), a_worker(project)
    asked_about_two(project, item)
    answer(one, ["cat"])
    since = Consensus.objects.agreed().get().agreed
    answer(other, ["dog"])
    row = Consensus.objects.agreed().get()
    assert (row.category.name, row.agreed) == ("cat", since)


def test_what_stood_in_a_tie_falls_with_the_answer_behind_it():
    project = a_project(agree_count=1)
    item, one, other = an_item(project), a_worker(project), a_worker(project)
    asked_about_two(project, item)
    answer(one, ["cat"])
    answer(other, ["dog"])
    correct(answering.undo(one))
    assert agreed(item) == ["dog"]


# --- counts ----------------------------------------------------------------------------------------------------------


def test_the_correction_of_a_worker_set_aside_meanwhile_is_taken_and_not_counted():
    project = a_project(wanted=4)
    worker, *others = [a_worker(project) for _ in range(3)]
    a_query(project)
    answer(worker, ["cat"])
    reopened = answering.undo(worker)
    renewing.set_aside(worker, True, now=now())
    for other in others:
        answer(other, ["cat"])
    assert correct(reopened).paid == 10
    assert figures(worker) == (0, 0)
    renewing.set_aside(worker, False, now=now())
    assert figures(worker) == (0, 1)


def test_a_count_that_was_a_little_off_fails_no_answer():
    project = a_project(agree_count=1)
    worker = a_worker(project)
    a_query(project)
    answer(worker, ["cat"])
    reopened = answering.undo(worker)
    Member.objects.update(agreed=0, judged=0)
    correct(reopened)
    assert figures(worker) == (0, 0)
    assert Member.objects.get(pk=worker.pk).rating == pytest.approx(0.75, abs=0.02)


def test_counting_all_anew_loses_no_answer_given_meanwhile(monkeypatch):
    project = a_project(agree_count=1)
    workers = [a_worker(project), a_worker(project)]
    a_query(project, wanted=1), a_query(project, wanted=1)
    answer(workers[0], ["cat"])
    counted, late = rating.counted, [workers[1]]

    def slowly(project):
        figures = counted(project)
        if late:
            answer(late.pop(), ["cat"])
        return figures

    monkeypatch.setattr(rating, "counted", slowly)
    Member.objects.filter(pk=workers[0].pk).update(agreed=0)
    rating.count_all(project)
    assert [figures(worker) for worker in workers] == [(1, 1), (1, 1)]


def test_half_a_yes_takes_no_side():
    project = a_project(exclusive=False, agree_share=0.8)
    undecided, *others = [a_worker(project) for _ in range(3)]
    a_query(project)
    answer(undecided, degree=0.5)
    for other in others:
        answer(other, ["cat"])
    assert Consensus.objects.agreed().exists()
    assert [figures(worker) for worker in (undecided, *others)] == [(0, 0), (1, 1), (1, 1)]
    rating.count_all(project)
    assert figures(undecided) == (0, 0)


# --- gold ------------------------------------------------------------------------------------------------------------


def a_gold_query(project):
    """Asked in the place of the query beside it."""
    a_query(project)
    query = a_query(project, "yes_no", purpose="gold")
    Gold.objects.create(item=query.item_list[0], category=query.category_list[0], degree=1.0)


def test_a_gold_answer_counts_once_however_often_it_is_corrected():
    project = a_project(gold_share=1.0)
    worker = a_worker(project)
    a_gold_query(project)
    answer(worker)
    assert figures(worker) == (0, 1)
    for yes, expected in [(["cat"], (1, 1)), ([], (0, 1)), (["cat"], (1, 1))]:
        correct(answering.undo(worker), yes)
        assert figures(worker) == expected
    rating.count_all(project)
    assert figures(worker) == (1, 1)


def test_counting_anew_adds_no_gold_to_a_worker_set_aside():
    project = a_project(gold_share=1.0)
    worker = a_worker(project)
    a_gold_query(project)
    answer(worker, ["cat"])
    renewing.set_aside(worker, True, now=now())
    for _ in range(2):
        rating.count_all(project)
    assert figures(worker) == (1, 1)


# --- set aside -------------------------------------------------------------------------------------------------------


def test_somebody_else_is_asked_in_place_of_a_worker_set_aside():
    project = a_project(agree_count=2, wanted=2)
    spammer, *honest = [a_worker(project) for _ in range(3)]
    query = a_query(project)
    answer(spammer, ["cat"])
    renewing.set_aside(spammer, True, now=now())
    answer(honest[0])
    assert Query.objects.get().state == Query.State.OPEN
    answer(honest[1])
    assert Query.objects.get().state == Query.State.CLOSED
    assert Consensus.objects.get().judgments == 2 and query.assignments.count() == 3


def test_who_is_taken_in_again_takes_a_free_place_and_closes_what_is_full():
    project = a_project(agree_count=2, wanted=2)
    worker, other = a_worker(project), a_worker(project)
    a_query(project)
    answer(worker, ["cat"])
    renewing.set_aside(worker, True, now=now())
    renewing.set_aside(worker, True, now=now())
    assert Query.objects.get().asked == 0
    answer(other)
    renewing.set_aside(worker, False, now=now())
    query = Query.objects.get()
    assert (query.asked, query.state) == (2, Query.State.CLOSED)


# --- known beforehand ------------------------------------------------------------------------------------------------


def test_what_becomes_known_keeps_the_number_of_peoples_judgments():
    project = a_project()
    query = a_query(project)
    answer(a_worker(project), ["cat"])
    item, category = query.item_list[0], query.category_list[0]
    knowing.learn(project, {item.pk: [category.pk]}, {}, now=now())
    row = Consensus.objects.get(category=category)
    assert (row.source, row.judgments) == (Consensus.Source.IMPORT, 1)
