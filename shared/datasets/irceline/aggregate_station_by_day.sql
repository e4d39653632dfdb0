-- Daily figures per station and series. A day whose values are all missing has count 0 and no average.
--
-- station_label  the station's label in the newest list that has it: CODE - Municipality (detail); null: no list has it
-- average        mean of the values of the day's hours, in uom; null: all are missing
-- minimum        least value of the day's hours, in uom; null: all are missing
-- maximum        greatest value of the day's hours, in uom; null: all are missing
-- count          how many values of the day's hours there are
-- expected       how many hours the day has: 23, 24 or 25
-- coverage       count / expected, a share
-- valid          whether coverage is 75 % or more, the EU rule for a daily mean (2008/50/EC, annex XI)
--
-- [model]
-- partition = "month(day)"
-- inputs = ["measurement", "station"]
-- [[test]]
-- unique = ["day", "timeseries_id"]
-- not_null = ["day", "timeseries_id", "station_id"]
-- range = { expected = [23, 25], count = [0, inf] }

WITH newest_station AS (
    SELECT station_id, label, municipality, longitude, latitude
    FROM (
        SELECT *, row_number() OVER (PARTITION BY station_id ORDER BY date DESC) AS age
        FROM station
    )
    WHERE age = 1
),

daily AS (
    SELECT
        day,
        station_id,
        timeseries_id,
        phenomenon_id,
        parameter,
        uom,
        avg(value) AS average,
        min(value) AS minimum,
        max(value) AS maximum,
        count(value) AS count
    FROM measurement
    GROUP BY day, station_id, timeseries_id, phenomenon_id, parameter, uom
)

SELECT
    daily.day,
    daily.station_id,
    newest_station.label AS station_label,
    newest_station.municipality,
    newest_station.longitude,
    newest_station.latitude,
    daily.timeseries_id,
    daily.phenomenon_id,
    daily.parameter,
    daily.uom,
    daily.average,
    daily.minimum,
    daily.maximum,
    daily.count,
    calendar.hours AS expected,
    CAST(daily.count AS DOUBLE) / calendar.hours AS coverage,
    CAST(daily.count AS DOUBLE) / calendar.hours >= 0.75 AS valid
FROM daily
INNER JOIN calendar ON calendar.day = daily.day
LEFT JOIN newest_station ON newest_station.station_id = daily.station_id
ORDER BY daily.day, daily.station_id, daily.timeseries_id
