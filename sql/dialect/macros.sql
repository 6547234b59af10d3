-- Functions of Databricks SQL that DuckDB lacks or understands otherwise. One per line, created once
-- per worker. Every name starts with lg_: no builtin is shadowed. Timestamps are UTC without a zone.
-- A typed overload is chosen when the argument's type is not known yet (an aggregate), so only
-- overloads that are harmless then may be typed.

-- conversion
create macro lg_to_int(x) as cast(trunc(cast(x as double)) as integer);
create macro lg_to_smallint(x) as cast(trunc(cast(x as double)) as smallint);
create macro lg_to_tinyint(x) as cast(trunc(cast(x as double)) as tinyint);
create macro lg_to_bigint(x) as cast(trunc(cast(x as decimal(38,6))) as bigint);
create macro lg_try_int(x) as try_cast(trunc(try_cast(x as double)) as integer);
create macro lg_try_smallint(x) as try_cast(trunc(try_cast(x as double)) as smallint);
create macro lg_try_tinyint(x) as try_cast(trunc(try_cast(x as double)) as tinyint);
create macro lg_try_bigint(x) as try_cast(trunc(try_cast(x as decimal(38,6))) as bigint);
create macro lg_to_number(x) as cast(replace(replace(x, ',', ''), '$', '') as decimal(38,6)), (x, f) as cast(replace(replace(x, ',', ''), '$', '') as decimal(38,6));
create macro lg_try_to_number(x) as try_cast(replace(replace(x, ',', ''), '$', '') as decimal(38,6)), (x, f) as try_cast(replace(replace(x, ',', ''), '$', '') as decimal(38,6));

-- conditions
create macro lg_nvl(a, b) as coalesce(a, b);
create macro lg_nvl2(a, b, c) as case when a is not null then b else c end;
create macro lg_iff(a, b, c) as case when a then b else c end;
create macro lg_isnull(x) as (x is null);
create macro lg_isnotnull(x) as (x is not null);
create macro lg_zeroifnull(x) as coalesce(x, 0);
create macro lg_nullifzero(x) as nullif(x, 0);
create macro lg_assert_true(c) as case when c then null else error('assert_true: the condition is false') end, (c, m) as case when c then null else error(cast(m as varchar)) end;
create macro lg_raise_error(m) as error(cast(m as varchar));
create macro lg_equal_null(a, b) as (a is not distinct from b);

-- numbers
create macro lg_try_divide(a, b) as (a / nullif(b, 0));
create macro lg_try_mod(a, b) as (a % nullif(b, 0));
create macro lg_try_add(a, b) as try(a + b);
create macro lg_try_subtract(a, b) as try(a - b);
create macro lg_try_multiply(a, b) as try(a * b);
create macro lg_pmod(a, b) as ((a % nullif(b, 0)) + b) % nullif(b, 0);
create macro lg_bround(x) as round_even(x, 0), (x, d) as round_even(x, d);
create macro lg_rint(x) as round_even(x, 0);
create macro lg_log1p(x) as ln(1 + x);
create macro lg_expm1(x) as (exp(x) - 1);
create macro lg_hypot(a, b) as sqrt(a * a + b * b);
create macro lg_e() as exp(1.0);
create macro lg_negative(x) as (- x);
create macro lg_positive(x) as x;
create macro lg_rand() as random(), (seed) as random();
create macro lg_shiftleft(a, n) as (cast(a as bigint) << cast(n as bigint));
create macro lg_shiftright(a, n) as (cast(a as bigint) >> cast(n as bigint));
create macro lg_width_bucket(x, lo, hi, n) as case when x < lo then 0 when x >= hi then n + 1 else cast(floor((x - lo) * n / (hi - lo)) as bigint) + 1 end;
create macro lg_bin_floor(x, w) as (floor(x / w) * w);
create macro lg_format_number(x, d) as format('{:,.' || d || 'f}', cast(x as double));
create macro lg_monotonic() as (row_number() over () - 1);

