-- What looks like theft or a broken meter: one row per component, rule and contiguous period, in the month of the
-- period's last day. A period that goes on has a row in each month, which tells of it up to the month's end; it is
-- followed back as far as the look-back reaches. Rules are the rule_*.sql beside this file, thresholds in dataset.toml; what
-- they find of a month is made once, in finding.sql.
--
-- The look-back: a register that is read once a year has its earlier reading in it, and the windows of rules fit into it,
-- with a week for the periods that begin before the month. [bounds] in dataset.toml keeps them to that.
--
-- Severity and score are lower where a finding is in doubt: if not one of its days is without. To say which meter to visit
-- first, case_ranking has the energy.
--
-- device_id         the component's device; null: not known
-- service_point_id  the customer's connection where the device was, or was last while it was not installed; null: not known
-- measuring_component_id
--                   the component of which it was found
-- rule              the rule that found it, one of list.reported_rule, such as sudden_drop
-- severity          high, medium or low, by list.reported_rule; the next lower one where the period is in doubt
-- score             from 0 to 1: weight * x / (x + 1), where x tells how many times the rule's threshold is reached; half of
--                   it where in doubt
-- period_start      when the first value begins that the rule speaks of
-- period_end        when the last value ends that the rule speaks of
-- evidence          JSON: the period's days, its kWh where there are any, what was measured, the rule's threshold, and the
--                   doubt
--
-- [model]
-- partition = "month(day)"
-- hidden = ["day"]
-- inputs = ["found_period"]
-- look_back_days = 400
-- [[test]]
-- accepted = { severity = ["high", "medium", "low"] }
-- range = { score = [0, 1] }
-- not_null = ["rule", "period_start", "period_end"]

WITH ending AS (
    SELECT found_period.*
    FROM period
    CROSS JOIN found_period
    WHERE found_period.last_day >= period.first_day AND found_period.last_day < period.next_day
)

SELECT
    device_id,
    nullif(service_point_id, '') AS service_point_id,
    measuring_component_id,
    rule,
    severity,
    round(CASE WHEN doubt IS NULL THEN 1.0 ELSE 0.5 END * weight * times / (times + 1.0), 3) AS score,
    period_start,
    period_end,
    concat(
        '{"days":', CAST(CAST(last_day AS INT) - CAST(first_day AS INT) + 1 AS VARCHAR),
        coalesce(',"kwh":' || CAST(round(kwh, 3) AS VARCHAR), ''),
        ',"', metric, '":', CAST(round(measured, 4) AS VARCHAR),
        ',"threshold":', CAST(threshold AS VARCHAR),
        coalesce(',"' || doubt || '":1', ''), '}'
    ) AS evidence,
    last_day AS day
FROM ending
ORDER BY device_id, measuring_component_id, rule, period_start, period_end, service_point_id
