"""Runs DDL that `tributary schema` printed in an engine, and prints the rows of tables and views as JSON.

Called by tests/schema.rs: `engines.py duckdb|spark FILE NAME...`. Instants and dates are written as `tributary query --json`
writes them.
"""

import datetime
import json
import sys


def plain(value):
    if isinstance(value, datetime.datetime):
        # PySpark gives local times of this process, without a zone.
        utc = value.astimezone(datetime.timezone.utc)
        fraction = f".{utc.microsecond:06}" if utc.microsecond else ""
        return utc.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


def rows(names, values):
    return [{n: plain(v) for n, v in zip(names, row) if v is not None} for row in values]


def duckdb_engine(sql):
    import duckdb

    connection = duckdb.connect()
    connection.execute(sql)

    def ask(query):
        answer = connection.execute(query)
        return rows([column[0] for column in answer.description], answer.fetchall())

    return ask


def spark_engine(sql):
    import tempfile

    from pyspark.sql import SparkSession

    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.warehouse.dir": tempfile.mkdtemp(),
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
    }
    session = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    for statement in sql.split(";\n\n"):
        if any(line and not line.startswith("--") for line in statement.splitlines()):
            session.sql(statement)

    def ask(query):
        answer = session.sql(query)
        return rows(answer.columns, [tuple(row) for row in answer.collect()])

    return ask


def main():
    engine, file, *names = sys.argv[1:]
    with open(file, encoding="utf-8") as text:
        sql = text.read()
    ask = {"duckdb": duckdb_engine, "spark": spark_engine}[engine](sql)
    print(json.dumps({name: ask(f"SELECT * FROM {name}") for name in names}))


main()
