-- Consumption on a device that is not active (see inactive_device), on days after it got that status and the grace. Of a
-- device without status_date, what was consumed is in doubt.
--
-- What a rarely read register counted is spread evenly over the time between the readings: if the status changed in
-- between, the part after that counts, and is in doubt.
--
-- [view]
-- inputs = ["month_day", "consumed"]

WITH compared AS (
    SELECT
        consumed.*,
        consumed.inactive_is_dated AS is_dated,
        settings.min_kwh_after_disconnect,
        settings.min_spread_share,
        CAST(consumed.inactive_since AS INT) + ceil(settings.grace_hours / 24.0) AS since,
        CAST(CAST(consumed.day AS INT) AS DOUBLE) AS number
    FROM settings
    CROSS JOIN consumed
    WHERE consumed.inactive_since IS NOT NULL AND NOT consumed.is_received
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
    day,
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
UNION ALL
SELECT
    'inactive_device' AS rule,
    month_day.device_id,
    month_day.service_point_id,
    month_day.measuring_component_id,
    month_day.day AS first_day,
    month_day.day AS last_day,
    month_day.day,
    min(month_day.counted_started) AS started,
    max(month_day.counted_ended) AS ended,
    sum(month_day.kwh / month_day.days) / greatest(settings.min_kwh_after_disconnect, 0.001) AS times,
    'kwh_in_a_day' AS metric,
    sum(month_day.kwh / month_day.days) AS measured,
    settings.min_kwh_after_disconnect AS threshold,
    sum(month_day.kwh) AS kwh,
    CASE WHEN NOT bool_and(month_day.inactive_is_dated) THEN 'status_date_unknown' END AS doubt
FROM settings
CROSS JOIN month_day
WHERE month_day.counted > 0
    AND NOT month_day.is_received
    AND month_day.number > CAST(month_day.inactive_since AS INT) + ceil(settings.grace_hours / 24.0)
GROUP BY
    month_day.device_id,
    month_day.service_point_id,
    month_day.measuring_component_id,
    month_day.day,
    settings.min_kwh_after_disconnect
HAVING sum(month_day.kwh / month_day.days) > settings.min_kwh_after_disconnect
