-- The course's eight newest complete weeks, for everybody of the current list who has an account. Points and commits are
-- null where their list does not have the week, which is not the same as 0.
--
-- [view]
-- inputs = ["weekly_score", "learner"]
-- materialize = true

WITH known AS (
    SELECT
        id,
        date,
        CASE WHEN coalesce(has_points, true) THEN points END AS points,
        CASE WHEN coalesce(has_commits, true) THEN commits END AS commits,
        greatest(max(received_on) OVER (), max(date) OVER ()) AS known_until
    FROM weekly_score
),

-- The newest week that is over and that both lists have for somebody.
of_course AS (
    SELECT max(date) AS newest
    FROM (
        SELECT date
        FROM known
        WHERE date <= known_until - INTERVAL '7 days'
        GROUP BY date
        HAVING count(points) > 0 AND count(commits) > 0
    )
),

week AS (
    SELECT weeks_ago.value AS weeks_ago, arrow_cast(CAST(of_course.newest AS INT) - CAST(7 * weeks_ago.value AS INT), 'Date32') AS week
    FROM of_course
    CROSS JOIN generate_series(0, 7) AS weeks_ago
    WHERE of_course.newest IS NOT NULL
)

SELECT
    learner.id,
    learner.email,
    learner.name,
    learner.cohort,
    week.week,
    week.weeks_ago,
    known.points,
    known.commits
FROM learner
CROSS JOIN week
LEFT JOIN known ON known.id = learner.id AND known.date = week.week
WHERE learner.id > 0
