-- Which job was it, when a worker dies that is at several? How many may run at once in the worker that gets this one next,
-- itself included; so few that sooner or later it is alone. 0: any number. -1: any number, and yet one worker has died.

alter table jobs add column company integer not null default 0;

create index jobs_suspects on jobs (application) where company > 0 and finished_at is null;
