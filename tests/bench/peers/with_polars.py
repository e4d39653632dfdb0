"""Polars: `with_polars.py DATASET clean|models|whole RAW OUT`."""

import os
import sys
from collections.abc import Sequence
from glob import glob

import polars as pl

from shared_rules import CODE, LEAST, MUNICIPALITY, PARAMETERS, SENTINELS, STATES, folder, hours_of, received

UTC = pl.Datetime("us", "UTC")
# Larger uploads are read three times, as streams, in place of being held in memory.
STREAM_BYTES = 1_000_000_000


def main(job: str, stage: str, raw: str, out: str) -> None:
    for step in ("clean", "models"):
        if stage in (step, "whole") and f"{job}_{step}" in globals():
            globals()[f"{job}_{step}"](raw, out)


def irceline_clean(raw: str, out: str) -> None:
    import orjson

    days = sorted(glob(f"{raw}/irceline/date=*"))
    stations, series, values = [], [], []
    for day in days:
        date = day.rsplit("=", 1)[1]
        stations.append(_stations(f"{day}/stations.json", date))
        series.append(_series(f"{day}/timeseries.json", date))
        with open(f"{day}/values.ndjson", "rb") as lines:
            values += [_values(orjson.loads(line), date) for line in lines]
    stations, series = pl.concat(stations), pl.concat(series)
    _write(stations, out, "irceline/station", ["station_id", "date"], "date")
    _write(series, out, "irceline/timeseries", ["timeseries_id", "date"], "date")

    known = series.filter(pl.col("reason").is_null()).select(
        pl.col("timeseries_id", "date", "station_id", "phenomenon_id", "uom"),
        parameter=pl.col("phenomenon_id").replace_strict(
            PARAMETERS,
            default=pl.col("phenomenon").str.to_lowercase().str.replace_all("[^a-z0-9]+", "_").str.strip_chars("_"),
        ),
    )
    stamp = pl.from_epoch("timestamp", "ms").dt.replace_time_zone("UTC").cast(UTC)
    number = pl.col("value")
    measured = (
        pl.concat(values)
        .with_columns(stamp.alias("timestamp"), pl.col("date").cast(pl.Categorical).cast(pl.String).str.to_date())
        .with_columns(
            day=(pl.col("timestamp").dt.convert_time_zone("Europe/Brussels") - pl.duration(milliseconds=1)).dt.date(),
            received_at=pl.col("received_at").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC"),
        )
        .join(known.with_columns(known=True), on=["timeseries_id", "date"], how="left", maintain_order="left")
        .with_columns(
            reason=pl.when(pl.col("known").is_null())
            .then(pl.lit("unknown_timeseries"))
            .when(pl.col("timestamp").is_null())
            .then(pl.lit("required"))
            .when(pl.col("day") != pl.col("date"))
            .then(pl.lit("outside"))
            .when(pl.col("wrong"))
            .then(pl.lit("not_a_number"))
            .when((number < LEAST) & ~number.is_in(SENTINELS))
            .then(pl.lit("below_minimum"))
        )
    )
    clean = pl.when(~number.is_in(SENTINELS) | pl.col("reason").is_not_null()).then(number)
    measured = measured.select(
        "timeseries_id", "station_id", "phenomenon_id", "parameter", "uom", "timestamp",
        datetime=pl.col("timestamp").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        day="day", value=clean, received_at="received_at", reason="reason",
    )  # fmt: skip
    _write(measured, out, "irceline/measurement", ["timeseries_id", "timestamp"], "day")


