-- The meter is installed, its service is off since longer than the grace, and a day's consumption is more than creep.
--
-- [view]
-- inputs = ["consumed"]

SELECT
    'consumption_after_disconnect' AS rule,
    consumed.device_id,
    consumed.service_point_id,
    consumed.measuring_component_id,
    consumed.day AS first_day,
    consumed.day AS last_day,
    min(consumed.started) AS started,
    max(consumed.measurement_dttm) AS ended,
    sum(consumed.kwh) / greatest(settings.min_kwh_after_disconnect, 0.001) AS times,
    'kwh_in_a_day' AS metric,
    sum(consumed.kwh) AS measured,
    settings.min_kwh_after_disconnect AS threshold,
    sum(consumed.kwh) AS kwh
FROM settings
CROSS JOIN consumed
WHERE NOT consumed.is_received
    AND consumed.install_event_id IS NOT NULL
    AND consumed.started >= consumed.off_since + arrow_cast(CAST(settings.grace_hours * 3600 AS BIGINT), 'Duration(Second)')
GROUP BY
    consumed.device_id,
    consumed.service_point_id,
    consumed.measuring_component_id,
    consumed.day,
    settings.min_kwh_after_disconnect
HAVING sum(consumed.kwh) > settings.min_kwh_after_disconnect
