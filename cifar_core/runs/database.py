"""The SQLite file below the store: transactions for several threads, and a sentence where the disk is in trouble."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cifar_core.errors import StoreError

PATIENCE = 5.0
"""seconds to wait for another that is writing"""
_BUSY = "The runs are held by another program just now; try again in a moment."
_UNREADABLE = "The disk with the runs cannot be read or written just now; try again, or look after it."
TROUBLE = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: "The disk with the runs is full: make room on it, then try again; what is there is kept.",
    sqlite3.SQLITE_READONLY: "The runs may only be read: let the server write their folder, then try again.",
    sqlite3.SQLITE_IOERR: _UNREADABLE,
    sqlite3.SQLITE_CANTOPEN: _UNREADABLE,
}
"""what is said of SQLite's errors that are no fault of the program"""


class Database:
    """The SQLite file `path`. One instance may be used from several threads.

    Every method raises StoreError where the file cannot be used just now.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's connection; what goes wrong with the disk in the block becomes a StoreError."""
        try:
            yield self._connection()
        except sqlite3.OperationalError as error:
            sentence = TROUBLE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)  # the rest of the code is finer
            if sentence is None:
                raise
            raise StoreError(sentence) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: everything in the block is written together, or nothing."""
        with self.reading() as database:
            database.execute("begin immediate")
            try:
                yield database
                database.commit()
            except BaseException:
                database.rollback()
                raise

    def _all(self, select: str, *values: object) -> list[Any]:
        with self.reading() as database:
            return database.execute(select, values).fetchall()

    def _connection(self) -> sqlite3.Connection:
        """This thread's connection; SQLite's own locks keep threads and processes apart."""
        database: sqlite3.Connection | None = getattr(self._local, "database", None)
        if database is None:
            database = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)
            # WAL lets everybody read while one writes; NORMAL leaves the disk alone at each commit, which can lose
            # the last slices in a power cut but never damages the store.
            database.execute("pragma journal_mode = wal")
            database.execute("pragma synchronous = normal")
            self._local.database = database
        return database
