"""A worker's beginnings: the test before the first paid query, and what an admin knows beforehand."""

import pytest

from labeling import answering, asking, qualifying
from labeling.models import Assignment, Gold, Judgment, Member
from rewards.models import Transfer
from tests.making import a_project, a_query, a_worker, an_answer, an_item, now
from tests.pressing import begin, held, page_of, press, text
from tests.teaching import a_testing_project

pytestmark = pytest.mark.django_db


def take(worker, *names):
    """Answer the next queries with these categories, None to skip; returns the assignments."""
    done = []
    for name in names:
        done.append(asking.next_assignment(worker, now=now()))
        if name is None:
            asking.give_back(done[-1], now=now())
        else:
            answering.record(done[-1], an_answer(done[-1].query, [name]), now=now())
    return done


def refusal(worker):
    with pytest.raises(asking.NothingToAsk) as refused:
        asking.next_assignment(worker, now=now())
    return refused.value


def test_the_test_comes_first_and_is_not_paid():
    project = a_testing_project()
    worker = a_worker(project)
    tests = take(worker, "cat", "cat", "cat")
    assert all(one.test and one.query.purpose == "gold" and one.reward == 0 for one in tests)
    assert not Transfer.objects.filter(kind="post").exists()
    paid = asking.next_assignment(worker, now=now())
    assert not paid.test and paid.reward > 0 and paid.query.purpose != "gold"
    assert (worker.test_score, bool(worker.tested)) == (1.0, True)


def test_who_stays_below_the_pass_mark_is_told_kindly_and_offered_nothing():
    project = a_testing_project(test_pass=0.8)
    worker = a_worker(project)
    take(worker, "cat", "dog", "cat")
    assert "Thank you for taking the test" in refusal(worker).sentence
    worker = Member.objects.get(pk=worker.pk)
    assert worker.test_score == pytest.approx(2 / 3) and refusal(worker).code == "unqualified"


def test_an_admin_may_let_somebody_in():
    project = a_testing_project()
    worker = a_worker(project)
    take(worker, "dog", "dog", "dog")
    refusal(worker)
    qualifying.record(worker, admitted=True)
    assert not asking.next_assignment(worker, now=now()).test
    newcomer = a_worker(project, admitted=True)
    assert not asking.next_assignment(newcomer, now=now()).test, "without the test, too"


def test_skipping_is_not_right_either():
    worker = a_worker(a_testing_project(test_pass=0.6))
    take(worker, "cat", None, None)
    assert refusal(worker).code == "unqualified" and worker.test_score == pytest.approx(1 / 3)


def test_the_answers_of_the_test_are_gold_judgments():
    project = a_testing_project()
    worker = a_worker(project)
    take(worker, "cat", "cat", "cat")
    assert Judgment.objects.filter(worker=worker, assignment__query__purpose="gold").count() == 3
    assert Member.objects.get(pk=worker.pk).rating > Member._meta.get_field("rating").default


def test_gold_of_the_test_is_not_asked_again():
    project = a_testing_project(length=3, gold=3, gold_share=1.0)
    worker = a_worker(project)
    take(worker, "cat", "cat", "cat")
    assert {one.query.purpose for one in take(worker, "cat", "cat", "cat")} == {"teach"}


def test_who_worked_here_before_there_was_a_test_is_not_tested():
    project = a_testing_project(length=0)
    worker = a_worker(project)
    take(worker, "cat")
    project.test_length = 3
    project.save()
    assert not asking.next_assignment(worker, now=now()).test


def test_a_test_is_as_long_as_there_is_gold():
    project = a_testing_project(length=3, gold=2)
    worker = a_worker(project)
    take(worker, "cat", "cat")
    assert not asking.next_assignment(worker, now=now()).test
    assert worker.test_score == 1.0


def test_a_long_test_finds_gold_enough():
    project = a_testing_project(length=35, gold=40)
    assert project.queries.open().filter(purpose="gold").count() >= 35


def test_without_gold_there_is_no_test():
    worker = a_worker(a_testing_project(gold=0))
    assert not asking.next_assignment(worker, now=now()).test
    assert worker.tested is None


def test_ticking_nothing_is_worth_no_more_than_a_half():
    project = a_testing_project(exclusive=False, length=1, test_pass=0.6)
    worker = a_worker(project)
    take(worker, "none of these")
    assert refusal(worker).code == "unqualified" and worker.test_score == 0.5


def test_a_grid_is_marked_by_its_tiles():
    project = a_project(test_length=1, test_pass=0.5)
    items = [an_item(project) for _ in range(4)]
    cat = project.categories.first()
    Gold.objects.bulk_create(Gold(item=item, category=cat, degree=float(n < 2)) for n, item in enumerate(items))
    query = a_query(project, "items", items, [cat], purpose="gold", wanted=9)
    a_query(project)
    worker = a_worker(project)
    assignment = asking.next_assignment(worker, now=now())
    assert assignment.query == query and assignment.test
    first, _, third, _ = query.cells()
    answering.record(assignment, {cell: float(cell in (first, third)) for cell in query.cells()}, now=now())
    asking.next_assignment(worker, now=now())
    assert worker.test_score == 0.5


def test_the_outcome_stays_whatever_is_corrected_afterwards():
    project = a_testing_project()
    worker = a_worker(project)
    *_, last = take(worker, "cat", "dog", "dog")
    refusal(worker)
    answering.undo(worker)
    answering.record(Assignment.objects.get(pk=last.pk), an_answer(last.query, ["cat"]), now=now())
    assert refusal(Member.objects.get(pk=worker.pk)).code == "unqualified"


# --- its page --------------------------------------------------------------------------------------------------------


def test_the_test_is_shown_as_a_test_with_its_length(client):
    project = a_testing_project(length=2)
    worker = a_worker(project)
    client.force_login(worker.user)
    assert "begins with a test of 2 queries, which are not paid. 80% must be right" in text(
        client.get(page_of(project))
    )
    shown = text(begin(client, project))
    assert "Qualification test, 1 of 2." in shown and "test, unpaid" in shown
    cat = str(project.categories.first().pk)
    assert "Qualification test, 2 of 2." in text(press(client, held(), answer=cat))
    after = text(press(client, held(), answer=cat))
    assert "You passed the test, 100% of it was right." in after and "Qualification" not in after


def test_who_fails_reads_it_on_the_page(client):
    project = a_testing_project(length=1)
    client.force_login(a_worker(project).user)
    begin(client, project)
    shown = text(press(client, held(), answer=str(project.categories.last().pk)))
    assert "Thank you for taking the test" in shown and "You passed" not in shown


# --- what is known beforehand ----------------------------------------------------------------------------------------


def test_what_an_admin_knows_sets_the_rating_to_begin_with():
    worker = a_worker(a_project())
    qualifying.record(worker, qualifications="Radiologist", starting_rating=0.95, starting_answers=30)
    assert (worker.rating, worker.starting_rating, worker.starting_answers) == (0.95, 0.95, 30)


def test_who_was_judged_keeps_his_own_rating():
    worker = a_worker(a_project(), judged=10, agreed=9, rating=0.8)
    qualifying.record(worker, starting_rating=0.5)
    assert worker.rating == 0.8
