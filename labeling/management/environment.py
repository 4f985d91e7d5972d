"""The Python environment everything runs in: an active one is used; otherwise `.venv` is made and entered.

Rule: the standard library only, because nothing is installed yet when this runs.
"""

import os
import signal
import subprocess
import sys
from importlib import util
from pathlib import Path

from labeling.management import packages
from labeling.management.screen import Step

ROOT = packages.ROOT
VENV = ROOT / ".venv"
NOT_YET = "Closecall is not set up here yet. This command sets everything up: python3 manage.py up"
NO_VENV = """Python's venv module is incomplete here, so no environment can be made.
On Debian or Ubuntu: sudo apt install python3-venv
Elsewhere: activate a virtual environment of your own. Then run the same command again."""


def enter(arguments):
    """Return inside an environment that has what the command needs, re-executing there if it is another one."""
    installs = arguments[:1] in (["up"], ["test"]) and not {"-h", "--help"} & set(arguments)
    python = chosen(os.environ) or (make() if installs else sys.exit(NOT_YET))
    if python != Path(sys.executable):
        reexecute(python, arguments)
    if installs:
        packages.install(extras=["test"] * (arguments[0] == "test"), gpu="--gpu" in arguments)
    elif util.find_spec("django") is None:
        sys.exit(NOT_YET)


def chosen(environ):
    """The interpreter to run in, None if one has to be made first.

    An active environment comes first, then the one made earlier, then this interpreter if nothing is missing in it:
    that is a container's image that was built with the dependencies.
    """
    here, named = Path(sys.executable), environ.get("VIRTUAL_ENV")
    if sys.prefix != sys.base_prefix or in_conda(environ):
        return here
    if named and python_of(named).exists():
        return python_of(named)
    if python_of(VENV).exists():
        return python_of(VENV)
    return None if packages.missing(packages.requirements()) else here


def in_conda(environ):
    """Whether a conda environment of somebody's own is active; conda's base is nobody's place for dependencies."""
    return environ.get("CONDA_PREFIX") == sys.prefix and environ.get("CONDA_DEFAULT_ENV") != "base"


def python_of(directory):
    return Path(directory) / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make():
    """Make `.venv`, over the remains of an earlier attempt if there are some; its interpreter."""
    with Step("Making .venv with Python " + ".".join(map(str, sys.version_info[:3]))) as step:
        made = subprocess.run([sys.executable, "-m", "venv", VENV], text=True, capture_output=True)
        step.write(made.stdout + made.stderr)
        if made.returncode:
            sys.exit(packages.explain(step.lines, otherwise=NO_VENV))
    return python_of(VENV)


def reexecute(python, arguments):
    """Become the same command in that interpreter; does not return."""
    command = [str(python), str(ROOT / "manage.py"), *arguments]
    sys.stdout.flush()
    if os.name != "nt":
        os.execv(python, command)
    # Windows cannot replace a process: wait for the child, which gets Ctrl-C from the console as we do.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(subprocess.call(command))


def run_tests(arguments):
    """Run pytest from the checkout's root with the arguments given; its exit status."""
    import pytest

    os.chdir(ROOT)
    return pytest.main(arguments)
