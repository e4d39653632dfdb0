-- Each device's time cut into spans, (valid_from, valid_until], at every installation and removal. Where install
-- events overlap, the one installed last is valid; in a span without one, service_point_id tells where the device was
-- last. Spans do not overlap and leave nothing out: a join by device and time finds exactly one.
--
-- [view]
-- inputs = ["install_event"]

WITH event AS (
    SELECT
        install_event.device_id,
        install_event.install_event_id,
        install_event.service_point_id,
        install_event.install_dttm,
        coalesce(
            install_event.removal_dttm,
            CASE WHEN install_status.meaning = 'removed' THEN install_event.status_dttm END,
            arrow_cast('2261-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
        ) AS removal_dttm,
        CASE
            WHEN install_status.meaning = 'off' THEN coalesce(install_event.status_dttm, install_event.install_dttm)
        END AS off_since
    FROM install_event
    LEFT JOIN install_status ON upper(trim(install_status.status)) = upper(trim(install_event.status))
    WHERE install_status.meaning IS DISTINCT FROM 'pending'
),

boundary AS (
    SELECT device_id, install_dttm AS dttm FROM event
    UNION
    SELECT device_id, removal_dttm FROM event
    UNION
    SELECT device_id, arrow_cast('1700-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))') FROM event
    UNION
    SELECT device_id, arrow_cast('2261-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))') FROM event
),

span AS (
    SELECT
        device_id,
        dttm AS valid_from,
        lead(dttm) OVER (PARTITION BY device_id ORDER BY dttm) AS valid_until
    FROM boundary
),

candidate AS (
    SELECT
        span.device_id,
        span.valid_from,
        span.valid_until,
        event.install_event_id,
        event.service_point_id,
        event.off_since,
        row_number() OVER (
            PARTITION BY span.device_id, span.valid_from
            ORDER BY event.install_dttm DESC, event.install_event_id DESC
        ) AS choice
    FROM span
    LEFT JOIN event
        ON event.device_id = span.device_id
        AND event.install_dttm <= span.valid_from
        AND event.removal_dttm >= span.valid_until
    WHERE span.valid_until IS NOT NULL
)

SELECT
    device_id,
    valid_from,
    valid_until,
    install_event_id,
    CASE
        WHEN install_event_id IS NOT NULL THEN service_point_id
        ELSE last_value(service_point_id) IGNORE NULLS OVER (PARTITION BY device_id ORDER BY valid_from)
    END AS service_point_id,
    off_since
FROM candidate
WHERE choice = 1
