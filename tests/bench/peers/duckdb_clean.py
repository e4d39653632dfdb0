"""Raw zone to standard and rejection zone with DuckDB: one function per dataset.

Each reads everything as text into a temporary table with a column `reason`, finds keys that are there twice, and writes
the good rows by month (Parquet, zstd) and the bad ones as NDJSON.
"""

from glob import glob

from shared_rules import CODE, LEAST, MUNICIPALITY, PARAMETERS, SENTINELS, STATES, received

OFFSET = r"(start_time[-6] IN ('+', '-') OR suffix(start_time, 'Z'))"


def irceline(con, raw: str, out: str, days: str = "date=*") -> None:
    """All days, or one (`date=2026-11-19`), whose rows then stand in files of their own."""
    con.execute("SET TimeZone = 'UTC'")
    day_of_file = r"CAST(regexp_extract(filename, 'date=([0-9-]+)', 1) AS DATE)"
    _received(con, glob(f"{raw}/irceline/{days}/*.json"))
    con.execute(f"""
        CREATE TEMP TABLE station_checked AS
        SELECT *, CASE WHEN station_id IS NULL THEN 'required'
            WHEN longitude NOT BETWEEN -180 AND 180 OR latitude NOT BETWEEN -90 AND 90 THEN 'range' END AS reason
        FROM (
            SELECT properties.id AS station_id, properties.label AS label,
                nullif(regexp_extract(properties.label, '{CODE}', 1), '') AS code,
                nullif(regexp_extract(properties.label, '{MUNICIPALITY}', 1), '') AS municipality,
                TRY_CAST(nullif(geometry.coordinates[1], 'NaN') AS DOUBLE) AS longitude,
                TRY_CAST(nullif(geometry.coordinates[2], 'NaN') AS DOUBLE) AS latitude,
                received_at, {day_of_file} AS date
            FROM read_json('{raw}/irceline/{days}/stations.json', format = 'array', filename = true,
                maximum_object_size = 16777216,
                columns = {{properties: 'STRUCT(id BIGINT, label VARCHAR)', geometry: 'STRUCT(coordinates VARCHAR[])'}})
            JOIN received USING (filename)
        )""")
    con.execute(f"""
        CREATE TEMP TABLE timeseries_checked AS
        SELECT id AS timeseries_id, station.properties.id AS station_id, parameters.phenomenon.id AS phenomenon_id,
            parameters.phenomenon.label AS phenomenon, uom, make_timestamptz(firstValue.timestamp * 1000) AS first_timestamp,
            make_timestamptz(lastValue.timestamp * 1000) AS last_timestamp, received_at, {day_of_file} AS date,
            CASE WHEN id IS NULL THEN 'required' END AS reason
        FROM read_json('{raw}/irceline/{days}/timeseries.json', format = 'array', filename = true,
            maximum_object_size = 16777216,
            columns = {{id: 'VARCHAR', uom: 'VARCHAR', station: 'STRUCT(properties STRUCT(id BIGINT))',
                firstValue: 'STRUCT("timestamp" BIGINT)', lastValue: 'STRUCT("timestamp" BIGINT)',
                parameters: 'STRUCT(phenomenon STRUCT(id VARCHAR, label VARCHAR))'}})
        JOIN received USING (filename)""")
    con.execute(f"""
        CREATE TEMP TABLE series AS
        SELECT date, timeseries_id, station_id, phenomenon_id, uom,
            coalesce(map_extract_value(MAP {PARAMETERS}, phenomenon_id),
                trim(regexp_replace(lower(phenomenon), '[^a-z0-9]+', '_', 'g'), '_')) AS parameter
        FROM timeseries_checked WHERE reason IS NULL""")
    # Zones are looked up once per day, not per value.
    midnight = "timezone('Europe/Brussels', CAST(date{} AS TIMESTAMP))"
    con.execute(f"""
        CREATE TEMP TABLE known AS
        SELECT *, {midnight.format("")} AS day_begins, {midnight.format(" + 1")} AS day_ends,
            strftime(date, '%Y-%m') AS month
        FROM series""")
    con.execute(f"""
        CREATE TEMP TABLE measurement_checked AS
        SELECT raw.timeseries_id, station_id, phenomenon_id, parameter, uom, timestamp,
            strftime(timezone('UTC', timestamp), '%Y-%m-%dT%H:%M:%SZ') AS datetime, raw.date AS day,
            CASE WHEN number IN {SENTINELS} OR isnan(number) THEN NULL ELSE number END AS value, received_at, text, month,
            CASE WHEN known.timeseries_id IS NULL THEN 'unknown_timeseries' WHEN timestamp IS NULL THEN 'required'
                WHEN timestamp <= day_begins OR timestamp > day_ends THEN 'outside'
                WHEN text IS NOT NULL AND number IS NULL THEN 'not_a_number'
                WHEN number < {LEAST} AND number NOT IN {SENTINELS} THEN 'below_minimum' END AS reason
        FROM (
            SELECT timeseries_id, received_at, date, make_timestamptz(item.timestamp * 1000) AS timestamp,
                item.value AS text, TRY_CAST(item.value AS DOUBLE) AS number
            FROM (
                SELECT received_at, date, entry.key AS timeseries_id, unnest(entry.value.values) AS item
                FROM (
                    SELECT received_at, {day_of_file} AS date, unnest(map_entries(body)) AS entry
                    FROM read_json('{raw}/irceline/{days}/values.ndjson', format = 'newline_delimited', filename = true,
                        maximum_object_size = 16777216,
                        columns = {{received_at: 'TIMESTAMPTZ',
                            body: 'MAP(VARCHAR, STRUCT("values" STRUCT("timestamp" BIGINT, "value" VARCHAR)[]))'}})
                )
            )
        ) AS raw
        LEFT JOIN known ON known.date = raw.date AND known.timeseries_id = raw.timeseries_id""")
    name = "data" if days.endswith("*") else days
    _write(con, out, "irceline", "station", "station_id, date", "date", name=name)
    _write(con, out, "irceline", "timeseries", "timeseries_id, date", "date", name=name)
    _write(con, out, "irceline", "measurement", "timeseries_id, timestamp", "month", "text", name)


