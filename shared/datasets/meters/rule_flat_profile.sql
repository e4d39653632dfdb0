-- Hardly any difference between the values of flat_days: a household has mornings, evenings and nights.
--
-- [view]
-- inputs = ["meter_day"]

WITH compared AS (
    SELECT
        today.*,
        first.day AS first_day,
        first.started AS first_started,
        today.total_days - coalesce(before.total_days, 0) AS days,
        CAST(today.total_counted - coalesce(before.total_counted, 0) AS DOUBLE) AS counted,
        today.total_kwh - coalesce(before.total_kwh, 0.0) AS sum_kwh,
        today.total_square - coalesce(before.total_square, 0.0) AS sum_square
    FROM settings
    CROSS JOIN meter_day AS today
    INNER JOIN meter_day AS first
        ON first.measuring_component_id = today.measuring_component_id
        AND first.service_point_id = today.service_point_id
        AND first.number = today.number - settings.flat_days + 1
    LEFT JOIN meter_day AS before
        ON before.measuring_component_id = today.measuring_component_id
        AND before.service_point_id = today.service_point_id
        AND before.number = today.number - settings.flat_days
),

varied AS (
    SELECT
        *,
        sqrt(greatest(sum_square / counted - (sum_kwh / counted) * (sum_kwh / counted), 0.0)) / (sum_kwh / counted) AS cv
    FROM compared
    WHERE counted > 0 AND sum_kwh > 0
)

SELECT
    'flat_profile' AS rule,
    varied.device_id,
    varied.service_point_id,
    varied.measuring_component_id,
    varied.first_day,
    varied.day AS last_day,
    varied.first_started AS started,
    varied.ended,
    2.0 - varied.cv / settings.flat_cv AS times,
    'standard_deviation_by_mean' AS metric,
    varied.cv AS measured,
    settings.flat_cv AS threshold,
    CAST(NULL AS DOUBLE) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN varied
WHERE varied.days = settings.flat_days
    AND varied.counted >= settings.flat_min_values
    AND varied.sum_kwh >= settings.min_baseline_kwh * settings.flat_days
    AND varied.cv < settings.flat_cv
