"""People at their browsers, as far as a server can tell: each asks and answers over one connection kept open.

Run as a process of its own: a plan in JSON comes by standard input, figures in JSON go to standard output. It speaks
HTTP over bare sockets, since a comfortable client would take more of the processor than the server it measures.
"""

import json
import socket
import sys
from threading import Barrier, Thread
from time import perf_counter, process_time


class Connection:
    """One connection kept open, one request at a time."""

    def __init__(self, port: int, token: str):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.headers = f"Host: localhost\r\nAuthorization: Token {token}\r\nContent-Type: application/json\r\n"

    def post(self, path: str, body: bytes = b"{}") -> bytes:
        head = f"POST {path} HTTP/1.1\r\n{self.headers}Content-Length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)
        return self.reply()

    def reply(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.received()
        head, _, body = data.partition(b"\r\n\r\n")
        if b" 200 " not in head[:20]:
            raise RuntimeError(f"{head.decode()}\n{body.decode()}")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self.received()
        return body

    def received(self) -> bytes:
        if data := self.socket.recv(65536):
            return data
        raise ConnectionError("The server closed the connection.")


def answering(connection: Connection, project: str):
    """Each call answers what is held, and gets the next query in the same reply."""
    held = json.loads(connection.post(f"/api/v1/projects/{project}/next/"))

    def answer():
        nonlocal held
        judged = [
            {"item": item["id"], "category": category, "degree": int(at == 0)}
            for item in held["items"]
            for at, category in enumerate(held["categories"])
        ]
        body = json.dumps({"judgments": judged}).encode()
        held = json.loads(connection.post(f"/api/v1/assignments/{held['id']}/answer/?next=1", body))["next"]

    return answer


def looking(connection: Connection, _):
    return lambda: connection.post("/empty/")


def work(act, times: int, start: Barrier, took: list) -> None:
    for _ in range(2):  # connections to the database, caches
        act()
    start.wait()
    for _ in range(times):
        began = perf_counter()
        act()
        took.append(perf_counter() - began)


def main(plan: dict) -> dict:
    prepare = looking if plan["empty"] else answering
    took, start = [], Barrier(len(plan["tokens"]) + 1)
    acts = [prepare(Connection(plan["port"], token), plan["project"]) for token in plan["tokens"]]
    threads = [Thread(target=work, args=(act, plan["times"], start, took), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    sys.stdin.readline()
    start.wait(60)
    began, cpu = perf_counter(), process_time()
    for thread in threads:
        thread.join()
    return {"seconds": perf_counter() - began, "cpu": process_time() - cpu, "took": took}


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.stdin.readline()))))
