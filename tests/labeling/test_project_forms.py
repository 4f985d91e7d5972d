"""What an admin types to make and shape a project: the new one, its settings, its categories."""

import pytest
from django.urls import reverse

from labeling.models import Category, Project
from tests.making import a_project, a_query, a_user
from tests.visiting import page, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return a_project(items=2, owner=a_user("olga"), instructions="Look closely.")


@pytest.fixture
def owner(client, project):
    client.force_login(project.members.get().user)
    return client


# --- a new project ----------------------------------------------------------------------------------------------------


NEW = {
    "name": "Birds of the lake",
    "instructions": "Which bird is it?",
    "media": "image",
    "exclusive": "on",
    "categories": "grebe\n\n  coot \nmute   swan\n",
    "currency": "cents",
}


def open_new(client, **changes):
    return client.post(reverse("new_project"), NEW | changes)


def test_a_project_is_opened_with_its_categories_budget_and_owner(client):
    user = a_user()
    client.force_login(user)
    answer = open_new(client)
    project = Project.objects.get()
    assert answer["Location"] == reverse("project_items", args=["birds-of-the-lake"])
    assert [category.name for category in project.categories.all()] == ["grebe", "coot", "mute swan"]
    assert (project.media, project.exclusive, project.budget.currency) == ("image", True, "cents")
    assert project.members.get().user == user and project.members.get().role == "owner"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "Give it a name."),
        ({"name": "  "}, "Give it a name."),
        ({"instructions": ""}, "Say what workers should look for."),
        ({"media": ""}, "Choose what the items are."),
        ({"name": "n" * 121}, "at most 120 characters"),
        ({"name": "a\0b"}, "Null characters are not allowed."),
        ({"media": "video"}, "video is not one of the available choices"),
        ({"categories": ""}, "Name at least one category."),
        ({"categories": "one"}, "there are at least two"),
        ({"categories": "one\none"}, "named twice"),
        ({"categories": f"one\n{'c' * 121}"}, "1 to 120 characters"),
        ({"categories": "\n".join(map(str, range(501)))}, "up to 500"),
        ({"currency": "c" * 21}, "at most 20 characters"),
        ({"instructions": "i" * 20_001}, "at most 20000 characters"),
    ],
)
def test_a_project_that_cannot_be_opened_is_refused_beside_the_field(client, changes, said):
    client.force_login(a_user())
    answer = open_new(client, **changes)
    assert answer.status_code == 422
    assert text(answer).count(said) >= 2, "beside the field and in the summary"
    assert not Project.objects.exists()


def test_one_category_is_enough_where_an_item_may_have_none(client):
    client.force_login(a_user())
    data = NEW | {"categories": "blurred"}
    del data["exclusive"]
    client.post(reverse("new_project"), data)
    assert not Project.objects.get().exclusive


def test_a_project_named_new_does_not_hide_behind_the_form(client):
    client.force_login(a_user())
    answer = open_new(client, name="New")
    assert client.get(answer["Location"]).status_code == 200
    assert Project.objects.get().slug != "new"


def test_names_in_any_script_become_addresses_of_their_own(client):
    client.force_login(a_user())
    for _ in range(2):
        assert client.get(open_new(client, name="鳥 <b>")["Location"]).status_code == 200


# --- settings ---------------------------------------------------------------------------------------------------------


def settings_of(client, project):
    form = page(client, project, "project_settings").context["form"]
    shown = {field.html_name: field.value() for _, _, fields in form.groups() for field in fields}
    return {name: "" if value is None else value for name, value in shown.items()}


def test_saving_what_is_shown_changes_nothing(owner, project):
    Project.objects.update(factors={"rating": 0.35}, agree_share=2 / 3)
    before = Project.objects.values().get()
    assert post(owner, project, "project_settings", **settings_of(owner, project)).status_code == 302
    after = Project.objects.values().get()
    assert after["agree_share"] == pytest.approx(2 / 3, abs=1e-9)
    assert {**after, "agree_share": None} == {**before, "agree_share": None}


