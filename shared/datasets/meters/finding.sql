-- What the rules find when they look at the days of a month: theft_detection makes periods of it. What is found on a day
-- may be of days before it.
--
-- rule              the rule that found it, such as sudden_drop
-- device_id         the component's device; null: not known
-- service_point_id  the customer's connection where the device was, or was last while it was not installed; null or an empty
--                   text: not known
-- measuring_component_id
--                   the component of which it was found
-- first_day         first local day of what was found
-- last_day          last local day of what was found
-- day               local day on which it was found; it decides the month
-- started           when the first value begins that the rule speaks of
-- ended             when the last value ends that the rule speaks of
-- times             how many times the rule's threshold is reached; of values that should not be there at all, how many the
--                   day has
-- metric            name of what was measured, such as kwh_in_a_day
-- measured          what was measured, by metric
-- threshold         the setting that decides, such as drop_ratio; 0 for unknown_component and unknown_device
-- kwh               energy of what was found, kWh, below 0 where the meter ran backwards; null where the rule tells no
--                   amount
-- doubt             the guess on which it rests: status_date_unknown, spread_evenly or use_before_unknown; null: none
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
