-- Days of interval components that deliver, where they are installed and on: from a component's first day at a service
-- point to its last, without gaps, with running totals. The total of any number of days is a difference of two rows,
-- so that thresholds may say how many.
--
-- rate: kWh per 24 hours, where enough of the day has values.
--
-- [view]
-- inputs = ["reach_day"]
-- materialize = true

WITH measured AS (
    SELECT
        measuring_component_id,
        device_id,
        coalesce(service_point_id, '') AS service_point_id,
        day,
        sum(counted) AS counted,
        sum(kwh) AS kwh,
        sum(square) AS square,
        sum(counted * interval_seconds) / 3600.0 AS hours,
        sum(estimated) AS estimated,
        sum(coded) AS coded,
        min(started) AS started,
        max(ended) AS ended
    FROM reach_day
    WHERE judged AND NOT is_register AND NOT is_received AND phase = 'on'
    GROUP BY measuring_component_id, device_id, service_point_id, day
),

known AS (
    SELECT measuring_component_id, device_id, service_point_id, min(day) AS first_day, max(day) AS last_day
    FROM measured
    GROUP BY measuring_component_id, device_id, service_point_id
),

dense AS (
    SELECT
        known.measuring_component_id,
        known.device_id,
        known.service_point_id,
        calendar.day,
        CAST(CAST(calendar.day AS INT) AS BIGINT) AS number,
        measured.started,
        measured.ended,
        measured.kwh,
        coalesce(measured.counted, 0) AS counted,
        coalesce(measured.estimated, 0) AS estimated,
        coalesce(measured.coded, 0) AS coded,
        CASE
            WHEN measured.hours >= settings.min_day_coverage * calendar.hours THEN measured.kwh * 24.0 / measured.hours
        END AS rate,
        measured.square
    FROM settings
    CROSS JOIN known
    INNER JOIN calendar ON calendar.day BETWEEN known.first_day AND known.last_day
    LEFT JOIN measured
        ON measured.measuring_component_id = known.measuring_component_id
        AND measured.service_point_id = known.service_point_id
        AND measured.day = calendar.day
)

SELECT
    measuring_component_id,
    device_id,
    service_point_id,
    day,
    number,
    started,
    ended,
    kwh,
    rate,
    counted,
    square,
    estimated,
    coded,
    coalesce(sum(rate) OVER so_far, 0.0) AS total_rate,
    count(rate) OVER so_far AS total_days,
    coalesce(sum(kwh) OVER so_far, 0.0) AS total_kwh
FROM dense
WINDOW so_far AS (PARTITION BY measuring_component_id, service_point_id ORDER BY day ROWS UNBOUNDED PRECEDING)
