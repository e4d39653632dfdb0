"""pandas, with pyarrow for Parquet: `with_pandas.py DATASET clean|models|whole RAW OUT`."""

import os
import sys
from collections.abc import Sequence
from glob import glob

import numpy as np
import orjson
import pandas as pd

from shared_rules import CODE, LEAST, MUNICIPALITY, PARAMETERS, SENTINELS, STATES, folder, hours_of, received


def main(job: str, stage: str, raw: str, out: str) -> None:
    for step in ("clean", "models"):
        if stage in (step, "whole") and f"{job}_{step}" in globals():
            globals()[f"{job}_{step}"](raw, out)


def irceline_clean(raw: str, out: str) -> None:
    stations, series, values = [], [], []
    for day in sorted(glob(f"{raw}/irceline/date=*")):
        date = day.rsplit("=", 1)[1]
        stations.append(_stations(f"{day}/stations.json", date))
        series.append(_series(f"{day}/timeseries.json", date))
        with open(f"{day}/values.ndjson", "rb") as lines:
            values += [_values(orjson.loads(line), date) for line in lines]
    series = pd.concat(series, ignore_index=True)
    _write(pd.concat(stations, ignore_index=True), out, "irceline/station", ["station_id", "date"], "date")
    _write(series, out, "irceline/timeseries", ["timeseries_id", "date"], "date")

    label = series["phenomenon"].str.lower().str.replace("[^a-z0-9]+", "_", regex=True).str.strip("_")
    series["parameter"] = series["phenomenon_id"].map(PARAMETERS).fillna(label)
    known = series[series["reason"].isna()][["timeseries_id", "date", "station_id", "phenomenon_id", "parameter", "uom"]]
    frame = pd.concat(values, ignore_index=True)
    frame["date"] = pd.to_datetime(frame["date"].astype("category")).astype("datetime64[s]")
    known = known.assign(date=pd.to_datetime(known["date"]).astype("datetime64[s]"), known=True)
    frame = frame.merge(known, on=["timeseries_id", "date"], how="left")
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], unit="ms", utc=True).astype("datetime64[us, UTC]")
    local = (frame["timestamp"] - pd.Timedelta("1us")).dt.tz_convert("Europe/Brussels")
    day = local.dt.tz_localize(None).dt.normalize()
    number = frame["value"]
    frame["reason"] = np.select(
        [
            frame["known"].isna(),
            frame["timestamp"].isna(),
            day != frame["date"],
            frame["wrong"],
            (number < LEAST) & ~number.isin(SENTINELS),
        ],
        ["unknown_timeseries", "required", "outside", "not_a_number", "below_minimum"],
        default=None,
    )
    frame["value"] = number.mask(number.isin(SENTINELS) & frame["reason"].isna())
    frame["datetime"] = frame["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    frame["received_at"] = pd.to_datetime(frame["received_at"].astype("category")).astype("datetime64[us, UTC]")
    frame["day"] = day
    columns = ["timeseries_id", "station_id", "phenomenon_id", "parameter", "uom", "timestamp", "datetime", "day", "value"]
    frame = frame[[*columns, "received_at", "reason"]]
    _write(frame, out, "irceline/measurement", ["timeseries_id", "timestamp"], "day")


def _stations(path: str, date: str) -> pd.DataFrame:
    with open(path, "rb") as file:
        items = orjson.loads(file.read())
    label = pd.Series([item["properties"].get("label") for item in items], dtype="str")
    frame = pd.DataFrame(
        {
            "station_id": pd.array([item["properties"].get("id") for item in items], dtype="Int64"),
            "label": label,
            "code": label.str.extract(CODE, expand=False),
            "municipality": label.str.extract(MUNICIPALITY, expand=False),
            "longitude": pd.to_numeric([item["geometry"]["coordinates"][0] for item in items], errors="coerce"),
            "latitude": pd.to_numeric([item["geometry"]["coordinates"][1] for item in items], errors="coerce"),
            "received_at": received([path])[0][1],
            "date": pd.Timestamp(date),
        }
    )
    wide = (frame["longitude"].abs() > 180) | (frame["latitude"].abs() > 90)
    frame["reason"] = np.select([frame["station_id"].isna(), wide], ["required", "range"], default=None)
    return frame


def _series(path: str, date: str) -> pd.DataFrame:
    with open(path, "rb") as file:
        items = orjson.loads(file.read())

    def stamp(name: str):
        return pd.to_datetime([(item.get(name) or {}).get("timestamp") for item in items], unit="ms", utc=True)

    frame = pd.DataFrame(
        {
            "timeseries_id": [item.get("id") for item in items],
            "station_id": pd.array([item["station"]["properties"].get("id") for item in items], dtype="Int64"),
            "phenomenon_id": [item["parameters"]["phenomenon"].get("id") for item in items],
            "phenomenon": [item["parameters"]["phenomenon"].get("label") for item in items],
            "uom": [item.get("uom") for item in items],
            "first_timestamp": stamp("firstValue").as_unit("us"),
            "last_timestamp": stamp("lastValue").as_unit("us"),
            "received_at": received([path])[0][1],
            "date": pd.Timestamp(date),
        }
    )
    frame["reason"] = np.where(frame["timeseries_id"].isna(), "required", None)
    return frame


def _values(line: dict, date: str) -> pd.DataFrame:
    body = line["body"]
    records = [record for series in body.values() for record in series["values"]]
    numbers = [record.get("value") for record in records]
    return pd.DataFrame(
        {
            "timeseries_id": np.repeat(list(body), [len(series["values"]) for series in body.values()]),
            "timestamp": pd.array([record.get("timestamp") for record in records], dtype="Int64"),
            "value": pd.array([np.nan if n is None or isinstance(n, str) else n for n in numbers], dtype="float64"),
            "wrong": np.array([isinstance(number, str) and number != "NaN" for number in numbers], dtype=bool),
            "date": date,
            "received_at": line["received_at"],
        }
    )


def irceline_models(raw: str, out: str) -> None:
    measurement = _read(f"{out}/standard/irceline/measurement")
    station = _read(f"{out}/standard/irceline/station").sort_values("date")
    newest = station.drop_duplicates(["month", "station_id"], keep="last")
    newest = newest[["month", "station_id", "label", "municipality", "longitude", "latitude"]]
    of_series = ["station_id", "timeseries_id", "phenomenon_id", "parameter", "uom"]
    daily = measurement.groupby(["month", "day", *of_series], as_index=False, dropna=False, observed=True)["value"]
    daily = daily.agg(average="mean", minimum="min", maximum="max", count="count")
    hours = pd.DataFrame(hours_of(min(daily["day"]), max(daily["day"])), columns=["day", "expected"])
    daily = daily.merge(hours, on="day").merge(newest, on=["month", "station_id"], how="left")
    daily = daily.rename(columns={"label": "station_label"})
    daily["coverage"] = daily["count"] / daily["expected"]
    daily["valid"] = daily["coverage"] >= 0.75
    daily = daily.sort_values(["day", "station_id", "timeseries_id"])
    _partitioned(daily, f"{out}/consumption/irceline/aggregate_station_by_day")
    measured = measurement[measurement["value"].notna()]
    measured = measured.merge(newest[["month", "station_id", "municipality"]], on=["month", "station_id"], how="left")
    hour = ["timestamp", "municipality", "parameter", "uom"]
    hourly = measured.groupby(["month", "day", *hour], as_index=False, dropna=False, observed=True)
    hourly = hourly.agg(average=("value", "mean"), stations=("station_id", "nunique")).sort_values(hour)
    _partitioned(hourly, f"{out}/consumption/irceline/aggregate_city_by_hour")


def energy_clean(raw: str, out: str) -> None:
    names = {"customer_id": "c_text", "usage_kwh": "u_text", "start_time": "start_time_text"}
    parts = []
    for path, at in received(glob(f"{raw}/energy_usage/*.csv")):
        # `NaN` and what is empty are both no number here, and both are rejected.
        part = pd.read_csv(path, dtype="str", keep_default_na=False)
        parts.append(part.rename(columns=names).assign(received_at=at))
    frame = pd.concat(parts, ignore_index=True)
    del parts
    text = frame["start_time_text"]
    with_offset = text.str.endswith("Z") | text.str.slice(-6, -5).isin(["+", "-"])
    customer = pd.to_numeric(frame["c_text"].where(frame["c_text"].str.fullmatch(r"[+-]?\d+")), errors="coerce")
    frame["customer_id"] = customer.astype("Int64")
    frame["usage_kwh"] = pd.to_numeric(frame["u_text"], errors="coerce").astype("float64")
    start = pd.to_datetime(text.where(with_offset), format="%Y-%m-%dT%H:%M:%S%z", utc=True, errors="coerce")
    frame["start_time"] = start.astype("datetime64[us, UTC]")
    frame["day"] = pd.to_datetime(text.str.slice(0, 10), format="%Y-%m-%d", errors="coerce").astype("datetime64[s]")
    lacking = frame[["customer_id", "usage_kwh", "start_time", "day"]].isna().any(axis=1)
    frame["reason"] = np.select(
        [lacking, ~np.isfinite(frame["usage_kwh"].fillna(0)), frame["usage_kwh"].fillna(0) < 0],
        ["required", "not_finite", "below_minimum"],
        default=None,
    )
    _write(frame, out, "energy_usage/reading", ["customer_id", "start_time"], "day", ["c_text", "u_text"])


def energy_models(raw: str, out: str) -> None:
    reading = _read(f"{out}/standard/energy_usage/reading")
    daily = reading.groupby(["month", "customer_id", "day"], as_index=False, observed=True).agg(
        daily_usage_kwh=("usage_kwh", "sum"),
        readings=("usage_kwh", "size"),
        first_start_time_utc=("start_time", "min"),
        last_start_time_utc=("start_time", "max"),
    )
    _partitioned(daily.sort_values(["customer_id", "day"]), f"{out}/consumption/energy_usage/usage_by_customer_day")
    totals = daily[["customer_id", "day", "daily_usage_kwh"]]
    beside = reading.merge(totals, on=["customer_id", "day"]).rename(columns={"start_time": "start_time_utc"})
    columns = ["customer_id", "usage_kwh", "daily_usage_kwh", "start_time_utc", "received_at", "month"]
    beside = beside[columns].sort_values(["customer_id", "start_time_utc"])
    _partitioned(beside, f"{out}/consumption/energy_usage/usage")


def events_clean(raw: str, out: str) -> None:
    (path,) = glob(f"{raw}/events/events.*json")
    with open(path, "rb") as file:
        items = [orjson.loads(line) for line in file] if path.endswith(".ndjson") else orjson.loads(file.read())
    frame = pd.DataFrame(
        {
            "device": [item["device"].get("id") for item in items],
            "site": pd.array([item["device"].get("site") for item in items], dtype="Int64"),
            "at_text": [item.get("at") for item in items],
            "state": [item.get("state") for item in items],
            "temperature": np.array([item["readings"].get("temperature") for item in items], dtype="float64"),
            "cycles": pd.array([item["readings"].get("cycles") for item in items], dtype="Int64"),
            "note": [item.get("note") for item in items],
            "received_at": received([path])[0][1],
        }
    )
    del items
    at = pd.to_datetime(frame["at_text"], format="%Y-%m-%dT%H:%M:%SZ", utc=True, errors="coerce")
    frame["at"] = at.astype("datetime64[us, UTC]")
    frame["day"] = frame["at"].dt.tz_localize(None).dt.normalize()
    range_ = (frame["temperature"] < -50) | (frame["temperature"] > 150) | (frame["cycles"].fillna(0) < 0)
    frame["reason"] = np.select(
        [frame[["device", "at", "cycles"]].isna().any(axis=1), ~frame["state"].isin(STATES), range_.astype(bool)],
        ["required", "one_of", "range"],
        default=None,
    )
    _write(frame, out, "events/event", ["device", "at"], "day", ["at_text"])


def _read(path: str) -> pd.DataFrame:
    return pd.read_parquet(path)


def _write(frame: pd.DataFrame, out: str, table: str, key: list[str], day: str, hidden: Sequence[str] = ()) -> None:
    """Writes good rows by month, of rows with the same key the last one of the newest file; and bad rows."""
    bad = frame["reason"].notna()
    rejects = folder(f"{out}/rejection") / f"{os.path.basename(table)}.ndjson"
    frame[bad].to_json(rejects, orient="records", lines=True, date_format="iso")
    good = frame[~bad].drop(columns=["reason", *hidden])
    if good.duplicated(key).any():
        good = good.sort_values("received_at", kind="stable").drop_duplicates(key, keep="last")
    good["month"] = good[day].dt.strftime("%Y-%m")
    good[day] = good[day].dt.date if len(good) < 500_000 else good[day].astype("date32[day][pyarrow]")
    _partitioned(good, f"{out}/standard/{table}")


def _partitioned(frame: pd.DataFrame, path: str) -> None:
    frame.to_parquet(folder(path), compression="zstd", partition_cols=["month"], index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
    # All is written. Now and then pyarrow's threads do not survive the interpreter's end, and the process aborts.
    os._exit(0)
