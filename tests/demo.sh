#!/bin/sh
# make demo: all datasets, from simulated APIs and uploaded files into ./lake, and what they say.
# usage: tests/demo.sh FOLDER-WITH-BINARIES
set -eu
binaries=$1
lake=file:lake
unset RAW_URL STANDARD_URL REJECTION_URL CONSUMPTION_URL LEDGER_URL

scratch=$(mktemp -d)
"$binaries/simulator" --url-file "$scratch/url" --rosters lake/raw >"$scratch/log" 2>&1 &
simulator=$!
trap 'kill "$simulator" 2>/dev/null || true; rm -rf "$scratch"' EXIT
tries=1200
while [ ! -s "$scratch/url" ]; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ] || ! kill -0 "$simulator" 2>/dev/null; then
        echo "the simulator did not start:" >&2
        cat "$scratch/log" >&2
        exit 1
    fi
    sleep 0.1
done
set -a
# shellcheck source=/dev/null # the simulator writes it
. "$scratch/url.env"
set +a

tributary() { "$binaries/tributary" --lake "$lake" "$@"; }
title() { printf '\n== %s\n\n' "$1"; }

title "irceline: air quality, three days from the simulated API (the 25th has 25 hours)"
tributary run irceline --from 2026-10-24 --to 2026-10-27
tributary query "
    SELECT station_label AS station,
           round(max(average), 1) AS highest_daily_mean_pm10,
           coalesce(string_agg(CAST(day AS VARCHAR), ', ' ORDER BY day) FILTER (WHERE average > 50), '-') AS days_over_limit
    FROM irceline.aggregate_station_by_day
    WHERE parameter = 'pm10' AND valid
    GROUP BY station_label
    ORDER BY max(average) DESC
    LIMIT 5"

title "illuminate: school assessments, a school year from the simulated API and an uploaded roster"
tributary run illuminate --from 2024-07-01 --to 2025-06-30
tributary query "
    SELECT curriculum, test_type, count(*) AS results, round(avg(score), 1) AS mean_score
    FROM illuminate.illuminate_assessment_results
    GROUP BY curriculum, test_type
    ORDER BY results DESC
    LIMIT 5"

title "codetrack: learners' weeks from the simulated API, and the course's roster"
tributary run codetrack --from 2026-08-01 --to 2026-11-20
tributary query "
    SELECT status, trend, count(*) AS learners
    FROM codetrack.learners
    WHERE standing = 'active'
    GROUP BY status, trend
    ORDER BY status, trend"

title "energy_usage: an uploaded CSV file with seven rows, three of them bad"
mkdir -p lake/raw/energy_usage
if [ ! -e lake/raw/energy_usage/readings.csv ]; then
    cat >lake/raw/energy_usage/readings.csv <<'ROWS'
customer_id,usage_kwh,start_time
123,2.5,2023-05-12T01:00:00-07:00
123,,2023-05-12T02:00:00-07:00
123,4.8,2023-05-12T03:00:00-07:00
abc,1.0,2023-05-12T01:00:00-07:00
456,6.6,2023-05-12T01:00:00-07:00
456,NaN,2023-05-12T02:00:00-07:00
456,6.6,2023-05-12T03:00:00-07:00
ROWS
fi
tributary clean --dataset energy_usage
tributary aggregate --dataset energy_usage
tributary query "SELECT customer_id, day, daily_usage_kwh, readings FROM energy_usage.usage_by_customer_day"

title "meters: uploaded meter data, with some thefts among them"
"$binaries/sample-meters" lake/raw/meters
tributary clean --dataset meters
tributary aggregate --dataset meters
tributary query "
    SELECT rule, count(DISTINCT device_id) AS devices, min(severity) AS severity
    FROM meters.theft_detection
    GROUP BY rule
    ORDER BY devices DESC, rule
    LIMIT 10"

cat <<NEXT

The lake is the folder ./lake: raw, standard, rejection, consumption (Parquet in Hive partitions) and ledger.
Next:
  $binaries/tributary --lake $lake status
  $binaries/tributary --lake $lake verify
  $binaries/tributary query "SELECT * FROM irceline.aggregate_city_by_hour LIMIT 5"
  cat lake/rejection/energy_usage/reading/*.ndjson
  make demo        again: everything is up to date
NEXT
