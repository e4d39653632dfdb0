-- Points and commits of learners by week, under the cohort in which the current list has them. Weeks of learners who are
-- no longer in it stay. Points or commits that failed to come are null; weeks of which neither is known are left out.
--
-- email   email address, by which a person of the list is known; null for learners who are no longer in it
-- day     the day of the month on which the week begins, from 1 to 31
-- cohort  the cohort by the current list: a name, not a number; unknown for learners who are no longer in it
--
-- [model]
-- partition = "year_month(date)"
-- split = ["cohort"]
-- inputs = ["weekly_score", "account_holder"]
-- [[test]]
-- unique = ["id", "date"]
-- not_null = ["id", "date", "cohort"]
-- range = { points = [0, inf], commits = [0, inf] }

SELECT
    weekly_score.id,
    account_holder.email,
    weekly_score.date,
    CAST(date_part('day', weekly_score.date) AS INT) AS day,
    weekly_score.points,
    weekly_score.commits,
    coalesce(account_holder.cohort, 'unknown') AS cohort
FROM weekly_score
LEFT JOIN account_holder ON account_holder.id = weekly_score.id
WHERE weekly_score.points IS NOT NULL OR weekly_score.commits IS NOT NULL
ORDER BY weekly_score.date, weekly_score.id
