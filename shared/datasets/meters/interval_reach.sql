-- How far back rules look at intervals: the longest window of a rule and a week before the period, as days since 1970.
--
-- [view]

SELECT
    CAST(CAST(period.first_day AS INT) AS DOUBLE) - 7 - greatest(
        CAST(settings.spike_days AS DOUBLE),
        settings.baseline_days,
        2 * settings.low_days,
        settings.flat_days,
        settings.estimation_days,
        ceil(settings.zero_run_hours / 24.0),
        ceil(settings.stuck_hours / 24.0)
    ) AS first_day
FROM settings
CROSS JOIN period
