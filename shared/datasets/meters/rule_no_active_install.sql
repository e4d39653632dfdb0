-- Energy measured while no install event is valid, farther than the grace from the removal before and the installation
-- after. It includes measurements whose component is unknown, which have no device; and solar components, whatever
-- their sign.
--
-- [view]
-- inputs = ["consumed"]

SELECT
    'no_active_install' AS rule,
    consumed.device_id,
    consumed.service_point_id,
    consumed.measuring_component_id,
    consumed.day AS first_day,
    consumed.day AS last_day,
    min(consumed.started) AS started,
    max(consumed.measurement_dttm) AS ended,
    sum(abs(consumed.kwh)) / greatest(settings.min_kwh_after_disconnect, 0.001) AS times,
    'kwh_in_a_day' AS metric,
    sum(abs(consumed.kwh)) AS measured,
    settings.min_kwh_after_disconnect AS threshold,
    sum(abs(consumed.kwh)) AS kwh
FROM settings
CROSS JOIN consumed
WHERE consumed.install_event_id IS NULL
    AND (
        consumed.valid_from IS NULL
        OR (
            consumed.started >= consumed.valid_from + arrow_cast(CAST(settings.grace_hours * 3600 AS BIGINT), 'Duration(Second)')
            AND consumed.measurement_dttm <= consumed.valid_until - arrow_cast(CAST(settings.grace_hours * 3600 AS BIGINT), 'Duration(Second)')
        )
    )
GROUP BY
    consumed.device_id,
    consumed.service_point_id,
    consumed.measuring_component_id,
    consumed.day,
    settings.min_kwh_after_disconnect
HAVING sum(abs(consumed.kwh)) > settings.min_kwh_after_disconnect
