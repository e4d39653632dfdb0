-- A day far below the mean of the component's own days before it, at the same service point.
--
-- [view]
-- inputs = ["today", "meter_day"]

WITH compared AS (
    SELECT
        today.*,
        (yesterday.total_rate - coalesce(before.total_rate, 0.0)) / (yesterday.total_days - coalesce(before.total_days, 0))
            AS mean,
        yesterday.total_days - coalesce(before.total_days, 0) AS mean_days
    FROM settings
    CROSS JOIN today
    INNER JOIN meter_day AS yesterday
        ON yesterday.measuring_component_id = today.measuring_component_id
        AND yesterday.service_point_id = today.service_point_id
        AND yesterday.number = today.number - 1
    LEFT JOIN meter_day AS before
        ON before.measuring_component_id = today.measuring_component_id
        AND before.service_point_id = today.service_point_id
        AND before.number = today.number - 1 - settings.baseline_days
    WHERE today.rate IS NOT NULL
)

SELECT
    'sudden_drop' AS rule,
    compared.device_id,
    compared.service_point_id,
    compared.measuring_component_id,
    compared.day AS first_day,
    compared.day AS last_day,
    compared.day,
    compared.started,
    compared.ended,
    2.0 - compared.rate / (settings.drop_ratio * compared.mean) AS times,
    'share_of_mean' AS metric,
    compared.rate / compared.mean AS measured,
    settings.drop_ratio AS threshold,
    compared.kwh AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN compared
WHERE compared.mean_days >= settings.min_baseline_values
    AND compared.mean >= settings.min_baseline_kwh
    AND compared.rate >= 0
    AND compared.rate < settings.drop_ratio * compared.mean
