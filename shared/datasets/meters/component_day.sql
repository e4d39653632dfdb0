-- What the values of a component's day add up to: one row per component, span, phase (see spanned_value) and day. Of
-- intervals rules need nothing more, but for runs of equal ones.
--
-- lacking, judged, is_register, is_received, installed, inactive_since, inactive_is_dated, interval_seconds, device_id,
-- service_point_id: as in metered.
-- started, ended: when the first of all values begins and the last one ends.
-- readings: how many values there are; usable: those without an unusable flag; coded: those that are regular or estimated;
-- counted: those that are regular energy. usable_started, counted_started, ... are when the first of them began and the
-- last one ended.
-- square: the sum of the squares of kwh; magnitude: that of its amounts without signs.
-- negative, negative_kwh, negative_started, negative_ended: the values below negative_kwh of the settings.
-- days: how many days one interval has, at least 1.
--
-- [model]
-- partition = "month(day)"
-- intermediate = true
-- inputs = ["measurement", "metered", "spanned_value"]

WITH daily AS (
    SELECT
        spanned_value.measuring_component_id,
        spanned_value.span,
        spanned_value.phase,
        spanned_value.day,
        count(*) AS readings,
        min(spanned_value.started) AS started,
        max(spanned_value.measurement_dttm) AS ended,
        sum(CASE WHEN class = 'unusable' THEN 0 ELSE 1 END) AS usable,
        min(CASE WHEN class = 'unusable' THEN NULL ELSE started END) AS usable_started,
        max(CASE WHEN class = 'unusable' THEN NULL ELSE measurement_dttm END) AS usable_ended,
        sum(CASE WHEN class = 'estimated' THEN 1 ELSE 0 END) AS estimated,
        sum(CASE WHEN class IN ('regular', 'estimated') THEN 1 ELSE 0 END) AS coded,
        count(kwh) AS counted,
        min(CASE WHEN kwh IS NULL THEN NULL ELSE started END) AS counted_started,
        max(CASE WHEN kwh IS NULL THEN NULL ELSE measurement_dttm END) AS counted_ended,
        sum(kwh) AS kwh,
        sum(kwh * kwh) AS square,
        sum(abs(kwh)) AS magnitude,
        sum(CASE WHEN kwh < settings.negative_kwh THEN 1 ELSE 0 END) AS negative,
        sum(CASE WHEN kwh < settings.negative_kwh THEN kwh END) AS negative_kwh,
        min(CASE WHEN kwh < settings.negative_kwh THEN started END) AS negative_started,
        max(CASE WHEN kwh < settings.negative_kwh THEN measurement_dttm END) AS negative_ended
    FROM settings
    CROSS JOIN spanned_value
    GROUP BY
        spanned_value.measuring_component_id,
        spanned_value.span,
        spanned_value.phase,
        spanned_value.day
)

SELECT
    daily.measuring_component_id,
    metered.device_id,
    metered.service_point_id,
    daily.phase,
    daily.day,
    metered.lacking,
    metered.judged,
    metered.is_register,
    metered.is_received,
    metered.installed,
    metered.inactive_since,
    metered.inactive_is_dated,
    metered.interval_seconds,
    greatest(metered.interval_seconds / 86400.0, 1.0) AS days,
    daily.readings,
    daily.started,
    daily.ended,
    daily.usable,
    daily.usable_started,
    daily.usable_ended,
    daily.estimated,
    daily.coded,
    daily.counted,
    daily.counted_started,
    daily.counted_ended,
    daily.kwh,
    daily.square,
    daily.magnitude,
    daily.negative,
    daily.negative_kwh,
    daily.negative_started,
    daily.negative_ended
FROM metered
INNER JOIN daily ON daily.measuring_component_id = metered.measuring_component_id AND daily.span = metered.span
ORDER BY daily.measuring_component_id, daily.day, daily.span, daily.phase
