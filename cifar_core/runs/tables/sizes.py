"""How much room the rows of each run take in the store."""

from collections import Counter
from sqlite3 import Connection

ROW = 40
"""bytes that a row of plain numbers takes, about"""


def of_runs(tx: Connection) -> dict[str, int]:
    """Return the bytes of each run's rows: points, lines of the log and frames; the few others do not count."""
    bytes_of = Counter[str]()
    for table, size in (
        ("points", f"count(*) * {ROW}"),
        ("reports", f"count(*) * {ROW}"),
        ("frames", "sum(length(confusion) + length(answers) + length(filters))"),
    ):
        bytes_of.update(dict(tx.execute(f"select run, {size} from {table} group by run")))
    return dict(bytes_of)
