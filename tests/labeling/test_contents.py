"""Stored content: who gets it, and how a file from outside is kept from doing harm."""

import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from labeling import asking, opening
from labeling.models import Member
from tests.making import a_project, a_query, a_user, a_worker, an_item, now

pytestmark = pytest.mark.django_db
BYTES = bytes(range(256)) * 8


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        }
    }


@pytest.fixture
def project():
    return a_project(media="image")


def stored(project, name="a-cat.png", data=BYTES):
    item = an_item(project, text="")
    item.content.save(name, ContentFile(data))
    return item


def address(item):
    return reverse("item_content", args=[item.pk])


def fetched(client, user, item, **headers):
    client.force_login(user)
    return client.get(address(item), headers=headers)


def body(response):
    return b"".join(response.streaming_content)


@pytest.mark.parametrize("role", [Member.Role.OWNER, Member.Role.ADMIN, Member.Role.RESEARCHER])
def test_who_runs_or_studies_the_project_sees_its_content(client, project, role):
    user = a_user()
    opening.join(user, project, role)
    assert body(fetched(client, user, stored(project))) == BYTES


def test_a_superuser_sees_it(client, project):
    assert fetched(client, a_user(is_superuser=True), stored(project)).status_code == 200


def test_a_worker_sees_only_what_he_was_asked_about(client, project):
    worker, asked, other = a_worker(project), stored(project), stored(project)
    a_query(project, items=[asked])
    assert fetched(client, worker.user, asked).status_code == 404
    asking.next_assignment(worker, now=now())
    assert fetched(client, worker.user, asked).status_code == 200
    assert fetched(client, worker.user, other).status_code == 404


def test_nobody_else_learns_that_it_exists(client, project):
    item = stored(project)
    elsewhere = a_project()
    assert fetched(client, elsewhere.members.get().user, item).status_code == 404
    assert fetched(client, a_user(), item).status_code == 404
    client.logout()
    assert client.get(address(item)).url.startswith("/sign-in/")


@pytest.mark.parametrize(
    ("name", "kind"), [("a.png", "image/png"), ("a.JPG", "image/jpeg"), ("a.wav", "audio/wav"), ("a.mp3", "audio/mpeg")]
)
def test_images_and_sounds_are_shown_under_their_own_type(client, project, name, kind):
    reply = fetched(client, project.members.get().user, stored(project, name))
    assert reply["Content-Type"] == kind
    assert reply["Content-Disposition"] == "inline", "without the file's name, which could tell the answer"


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.xhtml", "a.js", "a.png.html", "a"])
def test_anything_else_is_a_download_of_no_type(client, project, name):
    reply = fetched(client, project.members.get().user, stored(project, name, b"<script>alert(1)</script>"))
    assert reply["Content-Type"] == "application/octet-stream"
    assert reply["Content-Disposition"] == "attachment"


def test_content_is_sandboxed_never_sniffed_and_cached_only_by_its_reader(client, project):
    reply = fetched(client, project.members.get().user, stored(project))
    assert "sandbox" in reply["Content-Security-Policy"]
    assert reply["X-Content-Type-Options"] == "nosniff"
    assert reply["Cache-Control"].startswith("private")


@pytest.mark.parametrize(
    ("asked", "said", "part"),
    [
        ("bytes=0-", "bytes 0-2047/2048", BYTES),
        ("bytes=10-19", "bytes 10-19/2048", BYTES[10:20]),
        ("bytes=2000-99999", "bytes 2000-2047/2048", BYTES[2000:]),
        ("bytes=-48", "bytes 2000-2047/2048", BYTES[2000:]),
        ("bytes=-99999", "bytes 0-2047/2048", BYTES),
    ],
)
def test_a_player_may_ask_for_a_range(client, project, asked, said, part):
    reply = fetched(client, project.members.get().user, stored(project, "a.wav"), Range=asked)
    assert (reply.status_code, reply["Content-Range"], int(reply["Content-Length"])) == (206, said, len(part))
    assert body(reply) == part


@pytest.mark.parametrize("asked", ["bytes=2048-", "bytes=5-4", "bytes=-0"])
def test_a_range_outside_the_file_is_refused(client, project, asked):
    reply = fetched(client, project.members.get().user, stored(project), Range=asked)
    assert (reply.status_code, reply["Content-Range"]) == (416, "bytes */2048")


@pytest.mark.parametrize("asked", ["bytes=-", "bytes=1-2,5-6", "lines=1-2", "bytes=x-y", "9" * 5000])
def test_a_range_nobody_understands_gets_the_whole_file(client, project, asked):
    reply = fetched(client, project.members.get().user, stored(project), Range=asked)
    assert reply.status_code == 200 and body(reply) == BYTES


def test_an_item_without_content_or_with_a_lost_file_has_nothing_to_show(client, project):
    lost = stored(project)
    lost.content.storage.delete(lost.content.name)
    for item in (an_item(project), lost):
        assert fetched(client, project.members.get().user, item).status_code == 404


def test_content_is_only_read(client, project):
    client.force_login(project.members.get().user)
    assert client.post(address(stored(project))).status_code == 405
