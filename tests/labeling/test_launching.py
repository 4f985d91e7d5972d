"""A run in a child process: real children, killed for real."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from django_q.exceptions import TimeoutException
from django_q.models import OrmQ
from django_q.timeout import TimeoutHandler

from labeling import attempts, launching, tasks, training
from labeling.models import TrainingRun
from tests.making import a_project, now

State = TrainingRun.State
pytestmark = pytest.mark.django_db


@pytest.fixture
def child(monkeypatch):
    """Lets a test say, as a Python program, what the child process does."""

    popen = subprocess.Popen

    def set_program(text):
        program = [sys.executable, "-c", text]
        monkeypatch.setattr(subprocess, "Popen", lambda command, **options: popen(program, **options))

    return set_program


def requested():
    run = training.request(a_project(), "by hand", now=now())
    OrmQ.objects.all().delete()
    return run


def bells():
    return OrmQ.objects.filter(key="training").count()


def test_the_child_is_told_which_attempt_to_carry_out(monkeypatch):
    commands = []

    def note(command, **options):
        commands.append(command[2:])
        raise OSError("no more processes")

    monkeypatch.setattr(subprocess, "Popen", note)
    run = requested()
    for _ in range(2):
        with pytest.raises(OSError):
            launching.launch(run)
    assert commands == [["train", str(run.pk), "--attempt", "1"], ["train", str(run.pk), "--attempt", "2"]]


def test_a_child_that_cannot_be_started_leaves_a_queued_run_that_is_rung_for(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: (_ for _ in ()).throw(OSError("no more processes")))
    run = requested()
    with pytest.raises(OSError):
        launching.launch(run)
    run = TrainingRun.objects.get()
    assert run.state == State.QUEUED and "could not be started" in run.message and bells() == 1


def test_a_killed_child_leaves_a_queued_run_and_the_third_a_failed_one(child):
    child(f"import os; os.kill(os.getpid(), {signal.SIGKILL.value})")
    run = requested()
    states = []
    for _ in range(3):
        launching.launch(run)
        states.append((run.state, bells()))
    assert states == [(State.QUEUED, 1), (State.QUEUED, 2), (State.FAILED, 2)]
    assert "died 3 times" in run.message and "signal 9" in run.message and run.finished


def test_a_child_that_ends_with_its_run_still_running_has_failed_at_it(child):
    child("raise SystemExit(3)")
    run = launching.launch(requested())
    assert run.state == State.QUEUED and "ended with status 3" in run.message


def test_a_second_bell_starts_no_second_child(child):
    child("raise SystemExit(0)")
    run = requested()
    TrainingRun.objects.update(state=State.RUNNING, attempt=1, heartbeat=now(), message="Learning")
    tasks.train(run.pk)
    run.refresh_from_db()
    assert (run.state, run.attempt, run.message, bells()) == (State.RUNNING, 1, "Learning", 0)


def test_signs_of_life_are_given_for_this_attempt_only(child, monkeypatch):
    monkeypatch.setattr(launching, "BEAT", 0.05)
    child("import time; time.sleep(0.5)")
    run = requested()
    beats = []

    def watch(execute, sql, params, many, context):
        if sql.startswith("UPDATE") and '"heartbeat"' in sql and '"started"' not in sql:
            beats.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        launching.launch(run)
    assert len(beats) >= 3 and all('"attempt" =' in sql and '"state" =' in sql for sql in beats)


def test_a_run_that_takes_too_long_fails_with_a_sentence_and_its_child_is_ended(child, tmp_path):
    pid = tmp_path / "pid"
    child(f"import os, time; open({str(pid)!r}, 'w').write(f'{{os.getpid()}}\\n'); time.sleep(60)")
    run = requested()
    with pytest.raises(TimeoutException), TimeoutHandler(2):  # the alarm that django-q2 sets around a task
        launching.launch(run)
    run = TrainingRun.objects.get()
    assert run.state == State.FAILED and "took longer than 21,600 seconds" in run.message and bells() == 0
    assert gone(int(pid.read_text()))


def gone(pid, patience=5.0):
    """Whether the process has ended, reaped or not, waiting for it a little."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {child!r}], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert child.stdout.readline() == b"watching\\n"
print(child.pid, flush=True)
time.sleep(60)
"""
CHILD = """
import os, time
os.environ["DJANGO_SETTINGS_MODULE"] = "labeling.settings"
import django
django.setup()
from labeling import launching
launching.exit_with_parent()
print("watching", flush=True)
time.sleep(60)
"""


def test_the_child_exits_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT.format(child=CHILD)], stdout=subprocess.PIPE, text=True)
    try:
        child = int(parent.stdout.readline())
        assert not gone(child, patience=0.2)
        parent.kill()
        parent.wait()
        assert gone(child)
    finally:
        parent.kill()
        parent.stdout.close()


def test_the_command_names_what_it_did_not_find():
    with pytest.raises(CommandError, match="no run and no project 'nowhere'"):
        call_command("train", "nowhere")


def test_the_command_carries_out_no_attempt_but_its_own(monkeypatch):
    monkeypatch.setattr(launching, "exit_with_parent", lambda: None)
    run = requested()
    attempts.start(run)
    call_command("train", str(run.pk), attempt=7)
    assert TrainingRun.objects.get().state == State.RUNNING
    call_command("train", str(run.pk), attempt=1)
    assert TrainingRun.objects.get().state == State.FAILED  # a project without items: a sentence, not a trace
    assert "no items" in TrainingRun.objects.get().message and timezone.now() >= TrainingRun.objects.get().finished


def test_a_child_that_is_done_ends_in_peace_while_its_parent_lives(settings):
    program = "import django; django.setup(); from labeling import launching; launching.exit_with_parent()"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "labeling.settings"}
    options = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": settings.BASE_DIR}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, **options) as child:
        assert (child.wait(60), child.stderr.read()) == (0, "")
