-- Eight weeks of each learner of the current list: the course's newest complete week (weeks_ago 0) and the seven before.
--
-- week       the Monday that the week begins with
-- weeks_ago  0 for the course's newest complete week, 7 for the oldest of the eight
-- points     points that the learner got in the week; null where the list of points has no count of it, which is not 0
-- commits    commits that the learner made in the week; null where the list of commits has no count of it, which is not 0
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
