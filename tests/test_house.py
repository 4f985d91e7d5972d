"""The house rules that a machine can check: style, doors between rooms, migrations, the README's commands."""

import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands

from tests.making import database_url

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def run(*command):
    """Run a command at the checkout's root; its exit status and all that it said."""
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def script(name):
    return str(Path(sysconfig.get_path("scripts")) / name)


@pytest.mark.parametrize("rule", [["check"], ["format", "--check"]], ids=" ".join)
def test_the_code_is_in_one_style(rule):
    status, said = run(script("ruff"), *rule, ".")
    assert status == 0, said


def test_the_rooms_know_each_other_only_through_their_doors():
    status, said = run(script("lint-imports"), "--no-logo")
    assert status == 0, said


def test_every_change_of_a_model_has_its_migration(db, capsys):
    try:
        call_command("makemigrations", check=True, dry_run=True)
    except SystemExit:
        pytest.fail(capsys.readouterr().out)


@pytest.mark.parametrize(
    "door",
    [
        "import labeling.wsgi, labeling.asgi; from django.urls import get_resolver; get_resolver().url_patterns",
        "import django; django.setup(); import labeling.tasks",
        "import segmentation",
    ],
    ids=["web", "cluster", "science"],
)
def test_neither_web_nor_cluster_loads_torch(door, db, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database_url())  # the web's doors open only before a guarded ledger
    settings = "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'labeling.settings'"
    status, said = run(sys.executable, "-c", f"{settings}; {door}; import sys; sys.exit('torch' in sys.modules)")
    assert status == 0, said or "torch is loaded"


def test_the_readme_shows_the_two_commands():
    assert "python3 manage.py up\n" in README
    assert "python3 manage.py test\n" in README


def test_every_command_in_the_readme_exists():
    named = set(re.findall(r"manage\.py ([a-z_]+)", README))
    assert named <= {*get_commands(), "test", "help"}


def test_the_readme_says_why_each_dependency_is_there():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [line for part in project["optional-dependencies"].values() for line in part] + project["dependencies"]
    names = {re.match(r"[\w.-]+", line)[0] for line in wanted}
    table = set(re.findall(r"^\| ([\w.-]+) \|", README, re.MULTILINE))
    assert names <= table, names - table


def test_the_readme_names_no_other_variable_than_settings_reads():
    settings = (ROOT / "labeling" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", settings)) | {"Q_CLUSTER_NAME"}
    named = set(re.findall(r"`([A-Z][A-Z_]+)(?:=[^`]*)?`", README))
    assert named <= read, named - read
