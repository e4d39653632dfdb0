-- Measurements of a component whose device no row of device has, or that names none. What else is found of the component
-- is found beside this; only that it is not installed says nothing more.
--
-- [view]
-- inputs = ["installed_measurement"]

SELECT
    'unknown_device' AS rule,
    device_id,
    service_point_id,
    measuring_component_id,
    day AS first_day,
    day AS last_day,
    min(started) AS started,
    max(measurement_dttm) AS ended,
    CAST(count(*) AS DOUBLE) AS times,
    'values_in_a_day' AS metric,
    CAST(count(*) AS DOUBLE) AS measured,
    0.0 AS threshold,
    sum(abs(kwh)) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM installed_measurement
WHERE lacking = 'device' AND judged AND class <> 'unusable'
GROUP BY device_id, service_point_id, measuring_component_id, day
