-- Measurements of a component whose device no row of device has, or that names none. What else is found of the component
-- is found beside this; only that it is not installed says nothing more.
--
-- [view]
-- inputs = ["month_day"]

SELECT
    'unknown_device' AS rule,
    device_id,
    service_point_id,
    measuring_component_id,
    day AS first_day,
    day AS last_day,
    day,
    min(usable_started) AS started,
    max(usable_ended) AS ended,
    CAST(sum(usable) AS DOUBLE) AS times,
    'values_in_a_day' AS metric,
    CAST(sum(usable) AS DOUBLE) AS measured,
    0.0 AS threshold,
    sum(magnitude) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM month_day
WHERE lacking = 'device' AND judged AND usable > 0
GROUP BY device_id, service_point_id, measuring_component_id, day
