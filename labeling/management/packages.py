"""What pyproject.toml asks for, what of it is installed, and pip, which installs the rest and says how it goes.

Rule: the standard library only; a failure ends in a sentence that says what to do.
"""

import importlib
import json
import platform
import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from labeling.management.screen import Step

ROOT = Path(__file__).resolve().parents[2]
STAMP = Path(sys.prefix) / "closecall.json"
PYTORCH = "https://download.pytorch.org/whl/"
CUDA = "cu130"  # the CUDA release that the pinned torch is built for
NO_NETWORK = "Failed to establish a new connection", "NewConnectionError", "Temporary failure in name resolution"
TROUBLES = (
    (("No space left on device", "not enough space"), "The disk is full. Dependencies need about 2 GB: free some."),
    (("Permission denied", "Access is denied"), "This environment cannot be written to. Leave it (deactivate)."),
    (("externally-managed-environment",), "This Python belongs to the system. Activate a virtual environment."),
    ((*NO_NETWORK, "ConnectTimeout", "ProxyError"), "The package index cannot be reached. Check the network."),
    (("No matching distribution found for torch",), "torch has no build for this Python and machine. Try Python 3.12."),
    (("No module named pip", "No module named ensurepip"), "pip is missing. On Debian: sudo apt install python3-venv"),
)


def requirements(extras=()):
    """The requirement strings of the project and of the extras named, from pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]


def missing(wanted):
    """Those requirements of which no version at all is installed."""
    return [line for line in wanted if installed(name_of(line)) is None]


def name_of(requirement):
    return re.match(r"[\w.-]+", requirement)[0]


def installed(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def install(extras=(), gpu=False):
    """Install what is wanted into this environment; at once when the stamp says that it has been done."""
    wanted = requirements(extras)
    torch = next(line for line in wanted if name_of(line) == "torch")
    rebuild = not torch_suits(installed("torch"), torch.partition("==")[2], gpu, platform.system())
    if set(wanted) <= set(stamped()) and not missing(wanted) and not rebuild:
        return
    ensure_pip()
    if rebuild:
        install_torch(torch.partition("==")[2], gpu)
    pip_install(f"Installing {len(wanted)} dependencies", *wanted)
    with suppress(OSError):  # an image's Python may be read-only; then pip looks again at the next start
        STAMP.write_text(json.dumps(wanted))
    importlib.invalidate_caches()


def stamped():
    try:
        return json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return []


def torch_suits(have, version, gpu, system):
    """Whether the torch we have will do: the pinned version, and a GPU build if that was asked for.

    A GPU build is kept when it is not asked for: nobody wants gigabytes fetched again at the next start.
    """
    if have is None or have.partition("+")[0] != version:
        return False
    local = have.partition("+")[2]
    return not gpu or system == "Darwin" or local.startswith("cu") or (system == "Linux" and not local)


def torch_builds(version, gpu, system):
    """Where to look for a build of torch, best first: (what it is, requirement, pip's arguments).

    PyPI's wheel is the CPU build on Windows and macOS (with Apple's GPU), and the CUDA build on Linux, gigabytes with
    its libraries. A CPU build for Linux is `+cpu`, in PyTorch's own index or wherever pip is configured to look.
    """
    if gpu and system == "Windows":
        return [("GPU build from PyTorch's index", f"torch=={version}+{CUDA}", ["--index-url", PYTORCH + CUDA])]
    if gpu and system == "Linux":
        return [("GPU build, several gigabytes", f"torch==={version}", [])]  # === does not take +cpu for it
    if system != "Linux":
        return [("ordinary build", f"torch=={version}", [])]
    return [
        ("CPU build", f"torch=={version}+cpu", []),
        ("CPU build from PyTorch's index", f"torch=={version}+cpu", ["--index-url", PYTORCH + "cpu"]),
        ("GPU build, several gigabytes: no CPU build was found", f"torch=={version}", []),
    ]


def install_torch(version, gpu):
    """Install the best build on offer, without its dependencies: those come from the ordinary index afterwards."""
    builds = torch_builds(version, gpu, platform.system())
    with Step("Looking for a build of torch " + version):
        name, requirement, source = next((build for build in builds[:-1] if offered(*build[1:])), builds[-1])
    pip_install(f"Installing torch {version} ({name})", "--no-deps", *source, requirement)


def offered(requirement, source):
    """Whether pip finds exactly that version there; a source that cannot be reached offers nothing."""
    command = [sys.executable, "-m", "pip", "index", "versions", "torch", "--retries", "1", "--timeout", "10", *source]
    found = subprocess.run(command, text=True, capture_output=True).stdout
    return requirement.partition("==")[2] in re.findall(r"[\w.+]+", found)


def ensure_pip():
    """Some environments are made without pip."""
    if installed("pip") is None:
        run("Adding pip", "ensurepip", "--upgrade")


def pip_install(title, *arguments):
    run(title, "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar=off", *arguments)


def run(title, module, *arguments):
    """Run a module of this Python with its output shown as the step's detail; exit with a sentence if it fails."""
    with Step(title) as step:
        command = [sys.executable, "-m", module, *arguments]
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in process.stdout:
            step.write(line)
        if process.wait():
            sys.exit(explain(step.lines))


def explain(lines, otherwise="pip could not install the dependencies; its last words are above."):
    """What a failed command's output means and what to do about it, below its last lines."""
    output = "\n".join(lines)
    known = (advice for signs, advice in TROUBLES if any(sign in output for sign in signs))
    tail = "\n".join("    " + line[:150] for line in lines[-4:])
    return f"{tail}\n{next(known, otherwise)}\nThen run the same command again; it goes on where it stopped."