def _stations(path: str, date: str) -> pl.DataFrame:
    fields = {"id": pl.Int64, "label": pl.String}
    schema = {"properties": pl.Struct(fields), "geometry": pl.Struct({"coordinates": pl.List(pl.String)})}
    label, place = pl.col("properties").struct["label"], pl.col("geometry").struct["coordinates"].list
    read = pl.read_json(path, schema=schema).select(
        station_id=pl.col("properties").struct["id"],
        label=label,
        code=label.str.extract(CODE, 1),
        municipality=label.str.extract(MUNICIPALITY, 1),
        longitude=place.get(0, null_on_oob=True).cast(pl.Float64, strict=False).fill_nan(None),
        latitude=place.get(1, null_on_oob=True).cast(pl.Float64, strict=False).fill_nan(None),
    )
    wide = ~pl.col("longitude").is_between(-180, 180) | ~pl.col("latitude").is_between(-90, 90)
    return read.with_columns(
        **_received_at(path),
        date=pl.lit(date).str.to_date(),
        reason=pl.when(pl.col("station_id").is_null()).then(pl.lit("required")).when(wide).then(pl.lit("range")),
    )


def _series(path: str, date: str) -> pl.DataFrame:
    stamp = pl.Struct({"timestamp": pl.Int64})
    phenomenon = pl.Struct({"id": pl.String, "label": pl.String})
    schema = {
        "id": pl.String,
        "uom": pl.String,
        "station": pl.Struct({"properties": pl.Struct({"id": pl.Int64})}),
        "firstValue": stamp,
        "lastValue": stamp,
        "parameters": pl.Struct({"phenomenon": phenomenon}),
    }
    at = {
        name: pl.from_epoch(pl.col(column).struct["timestamp"], "ms").dt.replace_time_zone("UTC").cast(UTC)
        for name, column in (("first_timestamp", "firstValue"), ("last_timestamp", "lastValue"))
    }
    what = pl.col("parameters").struct["phenomenon"]
    return pl.read_json(path, schema=schema).select(
        timeseries_id="id",
        station_id=pl.col("station").struct["properties"].struct["id"],
        phenomenon_id=what.struct["id"],
        phenomenon=what.struct["label"],
        uom="uom",
        **at,
        **_received_at(path),
        date=pl.lit(date).str.to_date(),
        reason=pl.when(pl.col("id").is_null()).then(pl.lit("required")),
    )


def _values(line: dict, date: str) -> pl.DataFrame:
    """The records of one response. Polars has no type for a map with any keys: the JSON is taken apart before."""
    body = line["body"]
    lengths = [len(series["values"]) for series in body.values()]
    records = [record for series in body.values() for record in series["values"]]
    numbers = [record.get("value") for record in records]
    wrong = [isinstance(number, str) and number != "NaN" for number in numbers]
    frame = pl.DataFrame(
        {
            "timestamp": [record.get("timestamp") for record in records],
            "value": pl.Series([None if isinstance(n, str) else n for n in numbers], dtype=pl.Float64, strict=False),
            "wrong": wrong,
        },
        schema={"timestamp": pl.Int64, "value": pl.Float64, "wrong": pl.Boolean},
    )
    ids = pl.Series("timeseries_id", list(body)).repeat_by(pl.Series(lengths, dtype=pl.UInt32)).explode(empty_as_null=False)
    return frame.with_columns(ids, date=pl.lit(date), received_at=pl.lit(line["received_at"]))


