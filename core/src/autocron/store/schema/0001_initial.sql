-- Moments are integer microseconds since the epoch, UTC.

create table settings (
    name  text primary key,
    value text not null                          -- JSON
) strict, without rowid;

-- Counts every change that a supervisor has to look at: applications, tasks, schedules, settings.
create table revision (
    number integer not null
) strict;
insert into revision (number) values (0);

-- How to launch the workers of each application that has attached.
create table applications (
    id          integer primary key,
    launch      text not null unique,            -- JSON
    attached_at integer not null
) strict;

-- The tasks that each application knows, and the module whose import defines them.
create table tasks (
    name        text not null,
    application integer not null references applications (id) on delete cascade,
    module      text not null,
    primary key (name, application)
) strict, without rowid;

create table jobs (
    id               integer primary key,
    nonce            integer not null,           -- with the id it makes the uuid
    task             text not null,
    application      integer not null,
    queue            text not null,
    priority         integer not null,
    -- Spelt out: a list in a check is built anew as a table for every row that is written.
    state            text not null check (
        state = 'waiting' or state = 'running' or state = 'done' or state = 'error' or state = 'cancelled'
    ),
    -- While waiting: 0 later, 1 ready, 2 held for newer code, 3 behind another job of its schedule.
    readiness        integer not null check (readiness between 0 and 3),
    run_at           integer not null,
    arguments        text not null,
    policy           text not null,              -- JSON, only what differs from the defaults
    created_at       integer not null,
    attempt          integer not null default 0, -- executions begun; fences outcomes, so it never goes back
    failures         integer not null default 0, -- attempts that failed
    lost             integer not null default 0, -- attempts whose worker died
    unique_key       text,
    schedule         text,
    slot             integer,
    owner            text,                       -- the supervisor that claimed it
    lease            integer,                    -- end of the claim where supervisors share a store between hosts
    cancel_requested integer not null default 0 check (cancel_requested between 0 and 1),
    started_at       integer,
    finished_at      integer,
    expires_at       integer,
    worker           integer,                    -- process id
    result           text,
    error            text not null default '',
    traceback        text not null default '',
    check ((state = 'running') = (owner is not null)),
    check ((state = 'waiting' or state = 'running') = (finished_at is null))
) strict;

-- Partial, so that finished rows cost a claim nothing, and later ones neither.
create index jobs_ready   on jobs (application, priority desc, id) where state = 'waiting' and readiness = 1;
create index jobs_later   on jobs (run_at)      where state = 'waiting' and readiness = 0;
create index jobs_held    on jobs (application) where state = 'waiting' and readiness = 2;
create index jobs_behind  on jobs (schedule, id) where state = 'waiting' and readiness = 3;
create index jobs_running on jobs (id)          where state = 'running';
create index jobs_expiry  on jobs (expires_at)  where expires_at is not null;
create index jobs_ended   on jobs (state, finished_at) where finished_at is not null;
create unique index jobs_unique on jobs (unique_key)
    where unique_key is not null and (state = 'waiting' or state = 'running');
create unique index jobs_slot on jobs (schedule, slot) where schedule is not null;

-- The attempts that didn't end a job well; the last one's facts are in the job's own row too.
create table attempts (
    job         integer not null references jobs (id) on delete cascade,
    attempt     integer not null,
    started_at  integer,
    finished_at integer not null,
    worker      integer,
    outcome     text not null check (outcome in ('error', 'lost', 'released', 'held', 'cancelled')),
    error       text not null,
    traceback   text not null,
    primary key (job, attempt)
) strict, without rowid;

create table paused_queues (
    queue text primary key
) strict, without rowid;

-- Applications that share code may register the same schedule; the attached one that came last fires it.
create table schedules (
    name        text not null,
    application integer not null references applications (id) on delete cascade,
    task        text not null,
    spec        text not null,                   -- the schedule's canonical JSON
    words       text not null,
    arguments   text not null,
    queue       text not null,
    priority    integer not null,
    policy      text not null,
    misfire     text not null check (misfire in ('latest', 'skip', 'all')),
    grace       real,                            -- seconds
    overlap     text not null check (overlap in ('skip', 'queue', 'allow')),
    jitter      real not null,                   -- seconds
    anchor      integer not null,                -- first registration: where intervals count from
    next_run_at integer,
    last_run_at integer,
    broken      text not null default '',        -- why workers can't import the function
    primary key (name, application)
) strict, without rowid;
