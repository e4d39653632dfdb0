-- Eight weeks of each learner of the current list: the course's newest complete week (weeks_ago 0) and the seven before.
-- Points and commits are null where their list does not have the week.
--
-- week       the Monday that it begins with
-- weeks_ago  0 for the newest, 7 for the oldest
--
-- [model]
-- inputs = ["recent_week"]
-- [[test]]
-- unique = ["id", "email", "week"]
-- not_null = ["week"]
-- range = { weeks_ago = [0, 7] }

SELECT id, email, name, cohort, week, weeks_ago, points, commits
FROM recent_week
ORDER BY cohort, id, email, week