def irceline_models(raw: str, out: str) -> None:
    measurement = pl.scan_parquet(f"{out}/standard/irceline/measurement")
    newest = (
        pl.scan_parquet(f"{out}/standard/irceline/station")
        .sort("date")
        .group_by("month", "station_id")
        .agg(pl.col("label", "municipality", "longitude", "latitude").last())
    )
    of_station, of_series = ["day", "station_id", "timeseries_id"], ["phenomenon_id", "parameter", "uom"]
    value = pl.col("value")
    daily = measurement.group_by("month", *of_station, *of_series).agg(
        average=value.mean(), minimum=value.min(), maximum=value.max(), count=value.count().cast(pl.Int64)
    )
    daily = daily.collect()
    calendar = pl.DataFrame(
        hours_of(daily["day"].min(), daily["day"].max()), schema={"day": pl.Date, "expected": pl.Int64}, orient="row"
    )
    share = pl.col("count") / pl.col("expected")
    stations = newest.rename({"label": "station_label"}).collect()
    daily = daily.join(calendar, on="day").join(stations, on=["month", "station_id"], how="left").select(
        "day", "station_id", "station_label", "municipality", "longitude", "latitude", "timeseries_id", *of_series,
        "average", "minimum", "maximum", "count", "expected", "month", coverage=share, valid=share >= 0.75,
    ).sort(of_station)  # fmt: skip
    _partitioned(daily, f"{out}/consumption/irceline/aggregate_station_by_day")
    hour = ["timestamp", "day", "municipality", "parameter", "uom"]
    hourly = (
        measurement.filter(value.is_not_null())
        .join(newest.select("month", "station_id", "municipality"), on=["month", "station_id"], how="left")
        .group_by("month", *hour)
        .agg(average=value.mean(), stations=pl.col("station_id").n_unique().cast(pl.Int64))
        .sort("timestamp", "municipality", "parameter", "uom")
        .collect()
    )
    _partitioned(hourly, f"{out}/consumption/irceline/aggregate_city_by_hour")


def energy_clean(raw: str, out: str) -> None:
    columns = ["customer_id", "usage_kwh", "start_time"]
    files = sorted(glob(f"{raw}/energy_usage/*.csv"))
    start = pl.col("start_time_text")
    with_offset = start.str.ends_with("Z") | start.str.slice(-6, 1).is_in(["+", "-"])
    checked = (
        pl.scan_csv(files, schema={column: pl.String for column in columns}, include_file_paths="file")
        .rename({"start_time": "start_time_text", "customer_id": "c_text", "usage_kwh": "u_text"})
        .with_columns(
            customer_id=pl.col("c_text").cast(pl.Int64, strict=False),
            usage_kwh=pl.col("u_text").cast(pl.Float64, strict=False),
            start_time=pl.when(with_offset)
            .then(start)
            .str.to_datetime("%Y-%m-%dT%H:%M:%S%:z", time_unit="us", time_zone="UTC", strict=False),
            day=start.str.head(10).str.to_date("%Y-%m-%d", strict=False),
            received_at=pl.col("file").replace_strict(dict(received(files)), return_dtype=UTC),
        )
        .with_columns(
            reason=pl.when(pl.any_horizontal(pl.col("customer_id", "usage_kwh", "start_time", "day").is_null()))
            .then(pl.lit("required"))
            .when(~pl.col("usage_kwh").is_finite())
            .then(pl.lit("not_finite"))
            .when(pl.col("usage_kwh") < 0)
            .then(pl.lit("below_minimum"))
        )
        .drop("file")
    )
    if sum(os.path.getsize(file) for file in files) > STREAM_BYTES:
        write = _stream
    else:
        write, checked = _write, checked.collect(engine="streaming")
    write(checked, out, "energy_usage/reading", ["customer_id", "start_time"], "day", ["c_text", "u_text"])


def energy_models(raw: str, out: str) -> None:
    usage, start = pl.col("usage_kwh"), pl.col("start_time")
    for month in sorted(glob(f"{out}/standard/energy_usage/reading/month=*")):
        reading = pl.scan_parquet(month, hive_partitioning=False)
        daily = reading.group_by("customer_id", "day").agg(
            daily_usage_kwh=usage.sum(),
            readings=pl.len().cast(pl.Int64),
            first_start_time_utc=start.min(),
            last_start_time_utc=start.max(),
        )
        daily = daily.sort("customer_id", "day").collect(engine="streaming")
        totals = daily.lazy().select("customer_id", "day", "daily_usage_kwh")
        beside = (
            reading.join(totals, on=["customer_id", "day"])
            .select("customer_id", "usage_kwh", "daily_usage_kwh", start.alias("start_time_utc"), "received_at")
            .sort("customer_id", "start_time_utc")
            .collect(engine="streaming")
        )
        for model, rows in (("usage_by_customer_day", daily), ("usage", beside)):
            target = folder(f"{out}/consumption/energy_usage/{model}/{os.path.basename(month)}")
            rows.write_parquet(target / "data.parquet", compression="zstd")


