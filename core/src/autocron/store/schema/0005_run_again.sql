-- Only what runs again gets another moment to run at. A trigger on `finished_at` would be a part of every job's end, too,
-- and make up half of its price.

drop trigger jobs_retried;
create trigger jobs_retried after update of run_at on jobs when old.finished_at is not null and new.finished_at is null
begin
    insert into totals (state, minute, number) values (old.state, old.finished_at / 60000000, 1)
    on conflict (state, minute) do update set number = number + 1;
end;