def test_thresholds_are_saved(owner, project):
    changes = {
        "name": "Renamed", "agree_share": "75", "wanted": "7", "certain": "97.5", "exam_share": "12.5",
        "retrain_every": "9", "classifier": "logistic_regression", "target_confidence": "99",
        "accept_share": "5", "accept_confidence": "90", "audit_lead": "3",
    }  # fmt: skip
    post(owner, project, "project_settings", **settings_of(owner, project) | changes)
    project.refresh_from_db()
    assert (project.agree_share, project.wanted, project.certain, project.exam_share) == (0.75, 7, 0.975, 0.125)
    assert (project.accept_share, project.accept_confidence, project.audit_lead) == (0.05, 0.9, 3)
    assert (project.classifier, project.retrain_every, project.name) == ("logistic_regression", 9, "Renamed")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"wanted": "2", "agree_count": "3"}, "At least 3 must be asked, because so many must agree."),
        ({"agree_share": "49"}, "greater than or equal to 50"),
        ({"accept_share": "60"}, "less than or equal to 50"),
        ({"accept_confidence": "100"}, "less than or equal to 99.9"),
        ({"agree_share": "101"}, "less than or equal to 100"),
        ({"certain": "nan"}, "Enter a number."),
        ({"certain": "inf"}, "Enter a number."),
        ({"certain": "much"}, "Enter a number."),
        ({"wanted": "9" * 30}, "less than or equal to"),
        ({"queue_size": "-1"}, "greater than or equal to 0"),
        ({"queue_size": "1.5"}, "Enter a whole number."),
        ({"retrain_every": "0"}, "greater than or equal to 1"),
        ({"classifier": "os.system"}, "os.system is not one of the available choices"),
        ({"classifier": "segmentation.DeepSegmentation"}, "is not one of the available choices"),
        ({"policy": "worst"}, "worst is not one of the available choices"),
        ({"train_on": ""}, "This field is required."),
        ({"name": ""}, "This field is required."),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_refused_beside_the_field_and_in_the_summary(owner, project, changes, said):
    before = Project.objects.values().get()
    answer = post(owner, project, "project_settings", **settings_of(owner, project) | changes)
    assert answer.status_code == 422
    assert text(answer).count(said) >= 2
    assert Project.objects.values().get() == before


def test_settings_leave_alone_what_changed_meanwhile(owner, project):
    data = settings_of(owner, project)
    Project.objects.update(rows=77, columns=8, state="paused")
    post(owner, project, "project_settings", **data)
    project.refresh_from_db()
    assert (project.rows, project.columns, project.state) == (77, 8, "paused")


# --- categories -------------------------------------------------------------------------------------------------------


def test_categories_are_added_at_the_end_and_described(owner, project):
    post(owner, project, "project_settings", add="", categories="fish\nnewt")
    assert [category.name for category in project.categories.all()] == ["cat", "dog", "bird", "fish", "newt"]
    data = {f"description_{category.pk}": f"a {category.name}" for category in project.categories.all()}
    post(owner, project, "project_settings", describe="", **data)
    assert project.categories.last().description == "a newt"


@pytest.mark.parametrize("names", ["cat", "fish\nfish", "x" * 121, "", "\n".join(map(str, range(499)))])
def test_categories_that_cannot_be_added_are_refused_together(owner, project, names):
    answer = post(owner, project, "project_settings", add="", categories=names)
    assert answer.status_code == 422
    assert project.categories.count() == 3


def test_a_description_too_long_is_refused(owner, project):
    category = project.categories.first()
    answer = post(owner, project, "project_settings", describe="", **{f"description_{category.pk}": "x" * 501})
    assert answer.status_code == 422
    assert not Category.objects.exclude(description="").exists()


def test_an_unused_category_is_removed_and_its_column_never_given_out_again(owner, project):
    bird = project.categories.get(name="bird")
    post(owner, project, "project_settings", remove=bird.pk)
    post(owner, project, "project_settings", add="", categories="fish")
    assert [(category.name, category.column) for category in project.categories.all()] == [
        ("cat", 0), ("dog", 1), ("fish", 3),
    ]  # fmt: skip


def test_a_category_that_was_asked_about_stays(owner, project):
    a_query(project, categories=[project.categories.get(name="cat")])
    cat = project.categories.get(name="cat")
    shown = text(page(owner, project, "project_settings"))
    assert "Remove dog" in shown and "Remove cat" not in shown
    answer = post(owner, project, "project_settings", remove=cat.pk)
    assert answer.status_code == 422 and "has been used, so it stays" in text(answer)
    assert project.categories.filter(pk=cat.pk).exists()


@pytest.mark.parametrize("forged", ["", "x", "0", "9" * 18, "9" * 40, "-1"])
def test_a_forged_category_is_not_found(owner, project, forged):
    assert post(owner, project, "project_settings", remove=forged).status_code == 404
