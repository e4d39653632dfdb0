-- Which students to celebrate, which to talk to, who is silent, and where the data should be checked: one row for each
-- student with an overall result in the school year.
--
-- A student rose whose newest result is moved_points or more above the mean of those before, and fell where it is as many
-- below.
--
-- year          the school year from 1 July to 30 June, such as 24-25
-- grade         the student's grade by the current roster; 0 is kindergarten, -1 and -2 before it; null: the roster has none
-- list          the first that fits: check_data (not on the roster, no date or score), silent (none for silent_days while
--               the grade had some), talk_to (low_band or fell), celebrate (high_band or rose), steady
-- reason        why that list, in sentences
-- results       how many overall results the student has in the school year
-- taken         day of the newest result that has a percentage; null: no such result has a date
-- score         percentage of the newest result, a whole number; null if it has none, or no date
-- score_before  mean of the percentages of the results before the newest one; null without any
-- band          performance band of the newest result, 1 to 4 or 5; null if it has none, or no date
-- moved         whether score and score_before differ by moved_points or more; false where one of them is unknown
--
-- [model]
-- partition = "year"
-- inputs = ["result_overall", "student"]
-- [[test]]
-- unique = ["local_student_id"]
-- not_null = ["list", "reason", "results"]
-- range = { results = [1, inf] }
-- accepted = { list = ["celebrate", "talk_to", "silent", "check_data", "steady"] }

WITH result AS (
    SELECT
        result_overall.year,
        result_overall.local_student_id,
        result_overall.first_name,
        result_overall.last_name,
        result_overall.title,
        result_overall.date_taken,
        result_overall.percent_correct,
        result_overall.performance_band_level,
        result_overall.performance_band_label,
        row_number() OVER (
            PARTITION BY result_overall.year, result_overall.local_student_id
            ORDER BY
                result_overall.date_taken DESC NULLS LAST,
                result_overall.assessment_id,
                result_overall.percent_correct DESC
        ) AS age
    FROM result_overall
),

person AS (
    SELECT
        year,
        local_student_id,
        max(first_name) AS first_name,
        max(last_name) AS last_name,
        count(*) AS results,
        max(date_taken) FILTER (WHERE percent_correct IS NOT NULL) AS taken,
        max(percent_correct) FILTER (WHERE age = 1 AND date_taken IS NOT NULL) AS score,
        max(performance_band_level) FILTER (WHERE age = 1 AND date_taken IS NOT NULL) AS band,
        max(performance_band_label) FILTER (WHERE age = 1 AND date_taken IS NOT NULL) AS band_label,
        avg(CAST(percent_correct AS DOUBLE)) FILTER (WHERE age > 1 AND date_taken IS NOT NULL) AS score_before
    FROM result
    GROUP BY year, local_student_id
),

graded AS (
    SELECT
        person.*,
        student.grade,
        student.student_number IS NOT NULL AS on_roster,
        max(person.taken) OVER (PARTITION BY person.year, student.grade) AS newest_of_grade
    FROM person
    LEFT JOIN student ON student.student_number = person.local_student_id
),

listed AS (
    SELECT
        graded.*,
        CAST(newest_of_grade AS INT) - CAST(taken AS INT) AS days_behind,
        CASE
            WHEN NOT graded.on_roster OR graded.taken IS NULL OR graded.score IS NULL THEN 'check_data'
            WHEN CAST(newest_of_grade AS INT) - CAST(taken AS INT) >= settings.silent_days THEN 'silent'
            WHEN graded.band = settings.low_band OR graded.score <= graded.score_before - settings.moved_points
                THEN 'talk_to'
            WHEN graded.band = settings.high_band OR graded.score >= graded.score_before + settings.moved_points
                THEN 'celebrate'
            ELSE 'steady'
        END AS list,
        abs(graded.score - graded.score_before) >= settings.moved_points AS moved
    FROM graded
    CROSS JOIN settings
)

SELECT
    year,
    local_student_id,
    first_name,
    last_name,
    grade,
    list,
    concat(
        CASE
            WHEN NOT on_roster THEN 'Has results, but is not on the roster. '
            WHEN taken IS NULL OR score IS NULL THEN 'The newest result has no date or no score. '
            WHEN list = 'silent'
                THEN concat('No result for ', days_behind, ' days in which others of the grade had some. ')
            ELSE ''
        END,
        CASE
            WHEN list IN ('celebrate', 'talk_to') AND moved THEN concat(
                CASE WHEN score > score_before THEN 'Rose from ' ELSE 'Fell from ' END,
                CAST(round(score_before) AS BIGINT), ' to ', score, ' percent. '
            )
            ELSE ''
        END,
        CASE
            WHEN list = 'check_data' THEN ''
            ELSE concat('Newest: ', score, ' percent', coalesce(', ' || lower(band_label), ''), '.')
        END
    ) AS reason,
    results,
    taken,
    score,
    score_before,
    band,
    coalesce(moved, false) AS moved
FROM listed
ORDER BY year, grade, list, local_student_id
