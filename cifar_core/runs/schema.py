"""The tables of the store, and how those of an older program become them."""

import json
from collections.abc import Callable
from itertools import pairwise
from sqlite3 import Connection
from typing import Any

from cifar_core.runs.tables.holder import digest

FIRST_TABLES = """
create table runs (
    id text primary key,
    owner text not null,
    name text not null,
    config text not null,
    data text not null,
    images integer not null,
    worker integer not null,
    state text not null,
    ending text not null,
    message text not null,
    created real not null,
    ended real,
    step integer not null,
    steps integer not null,
    epoch integer not null,
    seen integer not null,
    speed real not null,
    tested integer not null,
    checkpoint integer not null,
    attempts integer not null
);
create index runs_of_owner on runs (owner, created);
create index runs_of_worker on runs (worker, state);
create table points (run text, step integer, loss real, primary key (run, step)) without rowid;
create table reports (run text, step integer, epoch integer, batch integer, loss real, primary key (run, step))
    without rowid;
create table evaluations (run text, step integer, result text, primary key (run, step)) without rowid;
create table requests (id integer primary key, run text not null, worker integer not null, kind text not null);
create table workers (worker integer primary key, pid integer, device text, name text, reason text, available text);
"""

CONTROL_TABLES = """
alter table runs add column busy real not null default 0;
alter table runs add column accuracy real;
alter table runs add column paused real;
alter table points add column images integer not null default 0;
delete from points where run not in (select id from runs);
update points set images = (
    select step / batches * images + step % batches * batch
    from (select images, batch, (images + batch - 1) / batch as batches
          from (select images, json_extract(config, '$.batch_size') as batch from runs where id = run))
);
alter table requests add column arguments text not null default '{}';
create table changes (
    run text, step integer, images integer, name text, value real, steps integer, primary key (run, step, name)
) without rowid;
create table probes (run text, step integer, images integer, correct integer, total integer, primary key (run, step))
    without rowid;
alter table workers add column step_seconds real not null default 0;
alter table workers add column image_seconds real not null default 0;
"""

TIMELINE_TABLES = """
create table frames (
    run text, step integer, images integer, confusion blob, answers blob, filters blob, primary key (run, step)
);
create table filters (run text primary key, step integer, weights blob);
"""

# The messages of failed runs used to name a folder of the server.
PAIR_COLUMNS = """
alter table runs add column kind text not null default 'run';
alter table runs add column pair text not null default '';
alter table runs add column secret integer not null default 0;
create index runs_of_pair on runs (pair);
update runs set message = 'The images of this run are no longer on this server.'
    where state = 'failed' and message like '% holds %copy of %';
update runs set message = 'The weights of this run could not be written.'
    where state = 'failed' and message like 'The weights could not be written to %'
"""

# One row for each thing that can be asked of a run, so that no number of clicks makes a longer list.
STANDING_REQUESTS = """
alter table runs add column data_sha256 text;
create table standing (
    id integer primary key autoincrement,
    run text not null,
    worker integer not null,
    kind text not null,
    setting text not null,
    value,
    unique (run, kind, setting)
);
insert or replace into standing (run, worker, kind, setting, value)
    select run, worker, kind, coalesce(key, ''), each.value
    from requests left join json_each(arguments) as each on true order by requests.id;
drop table requests;
alter table standing rename to requests;
create index requests_of_worker on requests (worker)
"""


def mark_pairs(tx: Connection) -> None:
    """Make data of what used to be known by names: pairs of runs in the Lab, and whether a quiz is solved.

    A pair was two neighbours in an owner's list that differ by a mistake only; the mistake of a run named quiz was
    still to be guessed, and one named "quiz: ..." was guessed.
    """
    rows = tx.execute("select owner, id, name, config, data from runs order by owner, created, rowid").fetchall()
    runs = [(owner, run, name, _config(config), data) for owner, run, name, config, data in rows]
    pairs = {faulty[1]: baseline[1] for baseline, faulty in pairwise(runs) if _is_pair(baseline, faulty)}
    for _, run, name, config, _ in runs:
        if config["mistake"] == "none" or not (run in pairs or name == "quiz"):
            continue
        kind = "quiz" if name == "quiz" or name.startswith("quiz: ") else "lab"
        tx.execute("update runs set kind = ?, secret = ? where id = ?", (kind, name == "quiz", run))
        if run in pairs:
            tx.execute("update runs set kind = ? where id = ?", (kind, pairs[run]))
            tx.execute("update runs set pair = ? where id in (?, ?)", (pairs[run], pairs[run], run))


def _config(text: str) -> dict[str, Any]:
    return {"mistake": "none", **json.loads(text)}  # the first programs knew no mistakes


def _is_pair(baseline: tuple[Any, ...], faulty: tuple[Any, ...]) -> bool:
    same = (baseline[0], baseline[4]) == (faulty[0], faulty[4])
    return same and faulty[3]["mistake"] != "none" and baseline[3] == {**faulty[3], "mistake": "none"}


def drop_what_is_left_of_removed_runs(tx: Connection) -> None:
    """Drop rows that a worker wrote about a run while it was being removed."""
    for table in TABLES_OF_A_RUN:
        tx.execute(f"delete from {table} where run not in (select id from runs)")


def hide_owners(tx: Connection) -> None:
    """Replace the owners' keys by digests; add the address of each run, which is not known of old ones."""
    tx.execute("alter table runs add column address text not null default ''")
    tx.execute("pragma secure_delete = on")  # the keys are overwritten on the disk, too
    tx.create_function("digest", 1, digest, deterministic=True)
    tx.execute("update runs set owner = digest(owner)")


UPGRADES: tuple[str | Callable[[Connection], None], ...] = (
    FIRST_TABLES,
    CONTROL_TABLES,
    TIMELINE_TABLES,
    PAIR_COLUMNS,
    mark_pairs,
    STANDING_REQUESTS,
    drop_what_is_left_of_removed_runs,
    hide_owners,
)
"""what leads from each version of the store to the next; SQLite's user_version says how many were done"""

TABLES_OF_A_RUN = ("points", "reports", "evaluations", "probes", "changes", "requests", "frames", "filters")
"""the tables whose rows belong to a run"""


def upgrade(tx: Connection) -> int:
    """Bring the tables up to date; return the version that they had before."""
    version: int = tx.execute("pragma user_version").fetchone()[0]
    for step in UPGRADES[version:]:
        if callable(step):
            step(tx)
        else:
            for statement in step.split(";"):
                tx.execute(statement)
    if version < len(UPGRADES):
        tx.execute(f"pragma user_version = {len(UPGRADES)}")
    return version
