-- Runs of equal interval values of a month, one after the other, of components that deliver, where they are installed and
-- on. Of those that end within the month there are the ones that a rule reports; of a component's first and last run in
-- the month all, since they may go on beyond.
--
-- [model]
-- partition = "month(day)"
-- intermediate = true
-- inputs = ["measurement", "metered", "spanned_value"]

WITH judged AS (
    SELECT
        spanned_value.measuring_component_id,
        spanned_value.span,
        spanned_value.day,
        spanned_value.started,
        spanned_value.measurement_dttm,
        CASE WHEN abs(spanned_value.kwh) <= settings.zero_kwh THEN 0.0 ELSE spanned_value.kwh END AS value,
        CAST(settings.run_gap_hours * 3600 AS BIGINT) AS gap_seconds
    FROM settings
    CROSS JOIN spanned_value
    WHERE spanned_value.kwh IS NOT NULL AND spanned_value.phase = 'on' AND NOT spanned_value.is_received
),

placed AS (
    SELECT
        judged.*,
        metered.device_id,
        coalesce(metered.service_point_id, '') AS service_point_id,
        metered.interval_seconds
    FROM metered
    INNER JOIN judged ON judged.measuring_component_id = metered.measuring_component_id AND judged.span = metered.span
),

compared AS (
    SELECT
        *,
        lag(value) OVER by_time AS previous_value,
        lag(measurement_dttm) OVER by_time AS previous_dttm,
        lead(measurement_dttm) OVER by_time IS NULL AS is_last
    FROM placed
    WINDOW by_time AS (PARTITION BY measuring_component_id, service_point_id ORDER BY measurement_dttm)
),

numbered AS (
    SELECT
        *,
        count(
            CASE
                WHEN value = previous_value
                    AND started <= previous_dttm + arrow_cast(gap_seconds, 'Duration(Second)')
                    THEN NULL
                ELSE 1
            END
        ) OVER (
            PARTITION BY measuring_component_id, service_point_id ORDER BY measurement_dttm ROWS UNBOUNDED PRECEDING
        ) AS run
    FROM compared
),

runs AS (
    SELECT
        measuring_component_id,
        min(device_id) AS device_id,
        service_point_id,
        run,
        min(value) AS value,
        count(*) AS equal_values,
        sum(interval_seconds) / 3600.0 AS hours,
        min(day) AS first_day,
        max(day) AS last_day,
        min(started) AS started,
        max(measurement_dttm) AS ended,
        bool_or(previous_dttm IS NULL) AS is_first,
        bool_or(is_last) AS is_last
    FROM numbered
    GROUP BY measuring_component_id, service_point_id, run
)

SELECT
    runs.measuring_component_id,
    runs.device_id,
    runs.service_point_id,
    runs.value,
    runs.equal_values,
    runs.hours,
    runs.first_day,
    runs.last_day AS day,
    runs.started,
    runs.ended,
    runs.is_first,
    runs.is_last
FROM settings
CROSS JOIN runs
WHERE runs.is_first
    OR runs.is_last
    OR (runs.value = 0 AND runs.hours >= settings.zero_run_hours)
    OR (runs.equal_values >= settings.stuck_readings AND runs.hours >= settings.stuck_hours)
ORDER BY runs.measuring_component_id, runs.service_point_id, runs.run
