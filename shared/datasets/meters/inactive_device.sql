-- Devices whose status is not one of active_status, and since when. A device without status is active. Of one without
-- status_date it is known that it has its status since its last removal, or else since the file that says so arrived.
--
-- [view]
-- inputs = ["device", "install_span"]

WITH removed AS (
    SELECT device_id, max(valid_from) AS dttm
    FROM install_span
    WHERE install_event_id IS NULL
        AND valid_from > arrow_cast('1700-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
        AND valid_until = arrow_cast('2261-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
    GROUP BY device_id
)

SELECT
    device.device_id,
    device.status_date IS NOT NULL AS is_dated,
    coalesce(device.status_date, CAST(removed.dttm AS DATE), CAST(device.received_at AS DATE)) AS since
FROM device
LEFT JOIN active_status ON upper(trim(active_status.status)) = upper(trim(device.status))
LEFT JOIN removed ON removed.device_id = device.device_id
WHERE device.status IS NOT NULL AND active_status.status IS NULL
