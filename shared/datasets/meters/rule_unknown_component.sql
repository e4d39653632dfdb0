-- Measurements of a component that no row of measuring_component has: of which device they are, and in which unit, is not
-- known.
--
-- [view]
-- inputs = ["month_day"]

SELECT
    'unknown_component' AS rule,
    CAST(NULL AS VARCHAR) AS device_id,
    CAST(NULL AS VARCHAR) AS service_point_id,
    measuring_component_id,
    day AS first_day,
    day AS last_day,
    day,
    min(usable_started) AS started,
    max(usable_ended) AS ended,
    CAST(sum(usable) AS DOUBLE) AS times,
    'values_in_a_day' AS metric,
    CAST(sum(usable) AS DOUBLE) AS measured,
    0.0 AS threshold,
    CAST(NULL AS DOUBLE) AS kwh,
    CAST(NULL AS VARCHAR) AS doubt
FROM month_day
WHERE lacking = 'component' AND usable > 0
GROUP BY measuring_component_id, day
