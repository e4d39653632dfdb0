-- What was found, as periods: one row per component, rule and contiguous period, those of the months before as well, as far
-- as they are in reach. theft_detection and case_part are made of them.
--
-- Severity is lower where a finding is in doubt: if not one of its days is without.
--
-- [view]
-- inputs = ["finding"]
-- materialize = true

WITH marked AS (
    SELECT
        *,
        CASE
            WHEN CAST(first_day AS INT) <= settings.period_gap_days + CAST(
                max(last_day) OVER (
                    PARTITION BY rule, measuring_component_id, device_id, service_point_id
                    ORDER BY first_day, last_day, started
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS INT
            )
                THEN 0
            ELSE 1
        END AS begins
    FROM settings
    CROSS JOIN finding
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY rule, measuring_component_id, device_id, service_point_id
            ORDER BY first_day, last_day, started
            ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM marked
),

found AS (
    SELECT
        device_id,
        service_point_id,
        measuring_component_id,
        rule,
        number,
        min(first_day) AS first_day,
        max(last_day) AS last_day,
        min(started) AS period_start,
        max(ended) AS period_end,
        sum(kwh) AS kwh,
        CASE WHEN count(doubt) = count(*) THEN min(doubt) END AS doubt,
        max(times) AS times,
        first_value(metric ORDER BY times DESC, last_day) AS metric,
        first_value(measured ORDER BY times DESC, last_day) AS measured,
        first_value(threshold ORDER BY times DESC, last_day) AS threshold
    FROM numbered
    GROUP BY device_id, service_point_id, measuring_component_id, rule, number
)

SELECT
    found.*,
    CASE
        WHEN found.doubt IS NULL THEN reported_rule.severity
        WHEN reported_rule.severity = 'high' THEN 'medium'
        ELSE 'low'
    END AS severity,
    reported_rule.weight
FROM found
INNER JOIN reported_rule ON reported_rule.rule = found.rule
