"""Answers a second and how long a worker waits for the next card, beside the most this machine could do.

Run by name: `python tests/benchmarks/bench_answers.py [--short] [--home DIR]`; DIR is a folder on the disk to measure.
One answer is one request, POST /api/v1/assignments/{id}/answer/?next=1, to the server that `up` starts, on SQLite. Each
item is asked once (one answer settles it), so every answer does all there is to do: judgment, consensus, rating,
payment, closing; and the reply holds the next query, leased and its reward reserved. The queue is filled beforehand by
one refill, with a query for every answer to come. Workers beside these figures:
  empty view         Django and the server alone
  bare transaction   the rows that an answer and the next lease write, by Python's sqlite3, in one commit and in two
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time, sleep

ROOT = Path(__file__).resolve().parents[2]
SPARE = 96  # queries for the first two answers of each client, not measured, and for what each holds at the end
sys.path.insert(0, str(ROOT))


# --- a project with a full queue -------------------------------------------------------------------------------------


def prepare(home: Path, items: int, answers: int, workers: int) -> None:
    """In a home of its own: a project of so many items and workers, and a query open for every answer to come."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from rest_framework.authtoken.models import Token

    from labeling import opening, selecting
    from labeling.models import Item, Member, Project
    from rewards import ledger

    call_command("migrate", verbosity=0)
    users = User.objects.bulk_create(User(username=f"worker{n}", password="!") for n in range(workers))
    Token.objects.bulk_create(Token(user=user, key=f"{user.pk:040}") for user in users)
    project = opening.open_project(
        users[0], name="Bench", categories=[f"category {n}" for n in range(10)], media="text", retrain_every=1_000_000,
        agree_count=1, wanted=1, exam_share=0.0, gold_share=0.0, queue_size=answers + SPARE,
    )  # fmt: skip
    ledger.fund(project.budget, 10**12)
    for user in users:
        opening.join(user, project, Member.Role.WORKER)
    Item.objects.bulk_create(
        (
            Item(project=project, identifier=f"item{n}", row=n, lot=n / items, text=f"What item {n} says. " * 10)
            for n in range(items)
        ),
        batch_size=5000,
    )
    Project.objects.filter(pk=project.pk).update(rows=items)
    opened = selecting.refill(project, random_state=0).opened
    assert opened >= answers + SPARE, f"only {opened} queries are open"
    Project.objects.filter(pk=project.pk).update(queue_size=60)


def in_home(home: Path, *arguments) -> str:
    """Run this file with other arguments in a process of its own, whose database is in `home`."""
    environment = os.environ | {"CLOSECALL_HOME": str(home), "LOG_LEVEL": "WARNING", "DATABASE_URL": ""}
    environment.pop("DATABASE_URL")
    command = [sys.executable, __file__, "--within", *map(str, arguments)]
    return subprocess.run(command, env=environment, check=True, text=True, stdout=subprocess.PIPE).stdout


# --- by HTTP ---------------------------------------------------------------------------------------------------------


