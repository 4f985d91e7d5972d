"""Commands: the same verbs from a shell, with plain sentences for what cannot be done."""

import csv
import io
import json
import os

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command

from labeling import exporting
from labeling.importing import import_rows
from labeling.models import Assignment, Member, Project, Query
from rewards import ledger
from tests.making import a_project, a_query, a_user, a_worker, now

pytestmark = pytest.mark.django_db


def command(*words, **options) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


# --- import_items ----------------------------------------------------------------------------------------------------


def test_items_are_imported_and_refused_rows_are_listed(tmp_path):
    project, errors = a_project(), io.StringIO()
    path = tmp_path / "items.csv"
    path.write_text("id,text,category,note\na,one,dog,x\nb,two,unicorn,x\nc,,,x\n")
    said = command("import_items", project.slug, str(path), stderr=errors)
    assert said == "1 items created, 0 there already, 1 newly known, 0 new gold, 2 rows refused.\n"
    assert errors.getvalue().splitlines() == [
        "Row 3: The project has no category “unicorn”.",
        "Row 4: The text is empty.",
        "Columns that were not read: note.",
    ]
    said = command("import_items", project.slug, str(path), "--create-categories", stderr=errors)
    assert said.startswith("1 items created, 1 there already, 1 newly known")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("missing.csv", None, "missing.csv cannot be read: No such file or directory"),
        ("empty.csv", b"", "The file is empty"),
        ("items.xlsx", b"PK\x03\x04....", "Save a spreadsheet as CSV"),
    ],
)
def test_a_file_that_cannot_be_imported_is_a_sentence(tmp_path, name, content, sentence):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError, match=sentence):
        command("import_items", a_project().slug, str(path))


def test_a_project_that_is_none_names_those_there_are(tmp_path):
    project = a_project()
    with pytest.raises(CommandError, match=rf"There is no project 'nowhere'\. There are: {project.slug}\."):
        command("import_items", "nowhere", str(tmp_path))


# --- export ----------------------------------------------------------------------------------------------------------


def test_the_labeled_set_goes_to_standard_output_or_to_a_file(tmp_path):
    project, path = a_project(), tmp_path / "labeled.jsonl"
    import_rows(project, [{"id": "a", "text": "ünï", "category": "dog"}])
    (row,) = csv.DictReader(io.StringIO(command("export", project.slug)))
    assert (row["id"], row["categories"], row["decided_by"]) == ("a", "dog", "import")
    command("export", project.slug, "--format", "jsonl", "--out", str(path), stderr=io.StringIO())
    assert json.loads(path.read_text(encoding="utf-8"))["categories"] == ["dog"]
    assert [file.name for file in tmp_path.iterdir()] == ["labeled.jsonl"]


@pytest.mark.parametrize("what", ["judgments", "predictions", "ledger"])
def test_everything_can_be_exported(what):
    project = a_project(funds=70)
    lines = command("export", project.slug, "--what", what, "--format", "jsonl").splitlines()
    assert [json.loads(line)["amount"] for line in lines] == ([70] if what == "ledger" else [])


def test_an_export_that_fails_keeps_the_file_of_before(tmp_path, monkeypatch):
    path = tmp_path / "labeled.csv"
    path.write_text("of yesterday")

    def broken(project):
        yield {"id": "a"}
        raise RuntimeError

    monkeypatch.setitem(exporting.WHAT, "labeled", broken)
    with pytest.raises(RuntimeError):
        command("export", a_project().slug, "--out", str(path))
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("labeled.csv", "of yesterday")]


def test_a_reader_who_has_seen_enough_ends_an_export_quietly(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as pipe:
        monkeypatch.setattr("sys.stdout", pipe)
        call_command("export", a_project(items=1).slug, stdout=pipe)
        pipe.flush()


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path):
    with pytest.raises(CommandError, match="cannot be written: No such file or directory"):
        command("export", a_project().slug, "--out", str(tmp_path / "nowhere" / "labeled.csv"))


@pytest.mark.parametrize("words", [["--what", "everything"], ["--format", "xml"]])
def test_an_export_of_another_kind_is_refused(words):
    with pytest.raises(CommandError, match="invalid choice"):
        command("export", a_project().slug, *words)


# --- projects, people, money -----------------------------------------------------------------------------------------


