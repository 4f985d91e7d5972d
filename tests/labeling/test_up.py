"""`up`: it starts what serves, keeps it up, says how to sign in, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from labeling.management import processes
from labeling.management.processes import Child, Fallen, Processes

ROOT = Path(__file__).resolve().parents[2]
posix = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")


@pytest.fixture
def child(tmp_path):
    """Makes children that run a Python program; what they say is in `child.said`."""

    def make(program, name="child"):
        return Child(name, [sys.executable, "-uc", program], tmp_path, tmp_path / "log" / f"{name}.log", said.append)

    make.said = said = []
    return make


def soon(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def running(pid):
    """Whether the process lives; one that has ended but was not yet collected does not."""
    status = Path(f"/proc/{pid}/stat")
    if Path("/proc/self").exists():
        return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
    return subprocess.run(["ps", "-p", str(pid)], capture_output=True).returncode == 0


FAMILY = """
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]).pid)
time.sleep(300)
"""


@posix
def test_leaving_stops_a_child_and_what_the_child_started(child):
    parent = child(FAMILY)
    with Processes([parent], print) as house:
        assert house.watch(until=lambda: parent.tail, patience=20)
        grandchild = int(parent.tail[0])
        assert running(grandchild)
    assert not parent.alive
    assert soon(lambda: not running(grandchild))


@posix
def test_a_child_deaf_to_the_request_is_killed(child, monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 0.3)
    deaf = child("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(300)")
    with Processes([deaf], print) as house:
        house.watch(until=lambda: deaf.tail, patience=20)
    assert deaf.process.returncode == -signal.SIGKILL


@posix
def test_a_second_signal_kills_at_once_wherever_it_finds_us(child):
    deaf = [
        child("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready'); time.sleep(300)")
        for _ in range(2)
    ]
    with Processes(deaf, print) as house:
        house.watch(until=lambda: all(one.tail for one in deaf), patience=20)
        lock = deaf[0].process._waitpid_lock
        with lock:  # the second signal may interrupt us while we ask after a child
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGTERM)
        left = time.monotonic()
    assert time.monotonic() - left < 3
    assert [one.process.returncode for one in deaf] == [-signal.SIGKILL] * 2


@posix
def test_a_child_that_falls_is_started_again_and_somebody_is_told(child):
    faller = child("import time; print('up'); time.sleep(300)")
    with Processes([faller], print) as house:
        house.watch(until=lambda: faller.tail, patience=20)
        first = faller.process.pid
        os.kill(first, signal.SIGKILL)
        assert house.watch(until=lambda: faller.process.pid != first and faller.alive, patience=20)
    assert "stopped by itself (exit status -9) and is started again" in child.said[0]


def test_a_child_that_keeps_falling_ends_it_with_its_last_words(child):
    faller = child("raise SystemExit('no such table')")
    message = r"(?s)child stopped 3 times in a minute.*no such table"
    with pytest.raises(Fallen, match=message), Processes([faller], print) as house:
        house.watch(patience=20)


def test_a_server_that_never_answers_is_not_waited_for_forever(child):
    silent = child("import time; time.sleep(300)")
    with pytest.raises(Fallen, match=r"No answer within 0\.5 seconds"), Processes([silent], print) as house:
        house.watch(until=lambda: False, patience=0.5)


def test_errors_are_shown_and_everything_is_in_the_log(child, tmp_path):
    talker = child("import time; print('a quiet line'); print('12:00 ERROR labeling: full'); time.sleep(300)")
    with Processes([talker], print) as house:
        house.watch(until=lambda: child.said, patience=20)
    assert child.said == ["  child: 12:00 ERROR labeling: full"]
    assert "a quiet line" in (tmp_path / "log" / "child.log").read_text()


def test_a_taken_port_is_named_with_the_way_out():
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        with pytest.raises(CommandError, match=rf"Port {taken} is taken.*--port {taken + 1}"):
            call_command("up", port=taken)


@pytest.mark.parametrize("port", ["0", "65536", "eighty"])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(CommandError, match="a number from 1 to 65535"):
        call_command("up", "--port", port)


def test_a_lost_password_is_replaced_and_the_old_one_is_void(django_user_model, db, capsys):
    user = django_user_model.objects.create_user("ada", password="the old one")
    call_command("up", "--new-password", "ada")
    name, password = capsys.readouterr().out.split()
    user.refresh_from_db()
    assert name == "ada"
    assert user.check_password(password)
    assert not user.check_password("the old one")


def test_a_password_for_nobody_names_those_there_are(django_user_model, db):
    django_user_model.objects.create_user("ada")
    with pytest.raises(CommandError, match=r"no user 'bob'. There are: ada"):
        call_command("up", "--new-password", "bob")


def test_a_password_before_there_is_a_database_gets_a_sentence(tmp_path):
    command = [sys.executable, str(ROOT / "manage.py"), "up", "--new-password", "ada"]
    environment = os.environ | {"CLOSECALL_HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=120)
    assert done.returncode == 1
    assert re.search(r"^CommandError: The database cannot be used: .*\. Has `up` been run before", done.stderr)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Up:
    """The command as a person runs it, in a home of its own; `screen` is what it has shown so far."""

    def __init__(self, home):
        self.port, self.screen = free_port(), ""
        command = [sys.executable, "-u", str(ROOT / "manage.py"), "up", "--port", str(self.port)]
        environment = os.environ | {"CLOSECALL_HOME": str(home)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        self.process = subprocess.Popen(command, env=environment, cwd=home, **pipes)

    def read_until(self, text):
        for line in self.process.stdout:
            self.screen += line
            if text in line:
                return
        raise AssertionError(f"up ended without {text!r}:\n{self.screen}")

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as reply:
            return reply.status, reply.read().decode()

    def children(self):
        """Process ids of every group leader that it started, and of their descendants."""
        listing = subprocess.run(["ps", "-eo", "pid=,ppid="], text=True, capture_output=True).stdout
        parents = [tuple(map(int, line.split())) for line in listing.splitlines()]
        family = {self.process.pid}
        while more := {pid for pid, parent in parents if parent in family} - family:
            family |= more
        return family - {self.process.pid}

    def stop(self, number=signal.SIGINT):
        family = self.children()
        self.process.send_signal(number)
        self.screen += self.process.communicate(timeout=30)[0]
        assert soon(lambda: not any(running(pid) for pid in family))
        return len(family)


@posix
def test_up_serves_shows_sign_ins_once_and_stops_without_a_trace(tmp_path):
    first = Up(tmp_path)
    try:
        first.read_until("Closecall is at")
        assert first.get("/")[0] == 200
        assert first.stop() >= 3
    finally:
        first.process.kill()
    assert first.process.returncode == 0, first.screen
    passwords = re.findall(r"^    \S+ +(\S{8,}) +(\w+)$", first.screen, re.MULTILINE)
    assert [role for _, role in passwords] == ["admin", "worker", "worker"]
    assert len({password for password, _ in passwords}) == 3

    second = Up(tmp_path)
    try:
        second.read_until("Closecall is at")
        second.stop(signal.SIGTERM)
    finally:
        second.process.kill()
    assert second.process.returncode == 0, second.screen
    assert "--new-password NAME" in second.screen
    assert "shown this once" not in second.screen
