"""The SQLite file below the store: explicit transactions, and a plain sentence when the disk is in trouble."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection

from cifar_core.errors import StoreError

_BUSY = "The runs are locked by another program just now; try again in a moment."
_UNREADABLE = "The disk with the runs cannot be read or written just now. Check the disk and try again."
TROUBLE = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_FULL: "The disk with the runs is full: make room on it, then try again; nothing saved is lost.",
    sqlite3.SQLITE_READONLY: "The runs may only be read: let the server write their folder, then try again.",
    sqlite3.SQLITE_IOERR: _UNREADABLE,
    sqlite3.SQLITE_CANTOPEN: _UNREADABLE,
}
"""the sentence for each of SQLite's errors that is not a bug of this program"""
_INCREMENTAL = 2
"""SQLite's number for a file that can shrink a little at a time"""


class Database:
    """The SQLite file `path`. Several threads may use it at once: each transaction has a connection of its own.

    Every method raises StoreError when the file cannot be used just now, or is locked for `patience` seconds.
    """

    def __init__(self, path: Path, patience: float) -> None:
        self._path, self._patience = path, patience
        self._idle: list[Connection] = []  # a list's append and pop are safe between threads

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection on which everything read is of one moment. Nothing is written."""
        with self._connection() as connection:
            connection.execute("begin")
            try:
                yield connection
            finally:
                connection.rollback()

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[Connection]:
        """Give a connection on which everything is written together, or not at all.

        With `durable` this and all that was written before is on the disk, whatever happens, when the block has ended.
        """
        with self._connection() as connection:
            connection.execute(f"pragma synchronous = {'full' if durable else 'normal'}")
            connection.execute("begin immediate")
            try:
                yield connection
                connection.commit()
            except BaseException:
                connection.rollback()
                raise

    def shrink(self) -> None:
        """Give the room of what was removed back to the disk."""
        with self._connection() as connection:
            if connection.execute("pragma auto_vacuum").fetchone()[0] != _INCREMENTAL:
                connection.execute("pragma auto_vacuum = incremental")
                connection.execute("vacuum")  # only so does a file learn it, and this once it is written anew
            connection.execute("pragma incremental_vacuum").fetchall()

    def close(self) -> None:
        """Close the connections that nobody uses; the next transaction opens another."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            connection = self._idle.pop() if self._idle else self._connect()
            try:
                yield connection
            finally:
                self._idle.append(connection)
        except sqlite3.OperationalError as error:
            sentence = TROUBLE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)  # the higher bits are details
            if sentence is None:
                raise
            raise StoreError(sentence) from error

    def _connect(self) -> Connection:
        connection = sqlite3.connect(self._path, timeout=self._patience, isolation_level=None, check_same_thread=False)
        # WAL lets everybody read while one writes. With it, a commit that is not durable does not wait for the disk:
        # a power cut can lose the last of them, but never damages the store.
        connection.execute("pragma journal_mode = wal")
        return connection
