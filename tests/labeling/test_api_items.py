"""Items through the API: imported in three forms, refused row by row, listed, and their contents served by token."""

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from labeling import asking
from labeling.models import Consensus, Gold, Item
from tests.making import a_project, a_query, a_worker, now
from tests.speaking import Speaker

pytestmark = pytest.mark.django_db


@pytest.fixture
def texts():
    project = a_project()
    return project, Speaker(project.members.get().user), f"projects/{project.slug}/items/"


def a_picture(colour="red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(file, "PNG")
    return file.getvalue()


def test_rows_come_as_a_json_array_with_what_is_known_of_them(texts):
    _, speaker, address = texts
    rows = [{"id": "a", "text": "Meow", "categories": ["cat"]}, {"id": "b", "text": "Woof", "gold": ["dog"]}]
    reply = speaker.post(address, rows)
    assert reply.json() == {"created": 2, "existing": 0, "known": 1, "gold": 1, "refused": []}
    assert Consensus.objects.agreed().get().category.name == "cat"
    assert Gold.objects.filter(item__identifier="b", degree=1).get().category.name == "dog"
    assert speaker.post(address, rows).json()["existing"] == 2


@pytest.mark.parametrize("media", ["application/jsonl", "application/x-ndjson", "application/json"])
def test_rows_come_as_json_lines_and_a_broken_line_is_named(texts, media):
    _, speaker, address = texts
    body = b'{"id": "a", "text": "Meow"}\n{"id": \n{"id": "c", "text": "Moo"}\n'
    said = speaker.post(address, body, format=None, content_type=media).json()
    assert (said["created"], [row["row"] for row in said["refused"]]) == (2, [2])
    assert set(Item.objects.values_list("identifier", flat=True)) == {"a", "c"}


def test_good_rows_are_kept_and_bad_ones_named_by_number(texts):
    _, speaker, address = texts
    rows = [
        {"id": "a", "text": "Meow"}, {"text": "no id"}, {"id": "c", "text": 3}, 7, None, {"id": "a", "text": "twice"},
        {"id": "g", "text": "x", "categories": ["fish"]}, {"id": "h", "text": "\0"}, {"id": "\ud800", "text": "x"},
    ]  # fmt: skip
    said = speaker.post(address, json.dumps(rows), format=None, content_type="application/json").json()
    assert said["created"] == 1
    assert [row["row"] for row in said["refused"]] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert "fish" in said["refused"][5]["reason"]


def test_where_every_row_is_bad_the_request_is(texts):
    _, speaker, address = texts
    reply = speaker.post(address, [{"text": "no id"}, 3])
    assert reply.status_code == 400
    said = reply.json()
    assert (said["code"], said["row"], len(said["refused"])) == ("rows_refused", 1, 2)


@pytest.mark.parametrize("body", [[], {}, 3, "x", None])
def test_what_holds_no_rows_is_refused(texts, body):
    assert texts[1].post(texts[2], body).status_code == 400


def test_a_zip_of_images_becomes_items_whose_url_the_token_opens():
    project = a_project(media="image")
    speaker = Speaker(project.members.get().user)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("red.png", a_picture("red"))
        archive.writestr("blue.png", a_picture("blue"))
        archive.writestr("broken.png", b"no picture")
    upload = SimpleUploadedFile("pictures.zip", file.getvalue())
    said = speaker.post(f"projects/{project.slug}/items/", {"file": upload}, format="multipart").json()
    assert (said["created"], len(said["refused"])) == (2, 1)
    rows = speaker.get(f"projects/{project.slug}/items/").json()["results"]
    assert [(row["id"], row["media"]) for row in rows] == [("red.png", "image"), ("blue.png", "image")]
    reply = speaker.client.get(rows[0]["url"])
    assert reply.headers["Content-Type"] == "image/png"
    assert b"".join(reply.streaming_content) == a_picture("red")


def test_a_worker_sees_the_content_of_what_he_is_asked_about_and_of_nothing_else():
    project = a_project(media="image")
    owner = Speaker(project.members.get().user)
    for name in ("red", "blue"):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(f"{name}.png", a_picture(name))
        upload = SimpleUploadedFile("pictures.zip", file.getvalue())
        owner.post(f"projects/{project.slug}/items/", {"file": upload}, format="multipart")
    red, blue = Item.objects.order_by("row")
    a_query(project, items=[red])
    worker = a_worker(project)
    asking.next_assignment(worker, now=now())
    speaker = Speaker(worker.user)
    assert speaker.client.get(f"/api/v1/items/{red.pk}/content/").status_code == 200
    assert speaker.get(f"items/{blue.pk}/content/").status_code == 404
    assert Speaker().get(f"items/{red.pk}/content/").status_code == 401


def test_a_zip_that_is_none_is_refused(texts):
    project = a_project(media="image")
    speaker = Speaker(project.members.get().user)
    upload = SimpleUploadedFile("pictures.zip", b"PK\x03\x04 but no zip")
    reply = speaker.post(f"projects/{project.slug}/items/", {"file": upload}, format="multipart")
    assert (reply.status_code, reply.json()["code"], reply.json()["field"]) == (400, "refused", "file")


def test_a_file_comes_under_its_name(texts):
    upload = SimpleUploadedFile("x.csv", b"id,text\na,Meow\n")
    reply = texts[1].post(texts[2], {"document": upload}, format="multipart")
    assert (reply.status_code, reply.json()["field"]) == (400, "file")


def test_items_are_listed_a_page_at_a_time(texts):
    _, speaker, address = texts
    speaker.post(address, [{"id": str(n), "text": f"Text {n}"} for n in range(5)])
    page = speaker.get(address, limit=3).json()
    assert [row["id"] for row in page["results"]] == ["0", "1", "2"]
    rest = speaker.said("get", page["next"].removeprefix("http://testserver")).json()
    assert rest["results"] == [{"id": str(n), "media": "text", "text": f"Text {n}"} for n in (3, 4)]