def test_a_project_is_opened_and_filled_from_the_shell():
    a_user("ada")
    words = ["Bird songs", "--owner", "ada", "--media", "audio", "--categories", "tit", "wren", "--several"]
    slug = command("create_project", *words, "--instructions", "Listen.").strip()
    project = Project.objects.get(slug=slug)
    assert (project.name, project.media, project.exclusive, project.instructions) == (
        "Bird songs",
        "audio",
        False,
        "Listen.",
    )
    assert [category.name for category in project.categories.all()] == ["tit", "wren"]
    assert Member.objects.get(project=project).user.username == "ada"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["Birds", "--owner", "nobody"], "There is no user 'nobody'"),
        (["  ", "--owner", "ada"], "A project needs a name"),
        (["Birds", "--owner", "ada", "--categories", "a", "a"], "named twice"),
        (["Birds", "--owner", "ada", "--categories", "\xe9", "e\u0301"], "named twice"),
        (["Birds", "--owner", "ada", "--categories", "a"], "there are at least two"),
        (["Birds", "--owner", "ada", "--categories", "a", "\udce9"], "categor"),
        (["B\udce9", "--owner", "ada"], "name"),
        (["B" * 121, "--owner", "ada"], "at most 120 characters"),
        (["Birds", "--owner", "ada", "--currency", "c" * 21], "at most 20 characters"),
        (["Birds", "--owner", "\udce9"], "There is no user"),
        (["Birds", "--owner", "ada", "--media", "smell"], "invalid choice"),
        (["Birds"], "--owner"),
    ],
)
def test_a_project_that_cannot_be_is_a_sentence(words, sentence):
    a_user("ada")
    with pytest.raises(CommandError, match=sentence):
        command("create_project", *words)
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    "words", [["retrain", "\udce9"], ["train", "\udce9"], ["add_member", "{slug}", "\udce9", "--create"]]
)
def test_a_name_that_is_no_text_is_nobodys(words):
    slug = a_project().slug
    with pytest.raises(CommandError, match=r"There is no|valid username"):
        command(*(word.format(slug=slug) for word in words))


def test_a_budget_is_funded_once_for_one_key():
    project = a_project(funds=0)
    said = command("fund", project.slug, "500", "--key", "invoice 7")
    assert said == "Funded 500 points: 500 available, 0 reserved, 0 spent.\n"
    assert command("fund", project.slug, "500", "--key", "invoice 7") == said
    assert project.budget.funded == 500


@pytest.mark.parametrize("amount", ["0", str(10**16)])
def test_an_amount_that_cannot_be_funded_is_a_sentence(amount):
    project = a_project(funds=0)
    with pytest.raises(CommandError, match="An amount is a whole number from 1"):
        command("fund", project.slug, amount)
    with pytest.raises(CommandError, match="invalid int"):
        command("fund", project.slug, "much")
    assert project.budget.funded == 0


def test_a_member_is_added_and_a_new_one_gets_a_password():
    project = a_project()
    a_user("ada")
    assert command("add_member", project.slug, "ada", "--role", "researcher") == f"ada as researcher in {project}.\n"
    name, password = command("add_member", project.slug, "ben", "--create").splitlines()[0].split()
    assert authenticate(username=name, password=password).memberships.get().role == "worker"
    with pytest.raises(CommandError, match="There is no user 'cleo'"):
        command("add_member", project.slug, "cleo")
    with pytest.raises(CommandError, match="valid username"):
        command("add_member", project.slug, "c leo!", "--create")


def test_members_go_but_not_the_last_owner():
    project = a_project(owner=a_user("olga"))
    a_worker(project, "ada")
    assert command("remove_member", project.slug, "ada") == f"ada is no longer worker in {project}.\n"
    assert not project.members.workers().present().exists()
    with pytest.raises(CommandError, match="ada has no role worker"):
        command("remove_member", project.slug, "ada")
    with pytest.raises(CommandError, match="Make somebody else an owner first"):
        command("remove_member", project.slug, "olga", "--role", "owner")


# --- the ring --------------------------------------------------------------------------------------------------------


def test_a_refill_says_what_it_opened_or_why_nothing():
    project = a_project(items=3)
    assert command("refill", project.slug, "--seed", "1") == "3 queries opened, 0 withdrawn.\n"
    poor = a_project(items=3, funds=0)
    assert "The budget does not pay for another query." in command("refill", poor.slug)


def test_a_run_is_requested_once():
    project = a_project()
    assert command("retrain", project.slug) == command("retrain", project.slug) == f"{project} run 1: queued.\n"
    assert project.runs.get().trigger == "by command"


@pytest.mark.parametrize("verb", ["retrain", "train"])
def test_no_run_is_requested_in_an_archived_project(verb):
    project = a_project(state="archived")
    with pytest.raises(CommandError, match="archived"):
        command(verb, project.slug)
    assert not project.runs.exists()


def test_a_sweep_expires_what_was_not_answered():
    project = a_project(lease_seconds=10)
    query = a_query(project)
    assert query.take_place()
    from labeling import asking

    asking.offer(query, a_worker(project), now())
    Assignment.objects.update(expires=now())
    assert command("sweep").startswith("1 assignments expired")
    assert Query.objects.get().asked == 0
    assert ledger.entries(project.budget)[0].kind == "void"
