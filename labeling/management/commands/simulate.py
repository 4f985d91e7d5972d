"""Try policies before anybody is paid: people made up, or answers once recorded, in a database that is thrown away."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from labeling.models import Project

COLUMNS = (
    "run",
    "spend",
    "judgments",
    "accuracy",
    "accuracy_unasked",
    "accuracy_fixed",
    "accuracy_test",
    "mean_confidence",
)


class Command(BaseCommand):
    help = (
        "Compare policies on a project's own items with people made up (WHAT is its slug), or play recorded answers "
        "(WHAT is a folder of answers.csv, truth.csv, items.csv or features.npz) through the real flows."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("what", help="a project's slug, or a folder of recorded answers")
        self.add_both(parser.add_argument_group("both"))
        self.add_people(parser.add_argument_group("a project, with people made up"))
        self.add_recorded(parser.add_argument_group("recorded answers"))
        parser.add_argument("--inside", action="store_true", help="in this very database: the command calls itself so")
        parser.add_argument("--plays", type=json.loads, help="what it tells itself to play")

    def add_both(self, group):
        group.add_argument("--budget", type=int, help="most to spend, in the smallest unit (default: enough)")
        group.add_argument("--json", action="store_true", help="one JSON object a line")
        group.add_argument("--keep", type=Path, help="keep the database and files of recorded answers here")

    def add_people(self, group):
        group.add_argument(
            "--against", default="own,random", help="policies, as own,random,margin:wanted=5; the first is the measure"
        )
        group.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="FIELD=VALUE",
            help="a setting, for all of them",
        )
        group.add_argument("--seeds", type=int, default=5, help="plays of each policy, with other people each")
        group.add_argument("--items", type=int, default=1000, help="at most so many items")
        group.add_argument("--truth", choices=("auto", "known", "classifier"), default="auto")
        group.add_argument("--measured", action="store_true", help="people as this project's have shown themselves")
        group.add_argument("--people", type=int, default=40)
        group.add_argument("--skill", type=float, nargs=2, default=(0.55, 0.95), metavar=("LEAST", "MOST"))
        group.add_argument("--spammers", type=float, default=0.0, help="share who answer without looking")
        group.add_argument("--copiers", type=float, default=0.0, help="share who repeat what others said")
        group.add_argument(
            "--slips", nargs="*", default=[], metavar="KIND=TIMES", help="errors in a kind of query, times the usual"
        )
        group.add_argument("--reach", type=float, nargs="*", default=[], help="accuracies to compare the spend at")
        group.add_argument("--processes", type=int, default=2)
        group.add_argument("--minutes", type=float, default=float("inf"), help="end it then, whatever is done")
        group.add_argument("--plot", type=Path, help="write the picture to this HTML file")

    def add_recorded(self, group):
        group.add_argument("--policy", choices=Project.Policy.values, default="planner", help="which queries come next")
        group.add_argument("--classifier", choices=settings.CLASSIFIERS, default="deep_segmentation")
        group.add_argument(
            "--retrain-every", type=int, default=50, help="newly agreed items (or cells) that start a run"
        )
        group.add_argument("--agree", type=int, default=2, help="people who must agree")
        group.add_argument(
            "--sure", type=float, help="agree where a category is so probable, rather than by shares; learn from all"
        )
        group.add_argument("--wanted", type=int, default=4, help="most people asked the same")
        group.add_argument("--seed", type=int, default=0)

    def handle(self, *, what, inside, plays, keep, **options):
        if plays is not None:
            self.perform(Path(what), plays)
        elif inside:
            self.replay(Path(what), **options)
        elif Path(what).is_dir():
            self.in_a_home(keep)
        else:
            self.compare(what, **options)

    # --- policies side by side ---------------------------------------------------------------------------------------

    def compare(self, slug, *, plot, reach, minutes, processes, **options):
        from labeling.simulating import Unplayable, comparing, scratch

        project = Project.objects.select_related("budget", "published").filter(slug=slug).first()
        if project is None:
            raise CommandError(f"There is no folder and no project {slug!r}.")
        try:
            found = comparing.comparison(options["against"].split(","), options["seeds"])
            scene = self.scene(project, **options)
            told = f"{len(scene.rows):,} items; what they are is {scene.known}"
            self.stderr.write(f"{told}; at most {scene.budget:,} a play.")
            until = time.monotonic() + 60 * minutes
            for told in scratch.play(scene, found.plays, processes=processes, until=until):
                found.hear(told)
                self.tell(told, found, options["json"])
        except Unplayable as sentence:
            raise CommandError(str(sentence)) from None
        self.show(found, reach, options["json"])
        if plot:
            self.plot(plot, project, scene, found, reach)

    def scene(self, project, *, items, truth, measured, budget, **options):
        from labeling.simulating import policies, sampling
        from labeling.simulating.crowds import Quality

        least, most = options["skill"]
        crowd = {"people": options["people"], "spammers": options["spammers"], "copiers": options["copiers"]}
        slips = {kind: float(times) for kind, times in policies.pairs(options["slips"])}
        quality = (
            sampling.measured(project, **crowd)
            if measured
            else Quality(lowest=least, spread=most - least, slips=slips, **crowd)
        )
        changed = policies.read(options["set"])
        return sampling.scene(
            project, items=items, random_state=0, truth=truth, quality=quality, budget=budget, **changed
        )

    def tell(self, told, found, as_json):
        if as_json and told:
            self.stdout.write(json.dumps(told))
        elif "played" in told:
            point = found.curves[told["policy"]][str(told["seed"])][-1]
            line = f"{told['policy']}, people {told['seed']}: {point[1]:.1%} right for {point[0]:,}"
            self.stderr.write(f"{line} ({len(found.played)} of {len(found.plays)})")

    def show(self, found, reach, as_json):
        levels = found.levels(reach)
        if as_json:
            return
        heads = [f"until {level:.0%}" for level in levels]
        self.stdout.write(f"{'':34}{'spends':>9}{'right':>8}{'unseen':>8}" + "".join(f"{head:>30}" for head in heads))
        for at, row in enumerate(found.rows(levels)):
            unseen = "" if row.unseen is None else f"{row.unseen:.1%}"
            needs = "".join(f"{needed(*pair, first=not at):>30}" for pair in row.needs)
            self.stdout.write(f"{row.title[:33]:34}{row.spend:9,.0f}{row.accuracy:8.1%}{unseen:>8}{needs}")

    def plot(self, path, project, scene, found, reach):
        from labeling.views.trials import picture

        told = (
            f"{len(scene.rows):,} of the project's items; what they are is {scene.known}. {scene.quality.people} "
            f"people made up, {len(found.played)} of {len(found.plays)} plays."
        )
        page = picture(found, title=project.name, told=told, currency=project.budget.currency, wanted=reach)
        path.write_text(page, encoding="utf-8")
        self.stderr.write(f"The picture is in {path}.")

    def perform(self, folder, plays):
        """In a child: tell of each point as it comes."""
        from labeling import launching
        from labeling.simulating import Unplayable, inside

        launching.exit_with_parent()
        call_command("migrate", verbosity=0)
        try:
            for told in inside.perform(folder, [tuple(play) for play in plays]):
                self.line(told)
        except Unplayable as sentence:
            self.line({"sorry": str(sentence)})

    def line(self, told):
        self.stdout.write(json.dumps(told))
        self.stdout.flush()

    # --- recorded answers --------------------------------------------------------------------------------------------

    def in_a_home(self, keep) -> None:
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
            self.again_in(keep)
        else:
            with tempfile.TemporaryDirectory(prefix="closecall-") as home:
                self.again_in(Path(home))

    def again_in(self, home: Path) -> None:
        """The same command with a home of its own."""
        from labeling.simulating import scratch

        if (home / "db.sqlite3").exists():
            raise CommandError(f"{home} holds a database already. Name an empty folder.")
        words = scratch.command(*sys.argv[2:])
        done = subprocess.run(words, env=scratch.environment(home))
        if done.returncode:
            raise CommandError("The replay ended early; what it said stands above.", returncode=done.returncode)

    def replay(self, folder, *, budget, policy, seed, **options):
        from labeling import opening, simulating

        if budget is not None and budget < 0:
            raise CommandError("The budget is a number of at least 0.")
        call_command("migrate", verbosity=0)
        try:
            recording = simulating.read(folder)
        except (simulating.Unreadable, UnicodeDecodeError, ValueError, KeyError) as error:
            raise CommandError(str(error)) from error
        try:
            replay = simulating.Replay(
                recording, budget=budget, seed=seed, policy=policy, classifier=options["classifier"],
                retrain_every=options["retrain_every"], agree_count=options["agree"],
                wanted=max(options["wanted"], options["agree"]), **agreement(options["sure"]),
            )  # fmt: skip
        except opening.Refused as refusal:
            raise CommandError(str(refusal)) from None
        self.head(options["json"])
        for figures in replay.play():
            self.figures(figures, options["json"])

    def head(self, as_json: bool) -> None:
        if not as_json:
            self.stdout.write("  ".join(f"{name:>16}" for name in COLUMNS))

    def figures(self, figures: dict, as_json: bool) -> None:
        rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}
        text = json.dumps(rounded) if as_json else "  ".join(f"{'' if v is None else v:>16}" for v in rounded.values())
        self.stdout.write(text)
        self.stdout.flush()


def needed(need, ratio, first: bool) -> str:
    """The money, in how many plays if not in all, and times that of the first policy."""
    if need.money is None:
        return "never"
    missed = "" if need.reached == need.seeds else f" {need.reached}/{need.seeds}"
    interval = "" if ratio.low is None else f" [{ratio.low:.2f}, {ratio.high:.2f}]"
    times = "" if first or ratio.value is None else f" x{ratio.value:.2f}{interval}"
    return f"{need.money:,.0f}{missed}{times}"


def agreement(sure: float | None) -> dict:
    """Fields of a project that agrees by posteriors and learns from all answers, if so asked."""
    if sure is None:
        return {}
    return {
        "agree_by": Project.AgreeBy.POSTERIOR,
        "agree_posterior": sure,
        "train_on": Project.TrainOn.EVIDENCE,
    }
