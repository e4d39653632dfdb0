-- Every reading beside its customer's total of that day.
--
-- daily_usage_kwh  the customer's total of the day that the reading's own text names, kWh
-- start_time_utc   start of the interval
-- received_at      when the raw bytes of the reading's row were received
--
-- [model]
-- partition = "month(day)"
-- hidden = ["day"]
-- inputs = ["reading"]
-- shard = ["customer_id"]
-- [[test]]
-- not_null = ["customer_id", "start_time_utc", "daily_usage_kwh"]

-- Not a window over the day: without an order, the engine holds all rows of a window's input in one batch.
WITH daily AS (
    SELECT customer_id, day, sum(usage_kwh) AS usage_kwh FROM reading GROUP BY customer_id, day
)

SELECT
    reading.customer_id,
    reading.usage_kwh,
    daily.usage_kwh AS daily_usage_kwh,
    reading.start_time AS start_time_utc,
    reading.received_at,
    reading.day
FROM daily
INNER JOIN reading ON reading.customer_id = daily.customer_id AND reading.day = daily.day
ORDER BY customer_id, start_time_utc