def energy(con, raw: str, out: str) -> None:
    con.execute("SET TimeZone = 'UTC'")
    _received(con, glob(f"{raw}/energy_usage/*.csv"))
    con.execute(f"""
        CREATE TEMP TABLE reading_checked AS
        SELECT customer_id, usage_kwh, start_time, start_time_text, day, received_at, c_text, u_text,
            CASE WHEN customer_id IS NULL OR start_time IS NULL OR day IS NULL OR usage_kwh IS NULL THEN 'required'
                WHEN NOT isfinite(usage_kwh) THEN 'not_finite' WHEN usage_kwh < 0 THEN 'below_minimum' END AS reason
        FROM (
            SELECT customer_id AS c_text, usage_kwh AS u_text, start_time AS start_time_text, filename,
                TRY_CAST(customer_id AS BIGINT) AS customer_id, TRY_CAST(usage_kwh AS DOUBLE) AS usage_kwh,
                CASE WHEN {OFFSET} THEN TRY_CAST(start_time AS TIMESTAMPTZ) END AS start_time,
                TRY_CAST(left(start_time, 10) AS DATE) AS day
            FROM read_csv('{raw}/energy_usage/*.csv', header = true, auto_detect = false, delim = ',', quote = '"',
                filename = true,
                columns = {{customer_id: 'VARCHAR', usage_kwh: 'VARCHAR', start_time: 'VARCHAR'}})
        )
        JOIN received USING (filename)""")
    _write(con, out, "energy_usage", "reading", "customer_id, start_time", "day", "c_text, u_text")


