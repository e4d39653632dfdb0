"""ClickHouse, as chdb: `with_chdb.py DATASET clean|models|whole RAW OUT`."""

import sys
from glob import glob

from chdb import session

from shared_rules import CODE, LEAST, MUNICIPALITY, PARAMETERS, SENTINELS, STATES, folder, hours_of

SETTINGS = """
    SETTINGS date_time_input_format = 'best_effort', input_format_json_read_numbers_as_strings = 1,
    input_format_json_ignore_unknown_keys_in_named_tuple = 1, input_format_skip_unknown_fields = 1,
    output_format_parquet_compression_method = 'zstd', allow_suspicious_low_cardinality_types = 1,
    join_use_nulls = 1, engine_file_truncate_on_insert = 1
"""
PARQUET_TIME = "DateTime64(6, 'UTC')"


def main(job: str, stage: str, raw: str, out: str) -> None:
    database = session.Session(f"{folder(out)}/database-{stage}")

    def sql(text: str, format: str = "TSV") -> str:
        return str(database.query(text + SETTINGS, format))

    for step in ("clean", "models"):
        if stage in (step, "whole") and f"{job}_{step}" in globals():
            globals()[f"{job}_{step}"](sql, raw, out)


def irceline_clean(sql, raw: str, out: str) -> None:
    date = "toDate32(extract(_path, 'date=([0-9-]+)'))"
    received = f"CAST(_time AS {PARQUET_TIME}) AS received_at"
    station = (
        "properties Tuple(id Nullable(Int64), label Nullable(String)), geometry Tuple(coordinates Array(Nullable(String)))"
    )
    _checked(
        sql,
        "station",
        f"""
        SELECT *, multiIf(station_id IS NULL, 'required', abs(longitude) > 180 OR abs(latitude) > 90, 'range', '') AS reason
        FROM (
            SELECT properties.id AS station_id, properties.label AS label,
                nullIf(extract(assumeNotNull(properties.label), {_text(CODE)}), '') AS code,
                nullIf(extract(assumeNotNull(properties.label), {_text(MUNICIPALITY)}), '') AS municipality,
                toFloat64OrNull(nullIf(geometry.coordinates[1], 'NaN')) AS longitude,
                toFloat64OrNull(nullIf(geometry.coordinates[2], 'NaN')) AS latitude, {received}, {date} AS date
            FROM file('{raw}/irceline/date=*/stations.json', JSONEachRow, '{station}')
        )""",
    )
    stamp = "Tuple(timestamp Nullable(Int64))"
    series = (
        "id Nullable(String), uom Nullable(String), station Tuple(properties Tuple(id Nullable(Int64))), "
        f"firstValue {stamp}, lastValue {stamp}, "
        "parameters Tuple(phenomenon Tuple(id Nullable(String), label Nullable(String)))"
    )
    _checked(
        sql,
        "timeseries",
        f"""
        SELECT id AS timeseries_id, station.properties.id AS station_id, parameters.phenomenon.id AS phenomenon_id,
            parameters.phenomenon.label AS phenomenon, uom,
            CAST(fromUnixTimestamp64Milli(firstValue.timestamp, 'UTC') AS Nullable({PARQUET_TIME})) AS first_timestamp,
            CAST(fromUnixTimestamp64Milli(lastValue.timestamp, 'UTC') AS Nullable({PARQUET_TIME})) AS last_timestamp,
            {received}, {date} AS date, if(id IS NULL, 'required', '') AS reason
        FROM file('{raw}/irceline/date=*/timeseries.json', JSONEachRow, '{series}')""",
    )
    names = "[" + ", ".join(f"'{id}'" for id in PARAMETERS) + "], [" + ", ".join(f"'{n}'" for n in PARAMETERS.values()) + "]"
    snake = "trimBoth(replaceRegexpAll(lower(assumeNotNull(phenomenon)), '[^a-z0-9]+', '_'), '_')"
    values = (
        "received_at DateTime64(6, \\'UTC\\'), "
        "body Map(String, Tuple(values Array(Tuple(timestamp Nullable(Int64), value Nullable(String)))))"
    )
    _checked(
        sql,
        "measurement",
        f"""
        SELECT measured.timeseries_id AS timeseries_id, station_id, phenomenon_id, parameter, uom, timestamp,
            formatDateTime(timestamp, '%Y-%m-%dT%H:%i:%SZ') AS datetime, day,
            if(number IN {SENTINELS} OR isNaN(number), NULL, number) AS value, received_at, text,
            multiIf(known.id IS NULL, 'unknown_timeseries', timestamp IS NULL, 'required', day <> measured.date, 'outside',
                text IS NOT NULL AND number IS NULL, 'not_a_number',
                number < {LEAST} AND number NOT IN {SENTINELS}, 'below_minimum', '') AS reason
        FROM (
            SELECT received_at, date, entry.1 AS timeseries_id, record.2 AS text, toFloat64OrNull(record.2) AS number,
                CAST(fromUnixTimestamp64Milli(record.1, 'UTC') AS Nullable({PARQUET_TIME})) AS timestamp,
                toDate32(toTimeZone(timestamp - INTERVAL 1 MICROSECOND, 'Europe/Brussels')) AS day
            FROM (
                SELECT received_at, {date} AS date, arrayJoin(body) AS entry
                FROM file('{raw}/irceline/date=*/values.ndjson', JSONEachRow, '{values}')
            )
            ARRAY JOIN entry.2.values AS record
        ) AS measured
        LEFT JOIN (
            SELECT date, timeseries_id AS id, station_id, phenomenon_id, uom,
                transform(assumeNotNull(phenomenon_id), {names}, {snake}) AS parameter
            FROM timeseries_checked WHERE reason = ''
        ) AS known ON known.date = measured.date AND known.id = measured.timeseries_id""",
    )
    _write(sql, out, "irceline/station", "station_id, date", "date")
    _write(sql, out, "irceline/timeseries", "timeseries_id, date", "date")
    _write(sql, out, "irceline/measurement", "timeseries_id, timestamp", "day", "text")


