"""Items as an admin brings them in, finds them, and takes them out."""

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from labeling import asking
from labeling.models import Consensus, Query
from tests.making import a_project, a_query, a_user, a_worker, an_item, now
from tests.visiting import page, post, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return a_project(items=2, owner=a_user("olga"), instructions="Look closely.")


@pytest.fixture
def owner(client, project):
    client.force_login(project.members.get().user)
    return client


def upload(name, content):
    return SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())


def test_a_file_is_imported_and_every_bad_row_named(owner, project):
    rows = "id,text\nr1,One\n,No name\nr2,Two\nr1,Again\n"
    shown = text(post(owner, project, "project_items", file=upload("rows.csv", rows), follow=True))
    assert project.items.filter(identifier__in=["r1", "r2"]).count() == 2
    assert "2 items imported" in shown and "2 rows refused; all others were kept" in shown
    assert "The row has no id." in shown
    assert "rows refused" not in text(page(owner, project, "project_items")), "the report is read once"


def test_the_same_file_again_adds_nothing(owner, project):
    lines = "\n".join(json.dumps({"id": f"r{n}", "text": f"Text {n}"}) for n in range(3))
    for _ in range(2):
        shown = text(post(owner, project, "project_items", file=upload("rows.jsonl", lines), follow=True))
    assert "0 items imported" in shown and "3 were there already" in shown
    assert project.items.count() == 5


def test_categories_are_added_by_an_import_only_if_that_is_wanted(owner, project):
    rows = "id,text,categories\nr1,One,fish\n"
    post(owner, project, "project_items", file=upload("rows.csv", rows))
    assert not project.categories.filter(name="fish").exists()
    post(owner, project, "project_items", file=upload("rows.csv", rows), create_categories="on")
    assert Consensus.objects.get(category__name="fish").source == "import"


def test_lines_are_items_and_a_line_typed_again_adds_nothing(owner, project):
    for _ in range(2):
        post(owner, project, "project_items", lines="To be\r\n\r\nOr not to be\r\n")
    assert sorted(project.items.exclude(identifier__startswith="item").values_list("text", flat=True)) == [
        "Or not to be", "To be",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "Choose a file, or type lines"),
        ({"lines": "   \n "}, "Choose a file, or type lines"),
        ({"lines": "a", "file": upload("rows.csv", "id,text\nr1,One")}, "one of the two"),
        ({"file": upload("empty.csv", b"")}, "The submitted file is empty."),
    ],
)
def test_an_import_of_nothing_is_refused(owner, project, data, said):
    answer = post(owner, project, "project_items", **data)
    assert answer.status_code == 422 and said in text(answer)
    assert project.items.count() == 2


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b"PK\x03\x04 broken", b"\x00" * 5000, b"a" * 300_000])
def test_a_file_that_is_none_is_refused_or_reported_and_adds_nothing(owner, project, content):
    answer = post(owner, project, "project_items", file=upload("strange.bin", content), follow=True)
    assert answer.status_code in (200, 422)
    assert project.items.count() == 2
    assert "refused" in text(answer) or 'class="error"' in text(answer) or "notice error" in text(answer)


def test_a_file_too_large_is_refused_with_its_size(owner, project, settings):
    settings.UPLOAD_LIMIT = 1000
    answer = post(owner, project, "project_items", file=upload("rows.csv", "id,text\n" + "r,x\n" * 500))
    assert answer.status_code == 422 and "2.0" in text(answer)
    assert project.items.count() == 2


def test_files_are_no_items_of_a_project_of_texts(owner, project):

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", b"no image")
    answer = post(owner, project, "project_items", file=upload("images.zip", buffer.getvalue()), follow=True)
    assert answer.status_code in (200, 422) and project.items.count() == 2


def test_an_item_is_found_by_its_identifier_and_taken_out_and_in(owner, project):
    item = an_item(project, "the one")
    a_query(project, items=[item])
    assert "the one" in text(page(owner, project, "project_items", identifier="the one"))
    post(owner, project, "project_items", withdraw=item.pk)
    item.refresh_from_db()
    assert item.withdrawn and Query.objects.get().state == "withdrawn"
    post(owner, project, "project_items", restore=item.pk)
    item.refresh_from_db()
    assert not item.withdrawn


def test_reported_items_are_listed_and_one_more_report_does_not_take_a_restored_one_out(owner, project):
    item = project.items.first()
    first, second, third = (a_worker(project) for _ in range(3))
    asking.report(item, first, "<i>blurred</i>", now())
    assert "&lt;i&gt;blurred" in text(page(owner, project, "project_items"))
    asking.report(item, second, "", now())
    assert "Taken out" in text(page(owner, project, "project_items"))
    post(owner, project, "project_items", restore=item.pk)
    asking.report(item, third, "", now())
    item.refresh_from_db()
    assert not item.withdrawn


def test_items_are_paged_in_the_order_of_their_rows(owner, project):
    for _ in range(30):
        an_item(project)
    first = page(owner, project, "project_items").context
    assert len(first["items"]) == 24
    rest = page(owner, project, "project_items", after=first["more"]).context
    assert len(rest["items"]) == 8 and rest["more"] is None


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"after": "9" * 99}, {"identifier": "%' OR 1"}, {"identifier": "x" * 9999}]
)
def test_a_forged_address_shows_a_page(owner, project, query):
    assert page(owner, project, "project_items", **query).status_code == 200
