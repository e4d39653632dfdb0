-- Each person of the current list, and each account that has weeks though nobody of the list holds it, with standing,
-- status and trend. learners.sql says what they mean.
--
-- [view]
-- inputs = ["weekly_score", "learner", "account"]
-- materialize = true

WITH past AS (
    SELECT
        id,
        date,
        points,
        commits,
        -- Rows that were cleaned before there were these columns do not say. What is null is unknown.
        coalesce(has_points, true) AND points IS NOT NULL AS has_points,
        coalesce(has_commits, true) AND commits IS NOT NULL AS has_commits
    FROM (
        SELECT *, greatest(max(received_on) OVER (), max(date) OVER ()) AS known_until
        FROM weekly_score
    )
    WHERE date <= known_until - INTERVAL '7 days'
),

of_course AS (
    SELECT max(date) AS newest
    FROM (
        SELECT date
        FROM past
        GROUP BY date
        HAVING bool_or(has_points) AND bool_or(has_commits)
    )
),

-- Where a learner's lists end. Of a list without any week that is the week before the other one begins. A list may go on
-- in weeks of which it is unknown.
ended AS (
    SELECT
        id,
        max(date) FILTER (WHERE has_points OR has_commits) AS newest,
        max(date) FILTER (WHERE points IS NULL OR commits IS NULL) AS unknown_until,
        CAST(
            coalesce(max(date) FILTER (WHERE has_points OR points IS NULL), min(date) - INTERVAL '7 days') AS DATE
        ) AS points_until,
        CAST(
            coalesce(max(date) FILTER (WHERE has_commits OR commits IS NULL), min(date) - INTERVAL '7 days') AS DATE
        ) AS commits_until
    FROM past
    CROSS JOIN of_course
    WHERE date <= of_course.newest
    GROUP BY id
),

reached AS (
    SELECT
        ended.*,
        CAST(of_course.newest AS INT) - CAST(ended.newest AS INT) >= 7 * settings.silent_weeks
        AND (
            ended.unknown_until IS NULL
            OR CAST(of_course.newest AS INT) - CAST(ended.unknown_until AS INT) >= 7 * settings.silent_weeks
        ) AS silent,
        CAST(ended.newest AS INT) - CAST(points_until AS INT) >= 7 * settings.silent_weeks AS points_ended,
        CAST(ended.newest AS INT) - CAST(commits_until AS INT) >= 7 * settings.silent_weeks AS commits_ended
    FROM ended
    CROSS JOIN of_course
    CROSS JOIN settings
),

complete AS (
    SELECT
        past.id,
        past.date,
        past.points,
        past.commits,
        row_number() OVER (PARTITION BY past.id ORDER BY past.date DESC) AS age
    FROM past
    INNER JOIN reached ON reached.id = past.id
    WHERE past.date <= reached.newest
        AND (past.has_points OR (reached.points_ended AND past.date > reached.points_until))
        AND (past.has_commits OR (reached.commits_ended AND past.date > reached.commits_until))
),

compared AS (
    SELECT
        complete.id,
        max(complete.date) AS newest_week,
        max(complete.points) FILTER (WHERE complete.age = 1) AS points,
        max(complete.commits) FILTER (WHERE complete.age = 1) AS commits,
        count(*) FILTER (WHERE complete.age <= settings.recent_weeks) = max(settings.recent_weeks) AS has_recent,
        count(*) >= 2 * max(settings.recent_weeks) AS has_earlier,
        avg(complete.points) FILTER (WHERE complete.age <= settings.recent_weeks) AS average_points,
        avg(complete.commits) FILTER (WHERE complete.age <= settings.recent_weeks) AS average_commits,
        avg(complete.points) FILTER (
            WHERE complete.age > settings.recent_weeks AND complete.age <= settings.recent_weeks + settings.earlier_weeks
        ) AS earlier_average_points,
        avg(complete.commits) FILTER (
            WHERE complete.age > settings.recent_weeks AND complete.age <= settings.recent_weeks + settings.earlier_weeks
        ) AS earlier_average_commits
    FROM complete
    CROSS JOIN settings
    GROUP BY complete.id
),

figures AS (
    SELECT
        total.*,
        compared.newest_week,
        compared.points,
        compared.commits,
        compared.has_recent,
        compared.has_earlier,
        compared.average_points,
        compared.average_commits,
        compared.earlier_average_points,
        compared.earlier_average_commits,
        coalesce(reached.silent, false) AS silent,
        coalesce(compared.newest_week <> of_course.newest, true) AND NOT coalesce(reached.silent, false) AS incomplete,
        -- What is unknown has grown so long that the newest complete week says nothing about today.
        coalesce(
            CAST(of_course.newest AS INT) - CAST(compared.newest_week AS INT) >= 7 * settings.silent_weeks
            AND reached.unknown_until > compared.newest_week
            AND NOT reached.silent,
            false
        ) AS is_unknown
    FROM (
        SELECT
            id,
            count(*) FILTER (WHERE points IS NOT NULL OR commits IS NOT NULL) AS weeks,
            sum(points) AS total_points,
            sum(commits) AS total_commits
        FROM weekly_score
        GROUP BY id
    ) AS total
    CROSS JOIN of_course
    CROSS JOIN settings
    LEFT JOIN reached ON reached.id = total.id
    LEFT JOIN compared ON compared.id = total.id
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
        WHEN figures.weeks > 0 THEN 'active'
        ELSE 'no_weeks'
    END AS standing,
    CASE
        WHEN figures.newest_week IS NULL OR figures.is_unknown THEN NULL
        WHEN
            figures.points < settings.struggling_below_points
            OR figures.commits < settings.struggling_below_commits
            THEN 'struggling'
        WHEN figures.points >= settings.high_from_points AND figures.commits >= settings.high_from_commits THEN 'high'
        ELSE 'on_track'
    END AS status,
    figures.incomplete,
    CASE
        WHEN figures.silent THEN 'inactive'
        WHEN figures.is_unknown THEN NULL
        WHEN figures.has_recent AND figures.average_points = 0 AND figures.average_commits = 0 THEN 'inactive'
        WHEN figures.has_earlier IS NOT TRUE THEN NULL
        WHEN figures.average_points < (1.0 - settings.trend_share) * figures.earlier_average_points THEN 'falling'
        WHEN figures.average_points > (1.0 + settings.trend_share) * figures.earlier_average_points THEN 'rising'
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
    CASE WHEN figures.id IS NULL THEN 0 ELSE figures.total_points END AS total_points,
    CASE WHEN figures.id IS NULL THEN 0 ELSE figures.total_commits END AS total_commits,
    newest_account.free_code_camp_points,
    newest_account.honor,
    newest_account.leetcode_points,
    newest_account.free_code_camp_points + newest_account.honor + newest_account.leetcode_points AS account_points,
    people.leetcode_id
FROM people
CROSS JOIN settings
LEFT JOIN figures ON figures.id = people.id AND people.id > 0
LEFT JOIN newest_account ON newest_account.id = people.id AND people.id > 0
