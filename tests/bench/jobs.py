"""The jobs: what is measured, at which size, how often, and against which peers."""

from dataclasses import dataclass

ALL = ("DuckDB", "Polars", "pandas", "PySpark", "ClickHouse")
QUICK = ("DuckDB", "Polars", "pandas", "ClickHouse")
# A run of these takes so long that they take part in the first round only.
ONCE = ("PySpark",)
# Days of the lake that has another night, in the quick form, too.
LAKE_DAYS = {False: 3652, True: 60}
LARGE = ("DuckDB", "Polars", "ClickHouse")


@dataclass(frozen=True)
class Compared:
    """A table or model whose rows must agree, and the columns that tell them apart."""

    path: str
    key: tuple[str, ...]
    ignored: tuple[str, ...] = ()


IRCELINE = (
    Compared("standard/irceline/station", ("station_id", "date"), ("month",)),
    Compared("standard/irceline/timeseries", ("timeseries_id", "date"), ("month",)),
    Compared("standard/irceline/measurement", ("timeseries_id", "timestamp"), ("month",)),
    Compared("consumption/irceline/aggregate_station_by_day", ("day", "timeseries_id"), ("month",)),
    Compared("consumption/irceline/aggregate_city_by_hour", ("timestamp", "municipality", "parameter", "uom"), ("month",)),
)
ENERGY = (
    Compared("standard/energy_usage/reading", ("customer_id", "start_time"), ("month",)),
    Compared("consumption/energy_usage/usage_by_customer_day", ("customer_id", "day"), ("month",)),
    Compared("consumption/energy_usage/usage", ("customer_id", "start_time_utc"), ("month",)),
)
EVENTS = (Compared("standard/events/event", ("device", "at"), ("month",)),)
METERS = (
    Compared("standard/meters/measurement", ("measuring_component_id", "measurement_dttm"), ("month",)),
    Compared(
        "consumption/meters/theft_detection",
        ("measuring_component_id", "rule", "period_start", "period_end", "service_point_id"),
        ("month",),
    ),
)
ILLUMINATE = (
    Compared("consumption/illuminate/assessment_results_group", ("assessment_id", "local_student_id")),
    Compared("consumption/illuminate/assessment_results_combined", ("assessment_id", "standard_code", "local_student_id")),
    Compared("consumption/illuminate/illuminate_assessment_results", ("assessment_id", "standard_code", "local_student_id")),
)
CODETRACK = (
    Compared("consumption/codetrack/weekly_scores", ("id", "date"), ("month", "year", "cohort")),
    Compared("consumption/codetrack/learners", ("id",)),
)


@dataclass(frozen=True)
class Job:
    """One job. `kind` and `size` say which inputs; `family` is the peers' word for the dataset. A size of 0: not run."""

    name: str
    title: str
    kind: str
    size: int
    family: str
    compared: tuple[Compared, ...]
    quick_size: int
    peers: tuple[str, ...] = ALL
    quick_peers: tuple[str, ...] = QUICK
    runs: int = 5
    has_models: bool = True
    # Whether peers do raw zone and models in one process, too; else that is the sum of both.
    whole: bool = True
    # What runs in a lake that is there already, see special.py.
    special: str | None = None
    note: str = ""

    def of_size(self, quick: bool) -> int:
        return self.quick_size if quick else self.size

    def named(self, quick: bool) -> str:
        return self.title.format(size=self.of_size(quick), lake=LAKE_DAYS[quick])


JOBS = [
    Job("night", "IRCELINE, one night: a day of all 660 series", "irceline", 1, "irceline", IRCELINE, 1),
    Job("year", "IRCELINE, {size:,} days", "irceline", 364, "irceline", IRCELINE, 28),
    Job(
        "ten-years",
        "IRCELINE, {size:,} days",
        "irceline",
        3652,
        "irceline",
        IRCELINE,
        60,
        peers=LARGE,
        quick_peers=(),
        runs=2,
        whole=False,
        note="pandas and PySpark are left out: a run of theirs takes more than ten minutes",
    ),
    Job(
        "night-after-ten-years",
        "IRCELINE, one more night in a lake of {lake:,} days",
        "nights",
        5,
        "irceline",
        (),
        5,
        peers=("DuckDB",),
        quick_peers=("DuckDB",),
        special="night_after",
        note="the peer is asked for the day and its month; Tributary finds out by itself what is stale",
    ),
    Job(
        "again",
        "IRCELINE, {size:,} days a second time, with nothing to do",
        "irceline",
        364,
        "irceline",
        (),
        28,
        peers=(),
        quick_peers=(),
        special="again",
        note="a script does everything again: no peer has this job",
    ),
    Job(
        "large-object",
        "IRCELINE, one answer of {size:,} series in one line (1 GB with 86,000)",
        "large-object",
        86_000,
        "irceline",
        (),
        4_000,
        peers=(),
        quick_peers=(),
        runs=2,
        has_models=False,
        note="peers hold a line in memory; what counts here is that Tributary does not",
    ),
    Job("energy-5m", "energy usage, {size:,} rows", "energy", 5_000_000, "energy", ENERGY, 300_000),
    Job(
        "energy-5m-by-time",
        "energy usage, {size:,} rows in the order of time",
        "energy-by-time",
        5_000_000,
        "energy",
        ENERGY,
        300_000,
        peers=("DuckDB", "Polars"),
        quick_peers=(),
    ),
    Job(
        "energy-50m",
        "energy usage, {size:,} rows",
        "energy",
        50_000_000,
        "energy",
        ENERGY,
        0,
        peers=LARGE,
        runs=2,
        whole=False,
        note="pandas and PySpark are left out: pandas needs more memory than the machine has, PySpark many minutes",
    ),
    Job(
        "energy-100m",
        "energy usage, {size:,} rows",
        "energy",
        100_000_000,
        "energy",
        ENERGY,
        0,
        peers=LARGE,
        runs=1,
        whole=False,
        note="pandas and PySpark are left out, as with 50 million rows",
    ),
    Job("ndjson", "NDJSON table of {size:,} events", "ndjson", 1_150_000, "events", EVENTS, 100_000, has_models=False),
    Job("json", "JSON table of {size:,} events", "json", 1_150_000, "events", EVENTS, 100_000, has_models=False),
    Job(
        "illuminate",
        "Illuminate, {size:,} results of a district",
        "illuminate",
        300_000,
        "illuminate",
        ILLUMINATE,
        20_000,
        peers=("DuckDB",),
        quick_peers=("DuckDB",),
    ),
    Job(
        "codetrack",
        "Codetrack, {size:,} weeks of learners",
        "codetrack",
        300_000,
        "codetrack",
        CODETRACK,
        20_000,
        peers=("DuckDB",),
        quick_peers=("DuckDB",),
    ),
    Job(
        "theft-1m",
        "theft detection, {size:,} measurements",
        "meters",
        1_000_000,
        "meters",
        METERS,
        50_000,
        peers=("DuckDB",),
        quick_peers=("DuckDB",),
        note="DuckDB runs the same SQL, translated, month by month with the same look-back",
    ),
    Job(
        "theft-10m",
        "theft detection, {size:,} measurements",
        "meters",
        10_000_000,
        "meters",
        METERS,
        0,
        peers=("DuckDB",),
        runs=2,
        whole=False,
    ),
]
