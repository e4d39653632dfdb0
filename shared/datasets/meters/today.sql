-- The days of the month in meter_day: each is compared with days before it.
--
-- [view]
-- inputs = ["meter_day"]

SELECT meter_day.*
FROM period
CROSS JOIN meter_day
WHERE meter_day.day >= period.first_day AND meter_day.day < period.next_day
