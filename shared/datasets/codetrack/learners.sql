-- Who excels, who struggles, who is losing interest: one row for each person of the current list, and for each account
-- that has weeks though nobody of the list holds it.
--
-- standing  active; no_weeks (an account that nothing is known of); no_account; left (not in the list)
-- status    by the newest week: struggling, high or on_track; null without weeks
-- trend     mean points of the four weeks up to the newest against the four before: falling, steady or rising; inactive
--           if four weeks brought neither points nor commits, or ended four weeks or more before the course's newest;
--           null if there is nothing to compare with
--
-- Means are over the weeks that are known.
--
-- [model]
-- inputs = ["weekly_score", "learner", "account"]

WITH dated AS (
    SELECT
        *,
        max(date) OVER (PARTITION BY id) AS newest_week,
        max(date) OVER () AS newest_of_all
    FROM weekly_score
),

figures AS (
    SELECT
        id,
        newest_week,
        newest_week <= newest_of_all - INTERVAL '28 days' AS silent,
        count(*) AS weeks,
        max(points) FILTER (WHERE date = newest_week) AS points,
        max(commits) FILTER (WHERE date = newest_week) AS commits,
        sum(points) AS total_points,
        sum(commits) AS total_commits,
        avg(points) FILTER (WHERE date > newest_week - INTERVAL '28 days') AS average_points,
        avg(commits) FILTER (WHERE date > newest_week - INTERVAL '28 days') AS average_commits,
        avg(points) FILTER (
            WHERE date <= newest_week - INTERVAL '28 days' AND date > newest_week - INTERVAL '56 days'
        ) AS earlier_average_points,
        avg(commits) FILTER (
            WHERE date <= newest_week - INTERVAL '28 days' AND date > newest_week - INTERVAL '56 days'
        ) AS earlier_average_commits
    FROM dated
    GROUP BY id, newest_week, newest_of_all
),

newest_account AS (
    SELECT id, free_code_camp_points, honor, leetcode_points
    FROM (
        SELECT *, row_number() OVER (PARTITION BY id ORDER BY week DESC) AS age
        FROM account
    )
    WHERE age = 1
),

people AS (
    SELECT id, email, name, cohort, leetcode_id, true AS listed
    FROM learner
    UNION ALL
    SELECT figures.id, NULL AS email, NULL AS name, 'unknown' AS cohort, NULL AS leetcode_id, false AS listed
    FROM figures
    LEFT ANTI JOIN learner ON learner.id = figures.id
)

SELECT
    people.id,
    people.email,
    people.name,
    people.cohort,
    CASE
        WHEN NOT people.listed THEN 'left'
        WHEN people.id <= 0 THEN 'no_account'
        WHEN figures.id IS NULL THEN 'no_weeks'
        ELSE 'active'
    END AS standing,
    CASE
        WHEN figures.id IS NULL THEN NULL
        WHEN
            figures.points < settings.struggling_below_points
            OR figures.commits < settings.struggling_below_commits
            THEN 'struggling'
        WHEN figures.points >= settings.high_from_points AND figures.commits >= settings.high_from_commits THEN 'high'
        ELSE 'on_track'
    END AS status,
    CASE
        WHEN figures.silent OR (figures.average_points = 0 AND figures.average_commits = 0) THEN 'inactive'
        WHEN figures.earlier_average_points IS NULL THEN NULL
        WHEN figures.average_points < settings.falling_below * figures.earlier_average_points THEN 'falling'
        WHEN figures.average_points > settings.rising_above * figures.earlier_average_points THEN 'rising'
        ELSE 'steady'
    END AS trend,
    figures.newest_week,
    figures.points,
    figures.commits,
    figures.average_points,
    figures.average_commits,
    figures.earlier_average_points,
    figures.earlier_average_commits,
    coalesce(figures.weeks, 0) AS weeks,
    coalesce(figures.total_points, 0) AS total_points,
    coalesce(figures.total_commits, 0) AS total_commits,
    newest_account.free_code_camp_points,
    newest_account.honor,
    newest_account.leetcode_points,
    newest_account.free_code_camp_points + newest_account.honor + newest_account.leetcode_points AS account_points,
    people.leetcode_id
FROM people
CROSS JOIN settings
LEFT JOIN figures ON figures.id = people.id AND people.id > 0
LEFT JOIN newest_account ON newest_account.id = people.id AND people.id > 0
ORDER BY people.cohort, people.id, people.email
