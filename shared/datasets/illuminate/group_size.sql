-- How assessments and months went, each student counting once however many results there are: what a page without students is
-- made of, and asks before it shows a group. Only students of grades of which ten have scores count, as in the page's lists:
-- who counts in one figure and not in another could be told from the two.
--
-- year           the school year from 1 July to 30 June, such as 24-25
-- assessment_id  the assessment; null in rows of months
-- month          the first day of the month, of results of assessments that ten students took; null in rows of assessments
-- band           a band of students' newest results of the month; null in rows of assessments, and of all bands of a month
-- label          what the results of more than half of the students, three or more, call the assessment, or the band; else null
-- taken          the median of the students' newest days in the assessment
-- newest         the newest day of an assessment's results
-- students       how many students there are: with a score in the assessment, or in a band
-- judged         how many of an assessment's students have a result that the server calls mastered, or not
-- mean_score     mean of the students' mean percentages in the assessment
-- mastered       mean of the students' shares of results that are mastered, from 0 to 1, of those of which the server says it
--
-- [model]
-- partition = "year"
-- inputs = ["illuminate_assessment_results", "student"]
-- intermediate = true
-- [[test]]
-- unique = ["assessment_id", "month", "band"]
-- not_null = ["students"]
-- range = { mastered = [0, 1] }

WITH result AS (
    SELECT
        result.year, result.assessment_id, result.local_student_id, result.title, result.date_taken, result.score,
        result.mastered, student.grade,
        CAST(date_trunc('month', result.date_taken) AS DATE) AS month,
        result.performance_band_level AS band,
        result.performance_band_label AS label
    FROM illuminate_assessment_results AS result
    INNER JOIN student ON student.student_number = result.local_student_id
    WHERE result.standard_code = 'percent' AND result.score IS NOT NULL AND student.grade BETWEEN 0 AND 12
),

graded AS (
    SELECT year, grade
    FROM result
    GROUP BY year, grade
    HAVING count(DISTINCT local_student_id) >= 10
),

overall AS (
    SELECT
        result.year, result.assessment_id, result.local_student_id, result.title, result.date_taken, result.score,
        result.mastered, result.month, result.band, result.label
    FROM result
    INNER JOIN graded ON graded.year = result.year AND graded.grade = result.grade
),

titled AS (
    SELECT
        year, assessment_id, title,
        count(DISTINCT local_student_id) AS students,
        row_number() OVER (
            PARTITION BY year, assessment_id ORDER BY count(DISTINCT local_student_id) DESC, title
        ) AS place
    FROM overall
    WHERE title IS NOT NULL
    GROUP BY year, assessment_id, title
),

labelled AS (
    SELECT
        year, band, label,
        count(DISTINCT local_student_id) AS students,
        row_number() OVER (PARTITION BY year, band ORDER BY count(DISTINCT local_student_id) DESC, label) AS place
    FROM overall
    WHERE label IS NOT NULL
    GROUP BY year, band, label
),

of_band AS (
    SELECT year, band, count(DISTINCT local_student_id) AS students
    FROM overall
    GROUP BY year, band
),

of_student AS (
    SELECT
        year, assessment_id, local_student_id,
        max(date_taken) AS newest,
        avg(CAST(score AS DOUBLE)) AS score,
        avg(CASE WHEN mastered THEN 1.0 WHEN NOT mastered THEN 0.0 END) AS mastered
    FROM overall
    GROUP BY year, assessment_id, local_student_id
),

assessed AS (
    SELECT
        year, assessment_id,
        CAST(CAST(median(CAST(newest AS INT)) AS INT) AS DATE) AS taken,
        max(newest) AS newest,
        count(*) AS students,
        count(mastered) AS judged,
        avg(score) AS mean_score,
        avg(mastered) AS mastered
    FROM of_student
    GROUP BY year, assessment_id
),

banded AS (
    SELECT year, month, band, local_student_id
    FROM (
        SELECT
            overall.year, overall.month, overall.band, overall.local_student_id,
            row_number() OVER (
                PARTITION BY overall.year, overall.month, overall.local_student_id
                ORDER BY overall.date_taken DESC, overall.assessment_id DESC, overall.band DESC
            ) AS place
        FROM overall
        INNER JOIN assessed ON assessed.year = overall.year AND assessed.assessment_id = overall.assessment_id
        WHERE assessed.students >= 10 AND overall.month IS NOT NULL AND overall.band IS NOT NULL
    )
    WHERE place = 1
)

SELECT
    assessed.year,
    assessed.assessment_id,
    CAST(NULL AS DATE) AS month,
    CAST(NULL AS VARCHAR) AS band,
    titled.title AS label,
    assessed.taken,
    assessed.newest,
    assessed.students,
    assessed.judged,
    assessed.mean_score,
    assessed.mastered
FROM assessed
LEFT JOIN titled
    ON
        titled.year = assessed.year AND titled.assessment_id = assessed.assessment_id AND titled.place = 1
        AND titled.students >= 3 AND 2 * titled.students > assessed.students
UNION ALL
SELECT
    year,
    CAST(NULL AS VARCHAR) AS assessment_id,
    month,
    CAST(NULL AS VARCHAR) AS band,
    CAST(NULL AS VARCHAR) AS label,
    CAST(NULL AS DATE) AS taken,
    CAST(NULL AS DATE) AS newest,
    count(DISTINCT local_student_id) AS students,
    CAST(NULL AS BIGINT) AS judged,
    CAST(NULL AS DOUBLE) AS mean_score,
    CAST(NULL AS DOUBLE) AS mastered
FROM banded
GROUP BY year, month
UNION ALL
SELECT
    banded.year,
    CAST(NULL AS VARCHAR) AS assessment_id,
    banded.month,
    banded.band,
    max(labelled.label) AS label,
    CAST(NULL AS DATE) AS taken,
    CAST(NULL AS DATE) AS newest,
    count(*) AS students,
    CAST(NULL AS BIGINT) AS judged,
    CAST(NULL AS DOUBLE) AS mean_score,
    CAST(NULL AS DOUBLE) AS mastered
FROM banded
LEFT JOIN of_band ON of_band.year = banded.year AND of_band.band = banded.band
LEFT JOIN labelled
    ON
        labelled.year = banded.year AND labelled.band = banded.band AND labelled.place = 1
        AND labelled.students >= 3 AND 2 * labelled.students > of_band.students
GROUP BY banded.year, banded.month, banded.band
ORDER BY year, month, band, assessment_id
