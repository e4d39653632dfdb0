-- How often each series was over the limits of list.limit_value in a year, and its mean of the year.
--
-- day            the newest day of the year that the lake has, of whatever series
-- station_label  the station's label in the newest list that has it: CODE - Municipality (detail); null: no list has it
-- law            the EU directive whose limit it is, such as 2008/50/EC
-- average        what is compared with the limit: hour (the values of hours), day (the means of valid days) or year (the
--                mean of the year)
-- limit_value    the limit, µg/m³
-- allowed        how many hours or days a year may be over the limit; 0 for the mean of a year
-- exceedances    hours or days over the limit; of a limit for the year 1 where the mean so far is over it, else 0
-- exceeded       whether there were more exceedances than are allowed
-- mean           mean of all values of the year so far, µg/m³; null without any
-- valid_days     how many days of the year so far have values in 75 % of their hours or more
-- coverage       share of the hours from 1 January to day that have values, from 0 to 1
--
-- Values are compared as they are, without the rounding that the directives' guidance allows before a comparison. The
-- measurements are not validated: what this table says is a first look and no judgement.
--
-- [model]
-- partition = "year(day)"
-- inputs = ["measurement", "series_day", "station"]
-- csv = { name = "exceedance_by_station_year" }
-- [[test]]
-- unique = ["day", "timeseries_id", "law", "average"]
-- not_null = ["day", "station_id", "limit_value", "allowed", "exceedances", "exceeded"]
-- range = { exceedances = [0, inf], coverage = [0, 1] }

WITH newest_station AS (
    SELECT station_id, label, municipality
    FROM (
        SELECT *, row_number() OVER (PARTITION BY station_id ORDER BY date DESC) AS age
        FROM station
    )
    WHERE age = 1
),

so_far AS (
    SELECT newest.calendar_year, newest.newest_day, sum(calendar.hours) AS hours
    FROM (SELECT calendar_year, max(day) AS newest_day FROM series_day GROUP BY calendar_year) AS newest
    INNER JOIN calendar
        ON date_part('year', calendar.day) = newest.calendar_year AND calendar.day <= newest.newest_day
    GROUP BY newest.calendar_year, newest.newest_day
),

yearly AS (
    SELECT
        calendar_year,
        station_id,
        timeseries_id,
        parameter,
        sum(total) / nullif(sum(count), 0) AS mean,
        sum(count) AS hours,
        count(*) FILTER (WHERE valid) AS valid_days
    FROM series_day
    GROUP BY calendar_year, station_id, timeseries_id, parameter
),

-- The small table stands on the left of each join: that is the side which is held in memory.
over_in_hours AS (
    SELECT
        CAST(date_part('year', measurement.day) AS BIGINT) AS calendar_year,
        measurement.timeseries_id,
        limit_value.law,
        count(*) AS exceedances
    FROM limit_value
    INNER JOIN measurement
        ON measurement.parameter = limit_value.parameter
        AND measurement.value > limit_value.value
    WHERE limit_value.average = 'hour' AND measurement.uom = 'µg/m³'
    GROUP BY calendar_year, measurement.timeseries_id, limit_value.law
),

over_in_days AS (
    SELECT series_day.calendar_year, series_day.timeseries_id, limit_value.law, count(*) AS exceedances
    FROM limit_value
    INNER JOIN series_day
        ON series_day.parameter = limit_value.parameter
        AND series_day.average > limit_value.value
    WHERE limit_value.average = 'day' AND series_day.valid
    GROUP BY series_day.calendar_year, series_day.timeseries_id, limit_value.law
),

compared AS (
    SELECT
        yearly.*,
        limit_value.law,
        limit_value.average,
        limit_value.value AS limit_value,
        limit_value.allowed,
        CASE limit_value.average
            WHEN 'hour' THEN coalesce(over_in_hours.exceedances, 0)
            WHEN 'day' THEN coalesce(over_in_days.exceedances, 0)
            ELSE CAST(coalesce(yearly.mean > limit_value.value, false) AS BIGINT)
        END AS exceedances
    FROM yearly
    INNER JOIN limit_value ON limit_value.parameter = yearly.parameter
    LEFT JOIN over_in_hours
        ON over_in_hours.calendar_year = yearly.calendar_year
        AND over_in_hours.timeseries_id = yearly.timeseries_id
        AND over_in_hours.law = limit_value.law
    LEFT JOIN over_in_days
        ON over_in_days.calendar_year = yearly.calendar_year
        AND over_in_days.timeseries_id = yearly.timeseries_id
        AND over_in_days.law = limit_value.law
)

SELECT
    so_far.newest_day AS day,
    compared.station_id,
    newest_station.label AS station_label,
    newest_station.municipality,
    compared.timeseries_id,
    compared.parameter,
    compared.law,
    compared.average,
    compared.limit_value,
    compared.allowed,
    compared.exceedances,
    compared.exceedances > compared.allowed AS exceeded,
    compared.mean,
    compared.valid_days,
    CAST(compared.hours AS DOUBLE) / so_far.hours AS coverage
FROM compared
INNER JOIN so_far ON so_far.calendar_year = compared.calendar_year
LEFT JOIN newest_station ON newest_station.station_id = compared.station_id
ORDER BY
    compared.calendar_year, compared.parameter, compared.law, compared.average, compared.station_id, compared.timeseries_id
