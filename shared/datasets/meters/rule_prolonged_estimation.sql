-- The meter is not read: most values of estimation_days are estimated. Of those days, the period has the ones from the
-- first to the last that are mostly estimated themselves.
--
-- [view]
-- inputs = ["meter_day"]

WITH compared AS (
    SELECT
        settings.estimation_days,
        settings.estimation_share,
        today.measuring_component_id,
        today.service_point_id,
        today.number,
        today.total_coded_days - coalesce(before.total_coded_days, 0) AS days,
        CAST(today.total_estimated - coalesce(before.total_estimated, 0) AS DOUBLE)
            / (today.total_coded - coalesce(before.total_coded, 0)) AS share
    FROM settings
    CROSS JOIN meter_day AS today
    LEFT JOIN meter_day AS before
        ON before.measuring_component_id = today.measuring_component_id
        AND before.service_point_id = today.service_point_id
        AND before.number = today.number - settings.estimation_days
)

SELECT
    'prolonged_estimation' AS rule,
    inside.device_id,
    inside.service_point_id,
    inside.measuring_component_id,
    min(inside.day) AS first_day,
    max(inside.day) AS last_day,
    min(inside.started) AS started,
    max(inside.ended) AS ended,
    compared.share / compared.estimation_share AS times,
    'estimated_share' AS metric,
    compared.share AS measured,
    compared.estimation_share AS threshold,
    CAST(NULL AS DOUBLE) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM compared
INNER JOIN meter_day AS inside
    ON inside.measuring_component_id = compared.measuring_component_id
    AND inside.service_point_id = compared.service_point_id
    AND inside.number > compared.number - compared.estimation_days
    AND inside.number <= compared.number
WHERE 2 * compared.days >= compared.estimation_days
    AND compared.share >= compared.estimation_share
    AND inside.estimated > 0
    AND inside.estimated >= compared.estimation_share * inside.coded
GROUP BY
    inside.device_id,
    inside.service_point_id,
    inside.measuring_component_id,
    compared.number,
    compared.share,
    compared.estimation_share
