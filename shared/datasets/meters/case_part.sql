-- The parts of case_ranking: one row per component, rule and period of theft_detection, in the month of the period's last
-- day, with the energy at risk in the whole period.
--
-- rule, severity, doubt: as in theft_detection and finding; so are device_id, service_point_id and measuring_component_id.
-- first_day, last_day: of the period, by local days.
-- kwh_at_risk: by list.rule_meaning what was used where nothing should be, or what is missing against the baseline_days
-- before the period. Only hours that have values are compared: what was not measured is not missing. Null where it
-- cannot be told.
--
-- [model]
-- partition = "month(day)"
-- intermediate = true
-- inputs = ["found_period", "component_day"]
-- look_back_days = 400
-- [[test]]
-- not_null = ["measuring_component_id", "rule", "severity", "first_day", "last_day"]
-- range = { kwh_at_risk = [0, inf] }

WITH missing AS (
    SELECT
        found_period.*,
        coalesce(found_period.device_id, '') AS device,
        coalesce(found_period.service_point_id, '') AS point
    FROM rule_meaning
    INNER JOIN found_period ON found_period.rule = rule_meaning.rule
    WHERE rule_meaning.energy = 'missing'
),

-- Only days of components of which something is missing: of most nothing is. The small table stands on the left.
measured AS (
    SELECT
        component_day.measuring_component_id,
        coalesce(component_day.service_point_id, '') AS service_point_id,
        component_day.day,
        sum(component_day.kwh) AS kwh,
        sum(component_day.counted * component_day.interval_seconds) / 3600.0 AS hours
    FROM (SELECT DISTINCT measuring_component_id FROM missing) AS wanted
    INNER JOIN component_day ON component_day.measuring_component_id = wanted.measuring_component_id
    WHERE component_day.judged
        AND NOT component_day.is_register
        AND component_day.phase = 'on'
        AND component_day.counted > 0
    GROUP BY component_day.measuring_component_id, coalesce(component_day.service_point_id, ''), component_day.day
),

compared AS (
    SELECT
        missing.measuring_component_id,
        missing.device,
        missing.point,
        missing.rule,
        missing.number,
        sum(measured.kwh) FILTER (WHERE measured.day < missing.first_day)
        / nullif(sum(measured.hours) FILTER (WHERE measured.day < missing.first_day), 0.0) AS kw_before,
        sum(measured.kwh) FILTER (WHERE measured.day >= missing.first_day) AS kwh,
        sum(measured.hours) FILTER (WHERE measured.day >= missing.first_day) AS hours
    FROM settings
    CROSS JOIN missing
    INNER JOIN measured
        ON measured.measuring_component_id = missing.measuring_component_id
        AND measured.service_point_id = missing.point
    WHERE CAST(measured.day AS INT) >= CAST(missing.first_day AS INT) - settings.baseline_days
        AND measured.day <= missing.last_day
    GROUP BY
        missing.measuring_component_id,
        missing.device,
        missing.point,
        missing.rule,
        missing.number
),

weighed AS (
    SELECT
        found_period.*,
        CASE rule_meaning.energy
            WHEN 'used' THEN found_period.kwh
            WHEN 'backwards' THEN abs(found_period.kwh)
            WHEN 'missing' THEN compared.kw_before * compared.hours - compared.kwh
        END AS at_risk
    FROM found_period
    LEFT JOIN rule_meaning ON rule_meaning.rule = found_period.rule
    LEFT JOIN compared
        ON compared.measuring_component_id = found_period.measuring_component_id
        AND compared.device = coalesce(found_period.device_id, '')
        AND compared.point = coalesce(found_period.service_point_id, '')
        AND compared.rule = found_period.rule
        AND compared.number = found_period.number
)

SELECT
    last_day AS day,
    device_id,
    nullif(service_point_id, '') AS service_point_id,
    measuring_component_id,
    rule,
    severity,
    doubt,
    first_day,
    last_day,
    CASE WHEN at_risk > 0.0 THEN at_risk WHEN at_risk <= 0.0 THEN 0.0 END AS kwh_at_risk
FROM weighed
ORDER BY device_id, measuring_component_id, rule, first_day, last_day, service_point_id
