-- What the rules find when they look at the days of a month: theft_detection makes periods of it. What is found on a day
-- may be of days before it.
--
-- rule         which one found it; device_id, service_point_id and measuring_component_id say where
-- day          on which it was found; first_day and last_day, and started and ended, what it is of
-- times        how many times the rule's threshold is reached; metric says what was measured against it
-- measured, threshold
--              the two, by that metric
-- kwh          that were used; null where a rule is of no amount
-- doubt        on which guess it rests: status_date_unknown, spread_evenly or use_before_unknown; null: none
--
-- [model]
-- partition = "month(day)"
-- intermediate = true
-- inputs = [
--     "component_day",
--     "rule_consumption_after_disconnect",
--     "rule_no_active_install",
--     "rule_inactive_device",
--     "rule_zero_consumption",
--     "rule_sudden_drop",
--     "rule_negative_consumption",
--     "rule_flat_profile",
--     "rule_stuck_register",
--     "rule_spike",
--     "rule_prolonged_estimation",
--     "rule_unknown_component",
--     "rule_unknown_device",
-- ]
-- look_back_days = 400
-- [[test]]
-- not_null = ["rule", "measuring_component_id", "first_day", "last_day", "day", "started", "ended", "times"]

WITH found AS (
    SELECT * FROM rule_consumption_after_disconnect
    UNION ALL
    SELECT * FROM rule_no_active_install
    UNION ALL
    SELECT * FROM rule_inactive_device
    UNION ALL
    SELECT * FROM rule_zero_consumption
    UNION ALL
    SELECT * FROM rule_sudden_drop
    UNION ALL
    SELECT * FROM rule_negative_consumption
    UNION ALL
    SELECT * FROM rule_flat_profile
    UNION ALL
    SELECT * FROM rule_stuck_register
    UNION ALL
    SELECT * FROM rule_spike
    UNION ALL
    SELECT * FROM rule_prolonged_estimation
    UNION ALL
    SELECT * FROM rule_unknown_component
    UNION ALL
    SELECT * FROM rule_unknown_device
)

SELECT found.*
FROM found
CROSS JOIN period
WHERE found.day >= period.first_day AND found.day < period.next_day
ORDER BY measuring_component_id, rule, day, first_day, last_day, started, device_id, service_point_id
