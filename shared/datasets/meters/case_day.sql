-- The days of components of which something is missing, as case_part compares them: of intervals, where these are installed
-- and on. Of most components nothing is missing.
--
-- kwh, hours: of the values of the day; week_kw: kWh per hour of the week that the day begins.
--
-- [view]
-- inputs = ["component_day", "case_period"]
-- materialize = true

-- The small table stands on the left.
WITH measured AS (
    SELECT
        component_day.measuring_component_id,
        coalesce(component_day.service_point_id, '') AS service_point_id,
        component_day.day,
        CAST(CAST(component_day.day AS INT) AS BIGINT) AS number,
        sum(component_day.kwh) AS kwh,
        sum(component_day.counted * component_day.interval_seconds) / 3600.0 AS hours
    FROM (SELECT DISTINCT measuring_component_id FROM case_period WHERE energy = 'missing') AS wanted
    INNER JOIN component_day ON component_day.measuring_component_id = wanted.measuring_component_id
    CROSS JOIN period
    WHERE component_day.judged
        AND NOT component_day.is_register
        AND component_day.phase = 'on'
        AND component_day.counted > 0
        AND component_day.day < period.next_day
    GROUP BY component_day.measuring_component_id, coalesce(component_day.service_point_id, ''), component_day.day
)

SELECT
    *,
    sum(kwh) OVER week / nullif(sum(hours) OVER week, 0.0) AS week_kw
FROM measured
WINDOW week AS (
    PARTITION BY measuring_component_id, service_point_id
    ORDER BY number
    RANGE BETWEEN CURRENT ROW AND 6 FOLLOWING
)
