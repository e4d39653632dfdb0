-- Energy per customer and day, the day as the readings' own texts have it.
--
-- daily_usage_kwh  the total of the day's readings, kWh
-- readings         how many readings the day has
-- first_start_time_utc
--                  when the day's first interval begins
-- last_start_time_utc
--                  when the day's last interval begins
--
-- [model]
-- partition = "month(day)"
-- inputs = ["reading"]
-- shard = ["customer_id"]
-- [[test]]
-- unique = ["customer_id", "day"]
-- not_null = ["daily_usage_kwh"]
-- range = { readings = [1, inf] }

SELECT
    customer_id,
    day,
    sum(usage_kwh) AS daily_usage_kwh,
    count(*) AS readings,
    min(start_time) AS first_start_time_utc,
    max(start_time) AS last_start_time_utc
FROM reading
GROUP BY customer_id, day
ORDER BY customer_id, day
