"""Reads a lake with DuckDB, pandas and Polars, each as it comes, and prints what they saw as JSON.

Called by tests/readers.rs: `readers.py LAKE TABLE...`, a table being a folder below the lake. For every engine and
table: the columns in order with the words that the contract has for their types (or the engine's own word where it is
another type), the partition column's values, the first and last instant of each timestamp column, and the number and
the sum of the values per parameter.
"""

import datetime
import json
import sys
from pathlib import Path

import duckdb
import pandas
import polars

DUCKDB_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "int64",
    "DOUBLE": "float64",
    "BOOLEAN": "bool",
    "DATE": "date",
    "TIMESTAMP WITH TIME ZONE": "timestamp(us, UTC)",
}
PANDAS_TYPES = {
    "str": "string",
    "int64": "int64",
    "float64": "float64",
    "bool": "bool",
    "datetime64[us, UTC]": "timestamp(us, UTC)",
}
POLARS_TYPES = {
    "String": "string",
    "Int64": "int64",
    "Float64": "float64",
    "Boolean": "bool",
    "Date": "date",
    "Datetime(time_unit='us', time_zone='UTC')": "timestamp(us, UTC)",
}


def read_with_duckdb(folder, partition, measure):
    files = f"read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"

    def ask(sql):
        return duckdb.sql(f"SELECT {sql}").fetchall()

    table = duckdb.sql(f"SELECT * FROM {files}")
    columns = [[name, DUCKDB_TYPES.get(str(kind), str(kind))] for name, kind in zip(table.columns, table.types)]
    spans = {}
    for name in timestamps(columns):
        # As a local time of UTC: Python's own type for instants would need another package.
        utc = f"\"{name}\" AT TIME ZONE 'UTC'"
        first, last = ask(f"min({utc}), max({utc}) FROM {files}")[0]
        spans[name] = [f"{first.isoformat()}+00:00", f"{last.isoformat()}+00:00"]
    return {
        "rows": ask(f"count(*) FROM {files}")[0][0],
        "columns": columns,
        "partitions": [str(value) for (value,) in ask(f"DISTINCT {partition} FROM {files} ORDER BY 1")],
        "spans": spans,
        "sums": measure
        and {
            parameter: [count, total]
            for parameter, count, total in ask(f"parameter, count({measure}), sum({measure}) FROM {files} GROUP BY parameter")
        },
    }


def read_with_pandas(folder, partition, measure):
    table = pandas.read_parquet(folder)

    def kind(name):
        column = table[name]
        if column.dtype == "category":
            return str(column.cat.categories.dtype)
        if column.dtype == "object" and {type(value) for value in column.dropna()} == {datetime.date}:
            return "date"
        return PANDAS_TYPES.get(str(column.dtype), str(column.dtype))

    columns = [[name, kind(name)] for name in table.columns]
    return {
        "rows": len(table),
        "columns": columns,
        "partitions": sorted(str(value) for value in table[partition].unique()),
        "spans": {name: [table[name].min().isoformat(), table[name].max().isoformat()] for name in timestamps(columns)},
        "sums": measure
        and {
            parameter: [int(values.count()), float(values.sum())] for parameter, values in table.groupby("parameter")[measure]
        },
    }


def read_with_polars(folder, partition, measure):
    scan = polars.scan_parquet(folder)
    columns = [[name, POLARS_TYPES.get(str(kind), str(kind))] for name, kind in scan.collect_schema().items()]
    table = scan.collect()
    return {
        "rows": table.height,
        "columns": columns,
        "partitions": sorted(str(value) for value in table[partition].unique()),
        "spans": {name: [table[name].min().isoformat(), table[name].max().isoformat()] for name in timestamps(columns)},
        "sums": measure
        and {
            parameter: [count, total]
            for parameter, count, total in table.group_by("parameter")
            .agg(polars.col(measure).count().alias("count"), polars.col(measure).sum().alias("total"))
            .iter_rows()
        },
    }


def timestamps(columns):
    return [name for name, kind in columns if kind.startswith("timestamp")]


def main():
    lake, tables = Path(sys.argv[1]), sys.argv[2:]
    engines = {"duckdb": read_with_duckdb, "pandas": read_with_pandas, "polars": read_with_polars}
    seen = {engine: {} for engine in engines}
    for line in tables:
        table, partition, measure = line.split(":")
        for engine, read in engines.items():
            seen[engine][table] = read(lake / table, partition, measure or None)
    json.dump(seen, sys.stdout)


main()
