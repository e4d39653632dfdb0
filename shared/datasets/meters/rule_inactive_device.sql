-- Consumption on a device whose status is not one of active_status, on days after it got that status and the grace. A
-- device without status is active. Of one without status_date it is known that it has its status since its last
-- removal, or else since the file that says so arrived: what was consumed before is no evidence, and what was consumed
-- after is in doubt.
--
-- What a rarely read register counted is spread evenly over the time between the readings: if the status changed in
-- between, the part after that counts, and is in doubt.
--
-- [view]
-- inputs = ["consumed", "device", "install_span"]

WITH removed AS (
    SELECT device_id, max(valid_from) AS dttm
    FROM install_span
    WHERE install_event_id IS NULL
        AND valid_from > arrow_cast('1700-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
        AND valid_until = arrow_cast('2261-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
    GROUP BY device_id
),

inactive AS (
    SELECT
        device.device_id,
        device.status_date IS NOT NULL AS is_dated,
        CAST(
            coalesce(device.status_date, CAST(removed.dttm AS DATE), CAST(device.received_at AS DATE)) AS INT
        ) AS number
    FROM device
    LEFT JOIN active_status ON upper(trim(active_status.status)) = upper(trim(device.status))
    LEFT JOIN removed ON removed.device_id = device.device_id
    WHERE device.status IS NOT NULL AND active_status.status IS NULL
),

compared AS (
    SELECT
        consumed.*,
        inactive.is_dated,
        settings.min_kwh_after_disconnect,
        settings.min_spread_share,
        inactive.number + ceil(settings.grace_hours / 24.0) AS since,
        CAST(CAST(consumed.day AS INT) AS DOUBLE) AS number
    FROM settings
    CROSS JOIN inactive
    INNER JOIN consumed ON consumed.device_id = inactive.device_id
    WHERE NOT consumed.is_received
),

shared AS (
    SELECT
        *,
        CASE WHEN is_spread THEN least((number - since) / days, 1.0) ELSE 1.0 END AS share
    FROM compared
    WHERE number > since
)

SELECT
    'inactive_device' AS rule,
    device_id,
    service_point_id,
    measuring_component_id,
    min(CASE WHEN share < 1 THEN CAST(CAST(since AS INT) + 1 AS DATE) ELSE first_day END) AS first_day,
    day AS last_day,
    min(
        CASE
            WHEN share < 1
                THEN measurement_dttm - arrow_cast(CAST((number - since) * 86400 AS BIGINT), 'Duration(Second)')
            ELSE started
        END
    ) AS started,
    max(measurement_dttm) AS ended,
    sum(kwh / days) / greatest(min_kwh_after_disconnect, 0.001) AS times,
    'kwh_in_a_day' AS metric,
    sum(kwh / days) AS measured,
    min_kwh_after_disconnect AS threshold,
    sum(kwh * share) AS kwh,
    CASE
        WHEN NOT bool_and(is_dated) THEN 'status_date_unknown'
        WHEN min(share) < 1 THEN 'spread_evenly'
    END AS doubt
FROM shared
WHERE share >= min_spread_share
GROUP BY device_id, service_point_id, measuring_component_id, day, min_kwh_after_disconnect
HAVING sum(kwh / days) > min_kwh_after_disconnect
