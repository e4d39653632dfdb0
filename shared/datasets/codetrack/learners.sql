-- Who excels, who struggles, who is losing interest: one row for each person of the current list, and for each account
-- that has weeks though nobody of the list holds it.
--
-- A week is over if something was fetched on a later day than its Sunday, by the course's time zone, or a later week has
-- begun in the lake. The newest complete week of the course is the newest that is over and that both lists, points and
-- commits, have for somebody. One of a learner is not newer than that, and both of the learner's lists have it; a list
-- that ended silent_weeks or more before the other one has nothing more to come, and what it lacks then is 0. A week about
-- which a list was not answered, or answered without a count, is unknown: that is neither an end nor silence. Where unknown
-- weeks made a learner's newest complete week silent_weeks or more older than the course's, it says nothing about today:
-- status and trend are not known.
--
-- The trend compares the recent_weeks newest complete weeks with the earlier_weeks before them, which must be as many as the
-- recent ones. A learner is inactive whose recent weeks brought neither points nor commits, or whose two lists both ended
-- silent_weeks or more before the course's newest complete week. Once both lists ended, the row is not incomplete.
--
-- id           the learner's number in Codetrack; 0 or less: the person has no account
-- email        email address, by which a person of the list is known; null for those who left
-- name         the person's name; null for those who left
-- cohort       a name, not a number: 10.1 and 10.10 are two cohorts; unknown for those who left
-- standing     active; no_weeks: an account that nothing is known of; no_account; left: has weeks, but is not in the list
-- status       struggling, high or on_track, by points and commits of newest_week; null without such a week, or where
--              unknown weeks made it too old
-- incomplete   whether a list lags, so that newest_week is missing or older than the course's and the status may still
--              change; null where no week has come
-- trend        of mean points: falling, steady or rising; inactive: no points and commits, or both lists ended; null where
--              there is too little to compare
-- newest_week  the Monday of the learner's newest complete week; null without one
-- points       points of newest_week; null without one
-- commits      commits of newest_week; null without one
-- average_points
--              mean points a week of the recent_weeks newest complete weeks; null without one
-- average_commits
--              mean commits a week of the recent_weeks newest complete weeks; null without one
-- earlier_average_points
--              mean points a week of the earlier_weeks complete weeks before the recent ones; null without any
-- earlier_average_commits
--              mean commits a week of the earlier_weeks complete weeks before the recent ones; null without any
-- weeks        how many weeks there are of which points or commits are known
-- total_points
--              points of all weeks that are known; 0 where no week has come, null where weeks have come, but none with a
--              count
-- total_commits
--              commits of all weeks that are known; 0 where no week has come, null where weeks have come, but none with a
--              count
-- account_points
--              free_code_camp_points, honor and leetcode_points together, as they stood in the account's newest week; null
--              if one is unknown
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
