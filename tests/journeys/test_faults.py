"""Real clusters work on a real run while their processes are killed, and the loop goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.utils import timezone
from django_q.models import Failure
from django_q.tasks import async_task

from labeling import attempts, classifying, importing, training
from labeling.models import Classification, Project, TrainingRun
from tests.making import database_url
from tests.teaching import a_taught_project

ROOT = Path(__file__).resolve().parents[2]
State = TrainingRun.State
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes as Linux shows them"),
]


@pytest.fixture
def clusters(tmp_path, settings):
    """The cluster for short work and the one for training, as `up` starts them, with what they said."""
    started = []

    def start(name):
        environment = os.environ | {"CLOSECALL_HOME": str(tmp_path), "DATABASE_URL": database_url()}
        environment |= {"Q_CLUSTER_NAME": "training"} if name == "training" else {}
        environment |= {"SECRET_KEY": settings.SECRET_KEY, "OMP_NUM_THREADS": "1"}
        with open(tmp_path / f"{name}.log", "w") as log:
            command = [sys.executable, "manage.py", "qcluster"]
            options = {"cwd": ROOT, "env": environment, "stdout": log, "stderr": log, "start_new_session": True}
            started.append(subprocess.Popen(command, **options))
        return started[-1]

    yield start("cluster"), start("training")
    for cluster in started:
        os.killpg(cluster.pid, signal.SIGKILL)
        cluster.wait()
    for log in tmp_path.glob("*.log"):  # shown if the test fails
        print(f"--- {log.name}\n{log.read_text()}")


def soon(condition, seconds=30):
    until = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def the_run(project, **fields):
    return TrainingRun.objects.filter(project=project, **fields).order_by("-number").first()


def child_of(run, verb="train"):
    """(pid, parent's pid) of the process that carries this attempt out, or None."""
    wanted = f"{verb}\0{run.pk}\0--attempt\0{run.attempt}\0"
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted in (process / "cmdline").read_text():
                return int(process.name), int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue


def test_killed_workers_and_children_cost_an_attempt_and_nothing_else(clusters):
    project = a_taught_project(queue_size=4, target_confidence=1.0, certain=1.0)
    training.request(project, "by hand", now=timezone.now(), seed=1)

    # The worker of the training cluster is killed: its child leaves with it, and the run's row shows no sign of life.
    run = soon(lambda: the_run(project, state=State.RUNNING))
    child, worker = soon(lambda: child_of(run))
    os.kill(worker, signal.SIGKILL)
    assert soon(lambda: not child_of(run), 20)
    assert the_run(project).state == State.RUNNING and Project.objects.get().published is None
    TrainingRun.objects.update(
        heartbeat=timezone.now() - attempts.SILENCE * 2, requested=timezone.now() - attempts.SILENCE * 2
    )
    async_task("labeling.tasks.sweep")  # as the schedule does every minute
    first = soon(lambda: the_run(project, state=State.DONE))
    assert (first.number, first.attempt) == (1, 2)
    assert Project.objects.get().published == first
    opened = soon(lambda: set(project.queries.open()))
    assert {query.run for query in opened} == {first}

    # A child is killed: the cluster itself sees to another attempt, without waiting for the sweep.
    training.request(project, "once more", now=timezone.now(), seed=2)
    run = soon(lambda: the_run(project, state=State.RUNNING))
    child, _ = soon(lambda: child_of(run))
    os.kill(child, signal.SIGKILL)
    second = soon(lambda: the_run(project, number=2, state=State.DONE))
    assert second.attempt == 2
    assert soon(lambda: {query.run for query in project.queries.open()} == {second})
    assert TrainingRun.objects.count() == 2


def test_items_that_come_after_a_run_are_classified_though_a_child_is_killed(clusters):
    project = a_taught_project(queue_size=4)
    training.request(project, "by hand", now=timezone.now(), seed=1)
    first = soon(lambda: the_run(project, state=State.DONE))
    importing.import_rows(project, ({"id": f"new {at}", "values": {"x": at % 5, "y": 0}} for at in range(3_000)))
    new = soon(lambda: Classification.objects.filter(state=State.RUNNING).first())
    child, _ = soon(lambda: child_of(new, "classify"))
    os.kill(child, signal.SIGKILL)
    assert soon(lambda: Classification.objects.filter(attempt=2).exists())
    assert soon(lambda: not classifying.behind(Project.objects.get()))  # the cluster may begin while items still come
    assert TrainingRun.objects.get().arrays["probability"]["shape"] == [3_021, 3]
    assert Project.objects.get().published == first
    assert soon(lambda: not Classification.objects.pending().exists())
    assert not Failure.objects.exists()
