#!/bin/sh
# make bench: what a nightly run costs, and how much memory a 1 GB raw object takes. Prints; asserts nothing.
# usage: tests/bench.sh FOLDER-WITH-BINARIES
set -eu
binaries=$1
scratch=$(mktemp -d)
simulator=
trap '[ -z "$simulator" ] || kill "$simulator" 2>/dev/null || true; rm -rf "$scratch"' EXIT
unset LAKE_URL RAW_URL STANDARD_URL REJECTION_URL CONSUMPTION_URL LEDGER_URL

"$binaries/simulator" --url-file "$scratch/url" >"$scratch/log" 2>&1 &
simulator=$!
while [ ! -s "$scratch/url" ]; do kill -0 "$simulator" && sleep 0.1; done
IRCELINE_URL=$(cat "$scratch/url")
export IRCELINE_URL

# CPU seconds (user + system) and peak memory of a command, from the shell's own accounting and /proc.
measure() {
    name=$1
    shift
    python3 - "$name" "$@" <<'PY'
import resource, subprocess, sys, time
begun = time.monotonic()
subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{sys.argv[1]:<44} {used.ru_utime + used.ru_stime:6.3f} s CPU  {time.monotonic() - begun:6.3f} s  "
      f"{used.ru_maxrss / 1024:6.0f} MB peak")
PY
}

for lake in first second third; do
    mkdir -p "$scratch/$lake/config/datasets/irceline"
    printf '[source]\nparameters = ["all"]\n' >"$scratch/$lake/config/datasets/irceline/dataset.toml"
    measure "run of one day, all 660 series ($lake lake)" \
        "$binaries/tributary" --lake "file:$scratch/$lake" run irceline --from 2026-11-18 --to 2026-11-19
done
measure "the same run again: nothing to do" \
    "$binaries/tributary" --lake "file:$scratch/third" run irceline --from 2026-11-18 --to 2026-11-19

# A raw object of 1 GB: 40,000 series with an hour's value each 5 minutes of the day, in one line of 1 GB and in many.
for shape in many-lines one-line; do
    python3 - "$scratch/$shape" "$shape" <<'PY'
import os, sys
lake, shape = sys.argv[1:]
folder = f"{lake}/raw/irceline/date=2026-11-18"
os.makedirs(folder)
series, values, first = 86_000, 288, 1_794_956_400_000
with open(f"{folder}/stations.json", "w") as file:
    file.write("[]")
with open(f"{folder}/timeseries.json", "w") as file:
    item = '{"id":"%d","uom":"µg/m³","station":{"properties":{"id":%d}},"parameters":{"phenomenon":{"id":"5","label":"PM10"}}}'
    file.write("[" + ",".join(item % (id, id // 5) for id in range(series)) + "]")
head = '{"request":{},"received_at":"2026-11-19T05:00:00Z","status":200,"body":{'
with open(f"{folder}/values.ndjson", "w") as file:
    for id in range(series):
        new_line = id == 0 or (shape == "many-lines" and id % 50 == 0)
        if new_line:
            file.write(("}}\n" if id else "") + head)
        record = '{"timestamp":%d,"value":%d.%d}'
        text = ",".join(record % (first + (v + 1) * 300_000, (id + v) % 90, v % 10) for v in range(values))
        file.write(("" if new_line else ",") + f'"{id}":{{"values":[{text}]}}')
    file.write("}}\n")
print(f"{shape}: {os.path.getsize(f'{folder}/values.ndjson') / 1e9:.2f} GB")
PY
    measure "clean of that object ($shape)" "$binaries/tributary" --lake "file:$scratch/$shape" clean
    rm -rf "${scratch:?}/$shape"
done

# A million hourly measurements of 200 meters, in seven months: each month looks half a year back.
python3 - "$scratch/meters/raw/meters" <<'PY'
import os, random, sys, time
root = sys.argv[1]
random.seed(1)
def table(name, header, rows):
    os.makedirs(f"{root}/{name}", exist_ok=True)
    with open(f"{root}/{name}/{name}.csv", "w") as file:
        file.write(header + "\n")
        file.writelines(row + "\n" for row in rows)
meters, hours, start = range(200), 212 * 24, 1_757_894_400
table("device", "device_id,device_type,badge_number,serial_number,status,status_date",
      (f"D{m},SMART,,,ACTIVE," for m in meters))
table("measuring_component", "measuring_component_id,device_id,type,uom,interval_seconds,multiplier,direction,status",
      (f"C{m},D{m},E-KWH-60-DEL,kWh,3600,1,DEL,ACTIVE" for m in meters))
table("install_event", "install_event_id,device_id,service_point_id,install_dttm,removal_dttm,status,status_dttm",
      (f"E{m},D{m},SP{m},2025-01-01T00:00:00Z,,ON,2025-01-01T00:00:00Z" for m in meters))
stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(start + 3600 * (h + 1))) for h in range(hours)]
table("measurement",
      "measuring_component_id,measurement_dttm,measurement_value,condition_code,use_flag,created_dttm",
      (f"C{m},{stamp},{random.uniform(0.1, 0.9):.3f},501000,,{stamp}" for m in meters for stamp in stamps))
PY
measure "clean of a million measurements of meters" "$binaries/tributary" --lake "file:$scratch/meters" clean
measure "theft detection in all eight months of them" "$binaries/tributary" --lake "file:$scratch/meters" aggregate
