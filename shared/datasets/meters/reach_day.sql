-- The days of components that rules compare with.
--
-- [view]
-- inputs = ["component_day", "interval_reach"]

SELECT component_day.*
FROM interval_reach
CROSS JOIN component_day
WHERE CAST(CAST(component_day.day AS INT) AS DOUBLE) >= interval_reach.first_day
