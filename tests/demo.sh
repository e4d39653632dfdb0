#!/bin/sh
# make demo: three days of simulated air quality into ./lake, and what they say.
# usage: tests/demo.sh FOLDER-WITH-BINARIES
set -eu
binaries=$1
lake=file:lake
unset RAW_URL STANDARD_URL REJECTION_URL CONSUMPTION_URL LEDGER_URL

scratch=$(mktemp -d)
"$binaries/simulator" --url-file "$scratch/url" >"$scratch/log" 2>&1 &
simulator=$!
trap 'kill "$simulator" 2>/dev/null || true; rm -rf "$scratch"' EXIT
tries=100
while [ ! -s "$scratch/url" ]; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ] || ! kill -0 "$simulator" 2>/dev/null; then
        echo "the simulator did not start:" >&2
        cat "$scratch/log" >&2
        exit 1
    fi
    sleep 0.1
done
IRCELINE_URL=$(cat "$scratch/url")
export IRCELINE_URL

tributary() { "$binaries/tributary" --lake "$lake" "$@"; }

echo "The simulated IRCELINE API answers at $IRCELINE_URL"
echo "tributary run irceline --from 2026-10-24 --to 2026-10-27   (the 25th has 25 hours)"
echo
tributary run irceline --from 2026-10-24 --to 2026-10-27
kill "$simulator"

echo
echo "The five stations with the highest daily mean of PM10, and the days over the limit of 50 µg/m³:"
tributary query "
    SELECT station_label AS station,
           round(max(average), 1) AS highest_daily_mean,
           coalesce(string_agg(CAST(day AS VARCHAR), ', ' ORDER BY day) FILTER (WHERE average > 50), '-') AS days_over_limit
    FROM irceline.aggregate_station_by_day
    WHERE parameter = 'pm10' AND valid
    GROUP BY station_label
    ORDER BY max(average) DESC
    LIMIT 5"

cat <<NEXT

The lake is the folder ./lake: raw, standard, rejection, consumption (Parquet in Hive partitions) and ledger.
Next:
  $binaries/tributary status
  $binaries/tributary verify
  $binaries/tributary query "SELECT * FROM irceline.aggregate_city_by_hour LIMIT 5"
  head -n 1 lake/rejection/irceline/measurement/*.ndjson
  make demo        again: everything is up to date
NEXT
