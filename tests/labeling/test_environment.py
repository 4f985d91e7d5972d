"""The bootstrap: what stands before the first dependency is installed."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labeling.management import environment, packages
from labeling.management.screen import Step

ROOT = Path(__file__).resolve().parents[2]
OWN = ("__init__", "environment", "packages", "screen")
BEFORE = ["manage.py", "labeling/__init__.py", *(f"labeling/management/{name}.py" for name in OWN)]


def bare(*command, cwd, **options):
    """Run a command of the interpreter below every environment, which sees no installed package."""
    clean = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    command = [sys._base_executable, "-S", *command]
    return subprocess.run(command, cwd=cwd, env=clean, text=True, capture_output=True, timeout=60, **options)


@pytest.fixture
def clone(tmp_path):
    """What a clone holds of the bootstrap, with nothing set up."""
    for name in (*BEFORE, "pyproject.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_nothing_but_the_standard_library_is_imported_before_the_environment_stands():
    for name in BEFORE:
        tree = ast.parse((ROOT / name).read_text())
        top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        modules = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
        modules |= {node.module for node in top if isinstance(node, ast.ImportFrom)}
        own = {"labeling.management", "labeling.management.screen"}
        assert {module.split(".")[0] for module in modules - own} <= sys.stdlib_module_names, name


def test_an_old_python_can_read_manage_py():
    tree = ast.parse((ROOT / "manage.py").read_text(), feature_version=(3, 4))
    assert not any(isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr) for node in ast.walk(tree))


def test_an_old_python_is_told_what_to_do(clone):
    program = "import sys; sys.version_info = (3, 8, 10, 'final', 0); import manage; manage.main()"
    shown = bare("-c", program, cwd=clone)
    assert shown.returncode == 1
    assert "Closecall needs Python 3.11 or newer" in shown.stderr
    assert "is Python 3.8.10" in shown.stderr
    assert "python3.12 manage.py up" in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize("arguments", [[], ["import_items", "digits", "a.csv"], ["up", "--help"]])
def test_without_an_environment_other_commands_name_the_one_that_makes_it(clone, arguments):
    shown = bare("manage.py", *arguments, cwd=clone)
    assert shown.returncode == 1
    assert "python3 manage.py up" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert not (clone / ".venv").exists()


def test_an_active_environment_is_used_and_no_other_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    assert environment.chosen({}) == Path(sys.executable)
    assert not (tmp_path / ".venv").exists()


@pytest.fixture
def system_python(monkeypatch, tmp_path):
    """As if we ran in no environment, in a clone without `.venv`."""
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    return tmp_path


def test_a_named_environment_is_entered_from_another_python(system_python):
    python = environment.python_of(system_python / "theirs")
    python.parent.mkdir(parents=True)
    python.touch()
    assert environment.chosen({"VIRTUAL_ENV": str(system_python / "theirs")}) == python


def test_the_environment_made_earlier_is_entered(system_python):
    python = environment.python_of(environment.VENV)
    python.parent.mkdir(parents=True)
    python.touch()
    assert environment.chosen({"VIRTUAL_ENV": "/nowhere"}) == python


def test_an_image_that_has_the_dependencies_is_used_as_it_is(system_python, monkeypatch):
    monkeypatch.setattr(packages, "missing", lambda wanted: [])
    assert environment.chosen({}) == Path(sys.executable)
    monkeypatch.setattr(packages, "missing", lambda wanted: ["Django>=5.2"])
    assert environment.chosen({}) is None


def test_conda_base_is_nobodys_place_but_an_environment_of_ones_own_is(system_python):
    ours = {"CONDA_PREFIX": sys.prefix}
    assert environment.in_conda(ours | {"CONDA_DEFAULT_ENV": "closecall"})
    assert not environment.in_conda(ours | {"CONDA_DEFAULT_ENV": "base"})


def test_a_python_without_venv_names_the_package_to_install(system_python, monkeypatch):
    broken = system_python / "python"
    broken.write_text("#!/bin/sh\necho 'It was not created: ensurepip is not available.'\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        environment.make()


@pytest.mark.parametrize(
    "output, advice",
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "The disk is full"),
        (
            "NewConnectionError(...)\nERROR: No matching distribution found for torch",
            "Check the network",
        ),
        ("error: externally-managed-environment", "Activate a virtual environment"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no build for this Python"),
        ("something nobody has seen", "last words are above"),
    ],
)
def test_a_failed_installation_ends_in_a_sentence_that_says_what_to_do(output, advice):
    said = packages.explain(output.splitlines())
    assert advice in said
    assert output.splitlines()[-1] in said
    assert "run the same command again" in said


def test_a_failing_pip_stops_the_command_with_that_sentence():
    with pytest.raises(SystemExit, match="last words"):
        packages.run("Trying", "pip", "install", "--no-index", "a-requirement-that-nobody-offers")


def test_linux_prefers_a_cpu_build_and_says_when_there_is_none():
    builds = packages.torch_builds("2.13.0", gpu=False, system="Linux")
    assert [requirement for _, requirement, _ in builds] == ["torch==2.13.0+cpu", "torch==2.13.0+cpu", "torch==2.13.0"]
    assert builds[0][2] == []
    assert builds[1][2][-1].endswith("/cpu")
    assert "gigabytes" in builds[-1][0]


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_elsewhere_the_ordinary_build_is_the_cpu_build(system):
    assert packages.torch_builds("2.13.0", gpu=False, system=system) == [("ordinary build", "torch==2.13.0", [])]


@pytest.mark.parametrize(
    "have, gpu, system, suits",
    [
        (None, False, "Linux", False),
        ("2.12.1+cpu", False, "Linux", False),
        ("2.13.0+cpu", False, "Linux", True),
        ("2.13.0+cpu", True, "Linux", False),
        ("2.13.0", True, "Linux", True),
        ("2.13.0", False, "Linux", True),
        ("2.13.0", True, "Windows", False),
        ("2.13.0+cu130", True, "Windows", True),
        ("2.13.0", True, "Darwin", True),
    ],
)
def test_a_torch_that_suits_is_not_fetched_again(have, gpu, system, suits):
    assert packages.torch_suits(have, "2.13.0", gpu, system) is suits


def test_a_second_start_installs_nothing(monkeypatch, tmp_path):
    ran = []
    monkeypatch.setattr(packages, "STAMP", tmp_path / "closecall.json")
    monkeypatch.setattr(packages, "run", lambda title, *command: ran.append(command))
    packages.install(extras=["test"])
    assert len(ran) == 1
    assert "Django>=5.2,<5.3" in ran[0]
    packages.install(extras=["test"])
    packages.install()
    assert len(ran) == 1


def test_a_requirement_that_changed_is_installed_at_the_next_start(monkeypatch, tmp_path):
    ran = []
    monkeypatch.setattr(packages, "STAMP", tmp_path / "closecall.json")
    monkeypatch.setattr(packages, "run", lambda title, *command: ran.append(command))
    packages.install()
    wanted = [line.replace("<5.3", "<5.4") for line in packages.requirements()]
    monkeypatch.setattr(packages, "requirements", lambda extras=(): wanted)
    packages.install()
    assert len(ran) == 2


def test_a_log_gets_a_line_for_each_step_with_its_end(capsys):
    with Step("Sweeping the floor") as step:
        step.write("under the ")
        step.write("table\nunder the bed")
    assert (step.lines, step.detail) == (["under the table"], "under the bed")
    assert capsys.readouterr().out == "  Sweeping the floor: done (0 s)\n"


def test_a_step_that_fails_says_so(capsys):
    with pytest.raises(ValueError), Step("Sweeping the floor"):
        raise ValueError
    assert "Sweeping the floor: failed" in capsys.readouterr().out
