"""Whether two lakes say the same: the rows of a table or model, value by value, doubles within a tolerance."""

import json
import sys
from glob import glob

import duckdb

# Sums of doubles may differ in their last bits by the order in which they are added up.
TOLERANCE = 1e-9
# Beyond so many rows values are compared by sums per column, as a join of both sides would take longer than the job.
JOINED_ROWS = 12_000_000


def differences(ours: str, theirs: str, key: list[str], ignored: tuple[str, ...] = ()) -> list[str]:
    """What differs between two sets of Parquet files, in words; nothing if they agree."""
    if not glob(theirs, recursive=True):
        return ["it made no files"]
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET threads = 2")
    for name, files in (("ours", ours), ("theirs", theirs)):
        con.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{files}', hive_partitioning = true)")
    columns = dict(_columns(con, "ours"))
    lacking = [column for column in columns if column not in dict(_columns(con, "theirs")) and column not in ignored]
    if lacking:
        return [f"it has no column {', '.join(lacking)}"]
    compared = {column: kind for column, kind in columns.items() if column not in ignored}
    counts = [con.execute(f"SELECT count(*) FROM {side}").fetchone()[0] for side in ("ours", "theirs")]
    if counts[0] != counts[1]:
        return [f"{counts[1]:,} rows in place of {counts[0]:,}"]
    found = _joined(con, compared, key) if counts[0] <= JOINED_ROWS else _summed(con, compared)
    return [f"{column}: {text}" for column, text in found]


def _columns(con, view: str) -> list[tuple[str, str]]:
    return con.execute(f"SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '{view}'").fetchall()


def _joined(con, columns: dict[str, str], key: list[str]) -> list[tuple[str, str]]:
    on = " AND ".join(f'ours."{column}" IS NOT DISTINCT FROM {_same("theirs", column, columns[column])}' for column in key)
    tests = ["count(*) FILTER (WHERE ours._here IS NULL OR theirs._here IS NULL)"]
    others = [column for column in columns if column not in key]
    for column in others:
        a, b = f'ours."{column}"', _same("theirs", column, columns[column])
        if columns[column] == "DOUBLE":
            far = f"abs({a} - {b}) > {TOLERANCE} * greatest(1, abs({a}))"
            test = f"({a} IS NULL) <> ({b} IS NULL) OR coalesce({far}, false)"
        else:
            test = f"{a} IS DISTINCT FROM {b}"
        tests.append(f"count(*) FILTER (WHERE ours._here AND theirs._here AND ({test}))")
    counts = con.execute(f"""
        SELECT {", ".join(tests)}
        FROM (SELECT *, true AS _here FROM ours) AS ours
        FULL JOIN (SELECT *, true AS _here FROM theirs) AS theirs ON {on}""").fetchone()
    names = [f"key ({', '.join(key)})", *others]
    return [(name, f"{count:,} rows differ") for name, count in zip(names, counts) if count]


def _summed(con, columns: dict[str, str]) -> list[tuple[str, str]]:
    sides = []
    for side in ("ours", "theirs"):
        sums = [
            f'sum("{column}")' if kind == "DOUBLE" else f"sum(hash({_same(side, column, kind)})::HUGEINT)"
            for column, kind in columns.items()
        ]
        sides.append(con.execute(f"SELECT {', '.join(sums)} FROM {side}").fetchone())
    apart = []
    for column, a, b in zip(columns, *sides):
        same = abs(a - b) <= TOLERANCE * abs(a) if isinstance(a, float) and isinstance(b, float) else a == b
        if not same:
            apart.append((column, f"its sum is {b} in place of {a}"))
    return apart


def _same(side: str, column: str, kind: str) -> str:
    """A column as the type that ours has: engines differ in how wide their integers are."""
    return f'CAST({side}."{column}" AS {kind})'


def main(ours: str, theirs: str) -> None:
    """Compares what stdin lists (jobs.Compared as JSON) and prints what differs as a JSON list."""
    found = []
    for compared in json.load(sys.stdin):
        path, key, ignored = compared["path"], compared["key"], tuple(compared["ignored"])
        name = path.split("/")[-1]
        mine = _files(f"{ours}/{path}")
        if not glob(mine, recursive=True):
            found.append(f"{name}: Tributary made none, so that there is nothing to compare with")
            continue
        found += [f"{name}: {text}" for text in differences(mine, _files(f"{theirs}/{path}"), key, ignored)]
    print(json.dumps(found))


def _files(path: str) -> str:
    return f"{path}.parquet" if glob(f"{path}.parquet") else f"{path}/**/*.parquet"


if __name__ == "__main__":
    main(*sys.argv[1:])
