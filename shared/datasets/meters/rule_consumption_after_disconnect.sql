-- The meter is installed, its service is off since longer than the grace, and a day's consumption is more than creep.
-- What a rarely read register counted is spread evenly over the time between the readings: if its service went off in
-- between, the part after that counts, and is in doubt.
--
-- [view]
-- inputs = ["month_day", "consumed"]

WITH off AS (
    SELECT
        consumed.*,
        settings.min_kwh_after_disconnect,
        settings.min_spread_share,
        consumed.off_since + arrow_cast(CAST(settings.grace_hours * 3600 AS BIGINT), 'Duration(Second)') AS since
    FROM settings
    CROSS JOIN consumed
    WHERE NOT consumed.is_received AND consumed.install_event_id IS NOT NULL AND consumed.off_since IS NOT NULL
),

shared AS (
    SELECT
        *,
        CASE
            WHEN started >= since THEN 1.0
            WHEN is_spread AND measurement_dttm > since
                THEN date_part('epoch', measurement_dttm - since) / date_part('epoch', measurement_dttm - started)
            ELSE 0.0
        END AS share
    FROM off
)

SELECT
    'consumption_after_disconnect' AS rule,
    device_id,
    service_point_id,
    measuring_component_id,
    min(CASE WHEN share < 1 THEN CAST(since AS DATE) ELSE first_day END) AS first_day,
    day AS last_day,
    day,
    min(greatest(started, since)) AS started,
    max(measurement_dttm) AS ended,
    sum(kwh / days) / greatest(min_kwh_after_disconnect, 0.001) AS times,
    'kwh_in_a_day' AS metric,
    sum(kwh / days) AS measured,
    min_kwh_after_disconnect AS threshold,
    sum(kwh * share) AS kwh,
    CASE WHEN min(share) < 1 THEN 'spread_evenly' END AS doubt
FROM shared
WHERE share = 1 OR (share > 0 AND share >= min_spread_share)
GROUP BY device_id, service_point_id, measuring_component_id, day, min_kwh_after_disconnect
HAVING sum(kwh / days) > min_kwh_after_disconnect
UNION ALL
SELECT
    'consumption_after_disconnect' AS rule,
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
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN month_day
WHERE month_day.counted > 0
    AND month_day.phase = 'off'
    AND NOT month_day.is_received
GROUP BY
    month_day.device_id,
    month_day.service_point_id,
    month_day.measuring_component_id,
    month_day.day,
    settings.min_kwh_after_disconnect
HAVING sum(month_day.kwh / month_day.days) > settings.min_kwh_after_disconnect