-- text
create macro lg_locate(sub, s) as instr(s, sub), (sub, s, p) as case when instr(substring(s, p), sub) = 0 then 0 else instr(substring(s, p), sub) + p - 1 end;
create macro lg_space(n) as repeat(' ', cast(n as bigint));
create macro lg_initcap(s) as array_to_string(list_transform(string_split(lower(s), ' '), lambda w: upper(w[1]) || w[2:]), ' ');
create macro lg_lpad(s, n) as lpad(s, n, ' '), (s, n, p) as lpad(s, n, p);
create macro lg_rpad(s, n) as rpad(s, n, ' '), (s, n, p) as rpad(s, n, p);
create macro lg_substring_index(s, d, n) as case when n > 0 then array_to_string(string_split(s, d)[1:n], d) when n < 0 then array_to_string(string_split(s, d)[n:], d) else '' end;
create macro lg_split_part(s, d, n) as split_part(s, d, n);
create macro lg_sha2(s, n) as case when n in (0, 256) then sha256(s) else error('sha2: only 256 bits are supported') end;
create macro lg_base64(x) as to_base64(encode(cast(x as varchar)));
create macro lg_unbase64(x) as from_base64(x);
create macro lg_overlay(s, r, p) as (substring(s, 1, p - 1) || r || substring(s, p + length(r))), (s, r, p, n) as (substring(s, 1, p - 1) || r || substring(s, p + n));
create macro lg_regexp_count(s, p) as len(regexp_extract_all(s, p));
create macro lg_regexp_substr(s, p) as nullif(regexp_extract(s, p, 0), '');
create macro lg_regexp_instr(s, p) as case when regexp_extract(s, p, 0) = '' then 0 else instr(s, regexp_extract(s, p, 0)) end;
create macro lg_char_type(x) as case typeof(x) when 'INTEGER' then 'int' when 'VARCHAR' then 'string' when 'HUGEINT' then 'bigint' when 'JSON' then 'string' else lower(typeof(x)) end;

-- dates and times
create macro lg_now() as make_timestamp(epoch_us(now()));
create macro lg_to_date(x) as cast(x as date);
create macro lg_try_to_date(x) as try_cast(x as date);
create macro lg_to_timestamp(x) as cast(x as timestamp);
create macro lg_try_to_timestamp(x) as try_cast(x as timestamp);
create macro lg_date_trunc(p, t) as date_trunc(p, cast(t as timestamp));
create macro lg_trunc_date(d, f) as cast(date_trunc(case upper(f) when 'MM' then 'month' when 'MON' then 'month' when 'YYYY' then 'year' when 'YY' then 'year' when 'Q' then 'quarter' else lower(f) end, cast(d as timestamp)) as date);
create macro lg_date_part(p, t) as date_part(p, t);
create macro lg_year(t) as year(cast(t as timestamp));
create macro lg_quarter(t) as quarter(cast(t as timestamp));
create macro lg_month(t) as month(cast(t as timestamp));
create macro lg_week(t) as week(cast(t as timestamp));
create macro lg_day(t) as day(cast(t as timestamp));
create macro lg_hour(t) as hour(cast(t as timestamp));
create macro lg_minute(t) as minute(cast(t as timestamp));
create macro lg_second(t) as second(cast(t as timestamp));
create macro lg_dayofweek(t) as (dayofweek(cast(t as timestamp)) + 1);
create macro lg_weekday(t) as (isodow(cast(t as timestamp)) - 1);
create macro lg_dayofyear(t) as dayofyear(cast(t as timestamp));
create macro lg_dayname(t) as left(dayname(cast(t as timestamp)), 3);
create macro lg_monthname(t) as left(monthname(cast(t as timestamp)), 3);
create macro lg_last_day(t) as last_day(cast(t as timestamp));
create macro lg_date_add(d, n) as (cast(d as date) + cast(n as integer));
create macro lg_date_sub(d, n) as (cast(d as date) - cast(n as integer));
create macro lg_dateadd(u, n, t) as cast(t as timestamp) + case lower(u) when 'microsecond' then to_microseconds(cast(n as bigint)) when 'millisecond' then to_milliseconds(cast(n as double)) when 'second' then to_seconds(cast(n as double)) when 'minute' then to_minutes(cast(n as bigint)) when 'hour' then to_hours(cast(n as bigint)) when 'day' then to_days(cast(n as integer)) when 'week' then to_weeks(cast(n as integer)) when 'month' then to_months(cast(n as integer)) when 'quarter' then to_months(cast(n as integer) * 3) when 'year' then to_years(cast(n as integer)) else error('dateadd: unknown unit ' || u) end;
create macro lg_datediff(a, b) as cast(date_diff('day', cast(b as date), cast(a as date)) as integer), (u, a, b) as date_sub(u, cast(a as timestamp), cast(b as timestamp));
create macro lg_add_months(d, n) as cast(cast(d as date) + to_months(cast(n as integer)) as date);
create macro lg_months_between(a, b) as round(case when day(cast(a as date)) = day(cast(b as date)) or (last_day(cast(a as date)) = cast(a as date) and last_day(cast(b as date)) = cast(b as date)) then (year(cast(a as date)) - year(cast(b as date))) * 12.0 + month(cast(a as date)) - month(cast(b as date)) else (year(cast(a as date)) - year(cast(b as date))) * 12.0 + month(cast(a as date)) - month(cast(b as date)) + (epoch(cast(a as timestamp)) - epoch(date_trunc('month', cast(a as timestamp))) - epoch(cast(b as timestamp)) + epoch(date_trunc('month', cast(b as timestamp)))) / (31 * 86400.0) end, 8);
create macro lg_next_day(d, n) as cast(d as date) + cast((case upper(left(n, 2)) when 'MO' then 1 when 'TU' then 2 when 'WE' then 3 when 'TH' then 4 when 'FR' then 5 when 'SA' then 6 when 'SU' then 7 else error('next_day: unknown day ' || n) end - isodow(cast(d as date)) + 6) % 7 + 1 as integer);
create macro lg_from_utc_timestamp(t, tz) as timezone(tz, timezone('UTC', cast(t as timestamp)));
create macro lg_to_utc_timestamp(t, tz) as timezone('UTC', timezone(tz, cast(t as timestamp)));
create macro lg_convert_timezone(a, b, t) as timezone(b, timezone(a, cast(t as timestamp)));
create macro lg_unix_timestamp() as cast(epoch(now()) as bigint), (t) as cast(floor(epoch(cast(t as timestamp))) as bigint);
create macro lg_unix_millis(t) as epoch_ms(cast(t as timestamp));
create macro lg_unix_micros(t) as epoch_us(cast(t as timestamp));
create macro lg_unix_date(d) as cast(date_diff('day', date '1970-01-01', cast(d as date)) as integer);
create macro lg_from_unixtime(s) as strftime(make_timestamp(cast(s as bigint) * 1000000), '%Y-%m-%d %H:%M:%S'), (s, f) as strftime(make_timestamp(cast(s as bigint) * 1000000), f);
create macro lg_timestamp_seconds(s) as make_timestamp(cast(cast(s as decimal(28,6)) * 1000000 as bigint));
create macro lg_timestamp_millis(s) as make_timestamp(cast(cast(s as decimal(28,3)) * 1000 as bigint));
create macro lg_timestamp_micros(s) as make_timestamp(cast(s as bigint));
create macro lg_strftime(t, f) as strftime(cast(t as timestamp), f);
create macro lg_strptime_date(s, f) as cast(strptime(s, f) as date);
create macro lg_try_strptime_date(s, f) as cast(try_strptime(s, f) as date);
create macro lg_window(t, d) as {'start': time_bucket(cast(d as interval), cast(t as timestamp), timestamp '1970-01-01'), 'end': time_bucket(cast(d as interval), cast(t as timestamp), timestamp '1970-01-01') + cast(d as interval)};

