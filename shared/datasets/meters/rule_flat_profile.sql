-- Hardly any difference between the values of flat_days: a household has mornings, evenings and nights.
--
-- [view]
-- inputs = ["today", "meter_day"]

WITH near AS (
    SELECT meter_day.*, settings.flat_days
    FROM settings
    CROSS JOIN period
    CROSS JOIN meter_day
    WHERE meter_day.number > CAST(period.first_day AS INT) - settings.flat_days
),

compared AS (
    SELECT
        today.measuring_component_id,
        today.device_id,
        today.service_point_id,
        today.day,
        today.ended,
        min(near.day) AS first_day,
        min(near.started) AS first_started,
        count(near.rate) AS days,
        CAST(sum(near.counted) AS DOUBLE) AS counted,
        sum(near.kwh) AS sum_kwh,
        sum(near.square) AS sum_square
    FROM today
    INNER JOIN near
        ON near.measuring_component_id = today.measuring_component_id
        AND near.service_point_id = today.service_point_id
        AND near.number > today.number - near.flat_days
        AND near.number <= today.number
    GROUP BY
        today.measuring_component_id,
        today.device_id,
        today.service_point_id,
        today.day,
        today.ended
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
    varied.day,
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
