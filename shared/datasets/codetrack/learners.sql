-- Who excels, who struggles, who is losing interest: one row for each person of the current list, and for each account
-- that has weeks though nobody of the list holds it.
--
-- A week is over if something was fetched on a later day than its Sunday, by the course's time zone, or a later week has
-- begun in the lake. The newest complete week of the course is the newest that is over and that both lists, points and
-- commits, have for somebody. One of a learner is not newer than that, and both of the learner's lists have it; a list
-- that ended silent_weeks or more before the other one has nothing more to come, and what it lacks then is 0. A week about
-- which a list was not answered, or answered without a count, is unknown: that is neither an end nor silence.
--
-- standing    active; no_weeks (an account that nothing is known of); no_account; left (not in the list)
-- status      by the learner's newest complete week: struggling, high or on_track; null without one, and where unknown
--             weeks made it silent_weeks or more older than the course's. The figures of that week are newest_week, points
--             and commits
-- incomplete  whether the learner's newest complete week is older than the course's because a list lags: the status may
--             still change. Not set once both lists ended silent_weeks or more before
-- trend       mean points of the recent_weeks newest complete weeks against those of the earlier_weeks before them, which
--             must be as many as the recent ones: falling, steady or rising; inactive if the recent weeks brought
--             neither points nor commits, or if both lists ended silent_weeks or more before the course's newest complete
--             week; null if there is too little to compare, or the status is unknown
--
-- average_points, average_commits, earlier_average_points, earlier_average_commits
--             a week's, of the recent_weeks and of the earlier_weeks before them: over complete weeks
-- weeks       how many weeks are known of the learner
-- total_points, total_commits
--             over all weeks that are known: null where weeks have come, but none with a count
-- account_points
--             free_code_camp_points, honor and leetcode_points together, as they stood in the account's newest week
--
-- [model]
-- inputs = ["learner_standing"]
-- [[test]]
-- unique = ["id", "email"]
-- not_null = ["id", "cohort", "standing", "weeks"]
-- range = { weeks = [0, inf], total_points = [0, inf], total_commits = [0, inf] }
-- accepted = { standing = ["active", "no_weeks", "no_account", "left"], status = ["struggling", "high", "on_track"], trend = ["falling", "steady", "rising", "inactive"] }

SELECT
    id,
    email,
    name,
    cohort,
    standing,
    status,
    incomplete,
    trend,
    newest_week,
    points,
    commits,
    average_points,
    average_commits,
    earlier_average_points,
    earlier_average_commits,
    weeks,
    total_points,
    total_commits,
    free_code_camp_points,
    honor,
    leetcode_points,
    account_points,
    leetcode_id
FROM learner_standing
ORDER BY cohort, id, email
