-- The meter is not read: most values of estimation_days are estimated. Of those days, the period has the ones from the
-- first to the last that are mostly estimated themselves.
--
-- [view]
-- inputs = ["today", "meter_day"]

WITH near AS (
    SELECT meter_day.*, settings.estimation_days
    FROM settings
    CROSS JOIN period
    CROSS JOIN meter_day
    WHERE meter_day.number > CAST(period.first_day AS INT) - settings.estimation_days
),

-- Of most components nothing is estimated.
estimated AS (
    SELECT DISTINCT measuring_component_id, service_point_id FROM near WHERE estimated > 0
),

compared AS (
    SELECT
        today.measuring_component_id,
        today.service_point_id,
        today.day,
        today.number,
        near.estimation_days,
        sum(CASE WHEN near.coded > 0 THEN 1 ELSE 0 END) AS days,
        CAST(sum(near.estimated) AS DOUBLE) / sum(near.coded) AS share
    FROM estimated
    INNER JOIN today
        ON today.measuring_component_id = estimated.measuring_component_id
        AND today.service_point_id = estimated.service_point_id
    INNER JOIN near
        ON near.measuring_component_id = today.measuring_component_id
        AND near.service_point_id = today.service_point_id
        AND near.number > today.number - near.estimation_days
        AND near.number <= today.number
    GROUP BY
        today.measuring_component_id,
        today.service_point_id,
        today.day,
        today.number,
        near.estimation_days
)

SELECT
    'prolonged_estimation' AS rule,
    inside.device_id,
    inside.service_point_id,
    inside.measuring_component_id,
    min(inside.day) AS first_day,
    max(inside.day) AS last_day,
    compared.day,
    min(inside.started) AS started,
    max(inside.ended) AS ended,
    compared.share / settings.estimation_share AS times,
    'estimated_share' AS metric,
    compared.share AS measured,
    settings.estimation_share AS threshold,
    CAST(NULL AS DOUBLE) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN compared
INNER JOIN near AS inside
    ON inside.measuring_component_id = compared.measuring_component_id
    AND inside.service_point_id = compared.service_point_id
    AND inside.number > compared.number - compared.estimation_days
    AND inside.number <= compared.number
WHERE 2 * compared.days >= compared.estimation_days
    AND compared.share >= settings.estimation_share
    AND inside.estimated > 0
    AND inside.estimated >= settings.estimation_share * inside.coded
GROUP BY
    inside.device_id,
    inside.service_point_id,
    inside.measuring_component_id,
    compared.day,
    compared.number,
    compared.share,
    settings.estimation_share
