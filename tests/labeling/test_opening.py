"""A project opens with values that every database holds, or is refused with a sentence; through whichever door."""

import pytest
from django.core.management import CommandError, call_command

from labeling import answering, asking, opening
from labeling.models import Consensus, Member, Project, Query
from rewards.models import Budget
from tests.making import a_project, a_query, a_user, a_worker, an_answer, now

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "fields, field, said",
    [
        ({"name": " "}, "name", "needs a name"),
        ({"name": "Songs \udcff"}, "name", "not valid Unicode"),
        ({"name": "Songs\0"}, "name", "NUL"),
        ({"name": "n" * 500}, "name", "at most 120 characters"),
        ({"currency": "c" * 21}, "currency", "at most 20 characters"),
        ({"currency": ""}, "currency", "cannot be blank"),
        ({"currency": "\udcff"}, "currency", "not valid Unicode"),
        ({"instructions": "\udcff"}, "instructions", "not valid Unicode"),
        ({"media": "video"}, "media", "not a valid choice"),
        ({"agree_share": 0.3}, "agree_share", "greater than or equal to 0.5"),
        ({"agree_count": 3, "wanted": 2}, None, "enough people are asked to agree"),
        ({"categories": ["a\udcff", "b"]}, "categories", "not valid Unicode"),
        ({"categories": ["a\0", "b"]}, "categories", "NUL"),
        ({"categories": ["a", " "]}, "categories", "1 to 120 characters"),
        ({"categories": ["a", "b" * 121]}, "categories", "1 to 120 characters"),
        ({"categories": ["caf\u00e9", "cafe\u0301"]}, "categories", "named twice"),
        ({"categories": ["a"]}, "categories", "at least two"),
    ],
)
def test_a_project_that_cannot_be_is_refused_and_leaves_nothing(fields, field, said):
    fields = {"name": "Songs", "media": "text", "categories": ["a", "b"]} | fields
    with pytest.raises(opening.Refused, match=said) as refusal:
        opening.open_project(a_user(), **fields)
    assert refusal.value.field == field
    assert not Project.objects.exists() and not Budget.objects.exists()


def test_the_shell_says_it_in_a_sentence():
    a_user("boss")
    with pytest.raises(CommandError, match="not valid Unicode"):
        call_command("create_project", "Songs \udcff", owner="boss", categories=["a", "b"])


def test_one_category_is_enough_where_items_may_belong_to_none():
    project = a_project(categories=["spam"], exclusive=False)
    assert project.categories.count() == 1 and Member.objects.get().role == Member.Role.OWNER


def test_names_are_kept_as_an_import_would_write_them():
    project = a_project(categories=["cafe\u0301", " rock \n music "], name=" Cafe\u0301  songs ")
    assert list(project.categories.values_list("name", flat=True)) == ["caf\u00e9", "rock music"]
    assert (project.name, project.slug) == ("Caf\u00e9 songs", "cafe-songs")
    with pytest.raises(opening.Refused, match="of that name already"):
        opening.add_categories(project, ["cafe\u0301"])


def say_no(project, query):
    worker = a_worker(project)
    assignment = asking.next_assignment(worker, now=now())
    answering.record(assignment, an_answer(query), now=now())
    return worker


def test_a_new_category_opens_again_what_was_agreed_because_one_was_left():
    project = a_project(categories=["a", "b"], agree_count=1, wanted=1)
    worker = say_no(project, a_query(project))
    assert Consensus.objects.agreed().get().category.name == "b"
    assert Member.objects.get(pk=worker.pk).judged == 1
    opening.add_categories(project, ["c"])
    row = Consensus.objects.get()
    assert (row.category.name, row.degree, row.agreed) == ("a", 0.0, None)
    assert Member.objects.get(pk=worker.pk).judged == 0


def test_a_new_category_leaves_alone_what_people_said_themselves():
    project = a_project(agree_count=1, wanted=1)
    query = a_query(project, "categories")
    assignment = asking.next_assignment(a_worker(project), now=now())
    answering.record(assignment, an_answer(query, ["cat"]), now=now())
    opening.add_categories(project, ["fish"])
    assert Consensus.objects.agreed().get().category.name == "cat"
    assert Query.objects.get().state == Query.State.CLOSED