def irceline_models(sql, raw: str, out: str) -> None:
    measurement = f"file('{out}/standard/irceline/measurement/*/*.parquet', Parquet)"
    newest = f"""(
        SELECT formatDateTime(date, '%Y-%m') AS in_month, station_id AS id, argMax(tuple(label), date).1 AS station_label,
            argMax(tuple(municipality), date).1 AS municipality, argMax(tuple(longitude), date).1 AS longitude,
            argMax(tuple(latitude), date).1 AS latitude
        FROM file('{out}/standard/irceline/station/*/*.parquet', Parquet) GROUP BY in_month, id
    ) AS newest"""
    first, last = sql(f"SELECT min(day), max(day) FROM {measurement}").split()
    import datetime

    days = hours_of(datetime.date.fromisoformat(first), datetime.date.fromisoformat(last))
    rows = ", ".join(f"('{day}', {hours})" for day, hours in days)
    _partitioned(
        sql,
        f"{out}/consumption/irceline/aggregate_station_by_day",
        "daily.month",
        f"""
        SELECT daily.day AS day, station_id, station_label, municipality, longitude, latitude, timeseries_id, phenomenon_id,
            parameter, uom, average, minimum, maximum, count, hours AS expected, count / hours AS coverage,
            count / hours >= 0.75 AS valid
        FROM (
            SELECT formatDateTime(day, '%Y-%m') AS month, day, station_id, timeseries_id, phenomenon_id, parameter, uom,
                avg(value) AS average, min(value) AS minimum, max(value) AS maximum, toInt64(count(value)) AS count
            FROM {measurement} GROUP BY month, day, station_id, timeseries_id, phenomenon_id, parameter, uom
        ) AS daily
        INNER JOIN (SELECT * FROM values('day Date32, hours Int64', {rows})) AS calendar ON calendar.day = daily.day
        LEFT JOIN {newest} ON newest.id = daily.station_id AND newest.in_month = daily.month
        ORDER BY day, station_id, timeseries_id""",
    )
    _partitioned(
        sql,
        f"{out}/consumption/irceline/aggregate_city_by_hour",
        "formatDateTime(day, '%Y-%m')",
        f"""
        SELECT timestamp, day, municipality, parameter, uom, avg(value) AS average,
            toInt64(count(DISTINCT station_id)) AS stations
        FROM (SELECT *, formatDateTime(day, '%Y-%m') AS its_month FROM {measurement} WHERE value IS NOT NULL) AS measured
        LEFT JOIN {newest} ON newest.id = measured.station_id AND newest.in_month = measured.its_month
        GROUP BY timestamp, day, municipality, parameter, uom
        ORDER BY timestamp, municipality, parameter, uom""",
    )


def energy_clean(sql, raw: str, out: str) -> None:
    columns = "customer_id Nullable(String), usage_kwh Nullable(String), start_time Nullable(String)"
    _checked(
        sql,
        "reading",
        f"""
        SELECT *, multiIf(customer_id IS NULL OR start_time IS NULL OR day IS NULL OR usage_kwh IS NULL, 'required',
            NOT isFinite(usage_kwh), 'not_finite', usage_kwh < 0, 'below_minimum', '') AS reason
        FROM (
            SELECT c_text, u_text, toInt64OrNull(c_text) AS customer_id, toFloat64OrNull(u_text) AS usage_kwh,
                if(match(assumeNotNull(start_time_text), '(Z|[+-]\\\\d\\\\d:\\\\d\\\\d)$'),
                    parseDateTime64BestEffortOrNull(assumeNotNull(start_time_text), 6, 'UTC'), NULL) AS start_time,
                start_time_text, toDate32OrNull(left(start_time_text, 10)) AS day, received_at
            FROM (
                SELECT customer_id AS c_text, usage_kwh AS u_text, start_time AS start_time_text,
                    CAST(_time AS {PARQUET_TIME}) AS received_at
                FROM file('{raw}/energy_usage/*.csv', CSVWithNames, '{columns}')
            )
        )""",
    )
    _write(sql, out, "energy_usage/reading", "customer_id, start_time", "day", "c_text, u_text")


