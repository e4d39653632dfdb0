-- Values below zero on a component that delivers: the meter is upside down, or a register runs backwards. Components
-- that receive (solar) are exempt.
--
-- [view]
-- inputs = ["consumed"]

SELECT
    'negative_consumption' AS rule,
    consumed.device_id,
    consumed.service_point_id,
    consumed.measuring_component_id,
    consumed.day AS first_day,
    consumed.day AS last_day,
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
