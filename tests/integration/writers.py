"""Writes the same rows as people's programs do: Python's csv module, pandas, Polars, DuckDB, and exporters like Excel.

Called by tests/written.rs: `writers.py ROWS FOLDER`. ROWS is a JSON file with a list of objects. Into FOLDER goes one
file for each way to write them; the names are those that the test declares tables for.
"""

import csv
import datetime
import json
import sys
from pathlib import Path

import duckdb
import pandas
import polars

rows = json.loads(Path(sys.argv[1]).read_text())
folder = Path(sys.argv[2])
names = list(rows[0])


def place(name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def write(name, encoding="utf-8", first="", decimal=".", values=rows, **options):
    """By the csv module."""
    with open(place(name), "w", newline="", encoding=encoding) as file:
        file.write(first)
        writer = csv.writer(file, **options)
        writer.writerow(names)
        for row in values:
            texts = [row[name] for name in names]
            writer.writerow([str(text).replace(".", decimal) if isinstance(text, float) else text for text in texts])


write("csv_excel/a.csv")
write("csv_unix/a.csv", dialect="unix")
write("csv_tab/a.tsv", dialect="excel-tab")
write("csv_nonnumeric/a.csv", quoting=csv.QUOTE_NONNUMERIC)
write("csv_escape/a.csv", doublequote=False, escapechar="\\")
write("csv_unquoted/a.csv", quoting=csv.QUOTE_NONE, escapechar="\\")
write("csv_pipe/a.csv", delimiter="|", lineterminator="\n")
european = {"delimiter": ";", "decimal": ","}
write("excel_european/a.csv", encoding="utf-8-sig", **european)
write("excel_separator/a.csv", encoding="utf-8-sig", first="sep=;\r\n", **european)
write("excel_unicode/a.txt", encoding="utf-16", dialect="excel-tab")
write(
    "excel_ansi/a.csv",
    encoding="windows-1252",
    values=[row | {"name": row["name"].replace("日本", "JP")} for row in rows],
    **european,
)

times = [datetime.datetime.fromisoformat(row["at"]) for row in rows]
frame = pandas.DataFrame(rows).assign(at=pandas.to_datetime(pandas.Series(times), utc=True))
frame.to_csv(place("pandas_csv/a.csv"), index=False)
frame.to_csv(place("pandas_index/a.csv.gz"))
frame.to_csv(place("pandas_european/a.csv"), index=False, sep=";", decimal=",", encoding="utf-8-sig", lineterminator="\r\n")
frame.to_json(place("pandas_lines/a.ndjson"), orient="records", lines=True, date_format="iso", double_precision=15)
frame.to_parquet(place("pandas_parquet/a.parquet"), index=False)

frame = polars.DataFrame(rows).with_columns(polars.Series("at", times).cast(polars.Datetime("us", "UTC")))
frame.write_csv(place("polars_csv/a.csv"))
frame.write_csv(place("polars_semicolon/a.csv"), separator=";", include_bom=True, quote_style="always", line_terminator="\r\n")
frame.write_ndjson(place("polars_lines/a.ndjson"))
frame.write_parquet(place("polars_parquet/a.parquet"))

duckdb.execute("SET TimeZone = 'UTC'")
duckdb.execute("CREATE TABLE written AS SELECT * FROM frame")
for name, options in [
    ("duckdb_csv/a.csv", "FORMAT csv, HEADER"),
    ("duckdb_pipe/a.csv", "FORMAT csv, HEADER, DELIMITER '|', FORCE_QUOTE *"),
    ("duckdb_lines/a.ndjson", "FORMAT json"),
    ("duckdb_list/a.json", "FORMAT json, ARRAY true"),
    ("duckdb_parquet/a.parquet", "FORMAT parquet"),
]:
    duckdb.execute(f"COPY written TO '{place(name)}' ({options})")
