-- Hourly means per municipality, parameter and unit: the mean over the series' values of the hour, from at least one
-- value.
--
-- average   mean of the series' values of the hour, in uom
-- stations  how many stations have a value
--
-- [model]
-- partition = "month(day)"
-- inputs = ["measurement", "station"]
-- [[test]]
-- unique = ["timestamp", "municipality", "parameter", "uom"]
-- not_null = ["average"]
-- range = { stations = [1, inf] }

WITH newest_station AS (
    SELECT station_id, municipality
    FROM (
        SELECT *, row_number() OVER (PARTITION BY station_id ORDER BY date DESC) AS age
        FROM station
    )
    WHERE age = 1
)

SELECT
    measurement.timestamp,
    measurement.day,
    newest_station.municipality,
    measurement.parameter,
    measurement.uom,
    avg(measurement.value) AS average,
    count(DISTINCT measurement.station_id) AS stations
FROM measurement
LEFT JOIN newest_station ON newest_station.station_id = measurement.station_id
WHERE measurement.value IS NOT NULL
GROUP BY measurement.timestamp, measurement.day, newest_station.municipality, measurement.parameter, measurement.uom
ORDER BY measurement.timestamp, newest_station.municipality, measurement.parameter, measurement.uom
