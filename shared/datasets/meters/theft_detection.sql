-- What looks like theft or a broken meter: one row per component, rule and contiguous period, in the month of the
-- period's last day. A period that goes on has a row in each month, which tells of it up to the month's end; it is
-- followed back as far as the look-back reaches. Rules are the rule_*.sql beside this file, thresholds in dataset.toml; what they
-- find of a month is made once, in finding.sql.
--
-- The look-back: a register that is read once a year has its earlier reading in it, and the windows of rules fit into it,
-- with a week for the periods that begin before the month. [bounds] in dataset.toml keeps them to that.
--
-- Severity and score are lower where a finding is in doubt: if not one of its days is without.
--
-- [model]
-- partition = "month(day)"
-- hidden = ["day"]
-- inputs = ["finding"]
-- look_back_days = 400
-- [[test]]
-- accepted = { severity = ["high", "medium", "low"] }
-- range = { score = [0, 1] }
-- not_null = ["rule", "period_start", "period_end"]

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
    found.device_id,
    nullif(found.service_point_id, '') AS service_point_id,
    found.measuring_component_id,
    found.rule,
    CASE
        WHEN found.doubt IS NULL THEN reported_rule.severity
        WHEN reported_rule.severity = 'high' THEN 'medium'
        ELSE 'low'
    END AS severity,
    round(
        CASE WHEN found.doubt IS NULL THEN 1.0 ELSE 0.5 END * reported_rule.weight * found.times / (found.times + 1.0), 3
    ) AS score,
    found.period_start,
    found.period_end,
    concat(
        '{"days":', CAST(CAST(found.last_day AS INT) - CAST(found.first_day AS INT) + 1 AS VARCHAR),
        coalesce(',"kwh":' || CAST(round(found.kwh, 3) AS VARCHAR), ''),
        ',"', found.metric, '":', CAST(round(found.measured, 4) AS VARCHAR),
        ',"threshold":', CAST(found.threshold AS VARCHAR),
        coalesce(',"' || found.doubt || '":1', ''), '}'
    ) AS evidence,
    found.last_day AS day
FROM period
CROSS JOIN found
INNER JOIN reported_rule ON reported_rule.rule = found.rule
WHERE found.last_day >= period.first_day AND found.last_day < period.next_day
ORDER BY device_id, measuring_component_id, rule, period_start, period_end, service_point_id
