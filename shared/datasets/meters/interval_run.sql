-- Runs of equal interval values of a month, one after the other, of components that deliver, where they are installed and
-- on. Of those that end within the month there are the ones that a rule reports; of a component's first and last run in
-- the month all, since they may go on beyond.
--
-- device_id         the component's device; null: not known
-- service_point_id  the customer's connection where the device was; an empty text: not known
-- value             kWh of each interval of the run; 0 for those up to zero_kwh of the settings
-- equal_values      how many intervals the run has
-- hours             how long the run's intervals are together, hours
-- first_day         local day of the run's first interval
-- day               local day of the run's last interval
-- started           when the run's first interval begins
-- ended             when the run's last interval ends
-- is_first          whether the run is the component's first in the month
-- is_last           whether the run is the component's last in the month
--
-- [model]
-- partition = "month(day)"
-- intermediate = true
-- inputs = ["measurement", "metered", "spanned_value"]

WITH judged AS (
    SELECT
        spanned_value.measuring_component_id,
        spanned_value.span,
        spanned_value.point,
        spanned_value.day,
        spanned_value.started,
        spanned_value.measurement_dttm,
        CASE WHEN abs(spanned_value.kwh) <= settings.zero_kwh THEN 0.0 ELSE spanned_value.kwh END AS value,
        CAST(settings.run_gap_hours * 3600 AS BIGINT) AS gap_seconds
    FROM settings
    CROSS JOIN spanned_value
    WHERE spanned_value.kwh IS NOT NULL AND spanned_value.phase = 'on' AND NOT spanned_value.is_received
),

compared AS (
    SELECT
        *,
        lag(value) OVER by_time AS previous_value,
        lag(point) OVER by_time AS previous_point,
        lag(measurement_dttm) OVER by_time AS previous_dttm,
        lead(value) OVER by_time AS next_value,
        cume_dist() OVER by_time = 1.0 AS is_last
    FROM judged
    WINDOW by_time AS (PARTITION BY measuring_component_id ORDER BY measurement_dttm)
),

-- Most values are runs of their own, and none that counts.
marked AS (
    SELECT
        *,
        CASE
            WHEN value = previous_value
                AND point = previous_point
                AND started <= previous_dttm + arrow_cast(gap_seconds, 'Duration(Second)')
                THEN 0
            ELSE 1
        END AS begins
    FROM compared
    WHERE value = previous_value OR value = next_value OR previous_dttm IS NULL OR is_last
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY measuring_component_id ORDER BY measurement_dttm ROWS UNBOUNDED PRECEDING
        ) AS run
    FROM marked
),

grouped AS (
    SELECT
        measuring_component_id,
        run,
        min(span) AS span,
        min(value) AS value,
        count(*) AS equal_values,
        min(day) AS first_day,
        max(day) AS last_day,
        min(started) AS started,
        max(measurement_dttm) AS ended,
        bool_or(previous_dttm IS NULL) AS is_first,
        bool_or(is_last) AS is_last
    FROM numbered
    GROUP BY measuring_component_id, run
),

runs AS (
    SELECT
        grouped.*,
        metered.device_id,
        coalesce(metered.service_point_id, '') AS service_point_id,
        grouped.equal_values * metered.interval_seconds / 3600.0 AS hours
    FROM metered
    INNER JOIN grouped ON grouped.measuring_component_id = metered.measuring_component_id AND grouped.span = metered.span
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
ORDER BY runs.measuring_component_id, runs.run
