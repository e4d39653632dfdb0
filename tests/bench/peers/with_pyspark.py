"""PySpark, `local[2]`: `with_pyspark.py DATASET clean|models|whole RAW OUT`."""

import os
import sys
import warnings
from collections.abc import Sequence
from glob import glob

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as f

from shared_rules import CODE, LEAST, MUNICIPALITY, PARAMETERS, SENTINELS, STATES, hours_of

warnings.simplefilter("ignore")


def main(job: str, stage: str, raw: str, out: str) -> None:
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "6g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
        .config("spark.sql.ansi.enabled", "false")
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .config("spark.local.dir", f"{out}/spilled")
        .config("spark.log.level", "ERROR")
        .getOrCreate()
    )
    for step in ("clean", "models"):
        if stage in (step, "whole") and f"{job}_{step}" in globals():
            globals()[f"{job}_{step}"](spark, raw, out)
    # The engine is a process of its own: what it used counts once it was waited for.
    engine = spark.sparkContext._gateway.proc
    spark.stop()
    engine.terminate()
    engine.wait()


def irceline_clean(spark, raw: str, out: str) -> None:
    date = f.to_date(f.regexp_extract(f.input_file_name(), "date=([0-9-]+)", 1))
    at = received_at()
    shape = "properties STRUCT<id: BIGINT, label: STRING>, geometry STRUCT<coordinates: ARRAY<STRING>>"
    label = f.col("properties.label")
    place = [f.col("geometry.coordinates")[number].try_cast("double") for number in (0, 1)]
    station = spark.read.schema(shape).json(f"{raw}/irceline/date=*/stations.json").select(
        f.col("properties.id").alias("station_id"),
        label.alias("label"),
        f.nullif(f.regexp_extract(label, CODE, 1), f.lit("")).alias("code"),
        f.nullif(f.regexp_extract(label, MUNICIPALITY, 1), f.lit("")).alias("municipality"),
        f.when(~f.isnan(place[0]), place[0]).alias("longitude"),
        f.when(~f.isnan(place[1]), place[1]).alias("latitude"),
        at, date.alias("date"),
    )  # fmt: skip
    wide = (f.abs("longitude") > 180) | (f.abs("latitude") > 90)
    station = station.withColumn("reason", f.when(f.col("station_id").isNull(), "required").when(wide, "range"))
    shape = (
        "id STRING, uom STRING, station STRUCT<properties: STRUCT<id: BIGINT>>, firstValue STRUCT<timestamp: BIGINT>, "
        "lastValue STRUCT<timestamp: BIGINT>, parameters STRUCT<phenomenon: STRUCT<id: STRING, label: STRING>>"
    )
    series = spark.read.schema(shape).json(f"{raw}/irceline/date=*/timeseries.json").select(
        f.col("id").alias("timeseries_id"),
        f.col("station.properties.id").alias("station_id"),
        f.col("parameters.phenomenon.id").alias("phenomenon_id"),
        f.col("parameters.phenomenon.label").alias("phenomenon"),
        "uom",
        f.timestamp_millis("firstValue.timestamp").alias("first_timestamp"),
        f.timestamp_millis("lastValue.timestamp").alias("last_timestamp"),
        at, date.alias("date"),
        f.when(f.col("id").isNull(), "required").alias("reason"),
    ).cache()  # fmt: skip
    names = f.create_map(*[f.lit(text) for pair in PARAMETERS.items() for text in pair])
    snake = f.trim(f.regexp_replace(f.lower("phenomenon"), "[^a-z0-9]+", "_"), f.lit("_"))
    known = series.where("reason IS NULL").select(
        "timeseries_id", "date", "station_id", "phenomenon_id", "uom",
        f.coalesce(names[f.col("phenomenon_id")], snake).alias("parameter"), f.lit(True).alias("known"),
    )  # fmt: skip
    shape = "received_at TIMESTAMP, body MAP<STRING, STRUCT<values: ARRAY<STRUCT<timestamp: BIGINT, value: STRING>>>>"
    record, stamp = f.col("record"), f.timestamp_millis("record.timestamp")
    number = f.col("number")
    is_sentinel = number.isin(*SENTINELS) | f.isnan(number)
    local = f.from_utc_timestamp(f.timestamp_millis(f.col("record.timestamp") - 1), "Europe/Brussels")
    measured = (
        spark.read.schema(shape).json(f"{raw}/irceline/date=*/values.ndjson")
        .select("received_at", date.alias("date"), f.explode("body").alias("timeseries_id", "series"))
        .select("received_at", "date", "timeseries_id", f.explode("series.values").alias("record"))
        .select(
            "received_at", "date", "timeseries_id", stamp.alias("timestamp"), f.to_date(local).alias("day"),
            record["value"].alias("text"), record["value"].try_cast("double").alias("number"),
        )
        .join(f.broadcast(known), ["timeseries_id", "date"], "left")
        .select(
            "timeseries_id", "station_id", "phenomenon_id", "parameter", "uom", "timestamp",
            f.date_format("timestamp", "yyyy-MM-dd'T'HH:mm:ss'Z'").alias("datetime"), "day",
            f.when(~is_sentinel, number).alias("value"), "received_at", "text",
            f.when(f.col("known").isNull(), "unknown_timeseries")
            .when(f.col("timestamp").isNull(), "required")
            .when(f.col("day") != f.col("date"), "outside")
            .when(f.col("text").isNotNull() & number.isNull(), "not_a_number")
            .when((number < LEAST) & ~is_sentinel, "below_minimum")
            .alias("reason"),
        )
    )  # fmt: skip
    write(station, out, "irceline/station", ["station_id", "date"], "date")
    write(series, out, "irceline/timeseries", ["timeseries_id", "date"], "date")
    write(measured, out, "irceline/measurement", ["timeseries_id", "timestamp"], "day", ["text"])


