-- What the values of a component's day add up to: one row per component, span, phase (see spanned_value) and day. Of
-- intervals rules need nothing more, but for runs of equal ones.
--
-- device_id          the component's device; null: not known
-- service_point_id   the customer's connection where the device was, or was last while it was not installed; null: not known
-- phase              on; off: the service, for grace_hours or more; absent: no valid install event, grace_hours or more from
--                    any; between: within these hours
-- lacking            component: it has no row in measuring_component; device: it names none, or one without row in device;
--                    null: neither, or that table is empty
-- judged             whether rules look at the component, by its unit and type
-- is_register        whether values are readings that grow, not those of intervals
-- is_received        whether the component measures what is received from the customer, as solar is, not what is delivered
-- installed          whether an install event is valid, or there is none of any device; false for a component without row in
--                    measuring_component
-- inactive_since     since when the device is not active: its status_date, else its last removal, else when its file
--                    arrived; null: active
-- inactive_is_dated  whether inactive_since is the device's status_date; null: the device is active
-- interval_seconds   how long an interval is, seconds; 0: a register, or a component without row in measuring_component
-- days               how many days one interval has, at least 1
-- readings           how many values there are, of whatever class
-- started            when the first of all values begins
-- ended              when the last of all values ends
-- usable             how many values have no flag of list.unusable_flag
-- usable_started     when the first usable value begins; null without one
-- usable_ended       when the last usable value ends; null without one
-- estimated          how many values are estimated
-- coded              how many values are regular or estimated
-- counted            how many values count as energy: regular ones, not of registers, of a component that is judged
-- counted_started    when the first counted value begins; null without one
-- counted_ended      when the last counted value ends; null without one
-- kwh                sum of the counted values, kWh; null without one
-- square             sum of the squares of the counted values, kWh²; null without one
-- magnitude          sum of the counted values without their signs, kWh; null without one
-- negative           how many counted values are below negative_kwh of the settings
-- negative_kwh       sum of the values below negative_kwh of the settings, kWh; null without one
-- negative_started   when the first value below negative_kwh of the settings begins; null without one
-- negative_ended     when the last value below negative_kwh of the settings ends; null without one
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
