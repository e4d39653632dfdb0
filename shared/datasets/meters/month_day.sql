-- The days of the month that rules look at.
--
-- [view]
-- inputs = ["component_day"]

SELECT component_day.*, CAST(CAST(component_day.day AS INT) AS DOUBLE) AS number
FROM period
CROSS JOIN component_day
WHERE component_day.day >= period.first_day AND component_day.day < period.next_day
