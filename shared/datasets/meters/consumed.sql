-- What registers say was consumed: the difference of two readings. A register that counted to its end and began again has
-- no negative difference.
--
-- days: how many days the consumption is of, at least 1, so that kwh / days is what was consumed in a day.
-- first_day: the first of these days; day is the last one.
-- is_spread: whether the readings are so far apart that kwh / days is all that is known of the days between.
--
-- [view]
-- inputs = ["register_reading"]
-- materialize = true

WITH register AS (
    SELECT
        *,
        lag(counter) OVER by_time AS previous_counter,
        lag(measurement_dttm) OVER by_time AS previous_dttm,
        lag(day) OVER by_time AS previous_day
    FROM register_reading
    WHERE counter IS NOT NULL
    WINDOW by_time AS (PARTITION BY measuring_component_id ORDER BY measurement_dttm)
),

sized AS (
    SELECT
        register.*,
        settings.rare_read_days,
        date_part('epoch', register.measurement_dttm - register.previous_dttm) / 86400.0 AS days,
        coalesce(
            register.register_size,
            CASE
                WHEN register.previous_counter >= power(10.0, settings.rollover_min_digits - 1)
                    THEN power(10.0, floor(log10(register.previous_counter)) + 1)
            END
        ) AS size,
        -- Beyond half of its size a register that runs backwards is likelier.
        CASE WHEN register.register_size IS NULL THEN settings.rollover_share ELSE 0.5 END AS rollover_share
    FROM settings
    CROSS JOIN register
    WHERE register.previous_counter IS NOT NULL
)

SELECT
    measuring_component_id,
    device_id,
    service_point_id,
    least(day, CAST(CAST(previous_day AS INT) + 1 AS DATE)) AS first_day,
    day,
    previous_dttm AS started,
    measurement_dttm,
    is_received,
    installed,
    install_event_id,
    lacking,
    valid_from,
    valid_until,
    off_since,
    inactive_since,
    inactive_is_dated,
    days > rare_read_days AS is_spread,
    greatest(days, 1.0) AS days,
    register_kwh * CASE
        WHEN counter < previous_counter AND size - previous_counter + counter BETWEEN 0.0 AND rollover_share * size
            THEN size - previous_counter + counter
        ELSE counter - previous_counter
    END AS kwh
FROM sized