-- arrays and maps
create macro lg_size(x map(varchar, varchar)) as cast(cardinality(x) as integer), (x) as cast(len(x) as integer);
create macro lg_element_at(m, k) as m[k];
create macro lg_explode(x map(varchar, varchar)) as unnest(map_entries(x)), (x) as unnest(x);
create macro lg_positions(a) as range(len(a));
create macro lg_slice(a, s, n) as a[s : s + n - 1];
create macro lg_array_distinct(a) as list_filter(a, lambda x, i: list_position(a, x) = i);
create macro lg_array_union(a, b) as lg_array_distinct(list_concat(a, b));
create macro lg_array_except(a, b) as list_filter(a, lambda x, i: list_position(a, x) = i and not list_contains(b, x));
create macro lg_array_remove(a, v) as list_filter(a, lambda x: x <> v);
create macro lg_array_compact(a) as list_filter(a, lambda x: x is not null);
create macro lg_array_position(a, v) as coalesce(list_position(a, v), 0);
create macro lg_array_repeat(v, n) as list_transform(range(cast(n as bigint)), lambda x: v);
create macro lg_array_append(a, v) as list_append(a, v);
create macro lg_array_prepend(a, v) as list_prepend(v, a);
create macro lg_arrays_overlap(a, b) as list_has_any(a, b);
create macro lg_array_any(l) as coalesce(list_bool_or(l), false);
create macro lg_array_all(l) as coalesce(list_bool_and(l), true);
create macro lg_sequence(a date, b date) as list_transform(generate_series(a, b, interval 1 day), lambda x: cast(x as date)), (a, b) as generate_series(a, b);
create macro lg_sequence_step(a date, b date, s) as list_transform(generate_series(a, b, s), lambda x: cast(x as date)), (a, b, s) as generate_series(a, b, s);
create macro lg_array_join(a, d) as array_to_string(a, d), (a, d, n) as array_to_string(list_transform(a, lambda x: coalesce(cast(x as varchar), n)), d);
create macro lg_map_filter_keys(m, ks) as map_from_entries(list_filter(map_entries(m), lambda e: list_contains(ks, e.key)));

-- JSON
create macro lg_to_json(x) as cast(to_json(x) as varchar);
create macro lg_parse_json(x) as cast(x as json);
create macro lg_try_parse_json(x) as try_cast(x as json);
create macro lg_schema_of_json(x) as cast(json_structure(x) as varchar);
create macro lg_json_object_keys(x) as json_keys(x);
