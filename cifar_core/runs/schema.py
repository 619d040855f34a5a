"""The tables of the store, and how those of an older program become them."""

import sqlite3

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

HISTORY_TABLES = """
create table frames (
    run text, step integer, images integer, confusion blob, answers blob, filters blob, primary key (run, step)
);
create table filters (run text primary key, step integer, weights blob);
"""

UPGRADES = (FIRST_TABLES, CONTROL_TABLES, HISTORY_TABLES)
"""what leads from each version of the store to the next; SQLite's user_version says how many were done"""

OF_A_RUN = ("points", "reports", "evaluations", "probes", "changes", "requests", "frames", "filters")
"""the tables whose rows belong to a run"""


def upgrade(database: sqlite3.Connection) -> int:
    """Bring the tables up to date, within the transaction under way; the version that they had before."""
    version: int = database.execute("pragma user_version").fetchone()[0]
    for step in UPGRADES[version:]:
        for statement in step.split(";"):
            database.execute(statement)
    if version < len(UPGRADES):
        database.execute(f"pragma user_version = {len(UPGRADES)}")
    return version
