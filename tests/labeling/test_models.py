"""Invariants hold in the database, each by the name of its constraint."""

import pytest
from django.db import IntegrityError, transaction

from labeling import opening
from labeling.models import (
    Category,
    Consensus,
    Gold,
    Item,
    Judgment,
    Member,
    Project,
    Query,
    QueryItem,
    Reply,
    TrainingRun,
)
from rewards import ledger
from tests.making import a_project, a_query, a_user, a_worker, an_item, now

pytestmark = pytest.mark.django_db


def refused(name, change):
    """The change is refused by the constraint of this name (SQLite names a unique one by its columns)."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        change()
    assert name in str(refusal.value) or "UNIQUE constraint failed" in str(refusal.value)


def test_an_exclusive_item_agrees_on_one_category():
    project = a_project()
    item, (cat, dog, _) = an_item(project), project.categories.all()

    def agree(category):
        Consensus.objects.create(
            project=project, item=item, category=category, degree=1, posterior=1, agreed=now(), exclusive=True
        )

    agree(cat)
    refused("an exclusive item agrees on one category", lambda: agree(dog))


def test_a_cell_has_one_consensus():
    project = a_project()
    item, cat = an_item(project), project.categories.first()

    def settle():
        Consensus.objects.create(project=project, item=item, category=cat, degree=1, posterior=1, exclusive=True)

    settle()
    refused("a cell has one consensus", settle)


def test_never_more_people_than_wanted():
    query = a_query(a_project(), wanted=2)
    refused("never more people than wanted", lambda: Query.objects.filter(pk=query.pk).update(asked=3))


def test_a_worker_judges_a_cell_once():
    project = a_project()
    query, worker = a_query(project), a_worker(project)
    assignment = query.assignments.create(worker=worker, reward=1, offered=now(), expires=now())
    item, cat = query.item_list[0], query.category_list[0]

    def judge(**fields):
        Judgment.objects.create(
            assignment=assignment, worker=worker, item=item, category=cat, degree=1, created=now(), **fields
        )

    judge(replaced=now())
    judge()
    refused("a worker judges a cell once", judge)


def test_a_project_trains_one_run_at_a_time():
    project = a_project()

    def queue(number):
        TrainingRun.objects.create(project=project, number=number, seed=0, requested=now())

    queue(1)
    refused("a project trains one run at a time", lambda: queue(2))
    TrainingRun.objects.update(state="failed")
    queue(2)


def change(project, **fields):
    """Past the door that would refuse it with a sentence."""
    Project.objects.filter(pk=project.pk).update(**fields)


@pytest.mark.parametrize(
    "name, change",
    [
        ("an identifier is used once in a project", lambda p: an_item(p, "same") and an_item(p, "same")),
        (
            "an item has a row of its own",
            lambda p: [Item.objects.create(project=p, identifier=name, row=99, lot=0) for name in "ab"],
        ),
        ("a lot is at least 0 and below 1", lambda p: an_item(p, lot=1.0)),
        (
            "a category has a column of its own",
            lambda p: [Category.objects.create(project=p, name=name, column=99) for name in "ab"],
        ),
        (
            "a category name is used once in a project",
            lambda p: [Category.objects.create(project=p, name="a", column=c) for c in (8, 9)],
        ),
        ("a rating is between 0 and 1", lambda p: a_worker(p, rating=1.5)),
        ("a worker agrees on what was judged", lambda p: a_worker(p, agreed=2, judged=1)),
        ("enough people are asked to agree", lambda p: change(p, agree_count=3, wanted=2)),
        ("the floor is under the ceiling", lambda p: change(p, price_floor=9, price_ceiling=5)),
        ("an agreed share is between a half and 1", lambda p: change(p, agree_share=0.4)),
        ("a target confidence is between 0 and 1", lambda p: change(p, target_confidence=1.1)),
        ("a user has a role in a project once", lambda p: [_member(p) for _ in range(2)]),
        ("a gold cell is known once", lambda p: [_gold(p) for _ in range(2)]),
        ("a query shows an item once", lambda p: _shown_twice(p)),
        ("an idempotency key is used once", lambda p: [_reply(p) for _ in range(2)]),
        ("never more paid than offered", lambda p: _overpaid(p)),
    ],
)
def test_the_database_holds(name, change):
    project = a_project()
    an_item(project)
    refused(name, lambda: change(project))


def _member(project):
    Member.objects.create(project=project, user=project.members.first().user, role=Member.Role.ADMIN)


def _gold(project):
    Gold.objects.create(item=project.items.first(), category=project.categories.first(), degree=1)


def _reply(project):
    Reply.objects.create(user=project.members.first().user, key="k", request="r", status=200)


def _shown_twice(project):
    query = a_query(project)
    QueryItem.objects.create(query=query, item=query.item_list[0])


def _overpaid(project):
    a_query(project).assignments.create(worker=a_worker(project), reward=1, paid=2, offered=now(), expires=now())


def test_row_numbers_are_never_given_out_twice():
    project = a_project()
    assert opening.allot(project, rows=3) == 0
    Item.objects.all().delete()
    assert opening.allot(project, rows=1) == 3


def test_an_invitation_lets_join_until_it_is_renewed():
    project = a_project()
    token = opening.invitation(project, "researcher")
    assert opening.invited(token) == (project, "researcher")
    Project.objects.update(invitation_key="another")
    with pytest.raises(opening.Refused, match="not valid any more"):
        opening.invited(token)
    with pytest.raises(opening.Refused):
        opening.invited("forged:token")


def test_joining_twice_makes_one_member():
    project, user = a_project(), a_user()
    assert opening.join(user, project, "worker") == opening.join(user, project, "worker")


def test_a_taken_name_gets_a_numbered_address():
    assert [a_project(name="Cats & dogs").slug for _ in range(3)] == ["cats-dogs", "cats-dogs-2", "cats-dogs-3"]


def test_a_project_of_volunteers_pays_nothing_and_works():
    from labeling import answering, asking
    from tests.making import an_answer

    project = a_project(funds=0, cell_price=0)
    query, worker = a_query(project), a_worker(project)
    outcome = answering.record(asking.next_assignment(worker, now=now()), an_answer(query), now=now())
    assert outcome.paid == 0 and ledger.balance(worker.user, project.budget) == 0


def test_the_exam_share_is_only_lowered_once_queries_were_asked():
    from django.core.exceptions import ValidationError

    project = a_project(exam_share=0.1)
    project.exam_share = 0.2
    project.clean()  # nothing was asked yet
    project.save()
    a_query(project)
    project.exam_share = 0.1
    project.clean()
    project.exam_share = 0.3
    with pytest.raises(ValidationError, match="only be lowered"):
        project.clean()
