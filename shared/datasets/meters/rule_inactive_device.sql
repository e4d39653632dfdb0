-- Consumption on a device whose status is not one of active_status, on days after status_date and the grace. A device
-- without status is active; one without status_date is inactive since ever.
--
-- [view]
-- inputs = ["consumed", "device"]

SELECT
    'inactive_device' AS rule,
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
CROSS JOIN (
    SELECT device.device_id, CAST(CAST(device.status_date AS INT) AS BIGINT) AS since
    FROM device
    LEFT JOIN active_status ON active_status.status = upper(trim(device.status))
    WHERE device.status IS NOT NULL AND active_status.status IS NULL
) AS inactive
INNER JOIN consumed ON consumed.device_id = inactive.device_id
WHERE NOT consumed.is_received
    AND (
        inactive.since IS NULL
        OR CAST(CAST(consumed.day AS INT) AS BIGINT) > inactive.since + ceil(settings.grace_hours / 24.0)
    )
GROUP BY
    consumed.device_id,
    consumed.service_point_id,
    consumed.measuring_component_id,
    consumed.day,
    settings.min_kwh_after_disconnect
HAVING sum(consumed.kwh) > settings.min_kwh_after_disconnect
