-- How many jobs came to each end and aren't counted in `jobs` any more: deleted, or run again. With those that are, they
-- make counters that never go back. By the minute of their end, for what was recent; minute 0 has all that isn't.

create table totals (
    state  text not null check (state in ('done', 'error', 'cancelled')),
    minute integer not null,
    number integer not null,
    primary key (state, minute)
) strict, without rowid;

create trigger jobs_deleted after delete on jobs when old.finished_at is not null begin
    insert into totals (state, minute, number) values (old.state, old.finished_at / 60000000, 1)
    on conflict (state, minute) do update set number = number + 1;
end;

create trigger jobs_retried after update of finished_at on jobs when old.finished_at is not null and new.finished_at is null
begin
    insert into totals (state, minute, number) values (old.state, old.finished_at / 60000000, 1)
    on conflict (state, minute) do update set number = number + 1;
end;