def irceline_models(spark, raw: str, out: str) -> None:
    measurement = spark.read.parquet(f"{out}/standard/irceline/measurement")
    newest = (
        spark.read.parquet(f"{out}/standard/irceline/station")
        .groupBy("month", "station_id")
        .agg(*[f.max_by(name, "date").alias(name) for name in ("label", "municipality", "longitude", "latitude")])
    )
    first, last = measurement.agg(f.min("day"), f.max("day")).first()
    calendar = spark.createDataFrame(hours_of(first, last), "day DATE, expected BIGINT")
    of_series = ["phenomenon_id", "parameter", "uom"]
    share = f.col("count") / f.col("expected")
    daily = (
        measurement.groupBy("month", "day", "station_id", "timeseries_id", *of_series)
        .agg(
            f.avg("value").alias("average"), f.min("value").alias("minimum"), f.max("value").alias("maximum"),
            f.count("value").alias("count"),
        )
        .join(f.broadcast(calendar), "day")
        .join(f.broadcast(newest), ["month", "station_id"], "left")
        .select(
            "day", "station_id", f.col("label").alias("station_label"), "municipality", "longitude", "latitude",
            "timeseries_id", *of_series, "average", "minimum", "maximum", "count", "expected", share.alias("coverage"),
            (share >= 0.75).alias("valid"), "month",
        )
    )  # fmt: skip
    partitioned(daily, f"{out}/consumption/irceline/aggregate_station_by_day", ["day", "station_id", "timeseries_id"])
    hour = ["timestamp", "day", "municipality", "parameter", "uom"]
    hourly = (
        measurement.where("value IS NOT NULL")
        .join(f.broadcast(newest.select("month", "station_id", "municipality")), ["month", "station_id"], "left")
        .groupBy("month", *hour)
        .agg(f.avg("value").alias("average"), f.countDistinct("station_id").alias("stations"))
    )
    partitioned(hourly, f"{out}/consumption/irceline/aggregate_city_by_hour", ["timestamp", "municipality", "parameter", "uom"])


def energy_clean(spark, raw: str, out: str) -> None:
    shape = "c_text STRING, u_text STRING, start_time_text STRING"
    start = f.col("start_time_text")
    checked = (
        spark.read.schema(shape).csv(f"{raw}/energy_usage", header=True, enforceSchema=True)
        .select(
            f.col("c_text").try_cast("bigint").alias("customer_id"),
            f.col("u_text").try_cast("double").alias("usage_kwh"),
            f.when(start.rlike(r"(Z|[+-]\d\d:\d\d)$"), f.try_to_timestamp(start)).alias("start_time"),
            "start_time_text", f.substring("start_time_text", 1, 10).try_cast("date").alias("day"), received_at(),
            "c_text", "u_text",
        )
        .withColumn(
            "reason",
            f.when(
                f.col("customer_id").isNull() | f.col("usage_kwh").isNull() | f.col("start_time").isNull()
                | f.col("day").isNull(), "required",
            )
            .when(f.isnan("usage_kwh") | (f.abs("usage_kwh") == float("inf")), "not_finite")
            .when(f.col("usage_kwh") < 0, "below_minimum"),
        )
    )  # fmt: skip
    write(checked, out, "energy_usage/reading", ["customer_id", "start_time"], "day", ["c_text", "u_text"])


