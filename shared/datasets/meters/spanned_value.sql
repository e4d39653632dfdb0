-- Every measurement once, in the span in which its device was then.
--
-- kwh: the value of an interval where it is regular energy, else null. What a register counted is the difference of two
-- readings: see register_reading.
-- phase: on, off (the service, for longer than the grace), absent (no install event, farther than the grace from the
-- removal before and the installation after), or between.
--
-- [view]
-- inputs = ["classified", "metered"]

WITH spanned AS (
    SELECT
        classified.measuring_component_id,
        metered.span,
        metered.point,
        classified.day,
        classified.measurement_dttm,
        classified.measurement_dttm - arrow_cast(metered.interval_seconds, 'Duration(Second)') AS started,
        metered.installed,
        metered.valid_from,
        metered.valid_until,
        metered.off_since,
        metered.is_received,
        classified.class,
        CASE
            WHEN classified.class = 'regular' AND metered.judged AND NOT metered.is_register
                THEN classified.measurement_value * metered.kwh_per_unit
        END AS kwh
    FROM metered
    INNER JOIN classified ON metered.measuring_component_id = classified.measuring_component_id
    WHERE metered.valid_from IS NULL
        OR (metered.valid_from < classified.measurement_dttm AND metered.valid_until >= classified.measurement_dttm)
),

grace AS (
    SELECT arrow_cast(CAST(grace_hours * 3600 AS BIGINT), 'Duration(Second)') AS time FROM settings
)

SELECT
    spanned.measuring_component_id,
    spanned.span,
    spanned.point,
    spanned.day,
    spanned.measurement_dttm,
    spanned.started,
    spanned.is_received,
    spanned.class,
    spanned.kwh,
    CASE
        WHEN spanned.installed AND (spanned.off_since IS NULL OR spanned.started < spanned.off_since) THEN 'on'
        WHEN spanned.installed AND spanned.started >= spanned.off_since + grace.time THEN 'off'
        WHEN NOT spanned.installed
            AND (spanned.valid_from IS NULL OR spanned.started >= spanned.valid_from + grace.time)
            AND (spanned.valid_until IS NULL OR spanned.measurement_dttm <= spanned.valid_until - grace.time)
            THEN 'absent'
        ELSE 'between'
    END AS phase
FROM grace
CROSS JOIN spanned
