"""DuckDB: `with_duckdb.py DATASET clean|models|whole|night:DAY RAW OUT`."""

import os
import sys
from glob import glob

import duckdb

import duckdb_clean
import repository_sql
from shared_rules import folder, hours_of

ZONES = {"irceline": "Europe/Brussels", "meters": "Europe/Brussels"}
# What a model's partition adds to its columns, and by which of them files lie.
PARTITIONS = {
    "": ("", []),
    "month": (", strftime({day}, '%Y-%m') AS month", ["month"]),
    "year_month": (", year({day}) AS year, month({day}) AS month", ["year", "month"]),
    "year": ("", ["year"]),
}
FOLDERS = {"energy": "energy_usage"}
MODELS = {
    "irceline": ["aggregate_station_by_day", "aggregate_city_by_hour"],
    "energy": ["usage_by_customer_day", "usage"],
    "meters": ["theft_detection"],
    "events": [],
    "codetrack": ["weekly_scores", "learners"],
    "illuminate": [
        "assessment_results_group",
        "assessment_results_combined",
        "assessments_metadata",
        "illuminate_assessment_results",
    ],
}


def main(job: str, stage: str, raw: str, out: str) -> None:
    # File names are compared as DuckDB has them.
    raw = os.path.realpath(raw)
    con = duckdb.connect()
    con.execute(f"SET temp_directory = '{out}/spilled'")
    con.execute("SET preserve_insertion_order = true")
    if stage in ("clean", "whole"):
        folder(f"{out}/standard/{FOLDERS.get(job, job)}")
        folder(f"{out}/rejection")
        getattr(duckdb_clean, job)(con, raw, out)
    if stage in ("models", "whole"):
        models(con, job, out)
    if stage.startswith("night:"):
        day = stage.removeprefix("night:")
        duckdb_clean.irceline(con, raw, out, day)
        models(con, job, out, f"month={day[5:12]}")


def models(con, job: str, out: str, months: str = "*") -> None:
    """Makes the models by the SQL of the repository: by months where a model looks back, else in one statement."""
    con.execute("SET TimeZone = 'UTC'")
    dataset = FOLDERS.get(job, job)
    known = repository_sql.statements(dataset) if MODELS[job] else {}
    for statement in repository_sql.declared(dataset) if MODELS[job] else []:
        con.execute(statement)
    for path in sorted(glob(f"{out}/standard/{dataset}/*")):
        name = os.path.basename(path).removesuffix(".parquet")
        files = path if path.endswith(".parquet") else f"{path}/{months}/*.parquet"
        con.execute(f"CREATE OR REPLACE VIEW all_{name} AS SELECT * FROM read_parquet('{files}')")
        con.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM all_{name}")
    for model in MODELS[job]:
        statement = known[model]
        folder(f"{out}/consumption/{dataset}")
        if statement.look_back_days:
            _month_by_month(con, out, dataset, known, statement)
        else:
            _whole(con, out, dataset, known, statement)


def _whole(con, out: str, dataset: str, known: dict, statement) -> None:
    _calendar(con, dataset, next(iter(statement.inputs)))
    for view in repository_sql.in_order(known, statement.name):
        kind = "TEMP TABLE" if view.materialize else "TEMP VIEW"
        con.execute(f'CREATE OR REPLACE {kind} "{view.name}" AS {view.sql}')
    hidden = f" EXCLUDE ({', '.join(statement.hidden)})" if statement.hidden else ""
    columns, by = PARTITIONS[(statement.partition or "").split("(")[0]]
    if "{day}" in columns:
        columns = columns.format(day=statement.partition[statement.partition.index("(") + 1 : -1])
    by = [*by, *statement.split]
    target = f"{out}/consumption/{dataset}/{statement.name}" + ("" if by else ".parquet")
    partitioned = f", PARTITION_BY ({', '.join(by)}), OVERWRITE_OR_IGNORE" if by else ""
    # What is written twice is made once.
    kind = "TABLE" if statement.csv else "VIEW"
    con.execute(f"CREATE OR REPLACE TEMP {kind} result AS {statement.sql}")
    con.execute(f"""
        COPY (SELECT *{hidden}{columns} FROM result)
        TO '{target}' (FORMAT parquet, COMPRESSION zstd{partitioned})""")
    if statement.csv:
        names = [name for (name, *_) in con.execute("DESCRIBE result").fetchall()]
        mastered = " REPLACE (CASE WHEN mastered THEN 't' WHEN NOT mastered THEN 'f' END AS mastered)"
        shown = "*" + (mastered if "mastered" in names else "")
        con.execute(f"COPY (SELECT {shown} FROM result) TO '{out}/consumption/{dataset}/{statement.csv}.csv' (HEADER)")


def _month_by_month(con, out: str, dataset: str, known: dict, statement) -> None:
    """What the model reads of other models, once per month; then each month with what it looks back to."""
    table = "measurement"
    months = con.execute(f"SELECT DISTINCT date_trunc('month', day)::DATE FROM all_{table} ORDER BY 1").fetchall()
    made = []
    for model in [*repository_sql.models_before(known, statement.name), statement]:
        for number, (month,) in enumerate(months):
            con.execute(f"""
                CREATE OR REPLACE TABLE period AS
                SELECT DATE '{month}' AS first_day, CAST(DATE '{month}' + INTERVAL '1 month' AS DATE) AS next_day""")
            for name in [table, *made]:
                con.execute(f"""
                    CREATE OR REPLACE VIEW {name} AS SELECT * FROM all_{name}
                    WHERE day >= DATE '{month}' - {model.look_back_days} AND day < DATE '{month}' + INTERVAL '1 month'""")
            _calendar(con, dataset, table)
            for view in repository_sql.in_order(known, model.name):
                con.execute(f'DROP TABLE IF EXISTS "{view.name}"' if view.materialize else "SELECT 1")
                kind = "TABLE" if view.materialize else "VIEW"
                con.execute(f'CREATE OR REPLACE {kind} "{view.name}" AS {view.sql}')
            if model is not statement:
                first = f"CREATE OR REPLACE TABLE all_{model.name} AS" if number == 0 else f"INSERT INTO all_{model.name}"
                con.execute(f"{first} {model.sql}")
                continue
            target = folder(f"{out}/consumption/{dataset}/{model.name}/month={month:%Y-%m}")
            hidden = f" EXCLUDE ({', '.join(model.hidden)})"
            con.execute(
                f"COPY (SELECT *{hidden} FROM ({model.sql})) TO '{target}/data.parquet' (FORMAT parquet, COMPRESSION zstd)"
            )
        made.append(model.name)


def _calendar(con, dataset: str, table: str) -> None:
    if dataset not in ZONES:
        return
    first, last = con.execute(f"SELECT min(day), max(day) FROM {table}").fetchone()
    con.execute("CREATE OR REPLACE TABLE calendar (day DATE, hours BIGINT)")
    con.executemany("INSERT INTO calendar VALUES (?, ?)", hours_of(first, last))


if __name__ == "__main__":
    main(*sys.argv[1:])