def energy_models(spark, raw: str, out: str) -> None:
    reading = spark.read.parquet(f"{out}/standard/energy_usage/reading")
    daily = reading.groupBy("month", "customer_id", "day").agg(
        f.sum("usage_kwh").alias("daily_usage_kwh"),
        f.count("*").alias("readings"),
        f.min("start_time").alias("first_start_time_utc"),
        f.max("start_time").alias("last_start_time_utc"),
    )
    partitioned(daily, f"{out}/consumption/energy_usage/usage_by_customer_day", ["customer_id", "day"])
    of_day = Window.partitionBy("month", "customer_id", "day")
    beside = reading.select(
        "customer_id", "usage_kwh", f.sum("usage_kwh").over(of_day).alias("daily_usage_kwh"),
        f.col("start_time").alias("start_time_utc"), "received_at", "month",
    )  # fmt: skip
    partitioned(beside, f"{out}/consumption/energy_usage/usage", ["customer_id", "start_time_utc"])


def events_clean(spark, raw: str, out: str) -> None:
    (path,) = glob(f"{raw}/events/events.*json")
    shape = (
        "device STRUCT<id: STRING, site: BIGINT>, at STRING, state STRING, "
        "readings STRUCT<temperature: DOUBLE, cycles: BIGINT>, note STRING"
    )
    # A JSON array is one record of many: Spark reads it whole.
    at = f.try_to_timestamp(f.col("at"))
    checked = (
        spark.read.schema(shape).json(path, multiLine=path.endswith(".json"))
        .select(
            f.col("device.id").alias("device"), f.col("device.site").alias("site"), at.alias("at"),
            f.to_date(at).alias("day"), "state", f.col("readings.temperature").alias("temperature"),
            f.col("readings.cycles").alias("cycles"), "note", received_at(), f.col("at").alias("at_text"),
        )
        .withColumn(
            "reason",
            f.when(f.col("device").isNull() | f.col("at").isNull() | f.col("cycles").isNull(), "required")
            .when(~f.col("state").isin(*STATES), "one_of")
            .when(~f.col("temperature").between(-50, 150) | (f.col("cycles") < 0), "range"),
        )
    )  # fmt: skip
    write(checked, out, "events/event", ["device", "at"], "day", ["at_text"])


def received_at():
    return f.col("_metadata.file_modification_time").alias("received_at")


def write(checked: DataFrame, out: str, table: str, key: list[str], day: str, hidden: Sequence[str] = ()) -> None:
    """Writes good rows by month, of rows with the same key one of the newest file; and bad rows."""
    checked = checked.cache()
    bad = checked.where("reason IS NOT NULL")
    bad.write.mode("overwrite").json(f"{out}/rejection/{os.path.basename(table)}")
    good = checked.where("reason IS NULL").drop("reason", *hidden)
    twice = good.groupBy(*key).count().where("count > 1").drop("count").cache()
    if not twice.isEmpty():
        by_age = Window.partitionBy(*key).orderBy(f.desc("received_at"), f.desc("_row"))
        doubled = good.withColumn("_row", f.monotonically_increasing_id()).join(f.broadcast(twice), key, "left_semi")
        newest = doubled.withColumn("_age", f.row_number().over(by_age)).where("_age = 1").drop("_age", "_row")
        good = good.join(f.broadcast(twice), key, "left_anti").unionByName(newest)
    partitioned(good.withColumn("month", f.date_format(day, "yyyy-MM")), f"{out}/standard/{table}", [])
    checked.unpersist()


def partitioned(frame: DataFrame, path: str, order: list[str]) -> None:
    frame = frame.repartition("month")
    if order:
        frame = frame.sortWithinPartitions("month", *order)
    frame.write.mode("overwrite").partitionBy("month").parquet(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
