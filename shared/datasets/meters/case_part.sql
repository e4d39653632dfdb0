-- The parts of case_ranking: one row per component, rule and period of theft_detection, in the month of the period's last
-- day, with the energy at risk in the whole period.
--
-- A sudden_drop is followed beyond the days that theft_detection finds: its rule compares with the mean of the days before,
-- and days that are low lower that mean, until they are no longer found. Here a drop lasts until use has recovered
-- (recovery_ratio of the use before the drop, on a day and in the week that it begins, so that a single day with much use
-- does not end it) or there are no more values, and it has a row in each month. It is followed while its baseline is in
-- the look-back, which is a year.
--
-- Which energy is at risk says list.rule_meaning. Only hours that have values are compared: what was not measured is not
-- missing. A spike is over with its day, and does not go on.
--
-- day               the same as last_day; it decides the month
-- device_id         the component's device; null: not known
-- service_point_id  the customer's connection where the device was, or was last while it was not installed; null: not known
-- measuring_component_id
--                   the component of which it was found
-- rule              the rule that found it, one of list.reported_rule, such as sudden_drop
-- severity          high, medium or low, by list.reported_rule; the next lower one where the period is in doubt
-- doubt             the guess on which all of the period rests: status_date_unknown, spread_evenly or use_before_unknown;
--                   null: none
-- first_day         local day on which the period begins
-- last_day          local day on which the period ends; of a drop the last one before use recovers
-- kwh_at_risk       kWh used where nothing should be, run backwards, or missing against the baseline_days before; null where
--                   it cannot be told
-- goes_on           whether the component's last day with values, up to the month's end, belongs to the period, and the
--                   meter was not removed since
--
-- [model]
-- partition = "month(day)"
-- intermediate = true
-- inputs = ["component_day", "case_period", "case_day", "metered"]
-- look_back_days = 400
-- [[test]]
-- not_null = ["measuring_component_id", "rule", "severity", "first_day", "last_day", "goes_on"]
-- range = { kwh_at_risk = [0, inf] }

WITH before AS (
    SELECT
        case_period.measuring_component_id,
        case_period.device,
        case_period.point,
        case_period.rule,
        case_period.number,
        case_period.first_day,
        case_period.last_day,
        case_period.is_drop,
        sum(case_day.kwh) / nullif(sum(case_day.hours), 0.0) AS kw_before
    FROM settings
    CROSS JOIN case_period
    INNER JOIN case_day
        ON case_day.measuring_component_id = case_period.measuring_component_id
        AND case_day.service_point_id = case_period.point
    WHERE case_period.energy = 'missing'
        AND case_day.number >= CAST(case_period.first_day AS INT) - settings.baseline_days
        AND case_day.day < case_period.first_day
    GROUP BY
        case_period.measuring_component_id,
        case_period.device,
        case_period.point,
        case_period.rule,
        case_period.number,
        case_period.first_day,
        case_period.last_day,
        case_period.is_drop
),

-- A day with few values says little of how much is used in one.
recovered AS (
    SELECT
        before.measuring_component_id,
        before.device,
        before.point,
        before.number,
        min(case_day.day) AS day
    FROM settings
    CROSS JOIN before
    INNER JOIN case_day
        ON case_day.measuring_component_id = before.measuring_component_id
        AND case_day.service_point_id = before.point
    WHERE before.is_drop
        AND case_day.day > before.last_day
        AND case_day.hours >= settings.min_day_coverage * 24.0
        AND case_day.kwh >= settings.recovery_ratio * before.kw_before * case_day.hours
        AND case_day.week_kw >= settings.recovery_ratio * before.kw_before
    GROUP BY before.measuring_component_id, before.device, before.point, before.number
),

compared AS (
    SELECT
        before.measuring_component_id,
        before.device,
        before.point,
        before.rule,
        before.number,
        max(case_day.day) AS last_day,
        before.kw_before * sum(case_day.hours) - sum(case_day.kwh) AS kwh
    FROM before
    LEFT JOIN recovered
        ON before.is_drop
        AND recovered.measuring_component_id = before.measuring_component_id
        AND recovered.device = before.device
        AND recovered.point = before.point
        AND recovered.number = before.number
    INNER JOIN case_day
        ON case_day.measuring_component_id = before.measuring_component_id
        AND case_day.service_point_id = before.point
    WHERE case_day.day >= before.first_day
        AND (
            case_day.day <= before.last_day
            OR (before.is_drop AND before.kw_before > 0.0 AND (recovered.day IS NULL OR case_day.day < recovered.day))
        )
    GROUP BY
        before.measuring_component_id,
        before.device,
        before.point,
        before.rule,
        before.number,
        before.kw_before
),

-- Days with values of whatever place and phase: of intervals regular ones, of registers readings.
newest AS (
    SELECT component_day.measuring_component_id, max(component_day.day) AS day
    FROM (SELECT DISTINCT measuring_component_id FROM case_period) AS wanted
    INNER JOIN component_day ON component_day.measuring_component_id = wanted.measuring_component_id
    CROSS JOIN period
    WHERE component_day.day < period.next_day
        AND (
            component_day.counted > 0
            OR ((component_day.is_register OR NOT component_day.judged) AND component_day.usable > 0)
        )
    GROUP BY component_day.measuring_component_id
),

-- Where the meter was installed in the month and is no more, even if nothing was measured since.
removed AS (
    SELECT metered.measuring_component_id, coalesce(metered.service_point_id, '') AS point
    FROM period
    INNER JOIN metered ON metered.day = period.first_day
    WHERE metered.installed
    GROUP BY metered.measuring_component_id, coalesce(metered.service_point_id, '')
    HAVING max(coalesce(metered.valid_until, arrow_cast('2261-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')))
        < arrow_cast('2261-01-01T00:00:00Z', 'Timestamp(Microsecond, Some("UTC"))')
),

weighed AS (
    SELECT
        case_period.*,
        greatest(case_period.last_day, compared.last_day) AS followed_until,
        newest.day AS newest_day,
        removed.point IS NOT NULL AND case_period.rule <> 'no_active_install' AS is_removed,
        CASE case_period.energy
            WHEN 'used' THEN case_period.kwh
            WHEN 'backwards' THEN abs(case_period.kwh)
            WHEN 'missing' THEN compared.kwh
        END AS at_risk
    FROM case_period
    LEFT JOIN compared
        ON compared.measuring_component_id = case_period.measuring_component_id
        AND compared.device = case_period.device
        AND compared.point = case_period.point
        AND compared.rule = case_period.rule
        AND compared.number = case_period.number
    LEFT JOIN newest ON newest.measuring_component_id = case_period.measuring_component_id
    LEFT JOIN removed
        ON removed.measuring_component_id = case_period.measuring_component_id
        AND removed.point = case_period.point
),

ending AS (
    SELECT weighed.*
    FROM period
    CROSS JOIN weighed
    WHERE weighed.followed_until >= period.first_day
)

SELECT
    followed_until AS day,
    device_id,
    nullif(service_point_id, '') AS service_point_id,
    measuring_component_id,
    rule,
    severity,
    doubt,
    first_day,
    followed_until AS last_day,
    CASE WHEN at_risk > 0.0 THEN at_risk WHEN at_risk <= 0.0 THEN 0.0 END AS kwh_at_risk,
    coalesce(followed_until >= newest_day, false) AND NOT is_removed AND rule <> 'spike' AS goes_on
FROM ending
ORDER BY
    device_id,
    measuring_component_id,
    rule,
    first_day,
    last_day,
    service_point_id