def events_clean(raw: str, out: str) -> None:
    (path,) = glob(f"{raw}/events/events.*json")
    schema = {
        "device": pl.Struct({"id": pl.String, "site": pl.Int64}),
        "at": pl.String,
        "state": pl.String,
        "readings": pl.Struct({"temperature": pl.Float64, "cycles": pl.Int64}),
        "note": pl.String,
    }
    read = pl.read_ndjson if path.endswith(".ndjson") else pl.read_json
    at = pl.col("at_text").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC", strict=False)
    checked = (
        read(path, schema=schema)
        .rename({"at": "at_text"})
        .with_columns(at=at)
        .select(
            device=pl.col("device").struct["id"],
            site=pl.col("device").struct["site"],
            at="at",
            day=pl.col("at").dt.date(),
            state="state",
            temperature=pl.col("readings").struct["temperature"],
            cycles=pl.col("readings").struct["cycles"],
            note="note",
            **_received_at(path),
            at_text="at_text",
        )
        .with_columns(
            reason=pl.when(pl.any_horizontal(pl.col("device", "at", "cycles").is_null()))
            .then(pl.lit("required"))
            .when(~pl.col("state").is_in(STATES))
            .then(pl.lit("one_of"))
            .when(~pl.col("temperature").is_between(-50, 150) | (pl.col("cycles") < 0))
            .then(pl.lit("range"))
        )
    )
    _write(checked, out, "events/event", ["device", "at"], "day", ["at_text"])


def _received_at(path: str) -> dict[str, pl.Expr]:
    return {"received_at": pl.lit(received([path])[0][1], dtype=UTC)}


def _write(checked: pl.DataFrame, out: str, table: str, key: list[str], day: str, hidden: Sequence[str] = ()) -> None:
    """Writes good rows by month, of rows with the same key the last one of the newest file; and bad rows."""
    rejects = folder(f"{out}/rejection") / f"{os.path.basename(table)}.ndjson"
    checked.filter(pl.col("reason").is_not_null()).write_ndjson(rejects)
    good = checked.filter(pl.col("reason").is_null()).drop("reason", *hidden)
    if good.select(pl.struct(key).n_unique()).item() < good.height:
        good = good.sort("received_at", maintain_order=True).unique(key, keep="last", maintain_order=True)
    _partitioned(good.with_columns(month=pl.col(day).dt.strftime("%Y-%m")), f"{out}/standard/{table}")


def _stream(checked: pl.LazyFrame, out: str, table: str, key: list[str], day: str, hidden: Sequence[str]) -> None:
    """The same without holding all rows."""
    rejects = folder(f"{out}/rejection") / f"{os.path.basename(table)}.ndjson"
    checked.filter(pl.col("reason").is_not_null()).sink_ndjson(rejects)
    good = checked.filter(pl.col("reason").is_null()).drop("reason", *hidden)
    twice = good.group_by(key).len().filter(pl.col("len") > 1).drop("len").collect(engine="streaming").lazy()
    newest = good.join(twice, on=key, how="semi").collect(engine="streaming")
    newest = newest.sort("received_at", maintain_order=True).unique(key, keep="last", maintain_order=True)
    good = pl.concat([good.join(twice, on=key, how="anti"), newest.lazy()])
    good = good.with_columns(month=pl.col(day).dt.strftime("%Y-%m"))
    target = pl.PartitionBy(folder(f"{out}/standard/{table}"), key="month", include_key=False)
    good.sink_parquet(target, compression="zstd", mkdir=True, engine="streaming")


def _partitioned(frame: pl.DataFrame, path: str) -> None:
    frame.write_parquet(folder(path), compression="zstd", partition_by="month")


if __name__ == "__main__":
    main(*sys.argv[1:])
