"""Django's SQLite, whose writers within one process take turns.

SQLite itself lets a writer sleep and look again, ever more rarely: of eight threads one may wait a second while others
pass it by. Here they queue before the door. Writers of other processes still meet SQLite's own lock.
"""

from threading import Lock

from django.db import OperationalError
from django.db.backends.sqlite3 import base

TURNS: dict[str, Lock] = {}  # {database: whose turn it is to write}


class DatabaseWrapper(base.DatabaseWrapper):
    """A transaction takes the turn before it begins and gives it back when it has ended, however it ends."""

    turn = None

    def _start_transaction_under_autocommit(self):
        turn = TURNS.setdefault(str(self.settings_dict["NAME"]), Lock())
        if not turn.acquire(timeout=self.settings_dict["OPTIONS"].get("timeout", 5)):
            raise OperationalError("database is locked: others of this process have been writing for too long")
        self.turn = turn
        try:
            super()._start_transaction_under_autocommit()
        except BaseException:
            self._give_turn()
            raise

    def set_autocommit(self, autocommit, *args, **options):
        if autocommit:  # called after commit and rollback, and before what was to follow the commit
            self._give_turn()
        super().set_autocommit(autocommit, *args, **options)

    def close(self):
        try:
            super().close()
        finally:
            self._give_turn()

    def _give_turn(self):
        if self.turn:
            self.turn.release()
            self.turn = None
