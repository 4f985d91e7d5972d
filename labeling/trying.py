"""Try before you pay: the life of a trial, from the request to its picture.

The row is the truth, the message in the queue only a bell. The plays run in children with a home of their own, which
cannot reach the real rows; when this process dies they end, and the sweep removes what they leave.
"""

import logging
import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_q.exceptions import TimeoutException
from django_q.tasks import async_task

from labeling import attempts
from labeling.models import Project, Trial
from labeling.simulating import Unplayable, comparing, sampling, scratch
from labeling.simulating.crowds import Quality

log = logging.getLogger(__name__)

CLUSTER = "trials"  # its name in settings
MOST = 6  # policies beside each other
PLAYS = 30  # in all
QUICK = "label_spreading"  # a classifier that learns in a fraction of a second, for those in no hurry to be exact
CROWDS = {
    Trial.Crowd.USUAL: Quality(),
    Trial.Crowd.CAREFUL: Quality(lowest=0.75, spread=0.22),
    Trial.Crowd.MIXED: Quality(spammers=0.1),
}


# --- request ---------------------------------------------------------------------------------------------------------


def request(project: Project, user, *, policies: Sequence[str], now: datetime, **fields) -> Trial:
    """Queue a trial; raises Unplayable where it cannot be played, or another one is not over."""
    found = comparing.comparison(policies, fields.get("seeds", 1))
    if len(policies) > MOST or len(found.plays) > PLAYS:
        raise Unplayable(f"At most {MOST} policies, and {PLAYS} plays in all: choose fewer policies or fewer crowds.")
    sampling.check(project)
    try:
        with transaction.atomic():
            trial = Trial.objects.create(project=project, by=user, policies=list(policies), requested=now, **fields)
    except IntegrityError:
        raise Unplayable("Another trial of this project is not over yet. Wait for it, or delete it.") from None
    ring(trial)
    return trial


def ring(trial: Trial) -> None:
    async_task("labeling.tasks.try_out", trial.pk, cluster=CLUSTER)


def delete(trial: Trial) -> None:
    """Also while it runs: its process notices, and ends."""
    Trial.objects.filter(pk=trial.pk).delete()


def sweep(now: datetime) -> int:
    """Find trials whose process or bell was lost, and remove what lies about of those that are over; says for how many
    it rang."""
    rung = attempts.sweep(Trial.objects.all(), ring, now, CLUSTER)
    tidy()
    return rung


# --- carry out -------------------------------------------------------------------------------------------------------


def launch(trial: Trial) -> Trial:
    """Start a queued trial and see it through; however that ends, it is not left running."""
    if not attempts.start(trial, "Choosing the items"):
        return trial
    tidy()
    attempt, how = attempts.mine(trial), "ended early"
    try:
        carry_out(trial)
    except Unplayable as sentence:
        attempts.finish(trial, Trial.State.FAILED, str(sentence))
    except TimeoutException:  # django-q2 raises it here when the task has lasted too long
        attempts.finish(trial, Trial.State.FAILED, "It took longer than it may.")
        raise
    except Exception as error:
        log.exception("%s failed", trial)
        attempts.finish(trial, Trial.State.FAILED, f"{type(error).__name__}: {error}"[:500])
    finally:
        shutil.rmtree(home_of(trial), ignore_errors=True)
        if attempts.bury(attempt, timezone.now(), how):
            ring(trial)
    return trial


def carry_out(trial: Trial) -> None:
    """Play it all, as far as there is time; what is over is kept as it comes."""
    project = Project.objects.select_related("published", "budget").get(pk=trial.project_id)
    changed = {"classifier": trial.classifier} if trial.classifier else {}
    quality = quality_of(trial)
    scene = sampling.scene(project, items=trial.items, random_state=trial.pk, quality=quality, **changed)
    known = {"known": scene.known, "played_items": len(scene.rows), "budget": scene.budget}
    attempts.mine(trial).update(message="People made up are answering", **known)
    found = comparing.comparison(trial.policies, trial.seeds)
    home = home_of(trial)
    home.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + settings.TRIAL_TIMEOUT
    for told in scratch.play(scene, found.plays, home=home, processes=settings.TRIAL_PROCESSES, until=until):
        found.hear(told)
        if not note(trial, found, told, scene.budget):
            return  # deleted, or given up for dead: somebody else is at it
    finish(trial, found)


def note(trial: Trial, found: comparing.Comparison, told: dict, budget: int) -> bool:
    """A sign of life and what has come; says whether this attempt still counts."""
    fields = {"heartbeat": timezone.now(), "progress": found.progress(budget)}
    if "played" in told:
        fields |= {"found": found.kept, "message": f"{len(found.played)} of {len(found.plays)} plays are over"}
    return bool(attempts.mine(trial).update(**fields))


def finish(trial: Trial, found: comparing.Comparison) -> None:
    over, planned, minutes = len(found.played), len(found.plays), settings.TRIAL_TIMEOUT // 60
    if not over:
        raise Unplayable(f"No play was over within {minutes} minutes. Try fewer items, or a quicker classifier.")
    message = "" if over == planned else f"Ended after {minutes} minutes: {over} of {planned} plays are over."
    attempts.mine(trial).update(found=found.kept, progress=1.0)
    attempts.finish(trial, Trial.State.DONE, message)


def quality_of(trial: Trial) -> Quality:
    return CROWDS.get(trial.crowd) or sampling.measured(trial.project)


def comparison(trial: Trial) -> comparing.Comparison:
    """What it has come to so far."""
    return comparing.Comparison(trial.policies, list(range(trial.seeds)), **trial.found)


# --- homes -----------------------------------------------------------------------------------------------------------


def homes() -> Path:
    return settings.HOME / "trials"


def home_of(trial: Trial) -> Path:
    return homes() / f"{trial.pk}-{trial.attempt}"


def tidy() -> None:
    """Remove the homes of attempts that are over: whoever was at them on this machine has died."""
    if not homes().is_dir():
        return
    running = Trial.objects.filter(state=Trial.State.RUNNING).values_list("pk", "attempt")
    kept = {f"{pk}-{attempt}" for pk, attempt in running}
    for home in homes().iterdir():
        if home.name not in kept:
            shutil.rmtree(home, ignore_errors=True)
