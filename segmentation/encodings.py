"""Encodings on disk, found by the hash of what was encoded and how, so that no item is read or encoded twice.

A cache may be deleted at any time. Damage costs the encodings that it hit, which are made anew, and never a run.
"""

import logging
import sqlite3
from pathlib import Path
from zlib import crc32

import numpy as np

log = logging.getLogger(__name__)

LIMIT = 4 * 2**30  # bytes
# Troubles that say nothing against the file itself: it is busy, the disk is full, or it may not be written.
PASSING = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
)
TABLES = """
CREATE TABLE IF NOT EXISTS encoding (
    place INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB UNIQUE NOT NULL, dtype TEXT NOT NULL, array BLOB NOT NULL,
    checksum INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS name (place INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL,
    digest BLOB NOT NULL, checksum INTEGER NOT NULL);
"""


class EncodingCache:
    """1-D arrays by key, and digests of contents by the names under which these are stored for ever.

    Parameters
    ----------
    path : of the SQLite file; its folder is made. Processes may share it.
    limit : bytes that it may fill; beyond, what was kept first is forgotten first.
    """

    def __init__(self, path, limit=LIMIT):
        self.path, self.limit = Path(path), limit
        self._connected, self._usable = None, True

    def find(self, keys):
        """{key: array} of those keys that are known; the arrays are read-only."""
        rows = self._rows("SELECT key, dtype, array, checksum FROM encoding WHERE key", keys)
        return {key: np.frombuffer(array, dtype) for key, dtype, array, _ in rows}

    def digests(self, names):
        """{name: digest} of those names that are known."""
        rows = self._rows("SELECT name, digest, checksum FROM name WHERE name", names)
        return {name: digest for name, digest, _ in rows}

    def keep(self, arrays, digests):
        """Keep arrays by key and digests by name."""
        self._try(lambda connection: self._keep(connection, arrays, digests), None)

    def prune(self, limit):
        """Forget what was kept first until at most `limit` bytes are filled."""
        self._try(lambda connection: self._prune(connection, limit), None)

    def close(self):
        if self._connected:
            self._connected.close()
        self._connected = None

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()

    def filled(self):
        """Bytes in use; pages that were freed are filled again before the file grows."""
        return self._try(_filled, 0)

    def _rows(self, query, values):
        return self._try(lambda connection: self._sound_rows(connection, query, values), [])

    def _sound_rows(self, connection, query, values):
        rows = []
        for start in range(0, len(values), 500):
            some = values[start : start + 500]
            rows += connection.execute(f"{query} IN ({', '.join('?' * len(some))})", some)
        return [row for row in rows if row[-1] == checksum(*row[:-1])]

    def _keep(self, connection, arrays, digests):
        rows = [(key, array.dtype.str, np.ascontiguousarray(array).tobytes()) for key, array in arrays.items()]
        with connection:
            connection.executemany(
                "INSERT OR REPLACE INTO encoding (key, dtype, array, checksum) VALUES (?, ?, ?, ?)",
                [(*row, checksum(*row)) for row in rows],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO name (name, digest, checksum) VALUES (?, ?, ?)",
                [(*row, checksum(*row)) for row in digests.items()],
            )
        if rows and _filled(connection) > self.limit:
            self._prune(connection, 0.9 * self.limit)

    def _prune(self, connection, limit):
        while _filled(connection) > limit and connection.execute("SELECT 1 FROM encoding LIMIT 1").fetchone():
            with connection:
                for table in ("encoding", "name"):
                    tenth = f"SELECT min(place) + (max(place) - min(place)) / 10 FROM {table}"
                    connection.execute(f"DELETE FROM {table} WHERE place <= ({tenth})")

    def _try(self, do, otherwise):
        """What `do` says of the connection; `otherwise` if the cache cannot be used, and then it is left alone."""
        try:
            return do(self._connection()) if self._usable else otherwise
        except (sqlite3.Error, OSError) as trouble:
            if isinstance(trouble, sqlite3.DatabaseError) and trouble.sqlite_errorcode & 0xFF not in PASSING:
                log.warning("The cache %s is damaged and begun anew: %s.", self.path, trouble)
                self._discard()
            else:
                log.warning("The cache %s cannot be used: %s. All is read anew.", self.path, trouble)
                self._usable = False
        return otherwise

    def _connection(self):
        if not self._connected:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connected = sqlite3.connect(self.path, timeout=30)
            self._connected.execute("PRAGMA journal_mode=WAL")
            self._connected.execute("PRAGMA synchronous=NORMAL")
            self._connected.executescript(TABLES)
        return self._connected

    def _discard(self):
        self.close()
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)


def checksum(*fields):
    found = 0
    for field in fields:
        found = crc32(field.encode() if isinstance(field, str) else field, found)
    return found


def _filled(connection):
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size
