-- How many students have a score in an assessment, and how many in a month: what a page without students asks before
-- it shows a group.
--
-- year           the school year from 1 July to 30 June, such as 24-25
-- assessment_id  the assessment; null in rows of months
-- month          the first day of the month; null in rows of assessments
-- students       how many students there are; in a month, of assessments that five students took
-- results        how many results with a score they have
--
-- [model]
-- partition = "year"
-- inputs = ["illuminate_assessment_results"]
-- intermediate = true
-- [[test]]
-- unique = ["assessment_id", "month"]
-- not_null = ["students", "results"]

WITH overall AS (
    SELECT year, assessment_id, local_student_id, CAST(date_trunc('month', date_taken) AS DATE) AS month
    FROM illuminate_assessment_results
    WHERE standard_code = 'percent' AND score IS NOT NULL
),

assessed AS (
    SELECT year, assessment_id, count(DISTINCT local_student_id) AS students, count(*) AS results
    FROM overall
    GROUP BY year, assessment_id
)

SELECT year, assessment_id, CAST(NULL AS DATE) AS month, students, results
FROM assessed
UNION ALL
SELECT
    overall.year,
    CAST(NULL AS VARCHAR) AS assessment_id,
    overall.month,
    count(DISTINCT overall.local_student_id) AS students,
    count(*) AS results
FROM overall
INNER JOIN assessed ON assessed.year = overall.year AND assessed.assessment_id = overall.assessment_id
WHERE assessed.students >= 5 AND overall.month IS NOT NULL
GROUP BY overall.year, overall.month
ORDER BY year, month, assessment_id
