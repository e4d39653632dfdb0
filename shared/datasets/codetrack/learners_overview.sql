-- Which learners to celebrate, which to talk to, who is silent, and where the data should be checked: one row for each
-- person of the current list. The model learners says what the figures mean.
--
-- id           the learner's number in Codetrack; 0 or less: the person has no account
-- list         the first that fits: check_data (no account, weeks or status), silent (inactive), talk_to (struggling or
--              falling), celebrate (high or rising), steady (none of these)
-- reason       why that list, in sentences; empty for steady, unless a list lags
-- status       struggling, high or on_track, by points and commits of newest_week; null without such a week, or where
--              unknown weeks made it too old
-- status_before
--              the status by the week before newest_week; null where points_before or commits_before is
-- trend        of mean points: falling, steady or rising; inactive: no points and commits, or both lists ended; null where
--              there is too little to compare
-- newest_week  the Monday of the learner's newest complete week; null without one
-- points       points of newest_week; null without one
-- points_before
--              points of the week before newest_week; null where unknown, or not among the course's eight newest complete
--              weeks
-- commits      commits of newest_week; null without one
-- commits_before
--              commits of the week before newest_week; null where unknown, or not among the course's eight newest complete
--              weeks
-- incomplete   whether a list lags, so that newest_week is missing or older than the course's and the status may still
--              change; null where no week has come
--
-- [model]
-- inputs = ["learner_standing", "recent_week"]
-- csv = { name = "learners_overview" }
-- [[test]]
-- unique = ["id", "email"]
-- not_null = ["list"]
-- accepted = { list = ["celebrate", "talk_to", "silent", "check_data", "steady"], status_before = ["struggling", "high", "on_track"] }

WITH before AS (
    -- What the learner's complete weeks say beyond the newest one.
    SELECT
        recent_week.id,
        max(recent_week.points) FILTER (WHERE recent_week.week < learner_standing.newest_week) AS best_before,
        max(recent_week.points) FILTER (
            WHERE recent_week.week = learner_standing.newest_week - INTERVAL '7 days'
        ) AS points_before,
        max(recent_week.commits) FILTER (
            WHERE recent_week.week = learner_standing.newest_week - INTERVAL '7 days'
        ) AS commits_before,
        max(recent_week.week) FILTER (WHERE recent_week.commits > 0) AS last_commit,
        max(recent_week.week) FILTER (WHERE recent_week.points > 0) AS last_points,
        max(recent_week.week) AS newest
    FROM recent_week
    INNER JOIN learner_standing ON learner_standing.id = recent_week.id
    WHERE recent_week.week <= learner_standing.newest_week
    GROUP BY recent_week.id
),

compared AS (
    SELECT
        learner_standing.*,
        before.best_before,
        before.points_before,
        before.commits_before,
        CASE
            WHEN before.points_before IS NULL OR before.commits_before IS NULL THEN NULL
            WHEN
                before.points_before < settings.struggling_below_points
                OR before.commits_before < settings.struggling_below_commits
                THEN 'struggling'
            WHEN
                before.points_before >= settings.high_from_points
                AND before.commits_before >= settings.high_from_commits
                THEN 'high'
            ELSE 'on_track'
        END AS status_before,
        -- Weeks since there were commits or points: eight if there were none in eight weeks.
        CASE
            WHEN before.id IS NULL THEN NULL
            ELSE coalesce((CAST(before.newest AS INT) - CAST(before.last_commit AS INT)) / 7, 8)
        END AS weeks_without_commits,
        CASE
            WHEN before.id IS NULL THEN NULL
            ELSE coalesce((CAST(before.newest AS INT) - CAST(before.last_points AS INT)) / 7, 8)
        END AS weeks_without_points,
        settings.struggling_below_points,
        settings.struggling_below_commits,
        settings.recent_weeks
    FROM learner_standing
    CROSS JOIN settings
    LEFT JOIN before ON before.id = learner_standing.id
    WHERE learner_standing.standing <> 'left'
),

listed AS (
    SELECT
        *,
        CASE
            WHEN standing IN ('no_account', 'no_weeks') OR status IS NULL THEN 'check_data'
            WHEN trend = 'inactive' THEN 'silent'
            WHEN status = 'struggling' OR trend = 'falling' THEN 'talk_to'
            WHEN status = 'high' OR trend = 'rising' THEN 'celebrate'
            ELSE 'steady'
        END AS list
    FROM compared
)

SELECT
    id,
    email,
    name,
    cohort,
    list,
    trim(concat(
        CASE
            WHEN standing = 'no_account' THEN concat('The list of learners has no account (number ', id, '). ')
            WHEN standing = 'no_weeks' AND incomplete
                THEN concat('Nothing is known of account ', id, ': points and commits failed to come. ')
            WHEN standing = 'no_weeks' THEN concat('Account ', id, ' exists, but has no weeks. ')
            WHEN status IS NULL AND newest_week IS NOT NULL
                THEN concat(
                    'Points or commits have failed to come since the week of ', to_char(newest_week, '%-d %B %Y'), '. '
                )
            WHEN status IS NULL THEN 'No week is complete: one of the two lists has never come. '
            WHEN list = 'silent' AND average_points = 0 AND average_commits = 0
                THEN concat(
                    'No points and no commits for ',
                    CASE WHEN least(weeks_without_points, weeks_without_commits) >= 8 THEN 'eight weeks or more'
                    WHEN greatest(least(weeks_without_points, weeks_without_commits), recent_weeks) = 1 THEN 'a week'
                    ELSE concat(greatest(least(weeks_without_points, weeks_without_commits), recent_weeks), ' weeks') END,
                    CASE
                        WHEN earlier_average_points > 0
                            THEN concat('; before that ', CAST(round(earlier_average_points) AS BIGINT), ' points a week')
                        ELSE ''
                    END,
                    '. '
                )
            WHEN list = 'silent'
                THEN concat('Nothing received since the week of ', to_char(newest_week, '%-d %B %Y'), '. ')
            ELSE ''
        END,
        CASE
            WHEN list IN ('talk_to', 'celebrate') AND trend IN ('falling', 'rising')
                THEN concat(
                    'Points ',
                    CASE WHEN trend = 'falling' THEN 'fell' ELSE 'rose' END,
                    ' from ', CAST(round(earlier_average_points) AS BIGINT),
                    ' to ', CAST(round(average_points) AS BIGINT), ' a week. '
                )
            ELSE ''
        END,
        CASE
            WHEN list IN ('talk_to', 'celebrate') THEN concat(
                'Newest week: ', points, CASE WHEN points = 1 THEN ' point' ELSE ' points' END,
                CASE
                    WHEN points < struggling_below_points THEN concat(' (below ', struggling_below_points, ')')
                    WHEN points > best_before THEN ', the best of eight weeks'
                    ELSE ''
                END,
                CASE
                    WHEN weeks_without_commits >= 8 THEN ', no commits for eight weeks or more'
                    WHEN weeks_without_commits >= 2 THEN concat(', no commits for ', weeks_without_commits, ' weeks')
                    WHEN commits = 0 THEN ', no commits'
                    ELSE concat(', ', commits, CASE WHEN commits = 1 THEN ' commit' ELSE ' commits' END)
                END,
                '. '
            )
            ELSE ''
        END,
        CASE WHEN incomplete AND list <> 'check_data' THEN 'One of the lists lags: this may still change.' ELSE '' END
    )) AS reason,
    status,
    status_before,
    trend,
    newest_week,
    points,
    points_before,
    commits,
    commits_before,
    incomplete
FROM listed
ORDER BY cohort, list, id, email
