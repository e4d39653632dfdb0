-- One row for each student of the roster, of the active enrolment if there is one; then of the lowest status and the
-- highest grade. Kindergarten is grade 0.
--
-- [view]
-- inputs = ["roster"]

WITH enrolment AS (
    SELECT
        student_number,
        CASE WHEN upper(grade_level) = 'K' THEN 0 ELSE CAST(grade_level AS BIGINT) END AS grade,
        enroll_status
    FROM roster
)

SELECT student_number, grade
FROM (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY student_number
            ORDER BY enroll_status = 0 DESC NULLS LAST, enroll_status, grade DESC NULLS LAST
        ) AS place
    FROM enrolment
)
WHERE place = 1
