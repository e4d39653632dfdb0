-- Every reading beside its customer's total of that day.
--
-- [model]
-- partition = "month(day)"
-- hidden = ["day"]
-- inputs = ["reading"]
-- [[test]]
-- not_null = ["customer_id", "start_time_utc", "daily_usage_kwh"]

SELECT
    customer_id,
    usage_kwh,
    sum(usage_kwh) OVER (PARTITION BY customer_id, day) AS daily_usage_kwh,
    start_time AS start_time_utc,
    received_at,
    day
FROM reading
ORDER BY customer_id, start_time
