-- Each series by day, in µg/m³: what a limit is compared with. A day is valid from 75 % of its hours.
--
-- [view]
-- inputs = ["measurement"]
-- materialize = true

WITH by_day AS (
    SELECT
        day,
        station_id,
        timeseries_id,
        parameter,
        avg(value) AS average,
        sum(value) AS total,
        count(value) AS count
    FROM measurement
    WHERE uom = 'µg/m³'
    GROUP BY day, station_id, timeseries_id, parameter
)

SELECT
    CAST(date_part('year', by_day.day) AS BIGINT) AS calendar_year,
    by_day.*,
    by_day.count >= 0.75 * calendar.hours AS valid
FROM calendar
INNER JOIN by_day ON by_day.day = calendar.day
