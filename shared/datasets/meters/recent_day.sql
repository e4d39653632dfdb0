-- The days of components that rules look at.
--
-- [view]
-- inputs = ["component_day", "interval_reach"]

SELECT component_day.*, CAST(CAST(component_day.day AS INT) AS DOUBLE) AS number
FROM interval_reach
CROSS JOIN component_day
WHERE CAST(CAST(component_day.day AS INT) AS DOUBLE) >= interval_reach.first_day
