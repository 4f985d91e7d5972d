#!/usr/bin/env python3
"""The two commands, `up` and `test`, and every other verb: into the environment first, then Django or pytest.

Rule: any Python 3 can read this file, so that one too old says what to do instead of showing a syntax error.
"""

import os
import sys

OLDEST = (3, 11)


def too_old(version, executable):
    return (
        "Closecall needs Python " + ".".join(map(str, OLDEST)) + " or newer, and " + executable
        + " is Python " + ".".join(map(str, version[:3]))
        + ".\nInstall a newer one (python.org, or your system's packages) and call it by its name, for example:"
        + "\n  python3.12 manage.py up"
    )  # fmt: skip


def main():
    if sys.version_info < OLDEST:
        sys.exit(too_old(sys.version_info, sys.executable))
    from labeling.management import environment

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labeling.settings")
    environment.enter(sys.argv[1:])
    if sys.argv[1:2] == ["test"]:
        sys.exit(environment.run_tests(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
