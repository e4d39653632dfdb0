-- Values below zero on a component that delivers: the meter is upside down, or a register runs backwards. Components
-- that receive (solar) are exempt.
--
-- [view]
-- inputs = ["month_day", "consumed"]

SELECT
    'negative_consumption' AS rule,
    consumed.device_id,
    consumed.service_point_id,
    consumed.measuring_component_id,
    consumed.day AS first_day,
    consumed.day AS last_day,
    consumed.day,
    min(consumed.started) AS started,
    max(consumed.measurement_dttm) AS ended,
    CAST(count(*) AS DOUBLE) AS times,
    'negative_values_in_a_day' AS metric,
    CAST(count(*) AS DOUBLE) AS measured,
    settings.negative_kwh AS threshold,
    sum(consumed.kwh) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN consumed
WHERE NOT consumed.is_received
    AND consumed.installed
    AND consumed.kwh < settings.negative_kwh
GROUP BY
    consumed.device_id,
    consumed.service_point_id,
    consumed.measuring_component_id,
    consumed.day,
    settings.negative_kwh
UNION ALL
SELECT
    'negative_consumption' AS rule,
    month_day.device_id,
    month_day.service_point_id,
    month_day.measuring_component_id,
    month_day.day AS first_day,
    month_day.day AS last_day,
    month_day.day,
    min(month_day.negative_started) AS started,
    max(month_day.negative_ended) AS ended,
    CAST(sum(month_day.negative) AS DOUBLE) AS times,
    'negative_values_in_a_day' AS metric,
    CAST(sum(month_day.negative) AS DOUBLE) AS measured,
    settings.negative_kwh AS threshold,
    sum(month_day.negative_kwh) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN month_day
WHERE month_day.negative > 0 AND month_day.installed AND NOT month_day.is_received
GROUP BY
    month_day.device_id,
    month_day.service_point_id,
    month_day.measuring_component_id,
    month_day.day,
    settings.negative_kwh
