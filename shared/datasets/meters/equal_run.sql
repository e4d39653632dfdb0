-- Runs of equal values, one after the other, of components that deliver, where they are installed and on: the same
-- interval value, or a register that does not move. Runs of intervals that go on in the next month are put together.
--
-- [view]
-- inputs = ["interval_run", "register_reading", "interval_reach"]
-- materialize = true

WITH compared AS (
    SELECT
        interval_run.*,
        CAST(settings.run_gap_hours * 3600 AS BIGINT) AS gap_seconds,
        lag(interval_run.value) OVER by_time AS previous_value,
        lag(interval_run.ended) OVER by_time AS previous_ended,
        lag(interval_run.is_last) OVER by_time AS previous_is_last
    FROM settings
    CROSS JOIN interval_reach
    CROSS JOIN interval_run
    WHERE CAST(CAST(interval_run.day AS INT) AS DOUBLE) >= interval_reach.first_day
    WINDOW by_time AS (
        PARTITION BY interval_run.measuring_component_id, interval_run.service_point_id ORDER BY interval_run.started
    )
),

joined AS (
    SELECT
        *,
        count(
            CASE
                WHEN is_first
                    AND previous_is_last
                    AND value = previous_value
                    AND started <= previous_ended + arrow_cast(gap_seconds, 'Duration(Second)')
                    THEN NULL
                ELSE 1
            END
        ) OVER (
            PARTITION BY measuring_component_id, service_point_id ORDER BY started ROWS UNBOUNDED PRECEDING
        ) AS run
    FROM compared
),

register AS (
    SELECT
        *,
        lag(reading) OVER (
            PARTITION BY measuring_component_id, coalesce(service_point_id, '') ORDER BY measurement_dttm
        ) AS previous_reading
    FROM register_reading
    WHERE reading IS NOT NULL
        AND NOT is_received
        AND installed
        AND (off_since IS NULL OR measurement_dttm < off_since)
),

numbered AS (
    SELECT
        *,
        count(CASE WHEN reading = previous_reading THEN NULL ELSE 1 END) OVER (
            PARTITION BY measuring_component_id, coalesce(service_point_id, '')
            ORDER BY measurement_dttm
            ROWS UNBOUNDED PRECEDING
        ) AS run
    FROM register
)

SELECT
    measuring_component_id,
    min(device_id) AS device_id,
    service_point_id,
    min(value) AS value,
    false AS is_register,
    sum(equal_values) AS equal_values,
    sum(hours) AS hours,
    min(first_day) AS first_day,
    max(day) AS last_day,
    min(started) AS started,
    max(ended) AS ended
FROM joined
GROUP BY measuring_component_id, service_point_id, run
HAVING sum(equal_values) > 1
UNION ALL
SELECT
    measuring_component_id,
    min(device_id) AS device_id,
    coalesce(service_point_id, '') AS service_point_id,
    min(reading) AS value,
    true AS is_register,
    count(*) AS equal_values,
    date_part('epoch', max(measurement_dttm) - min(measurement_dttm)) / 3600.0 AS hours,
    min(day) AS first_day,
    max(day) AS last_day,
    min(measurement_dttm) AS started,
    max(measurement_dttm) AS ended
FROM numbered
GROUP BY measuring_component_id, coalesce(service_point_id, ''), run
HAVING count(*) > 1