def meters(con, raw: str, out: str) -> None:
    con.execute("SET TimeZone = 'UTC'")
    _received(con, glob(f"{raw}/meters/*/*.csv"))

    def read(table: str) -> str:
        return f"read_csv('{raw}/meters/{table}/*.csv', all_varchar = true, header = true, filename = true)"

    con.execute(f"""
        CREATE TEMP TABLE device_checked AS
        SELECT device_id, device_type, badge_number, serial_number, status, TRY_CAST(status_date AS DATE) AS status_date,
            received_at, CASE WHEN device_id IS NULL THEN 'required'
                WHEN status_date IS NOT NULL AND TRY_CAST(status_date AS DATE) IS NULL THEN 'not_a_date' END AS reason
        FROM {read("device")} JOIN received USING (filename)""")
    con.execute(f"""
        CREATE TEMP TABLE measuring_component_checked AS
        SELECT measuring_component_id, device_id, type, uom, TRY_CAST(interval_seconds AS BIGINT) AS interval_seconds,
            TRY_CAST(multiplier AS DOUBLE) AS multiplier, direction, status, received_at,
            CASE WHEN measuring_component_id IS NULL THEN 'required'
                WHEN TRY_CAST(interval_seconds AS BIGINT) < 0 THEN 'below_minimum' END AS reason
        FROM {read("measuring_component")} JOIN received USING (filename)""")
    con.execute(f"""
        CREATE TEMP TABLE install_event_checked AS
        SELECT install_event_id, device_id, service_point_id, TRY_CAST(install_dttm AS TIMESTAMPTZ) AS install_dttm,
            TRY_CAST(removal_dttm AS TIMESTAMPTZ) AS removal_dttm, status,
            TRY_CAST(status_dttm AS TIMESTAMPTZ) AS status_dttm, received_at,
            CASE WHEN install_event_id IS NULL OR device_id IS NULL OR TRY_CAST(install_dttm AS TIMESTAMPTZ) IS NULL
                THEN 'required' END AS reason
        FROM {read("install_event")} JOIN received USING (filename)""")
    con.execute(f"""
        CREATE TEMP TABLE measurement_checked AS
        SELECT measuring_component_id, "at" AS measurement_dttm,
            CAST(timezone('Europe/Brussels', "at" - INTERVAL '1 microsecond') AS DATE) AS day,
            TRY_CAST(measurement_value AS DOUBLE) AS measurement_value, condition_code, use_flag,
            TRY_CAST(created_dttm AS TIMESTAMPTZ) AS created_dttm, received_at,
            CASE WHEN measuring_component_id IS NULL OR "at" IS NULL THEN 'required'
                WHEN measurement_value IS NOT NULL AND TRY_CAST(measurement_value AS DOUBLE) IS NULL
                    THEN 'not_a_number' END AS reason
        FROM (SELECT *, TRY_CAST(measurement_dttm AS TIMESTAMPTZ) AS "at" FROM {read("measurement")})
        JOIN received USING (filename)""")
    for table in ("device", "measuring_component", "install_event"):
        _write(con, out, "meters", table, f"{table}_id", None)
    _write(con, out, "meters", "measurement", "measuring_component_id, measurement_dttm", "day")


def events(con, raw: str, out: str) -> None:
    con.execute("SET TimeZone = 'UTC'")
    files = glob(f"{raw}/events/events.*json")
    _received(con, files)
    format = "newline_delimited" if files[0].endswith(".ndjson") else "array"
    con.execute(f"""
        CREATE TEMP TABLE event_checked AS
        SELECT device, site, "at", day, state, temperature, cycles, note, received_at, at_text,
            CASE WHEN device IS NULL OR "at" IS NULL OR cycles IS NULL THEN 'required' WHEN state NOT IN {STATES} THEN 'one_of'
                WHEN temperature NOT BETWEEN -50 AND 150 OR cycles < 0 THEN 'range' END AS reason
        FROM (
            SELECT device.id AS device, device.site AS site, "at" AS at_text, TRY_CAST("at" AS TIMESTAMPTZ) AS "at",
                CAST(TRY_CAST("at" AS TIMESTAMPTZ) AS DATE) AS day, state, readings.temperature AS temperature,
                readings.cycles AS cycles, note, filename
            FROM read_json('{files[0]}', format = '{format}', filename = true,
                columns = {{device: 'STRUCT(id VARCHAR, site BIGINT)', "at": 'VARCHAR', state: 'VARCHAR',
                    readings: 'STRUCT(temperature DOUBLE, cycles BIGINT)', note: 'VARCHAR'}})
        )
        JOIN received USING (filename)""")
    _write(con, out, "events", "event", 'device, "at"', "day", "at_text")


