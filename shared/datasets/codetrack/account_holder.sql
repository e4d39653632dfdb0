-- The person of the list for each account. Should two share one, the first by email.
--
-- [view]
-- inputs = ["learner"]

SELECT id, email, cohort
FROM (
    SELECT *, row_number() OVER (PARTITION BY id ORDER BY email) AS place
    FROM learner
    WHERE id > 0
)
WHERE place = 1
