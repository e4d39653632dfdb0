-- The same value other than zero again and again; or a register whose readings do not move.
--
-- [view]
-- inputs = ["equal_run"]

SELECT
    'stuck_register' AS rule,
    equal_run.device_id,
    equal_run.service_point_id,
    equal_run.measuring_component_id,
    equal_run.first_day,
    equal_run.last_day,
    equal_run.last_day AS day,
    equal_run.started,
    equal_run.ended,
    CAST(equal_run.equal_values AS DOUBLE) / greatest(settings.stuck_readings, 1) AS times,
    'equal_values' AS metric,
    CAST(equal_run.equal_values AS DOUBLE) AS measured,
    CAST(settings.stuck_readings AS DOUBLE) AS threshold,
    CAST(NULL AS DOUBLE) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN equal_run
WHERE equal_run.equal_values >= settings.stuck_readings
    AND CASE
        WHEN equal_run.is_register THEN equal_run.hours >= settings.zero_run_hours
        ELSE equal_run.value <> 0 AND equal_run.hours >= settings.stuck_hours
    END