def codetrack(con, raw: str, out: str) -> None:
    con.execute("SET TimeZone = 'UTC'")
    _received(con, glob(f"{raw}/codetrack/rosters/roster.json"))
    con.execute(f"""
        CREATE TEMP TABLE learner_checked AS
        SELECT id, nullif(email, '') AS email, nullif(name, '') AS name, nullif(cohort, '') AS cohort, leetcode_id,
            received_at, CASE WHEN id IS NULL OR coalesce(email, '') = '' OR coalesce(name, '') = ''
                OR coalesce(cohort, '') = '' THEN 'required' END AS reason
        FROM read_json('{raw}/codetrack/rosters/roster.json', format = 'array', filename = true,
            columns = {{id: 'BIGINT', email: 'VARCHAR', name: 'VARCHAR', cohort: 'VARCHAR', leetcode_id: 'VARCHAR'}})
        JOIN received USING (filename)""")

    def lines(name: str, body: str) -> str:
        shape = 'STRUCT(learner BIGINT, "from" VARCHAR, "to" VARCHAR)'
        return f"""read_json('{raw}/codetrack/week=*/{name}.ndjson', format = 'newline_delimited', filename = true,
            columns = {{request: '{shape}', received_at: 'TIMESTAMPTZ', body: '{body}'}})"""

    con.execute(f"""
        CREATE TEMP TABLE account_checked AS
        SELECT request.learner AS id, body.free_code_camp_points AS free_code_camp_points, body.honor AS honor,
            body.leetcode_points AS leetcode_points, received_at, regexp_extract(filename, 'week=([0-9-]+)', 1) AS week,
            CASE WHEN request.learner IS NULL THEN 'required' END AS reason
        FROM {lines("users", "STRUCT(free_code_camp_points BIGINT, honor BIGINT, leetcode_points BIGINT)")}""")
    for list_ in ("weekly_scores", "weekly_commits"):
        con.execute(f"""
            CREATE TEMP TABLE {list_} AS
            SELECT id, TRY_CAST(left(item.date, 10) AS DATE) AS date, item.points AS points, received_at, asked_from, asked_to
            FROM (
                SELECT request.learner AS id, CAST(request."from" AS DATE) AS asked_from,
                    CAST(request."to" AS DATE) AS asked_to, received_at, unnest(body) AS item
                FROM {lines(list_, "STRUCT(date VARCHAR, points BIGINT)[]")}
            )""")
    con.execute("""
        CREATE TEMP TABLE weekly_score_checked AS
        SELECT id, date, coalesce(a.points, 0) AS points, coalesce(b.points, 0) AS commits, a.id IS NOT NULL AS has_points,
            b.id IS NOT NULL AS has_commits, coalesce(a.received_at, b.received_at) AS received_at,
            CAST(timezone('America/New_York', coalesce(a.received_at, b.received_at)) AS DATE) AS received_on,
            CASE WHEN id IS NULL OR date IS NULL THEN 'required'
                WHEN date < coalesce(a.asked_from, b.asked_from) OR date >= coalesce(a.asked_to, b.asked_to)
                    THEN 'outside' END AS reason
        FROM weekly_scores AS a FULL JOIN weekly_commits AS b USING (id, date)""")
    _write(con, out, "codetrack", "learner", "id, email", None)
    _write(con, out, "codetrack", "account", "id, week", None)
    _write(con, out, "codetrack", "weekly_score", "id, date", "date")


RESULT = """local_student_id, first_name, last_name, middle_name, date_taken, points, points_possible, percent_correct,
    performance_band_level, performance_band_label, mastered, __count"""
RESULTS = {
    "overall": ["version", "version_label"],
    "standard": ["academic_benchmark_guid", "standard_code", "standard_description"],
    "group": ["reporting_group_id", "reporting_group"],
}
ASSESSMENT = """local_assessment_id, title, description, author_id, district_author_id, author_first, author_last,
    created_at, updated_at, scope_id, scope, subject_id, subject, grade_levels, __count"""


