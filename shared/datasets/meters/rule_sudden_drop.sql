-- A day far below the mean of the component's own days before it, at the same service point: also without the greatest of
-- these days. One wrong day is not use that fell after it.
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
),

fallen AS (
    SELECT compared.*
    FROM settings
    CROSS JOIN compared
    WHERE compared.mean_days >= settings.min_baseline_values
        AND compared.mean >= settings.min_baseline_kwh
        AND compared.rate >= 0
        AND compared.rate < settings.drop_ratio * compared.mean
),

greatest_before AS (
    SELECT fallen.measuring_component_id, fallen.service_point_id, fallen.number, max(earlier.rate) AS rate
    FROM settings
    CROSS JOIN fallen
    INNER JOIN meter_day AS earlier
        ON earlier.measuring_component_id = fallen.measuring_component_id
        AND earlier.service_point_id = fallen.service_point_id
    WHERE earlier.number BETWEEN fallen.number - settings.baseline_days AND fallen.number - 1
    GROUP BY fallen.measuring_component_id, fallen.service_point_id, fallen.number
),

lasting AS (
    SELECT
        fallen.*,
        (fallen.mean * fallen.mean_days - greatest_before.rate) / (fallen.mean_days - 1) AS mean_of_others
    FROM fallen
    INNER JOIN greatest_before
        ON greatest_before.measuring_component_id = fallen.measuring_component_id
        AND greatest_before.service_point_id = fallen.service_point_id
        AND greatest_before.number = fallen.number
    WHERE fallen.mean_days > 1
)

SELECT
    'sudden_drop' AS rule,
    lasting.device_id,
    lasting.service_point_id,
    lasting.measuring_component_id,
    lasting.day AS first_day,
    lasting.day AS last_day,
    lasting.day,
    lasting.started,
    lasting.ended,
    2.0 - lasting.rate / (settings.drop_ratio * lasting.mean) AS times,
    'share_of_mean' AS metric,
    lasting.rate / lasting.mean AS measured,
    settings.drop_ratio AS threshold,
    lasting.kwh AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN lasting
WHERE lasting.mean_of_others >= settings.min_baseline_kwh
    AND lasting.rate < settings.drop_ratio * lasting.mean_of_others
