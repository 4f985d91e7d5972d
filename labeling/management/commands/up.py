"""Everything that makes one machine run Closecall: database, demonstration, web server, clusters.

Rule: run it again at any time; it does what is left to do and says how it goes.
"""

import errno
import http.client
import logging
import socket
import sys
from argparse import ArgumentTypeError

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, CommandError, call_command
from django.db import OperationalError, ProgrammingError

from labeling.management.processes import Child, Fallen, Processes
from labeling.management.screen import Step
from labeling.passwords import legible_password

PATIENCE = 90  # seconds the web server has for its first answer
RENEW = "python3 manage.py up --new-password NAME"


class Command(BaseCommand):
    help = "Set up what is missing, then run the web server and the clusters until Ctrl-C."
    requires_system_checks = []  # they need the tables that this command makes

    def add_arguments(self, parser):
        parser.add_argument("--port", type=port, default=8000, help="where the web server listens (8000)")
        parser.add_argument("--host", default="127.0.0.1", help="the address it listens on; 0.0.0.0 is every one")
        parser.add_argument("--gpu", action="store_true", help="install the build of torch that uses the GPU")
        parser.add_argument("--new-password", metavar="NAME", help="give this user a fresh password, and do no more")

    def handle(self, *, port, host, new_password, **options):
        try:
            if new_password:
                self.say(f"{new_password}  {renew_password(new_password)}")
            else:
                refuse_taken(host, port)
                self.run(host, port, prepare())
        except KeyboardInterrupt:
            sys.exit("\n  Stopped. The same command goes on where it was.")
        except (OperationalError, ProgrammingError) as error:
            hint = "Has `up` been run before, is DATABASE_URL right, is there room on the disk?"
            raise CommandError(f"The database cannot be used: {str(error).strip()}. {hint}") from error
        except Fallen as error:
            raise CommandError(str(error)) from error

    def run(self, host, port, sign_ins):
        """Run until a signal. The sign-ins are shown even if the start fails: they exist now, and only here."""
        with Processes(children(host, port, self.say), self.say) as processes:
            try:
                with Step("Starting web server and clusters"):
                    ready = processes.watch(until=lambda: answers(host, port), patience=PATIENCE)
            finally:
                self.introduce(sign_ins)
            if ready:
                self.say(f"\n  Closecall is at http://{shown(host)}:{port}/")
                self.say(f"  Logs are in {logs()}. Ctrl-C stops everything.\n")
            processes.watch()
        self.say("  Stopped.")

    def introduce(self, sign_ins):
        if not sign_ins:
            self.say(f"\n  A new password for somebody: {RENEW}")
            return
        self.say("\n  Sign in as")
        for name, password, role in sign_ins:
            self.say(f"    {name:<12} {password:<20} {role}")
        self.say(f"  These passwords are shown this once. Lost one? {RENEW}")

    def say(self, text):
        self.stdout.write(text)
        self.stdout.flush()


def port(text):
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise ArgumentTypeError(f"a number from 1 to 65535 is needed, not {text!r}")
    return int(text)


def refuse_taken(host, port):
    """Say now what the web server would say after a minute of preparation."""
    another = f"Choose another one, for example: python3 manage.py up --port {port + 1 if port >= 1024 else 8000}"
    with socket.socket() as probe:
        if probe.connect_ex((shown(host), port)) == 0:
            raise CommandError(f"Port {port} is taken by another program (perhaps this one, already up). {another}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = "is for root alone" if error.errno == errno.EACCES else f"on {host} cannot be used ({error.strerror})"
            raise CommandError(f"Port {port} {why}. {another}") from error


def prepare():
    """Bring database and demonstration up to date; the sign-ins made on the way: [(name, password, role)]."""
    from labeling.schedules import ensure_schedules

    logging.disable(logging.INFO)  # the screen tells the story; the children's logs have the rest
    with Step("Preparing the database") as step:
        call_command("migrate", interactive=False, no_color=True, stdout=step)
        ensure_schedules()
    with Step("Checking the house") as step:
        call_command("check", databases=["default"], no_color=True, stdout=step)
    return demonstrate()


def demonstrate():
    """Load the demonstration where there is no project yet."""
    from labeling.models import Project

    if Project.objects.exists():
        return []
    from labeling import demonstration  # late: it takes a second, and later starts have no need of it

    with Step("Loading the demonstration") as step:
        return demonstration.load(lambda done, total: step.write(f"{done:,} of {total:,} pictures\n"))


def children(host, port, say):
    """The web server, the cluster for short work, the one for training and the one for trials."""

    def child(name, *command, **options):
        command = [sys.executable, "-u", *command]
        return Child(name, command, settings.BASE_DIR, logs() / f"{name}.log", say, **options)

    # No --backpressure: granian counts connections by it, idle ones that browsers keep open included.
    size = ["--workers", str(settings.WEB_WORKERS), "--blocking-threads", str(settings.WEB_THREADS)]
    place = ["--host", host, "--port", str(port), "--no-ws"]
    # The queue's name must be in the environment: django-q2 reads it on import, before its own --name option.
    training, trials = {"Q_CLUSTER_NAME": "training"}, {"Q_CLUSTER_NAME": "trials"}
    return [
        child("web", "-m", "granian", "--interface", "wsgi", *place, *size, "labeling.wsgi:application"),
        child("cluster", "manage.py", "qcluster"),
        child("training", "manage.py", "qcluster", gentle=True, variables=training),
        child("trials", "manage.py", "qcluster", gentle=True, variables=trials),
    ]


def logs():
    return settings.HOME / "log"


def shown(host):
    """The name to reach this machine by when every address is listened on."""
    return "localhost" if host in ("0.0.0.0", "::") else host


def answers(host, port):
    """Whether the web server answers as it should."""
    connection = http.client.HTTPConnection(shown(host), port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def renew_password(name):
    """Give the user a fresh password, which ends their sessions; the password."""
    users = get_user_model().objects
    user = users.filter(username=name).first()
    if user is None:
        known = ", ".join(users.order_by("id").values_list("username", flat=True)[:10])
        raise CommandError(
            f"There is no user {name!r}. " + (f"There are: {known}." if known else "There are none yet.")
        )
    password = legible_password()
    user.set_password(password)
    user.save(update_fields=["password"])
    return password
