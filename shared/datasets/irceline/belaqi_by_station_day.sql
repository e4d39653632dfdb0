-- The air quality index BelAQI of each station and day by list.belaqi. Of pollutants those count that have values in 75 % of
-- the day's hours or more. Ozone is not among them.
--
-- station_label  the station's label in the newest list that has it: CODE - Municipality (detail); null: no list has it
-- index          BelAQI of the worst pollutant, from 1 (excellent) to 10 (horrible)
-- class          the index in words, such as fairly good
-- pollutant      which pollutant is the worst: pm10, pm25 or no2
-- average        the worst pollutant's mean of the day, µg/m³
-- pollutants     how many pollutants there were to judge by, from 1 to 3
--
-- stations.geojson has the stations on a map, each with its newest day of the newest month.
--
-- [model]
-- partition = "month(day)"
-- inputs = ["measurement", "station"]
-- geojson = { name = "stations", id = "station_id" }
-- [[test]]
-- unique = ["day", "station_id"]
-- not_null = ["day", "station_id", "index", "class"]
-- range = { index = [1, 10], pollutants = [1, 3] }

WITH newest_station AS (
    SELECT station_id, label, municipality, longitude, latitude
    FROM (
        SELECT *, row_number() OVER (PARTITION BY station_id ORDER BY date DESC) AS age
        FROM station
    )
    WHERE age = 1
),

by_day AS (
    SELECT day, station_id, timeseries_id, parameter, avg(value) AS average, count(value) AS count
    FROM measurement
    WHERE uom = 'µg/m³'
    GROUP BY day, station_id, timeseries_id, parameter
),

-- A station may have two series of one pollutant.
daily AS (
    SELECT by_day.day, by_day.station_id, by_day.parameter, max(by_day.average) AS average
    FROM calendar
    INNER JOIN by_day ON by_day.day = calendar.day
    WHERE by_day.count >= 0.75 * calendar.hours
    GROUP BY by_day.day, by_day.station_id, by_day.parameter
),

classed AS (
    SELECT daily.day, daily.station_id, daily.parameter, daily.average, max(belaqi.index) AS index
    FROM belaqi
    INNER JOIN daily ON daily.parameter = belaqi.parameter AND daily.average > belaqi.above
    GROUP BY daily.day, daily.station_id, daily.parameter, daily.average
),

worst AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY day, station_id
            ORDER BY index DESC, average DESC, parameter
        ) AS place,
        count(*) OVER (PARTITION BY day, station_id) AS pollutants
    FROM classed
)

SELECT
    worst.day,
    worst.station_id,
    newest_station.label AS station_label,
    newest_station.municipality,
    newest_station.longitude,
    newest_station.latitude,
    worst.index,
    class.class,
    worst.parameter AS pollutant,
    worst.average,
    worst.pollutants
FROM worst
INNER JOIN (SELECT DISTINCT index, class FROM belaqi) AS class ON class.index = worst.index
LEFT JOIN newest_station ON newest_station.station_id = worst.station_id
WHERE worst.place = 1
ORDER BY worst.day, worst.station_id
