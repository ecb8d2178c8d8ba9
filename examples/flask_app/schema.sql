create table if not exists imports (
    id integer primary key,
    name text not null,
    uploaded_at text not null default current_timestamp,
    -- The jobs that work for this import; each is found by its uuid.
    import_job text,
    notice_job text,
    discard_job text
) strict;

create table if not exists products (
    import_id integer not null references imports on delete cascade,
    sku text not null,
    name text not null,
    cents integer not null check (cents >= 0),
    primary key (import_id, sku)
) strict, without rowid;
