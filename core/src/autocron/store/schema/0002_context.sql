-- What travels with a job and what its attempts tell while they run; jobs of `async def` tasks apart from the others.

alter table jobs add column concurrent integer not null default 0 check (concurrent between 0 and 1);
alter table jobs add column context text not null default '';   -- JSON: values that the call's surroundings gave it
alter table jobs add column progress text;                      -- JSON: [done, total] of the running or last attempt

-- A claim asks for the jobs of one kind: those that need a thread each, or those that share an event loop.
drop index jobs_ready;
create index jobs_ready on jobs (application, concurrent, priority desc, id) where state = 'waiting' and readiness = 1;

alter table schedules add column concurrent integer not null default 0 check (concurrent between 0 and 1);

-- What an attempt wrote to its log, the newest part of it.
create table logs (
    job     integer not null references jobs (id) on delete cascade,
    attempt integer not null,
    lines   text not null,
    primary key (job, attempt)
) strict, without rowid;
