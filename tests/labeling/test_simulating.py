"""Recorded answers, played through the real flows: each used once, paid, and learned from."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from labeling import board, simulating
from labeling.management.commands.simulate import agreement
from labeling.models import Assignment, Judgment, Project
from rewards.auditing import audit
from tests.making import a_query
from tests.teaching import agree

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
KEYS = {
    "run", "spend", "judgments", "accuracy", "accuracy_unasked", "accuracy_fixed", "accuracy_test", "mean_confidence",
}  # fmt: skip


def write(path, head, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


@pytest.fixture
def folder(tmp_path):
    """Forty items of two clear categories, answered by four workers who are right nine times of ten; ten to predict."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 50)
    X = rng.normal(size=(50, 5)) + 3 * truth[:, None]
    np.savez(tmp_path / "features.npz", ids=np.array([f"i{at}" for at in range(50)]), X=X)
    names = np.array(["calm", "wild"])
    answers = [
        (f"i{at}", f"w{worker}", names[truth[at] if rng.random() < 0.9 else 1 - truth[at]])
        for at in range(40)
        for worker in range(4)
    ]
    write(tmp_path / "answers.csv", ["item", "worker", "label"], answers)
    rows = [(f"i{at}", names[truth[at]], "train" if at < 40 else "test") for at in range(50)]
    write(tmp_path / "truth.csv", ["item", "label", "split"], rows)
    return tmp_path


@pytest.fixture
def replay(db, settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "arrays": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    }
    settings.ARRAYS_CACHE = tmp_path / "cache"

    def start(folder, **options):
        fields = {"classifier": "logistic_regression", "retrain_every": 10, "agree_count": 2, "wanted": 3} | options
        return simulating.Replay(simulating.read(folder), **fields)

    return start


def test_the_loop_turns_and_the_figures_grow(replay, folder):
    lines = list(replay(folder).play())
    assert [line["run"] for line in lines] == list(range(len(lines))) and len(lines) >= 3
    assert all(set(line) == KEYS for line in lines)
    first, last = lines[0], lines[-1]
    assert (first["spend"], first["judgments"], first["accuracy_test"], first["mean_confidence"]) == (0, 0, None, None)
    assert last["accuracy"] > 0.9 and last["accuracy_test"] > 0.9 and last["mean_confidence"] > 0.5
    assert [line["spend"] for line in lines] == sorted(line["spend"] for line in lines)


def test_no_recorded_answer_is_used_twice_and_all_are_paid(replay, folder):
    played = replay(folder)
    last = list(played.play())[-1]
    assert Judgment.objects.count() == last["judgments"] <= 160
    assert len(set(Judgment.objects.values_list("worker", "item"))) == last["judgments"]
    assert played.project.budget.spent == last["spend"] == sum(Assignment.objects.values_list("paid", flat=True))
    assert audit().differences == []


def test_the_budget_ends_the_replay(replay, folder):
    last = list(replay(folder, budget=40).play())[-1]
    assert last["spend"] <= 40


def test_the_same_seed_plays_the_same(replay, folder):
    assert list(replay(folder, seed=3).play())[:2] == list(replay_again(replay, folder, seed=3))[:2]


def replay_again(replay, folder, **options):
    from django.contrib.auth.models import User

    for user in User.objects.all():
        User.objects.filter(pk=user.pk).update(username=f"earlier {user.username}")
    return replay(folder, **options).play()


def test_a_tile_that_its_worker_skipped_is_not_an_item_that_was_asked(replay, folder):
    played = replay(folder)
    first, second = (played.items[f"i{at}"] for at in range(2))
    query = a_query(played.project, "items", [first, second], wanted=1)
    played.unused["i1"].pop("w0")  # w0 never answered the second
    played.answer(query, "w0")
    assert played.asked == {"i0"}


def test_what_people_said_is_delivered_before_they_agree(replay, folder):
    played = replay(folder)
    item, categories = played.items["i0"], list(played.project.categories.all())
    agree(item, categories[0].name, degree=0.0, agreed=False)
    position = board.read(played.project)
    place = {pk: at for at, pk in enumerate(position.items.tolist())}
    delivered = played.delivered(position, place)
    assert delivered[place[item.pk]].tolist() == pytest.approx([0.0, 1.0], abs=0.03)
    assert delivered[place[played.items["i1"].pk]].tolist() == [0.5, 0.5]


def test_several_categories_an_item_are_scored_by_cell(replay, folder):
    write(
        folder / "answers.csv",
        ["item", "worker", "label"],
        [(f"i{i}", f"w{w}", "a|b") for i in range(20) for w in "xyz"],
    )
    write(
        folder / "truth.csv",
        ["item", "category", "label", "split"],
        [(f"i{i}", c, int(c == "a"), "train") for i in range(20) for c in "abc"],
    )
    played = replay(folder)
    assert not played.project.exclusive
    last = list(played.play())[-1]
    assert last["accuracy"] == pytest.approx(2 / 3, abs=0.05)  # a and c are right, b is what everybody wrongly says


@pytest.mark.parametrize(
    "harm, sentence",
    [
        (lambda folder: (folder / "truth.csv").unlink(), "truth.csv is missing"),
        (lambda folder: write(folder / "answers.csv", ["item", "label"], []), "no column worker"),
    ],
)
def test_a_folder_that_does_not_hold_a_recording_is_named(folder, harm, sentence):
    harm(folder)
    with pytest.raises(simulating.Unreadable, match=sentence):
        simulating.read(folder)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "category"),
        (["--agree", "0"], "greater than or equal to 1"),
        (["--sure", "0.3"], "greater than or equal to 0.5"),
    ],
)
def test_a_recording_no_project_can_hold_is_a_sentence(replay, folder, words, sentence):
    if not words:
        for file in ("truth.csv", "answers.csv"):
            (folder / file).write_text((folder / file).read_text().replace("wild", "w" * 121))
    with pytest.raises(CommandError, match=sentence):
        call_command("simulate", str(folder), "--inside", *words)
    assert not Project.objects.exists()


def test_who_agrees_when_sure_asks_some_items_once(replay, folder):
    last = list(replay(folder, agree_count=1, policy="random", **agreement(0.7)).play())[-1]
    assert 40 <= last["judgments"] < 80 and last["accuracy"] > 0.85  # forty items were answered four times


def test_the_command_prints_one_json_object_a_line_from_a_database_of_its_own(folder):
    command = ["manage.py", "simulate", str(folder), "--json", "--classifier", "logistic_regression", "--budget", "60"]
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["run"] == 0 and all(set(line) == KEYS for line in lines)


@pytest.mark.skipif(not (DATA / "music_genre").exists(), reason="the recorded answers of music_genre are not here")
def test_music_genre_is_read_as_it_was_recorded():
    recording = simulating.read(DATA / "music_genre")
    assert (len(recording.rows), len(recording.answers), len(recording.test)) == (1000, 700, 300)
    assert sum(map(len, recording.answers.values())) == 2945 and len(recording.categories) == 10