def energy_models(sql, raw: str, out: str) -> None:
    reading = f"file('{out}/standard/energy_usage/reading/*/*.parquet', Parquet)"
    month = "formatDateTime(day, '%Y-%m')"
    _partitioned(
        sql,
        f"{out}/consumption/energy_usage/usage_by_customer_day",
        month,
        f"""
        SELECT customer_id, day, sum(usage_kwh) AS daily_usage_kwh, toInt64(count()) AS readings,
            min(start_time) AS first_start_time_utc, max(start_time) AS last_start_time_utc
        FROM {reading} GROUP BY customer_id, day ORDER BY customer_id, day""",
    )
    _partitioned(
        sql,
        f"{out}/consumption/energy_usage/usage",
        "of_month",
        f"""
        SELECT customer_id, usage_kwh, sum(usage_kwh) OVER (PARTITION BY customer_id, day) AS daily_usage_kwh,
            start_time AS start_time_utc, received_at, {month} AS of_month
        FROM {reading} ORDER BY customer_id, start_time""",
        "of_month",
    )


def events_clean(sql, raw: str, out: str) -> None:
    (path,) = glob(f"{raw}/events/events.*json")
    columns = (
        "device Tuple(id Nullable(String), site Nullable(Int64)), at Nullable(String), state Nullable(String), "
        "readings Tuple(temperature Nullable(Float64), cycles Nullable(Int64)), note Nullable(String)"
    )
    _checked(
        sql,
        "event",
        f"""
        SELECT *, multiIf(device IS NULL OR at IS NULL OR cycles IS NULL, 'required', state NOT IN {STATES}, 'one_of',
            temperature NOT BETWEEN -50 AND 150 OR cycles < 0, 'range', '') AS reason
        FROM (
            SELECT tupleElement(source, 1) AS device, tupleElement(source, 2) AS site,
                parseDateTime64BestEffortOrNull(assumeNotNull(at_text), 6, 'UTC') AS at, toDate32(at) AS day, state,
                temperature, cycles, note, received_at, at_text
            FROM (
                SELECT device AS source, at AS at_text, state, readings.temperature AS temperature,
                    readings.cycles AS cycles, note, CAST(_time AS {PARQUET_TIME}) AS received_at
                FROM file('{path}', JSONEachRow, '{columns}')
            )
        )""",
    )
    _write(sql, out, "events/event", "device, at", "day", "at_text")


def _checked(sql, table: str, select: str) -> None:
    sql(f"CREATE TABLE {table}_checked ENGINE = MergeTree ORDER BY tuple() AS {select}")


def _write(sql, out: str, table: str, key: str, day: str, hidden: str = "") -> None:
    """Writes good rows by month, of rows with the same key one of the newest file; and bad rows."""
    name = table.split("/")[1]
    good = f"SELECT * EXCEPT ({', '.join(filter(None, ['reason', hidden]))}) FROM {name}_checked WHERE reason = ''"
    twice = f"SELECT {key} FROM {name}_checked WHERE reason = '' GROUP BY {key} HAVING count() > 1"
    if int(sql(f"SELECT count() FROM ({twice})")):
        good = f"""
            {good} AND ({key}) NOT IN ({twice})
            UNION ALL
            SELECT * FROM ({good} AND ({key}) IN ({twice}) ORDER BY received_at DESC LIMIT 1 BY {key})"""
    _partitioned(sql, f"{out}/standard/{table}", f"formatDateTime({day}, '%Y-%m')", good)
    rejects = folder(f"{out}/rejection") / f"{name}.ndjson"
    sql(f"INSERT INTO FUNCTION file('{rejects}', JSONEachRow) SELECT * FROM {name}_checked WHERE reason <> ''")


def _partitioned(sql, path: str, month: str, select: str, hidden: str = "") -> None:
    rest = f" EXCEPT ({hidden})" if hidden else ""
    columns = sql(f"DESCRIBE TABLE (SELECT *{rest} FROM ({select}))")
    shape = ", ".join("`{}` {}".format(*line.split("\t")[:2]) for line in columns.splitlines()).replace("\\'", "'")
    month = month.split(".")[-1]
    month = "formatDateTime(day, '%Y-%m')" if month == "month" else month
    sql(f"""
        INSERT INTO FUNCTION file('{path}/month={{_partition_id}}/data.parquet', Parquet, {_text(shape + ", of_month String")})
        PARTITION BY of_month SELECT *{rest}, {month} AS of_month FROM ({select})""")


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


if __name__ == "__main__":
    main(*sys.argv[1:])
