-- Nothing but zeros for zero_run_hours of values, or next to nothing in low_days after normal use. Outages have no
-- values of class regular, and services that are off are left out before.
--
-- A rarely read register has next to nothing between two readings at least low_days apart; if there is no reading before
-- these, the use before is unknown, and the finding in doubt.
--
-- [view]
-- inputs = ["equal_run", "today", "meter_day", "consumed"]

SELECT
    'zero_consumption' AS rule,
    equal_run.device_id,
    equal_run.service_point_id,
    equal_run.measuring_component_id,
    equal_run.first_day,
    equal_run.last_day,
    equal_run.last_day AS day,
    equal_run.started,
    equal_run.ended,
    equal_run.hours / greatest(settings.zero_run_hours, 1) AS times,
    'zero_hours' AS metric,
    equal_run.hours AS measured,
    CAST(settings.zero_run_hours AS DOUBLE) AS threshold,
    0.0 AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN equal_run
WHERE NOT equal_run.is_register
    AND equal_run.value = 0
    AND equal_run.hours >= settings.zero_run_hours
UNION ALL
SELECT
    'zero_consumption' AS rule,
    today.device_id,
    today.service_point_id,
    today.measuring_component_id,
    first.day AS first_day,
    today.day AS last_day,
    today.day,
    coalesce(first.started, today.started) AS started,
    today.ended,
    1.0 AS times,
    'kwh_in_low_days' AS metric,
    today.total_kwh - low.total_kwh AS measured,
    settings.low_kwh AS threshold,
    CAST(NULL AS DOUBLE) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN today
INNER JOIN meter_day AS first
    ON first.measuring_component_id = today.measuring_component_id
    AND first.service_point_id = today.service_point_id
    AND first.number = today.number - settings.low_days + 1
INNER JOIN meter_day AS low
    ON low.measuring_component_id = today.measuring_component_id
    AND low.service_point_id = today.service_point_id
    AND low.number = today.number - settings.low_days
LEFT JOIN meter_day AS normal
    ON normal.measuring_component_id = today.measuring_component_id
    AND normal.service_point_id = today.service_point_id
    AND normal.number = today.number - 2 * settings.low_days
WHERE today.rate IS NOT NULL
    AND today.total_days - low.total_days >= settings.min_day_coverage * settings.low_days
    AND low.total_days - coalesce(normal.total_days, 0) >= settings.min_baseline_values
    AND low.total_rate - coalesce(normal.total_rate, 0.0)
    >= settings.min_baseline_kwh * (low.total_days - coalesce(normal.total_days, 0))
    AND today.total_kwh - low.total_kwh BETWEEN 0.0 AND settings.low_kwh
UNION ALL
SELECT
    'zero_consumption' AS rule,
    device_id,
    coalesce(service_point_id, '') AS service_point_id,
    measuring_component_id,
    first_day,
    day AS last_day,
    day,
    started,
    measurement_dttm AS ended,
    days / settings.low_days AS times,
    'kwh_between_readings' AS metric,
    kwh AS measured,
    settings.low_kwh AS threshold,
    kwh,
    CASE WHEN kwh_in_a_day_before IS NULL THEN 'use_before_unknown' END AS doubt
FROM settings
CROSS JOIN (
    SELECT
        *,
        lag(kwh / days) OVER (PARTITION BY measuring_component_id ORDER BY measurement_dttm) AS kwh_in_a_day_before
    FROM consumed
) AS register
WHERE is_spread
    AND days >= settings.low_days
    AND NOT is_received
    AND installed
    AND (off_since IS NULL OR off_since >= measurement_dttm)
    AND (install_event_id IS NULL OR valid_from <= started)
    AND kwh BETWEEN 0.0 AND settings.low_kwh
    AND (kwh_in_a_day_before IS NULL OR kwh_in_a_day_before >= settings.min_baseline_kwh)
