-- Runs of equal values, one after the other, of components that deliver, where they are installed and on: the same
-- interval value, or a register that does not move.
--
-- [view]
-- inputs = ["installed_measurement"]
-- materialize = true

WITH judged AS (
    SELECT
        measuring_component_id,
        device_id,
        coalesce(service_point_id, '') AS service_point_id,
        day,
        started,
        measurement_dttm,
        is_register,
        interval_seconds,
        CASE WHEN abs(kwh) <= settings.zero_kwh THEN 0.0 ELSE coalesce(kwh, reading) END AS value,
        CAST(settings.run_gap_hours * 3600 AS BIGINT) AS gap_seconds
    FROM settings
    CROSS JOIN installed_measurement
    WHERE coalesce(kwh, reading) IS NOT NULL
        AND NOT is_received
        AND installed
        AND (off_since IS NULL OR started < off_since)
),

compared AS (
    SELECT
        *,
        lag(value) OVER by_time AS previous_value,
        lag(measurement_dttm) OVER by_time AS previous_dttm
    FROM judged
    WINDOW by_time AS (PARTITION BY measuring_component_id, service_point_id ORDER BY measurement_dttm)
),

numbered AS (
    SELECT
        *,
        count(
            CASE
                WHEN value = previous_value
                    AND (is_register OR started <= previous_dttm + arrow_cast(gap_seconds, 'Duration(Second)'))
                    THEN NULL
                ELSE 1
            END
        ) OVER (
            PARTITION BY measuring_component_id, service_point_id ORDER BY measurement_dttm ROWS UNBOUNDED PRECEDING
        ) AS run
    FROM compared
)

SELECT
    measuring_component_id,
    min(device_id) AS device_id,
    service_point_id,
    min(value) AS value,
    bool_or(is_register) AS is_register,
    count(*) AS equal_values,
    CASE
        WHEN bool_or(is_register) THEN date_part('epoch', max(measurement_dttm) - min(measurement_dttm)) / 3600.0
        ELSE sum(interval_seconds) / 3600.0
    END AS hours,
    min(day) AS first_day,
    max(day) AS last_day,
    min(started) AS started,
    max(measurement_dttm) AS ended
FROM numbered
GROUP BY measuring_component_id, service_point_id, run
HAVING count(*) > 1
