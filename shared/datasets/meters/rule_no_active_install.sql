-- Energy measured while no install event is valid, farther than the grace from the removal before and the installation
-- after. It includes solar components, whatever their sign. Without any install event, of whatever device, nothing is
-- known of installations, and that is no evidence; and what is measured of an unknown component or device is found by
-- the rules of that name.
--
-- What a rarely read register counted is spread evenly over the time between the readings: if the device was removed in
-- between, the part after that counts, and is in doubt.
--
-- [view]
-- inputs = ["month_day", "consumed"]

WITH absent AS (
    SELECT
        consumed.*,
        settings.min_kwh_after_disconnect,
        settings.min_spread_share,
        coalesce(
            consumed.valid_from + arrow_cast(CAST(settings.grace_hours * 3600 AS BIGINT), 'Duration(Second)'),
            consumed.started
        ) AS since
    FROM settings
    CROSS JOIN consumed
    WHERE consumed.install_event_id IS NULL
        AND NOT consumed.installed
        AND consumed.device_id IS NOT NULL
        AND consumed.lacking IS NULL
        AND (
            consumed.valid_until IS NULL
            OR consumed.measurement_dttm <= consumed.valid_until - arrow_cast(CAST(settings.grace_hours * 3600 AS BIGINT), 'Duration(Second)')
        )
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
    FROM absent
)

SELECT
    'no_active_install' AS rule,
    device_id,
    service_point_id,
    measuring_component_id,
    min(CASE WHEN share < 1 THEN CAST(since AS DATE) ELSE first_day END) AS first_day,
    day AS last_day,
    day,
    min(greatest(started, since)) AS started,
    max(measurement_dttm) AS ended,
    sum(abs(kwh) / days) / greatest(min_kwh_after_disconnect, 0.001) AS times,
    'kwh_in_a_day' AS metric,
    sum(abs(kwh) / days) AS measured,
    min_kwh_after_disconnect AS threshold,
    sum(abs(kwh) * share) AS kwh,
    CASE WHEN min(share) < 1 THEN 'spread_evenly' END AS doubt
FROM shared
WHERE share = 1 OR (share > 0 AND share >= min_spread_share)
GROUP BY device_id, service_point_id, measuring_component_id, day, min_kwh_after_disconnect
HAVING sum(abs(kwh) / days) > min_kwh_after_disconnect
UNION ALL
SELECT
    'no_active_install' AS rule,
    month_day.device_id,
    month_day.service_point_id,
    month_day.measuring_component_id,
    month_day.day AS first_day,
    month_day.day AS last_day,
    month_day.day,
    min(month_day.counted_started) AS started,
    max(month_day.counted_ended) AS ended,
    sum(month_day.magnitude / month_day.days) / greatest(settings.min_kwh_after_disconnect, 0.001) AS times,
    'kwh_in_a_day' AS metric,
    sum(month_day.magnitude / month_day.days) AS measured,
    settings.min_kwh_after_disconnect AS threshold,
    sum(month_day.magnitude) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM settings
CROSS JOIN month_day
WHERE month_day.counted > 0
    AND month_day.phase = 'absent'
    AND month_day.device_id IS NOT NULL
    AND month_day.lacking IS NULL
GROUP BY
    month_day.device_id,
    month_day.service_point_id,
    month_day.measuring_component_id,
    month_day.day,
    settings.min_kwh_after_disconnect
HAVING sum(month_day.magnitude / month_day.days) > settings.min_kwh_after_disconnect
