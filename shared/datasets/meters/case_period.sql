-- The periods of which case_part tells in a month: those that end in it, and the drops before it of which the baseline is in
-- the look-back, as these may go on.
--
-- device, point: device_id and service_point_id, and an empty text where these are not known.
-- energy: which energy is at risk, by list.rule_meaning.
-- is_drop: whether the period is one that is followed until use recovers.
--
-- [view]
-- inputs = ["found_period"]
-- materialize = true

SELECT
    found_period.*,
    coalesce(found_period.device_id, '') AS device,
    coalesce(found_period.service_point_id, '') AS point,
    rule_meaning.energy,
    found_period.rule = 'sudden_drop' AND rule_meaning.energy = 'missing' AS is_drop
FROM settings
CROSS JOIN period
CROSS JOIN (rule_meaning RIGHT JOIN found_period ON found_period.rule = rule_meaning.rule)
WHERE found_period.last_day < period.next_day
    AND (
        found_period.last_day >= period.first_day
        OR (
            found_period.rule = 'sudden_drop'
            AND rule_meaning.energy = 'missing'
            AND CAST(found_period.first_day AS INT) - settings.baseline_days >= CAST(period.first_day AS INT) - 400
        )
    )