def illuminate(con, raw: str, out: str) -> None:
    con.execute("SET TimeZone = 'UTC'")
    _received(con, glob(f"{raw}/illuminate/rosters/*"))

    def rows(name: str, columns: list[str]) -> str:
        shape = ", ".join(f'"{column}" VARCHAR' for column in columns)
        return f"""(
            SELECT unnest(body.results, recursive := true), received_at, regexp_extract(filename, 'year=([0-9-]+)', 1) AS year
            FROM read_json('{raw}/illuminate/year=*/{name}.ndjson', format = 'newline_delimited', filename = true,
                maximum_object_size = 16777216,
                columns = {{received_at: 'TIMESTAMPTZ', body: 'STRUCT(results STRUCT({shape})[])'}}))"""

    columns = [column.strip() for column in ASSESSMENT.split(",")]
    at = {
        name: f"timezone('America/Los_Angeles', TRY_CAST({name} AS TIMESTAMP)) AS {name}"
        for name in ("created_at", "updated_at")
    }
    con.execute(f"""
        CREATE TEMP TABLE assessment_checked AS
        SELECT * REPLACE ({at["created_at"]}, {at["updated_at"]}, TRY_CAST(__count AS BIGINT) AS __count),
            CASE WHEN coalesce(assessment_id, '') = '' THEN 'required' END AS reason
        FROM {rows("assessments", ["assessment_id", *columns])}""")
    _write(con, out, "illuminate", "assessment", "year, assessment_id, " + ASSESSMENT.replace(", __count", ""), None)
    common = [column.strip() for column in RESULT.split(",")]
    for kind, own in RESULTS.items():
        key = ", ".join(["year", "assessment_id", "title", *own, *common[:-1]])
        con.execute(f"""
            CREATE TEMP TABLE result_{kind}_checked AS
            SELECT * REPLACE (
                    CASE WHEN TRY_CAST(date_taken AS DATE) >= DATE '2001-01-01' THEN CAST(date_taken AS DATE) END AS date_taken,
                    TRY_CAST(points AS DOUBLE) AS points, TRY_CAST(points_possible AS DOUBLE) AS points_possible,
                    CAST(round_even(TRY_CAST(percent_correct AS DOUBLE), 0) AS BIGINT) AS percent_correct,
                    TRY_CAST(mastered AS BOOLEAN) AS mastered, TRY_CAST(__count AS BIGINT) AS __count
                ),
                CASE WHEN coalesce(assessment_id, '') = '' OR coalesce(local_student_id, '') = '' THEN 'required'
                    WHEN date_taken IS NOT NULL AND TRY_CAST(date_taken AS DATE) IS NULL THEN 'not_a_date'
                    WHEN mastered IS NOT NULL AND TRY_CAST(mastered AS BOOLEAN) IS NULL THEN 'not_a_bool'
                    WHEN points IS NOT NULL AND TRY_CAST(points AS DOUBLE) IS NULL THEN 'not_a_number'
                    WHEN percent_correct IS NOT NULL AND TRY_CAST(percent_correct AS DOUBLE) IS NULL THEN 'not_a_number'
                END AS reason
            FROM {rows(f"responses_{kind}", ["assessment_id", "title", *own, *common])}""")
        _write(con, out, "illuminate", f"result_{kind}", key, None)
    con.execute(f"""
        CREATE TEMP TABLE roster_checked AS
        SELECT "STUDENTS.Student_Number" AS student_number, "STUDENTS.Grade_Level" AS grade_level,
            TRY_CAST("STUDENTS.Enroll_Status" AS BIGINT) AS enroll_status, received_at,
            CASE WHEN "STUDENTS.Student_Number" IS NULL THEN 'required'
                WHEN NOT regexp_full_match("STUDENTS.Grade_Level", '(?i:K|-?\\d{{1,2}})') THEN 'pattern' END AS reason
        FROM read_csv('{raw}/illuminate/rosters/Student_Rosters.txt', delim = '\t', header = true, all_varchar = true,
            filename = true)
        JOIN received USING (filename)""")
    _write(con, out, "illuminate", "roster", "student_number, grade_level, enroll_status", None)


def _received(con, files: list[str]) -> None:
    con.execute("CREATE TEMP TABLE received (filename VARCHAR, received_at TIMESTAMPTZ)")
    con.executemany("INSERT INTO received VALUES (?, ?)", received(files))


def _write(
    con, out: str, dataset: str, table: str, key: str, month_of: str | None, hidden: str = "", name: str = "data"
) -> None:
    """Writes `TABLE_checked`: good rows by month, of rows with the same key the last one of the newest file; bad rows."""
    con.execute(
        f"CREATE TEMP TABLE twice AS SELECT {key} FROM {table}_checked WHERE reason IS NULL GROUP BY ALL HAVING count(*) > 1"
    )
    older = ""
    if con.execute("SELECT count(*) FROM twice").fetchone()[0]:
        con.execute(f"""
            CREATE TEMP TABLE older AS SELECT row FROM (
                SELECT rowid AS row, row_number() OVER (PARTITION BY {key} ORDER BY received_at DESC, rowid DESC) AS age
                FROM {table}_checked SEMI JOIN twice USING ({key}) WHERE reason IS NULL
            ) WHERE age > 1""")
        older = " AND rowid NOT IN (SELECT row FROM older)"
    excluded = ", ".join(filter(None, ["reason", hidden]))
    month, by = "", ""
    if month_of:
        month = "" if month_of == "month" else f", strftime({month_of}, '%Y-%m') AS month"
        by = f", PARTITION_BY (month), FILENAME_PATTERN '{name}_{{i}}', OVERWRITE_OR_IGNORE"
    target = f"{out}/standard/{dataset}/{table}" + ("" if month_of else ".parquet")
    con.execute(f"""
        COPY (SELECT * EXCLUDE ({excluded}){month} FROM {table}_checked WHERE reason IS NULL{older})
        TO '{target}' (FORMAT parquet, COMPRESSION zstd{by})""")
    con.execute(f"""
        COPY (SELECT * FROM {table}_checked WHERE reason IS NOT NULL) TO '{out}/rejection/{table}.ndjson' (FORMAT json)""")
    con.execute("DROP TABLE twice; DROP TABLE IF EXISTS older")