def served(home: Path, clients: int, answers: int, empty: bool = False) -> dict:
    """Start the web server as `up` does and let so many clients work; the figures."""
    web = web_server(home, empty)
    try:
        return measured(web, clients, answers // clients, empty)
    finally:
        web.ask_to_stop()
        sleep(0.5)
        web.kill()


def web_server(home: Path, empty: bool):
    from labeling.management.commands import up

    settings = {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.empty"} if empty else {}
    web = up.children("127.0.0.1", PORT, lambda line: None)[0]
    web.variables = {"CLOSECALL_HOME": str(home), "PYTHONPATH": str(ROOT), "LOG_LEVEL": "WARNING"} | settings
    web.start()
    while not up.answers("127.0.0.1", PORT):
        assert web.alive, "\n".join(web.tail)
        sleep(0.1)
    return web


def measured(web, clients: int, times: int, empty: bool) -> dict:
    tokens = [f"{pk:040}" for pk in range(2, clients + 2)]
    plan = {"port": PORT, "tokens": tokens, "project": "bench", "times": times, "empty": empty}
    command = [sys.executable, str(Path(__file__).with_name("clients.py"))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        process.stdin.write(json.dumps(plan) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n", "A client failed; see above."
        cpu = cpu_of(web.process.pid)
        said = process.communicate("go\n")[0]
    figures = json.loads(said)
    return figures | {"server": cpu_of(web.process.pid) - cpu, "client": figures["cpu"]}


def cpu_of(leader: int) -> float:
    """Seconds of processor time that the process group has used; 0 where /proc does not say."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[2]) == leader:
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


# --- without HTTP ----------------------------------------------------------------------------------------------------


def flows(clients: int, times: int) -> dict:
    """The same two flows called by threads of one process."""
    from threading import Barrier, BrokenBarrierError

    from django.db import connection
    from django.utils import timezone

    from labeling import answering, asking
    from labeling.access import assignment_for, worker_for

    def work(user):
        try:
            return worked(user)
        except BaseException:
            start.abort()
            raise
        finally:
            connection.close()

    def worked(user):
        held, took = asking.next_assignment(worker_for(user, "bench"), now=timezone.now()), []
        for at in range(times + 2):
            if at == 2:
                start.wait(60)
            began = perf_counter()
            assignment = assignment_for(user, held.pk)
            answering.record(assignment, {assignment.query.cells()[0]: 1.0}, now=timezone.now())
            held = asking.next_assignment(assignment.worker, now=timezone.now())
            if at >= 2:
                took.append(perf_counter() - began)
        return took

    from django.contrib.auth.models import User

    users = list(User.objects.order_by("pk")[1 : clients + 1])
    start = Barrier(clients + 1)
    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(work, user) for user in users]
        with suppress(BrokenBarrierError):  # the thread that broke it says why
            start.wait(60)
        began, cpu = perf_counter(), process_time()
        took = [one for each in running for one in each.result()]
    return {"seconds": perf_counter() - began, "took": took, "server": process_time() - cpu, "client": 0.0}


ANSWER = [  # what an answer writes, and then the next lease
    "UPDATE labeling_assignment SET state = 'answered', finished = :now, paid = reward WHERE id = :assignment",
    "INSERT INTO labeling_judgment (assignment_id, worker_id, item_id, category_id, degree, created)"
    " VALUES (:assignment, :worker, :item, :category, 1, :now)",
    "INSERT INTO labeling_consensus (project_id, item_id, category_id, degree, error, share, posterior, evidence,"
    " judgments, agreed, exclusive, source) VALUES (1, :item, :category, 1, 0, 1, 1, 0, 1, :now, 1, 'people')",
    "INSERT INTO labeling_reliability (worker_id, kind, rating, error, judged, copies, counts)"
    " VALUES (:worker, 'yes_no', 0.75, 0.1, 1, 0, '[]') ON CONFLICT DO UPDATE SET judged = judged + 1",
    "UPDATE labeling_member SET agreed = agreed + 1, judged = judged + 1, rating = 0.75 WHERE id = :worker",
    "UPDATE labeling_query SET state = 'closed' WHERE id = :query",
    "INSERT INTO rewards_transfer (budget_id, debit_id, credit_id, amount, kind, reference, key, resolves_id, created)"
    " VALUES (1, :reserved, :earned, 10, 'post', '', :key, :reservation, :now)",
]
PLACE = "UPDATE labeling_query SET asked = asked + 1 WHERE id = :next"
RESERVE = (
    "INSERT INTO rewards_transfer (budget_id, debit_id, credit_id, amount, kind, reference, created)"
    " VALUES (1, :available, :reserved, 10, 'reserve', '', :now)"
)
LEASE = (
    "INSERT INTO labeling_assignment (query_id, worker_id, state, reward, reservation_id, offered, expires, reopened,"
    " test, reason, note) VALUES (:next, :worker, 'live', 10, :money, :now, '2100-01-01', 0, 0, '', '')"
)


def bare(times: int, commits: int) -> dict:
    """The same rows written with the same pragmas by sqlite3 alone, in one commit an answer or in two."""
    from django.conf import settings

    options = settings.DATABASES["default"]["OPTIONS"]
    file = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None)
    for pragma in options["init_command"].split(";"):
        file.execute(pragma)
    file.execute("PRAGMA foreign_keys = ON")
    accounts = dict(file.execute("SELECT role, id FROM rewards_account").fetchall())
    worker, user = file.execute("SELECT id, user_id FROM labeling_member WHERE role = 'worker' LIMIT 1").fetchone()
    sql = "INSERT INTO rewards_account (budget_id, user_id, role, balance, latest) VALUES (1, ?, 'worker', 0, 0)"
    earned = file.execute(sql, [user]).lastrowid
    queries = file.execute(
        "SELECT q.id, i.item_id, c.category_id FROM labeling_query q JOIN labeling_queryitem i ON i.query_id = q.id"
        " JOIN labeling_querycategory c ON c.query_id = q.id GROUP BY q.id ORDER BY q.value DESC, q.id LIMIT ?",
        [times + 1],
    ).fetchall()
    row = {"now": "2030-01-01 00:00:00", "worker": worker, "earned": earned, **accounts}
    file.execute("BEGIN IMMEDIATE")
    held = lease(file, row | {"next": queries[0][0]})
    file.execute("COMMIT")
    began, cpu, took = perf_counter(), process_time(), []
    for (query, item, category), (following, *_) in pairwise(queries):
        start = perf_counter()
        one = row | held | {"query": query, "item": item, "category": category, "next": following}
        file.execute("BEGIN IMMEDIATE")
        for statement in ANSWER:
            file.execute(statement, one | {"key": f"answer {held['assignment']}"})
        if commits == 2:
            file.execute("COMMIT")
            file.execute("BEGIN IMMEDIATE")
        held = lease(file, one)
        file.execute("COMMIT")
        took.append(perf_counter() - start)
    return {"seconds": perf_counter() - began, "took": took, "server": process_time() - cpu, "client": 0.0}


def lease(file, row) -> dict:
    file.execute(PLACE, row)
    money = file.execute(RESERVE, row).lastrowid
    return {"reservation": money, "assignment": file.execute(LEASE, row | {"money": money}).lastrowid}


# --- the tables ------------------------------------------------------------------------------------------------------


def line(name: str, figures: dict, *ceilings: float) -> float:
    """One row of a table; returns how many a second."""
    took, count = sorted(figures["took"]), len(figures["took"])
    rate = count / figures["seconds"]
    middle, slow = took[count // 2] * 1000, took[int(count * 0.95)] * 1000
    spent = f"{figures['server'] / count * 1000:9.2f} {figures['client'] / count * 1000:9.2f}"
    shares = "".join(f"{rate / ceiling:12.2f}" for ceiling in ceilings)
    print(f"{name:34}{rate:9.0f}{middle:9.1f}{slow:9.1f}{spent}{shares}", flush=True)
    return rate


HEAD = f"{'':34}{'per s':>9}{'p50 ms':>9}{'p95 ms':>9}{'CPU ms':>9} {'client':>9}"


def main(home: Path, sizes, crowd, answers: int) -> None:
    print(f"{answers} answers each; times in ms; CPU ms: of the server, for one answer\n")
    homes = {}
    for items in sizes:
        homes[items] = home / str(items)
        took = float(in_home(homes[items], "prepare", items, answers, max(crowd) + 1))
        print(f"{items:,} items prepared in {took:.0f} s", flush=True)

    def fresh(items):
        copy = home / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        return shutil.copytree(homes[items], copy)

    print("\nThe most this machine can do\n" + HEAD)
    views = {n: line(f"empty view, {n} clients", served(fresh(sizes[0]), n, 4 * answers, True)) for n in crowd}
    once, twice = (
        line(f"bare transaction, {n} commit(s)", json.loads(in_home(fresh(sizes[-1]), "bare", answers, n)))
        for n in (1, 2)
    )
    print(f"\nThe flows, called by threads\n{HEAD}{'of 1 commit':>12}{'of 2':>12}")
    for n in crowd:  # the sizes side by side, so that what else the machine does disturbs both alike
        for items in sizes:
            figures = json.loads(in_home(fresh(items), "flows", n, answers // n))
            line(f"{items:,} items, {n} threads", figures, once, twice)
    print(f"\nAnswer and next by HTTP\n{HEAD}{'of empty':>12}{'of 1 commit':>12}{'of 2':>12}")
    for n in crowd:
        for items in sizes:
            figures = served(fresh(items), n, answers)
            line(f"{items:,} items, {n} clients", figures, views[n], once, twice)


def within(verb: str, *numbers: int) -> None:
    """Called in a process whose CLOSECALL_HOME is the one to use."""
    django_up()
    if verb == "prepare":
        began = perf_counter()
        prepare(Path(os.environ["CLOSECALL_HOME"]), *numbers)
        print(perf_counter() - began)
    else:
        print(json.dumps({"flows": flows, "bare": bare}[verb](*numbers)))


def django_up() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "labeling.settings"
    import django

    django.setup()


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--within"]:
        within(sys.argv[2], *map(int, sys.argv[3:]))
        sys.exit()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="fewer answers, fewer items, fewer clients")
    parser.add_argument("--home", type=Path, default=ROOT / "var", help="folder for the scratch databases")
    given = parser.parse_args()
    given.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=given.home, prefix="bench-") as folder:
        os.environ["CLOSECALL_HOME"] = folder
        PORT = free_port()
        django_up()
        if given.short:
            main(Path(folder), (1_000, 10_000), (1, 8), 200)
        else:
            main(Path(folder), (1_000, 100_000), (1, 8, 32), 896)
