-- Results by standard and overall ones with what title and roster tell about them, for dashboards. The grade is the one
-- that the current roster has, also in results of earlier years. What list.correction has goes before title and roster. Rows
-- that are alike but for the volatile `__count` are one row.
--
-- data_source    always illuminate
-- year           the school year from 1 July to 30 June, such as 24-25
-- grade          the student's grade by list.correction or the current roster; 0 is kindergarten, -1 and -2 before it; null:
--                neither has one
-- test_type      such as checkpoint, by list.correction, or else by the title and list.test_type_keyword
-- curriculum     such as Math, by list.correction, list.curriculum_override or the title; an empty text: none tells it
-- unit           such as Unit 1, by list.correction or the title; null: neither tells it
-- unit_labels    where the unit stands in the year's order, such as 4, by list.unit_label; null: the list lacks it
-- title          the assessment's title by list.correction, or else when the results were fetched
-- standard_code  such as CCSS.ELA-Literacy.RI.3.2; percent: an overall result, or one by a standard without code
-- score          the percentage of points, rounded to a whole number, half to even; null: none is known
-- proficiency    level and label of the performance band, as in 2 Basic; null if one of them is
--
-- [model]
-- partition = "year"
-- inputs = ["combined_result", "title_rule", "student"]
-- csv = { name = "illuminate_assessment_results", bool = ["t", "f"] }
-- max_shrink = 0.1
-- [[test]]
-- not_null = ["assessment_id", "local_student_id", "standard_code", "curriculum"]

WITH corrected AS (
    -- One row for each assessment, whatever was entered.
    SELECT
        assessment_id,
        max(title) AS title,
        max(grade) AS grade,
        max(test_type) AS test_type,
        max(curriculum) AS curriculum,
        max(unit) AS unit
    FROM correction
    GROUP BY assessment_id
),

override AS (
    SELECT assessment_id, grade, max(curriculum) AS curriculum
    FROM curriculum_override
    GROUP BY assessment_id, grade
),

graded AS (
    SELECT
        combined_result.*,
        coalesce(corrected.grade, student.grade) AS grade,
        coalesce(corrected.test_type, title_rule.test_type) AS test_type,
        corrected.curriculum AS corrected_curriculum,
        title_rule.curriculum AS title_curriculum,
        coalesce(corrected.unit, title_rule.unit) AS unit,
        coalesce(corrected.title, combined_result.title) AS corrected_title
    FROM combined_result
    INNER JOIN title_rule ON title_rule.title = coalesce(combined_result.title, '')
    LEFT JOIN student ON student.student_number = combined_result.local_student_id
    LEFT JOIN corrected ON corrected.assessment_id = combined_result.assessment_id
),

label AS (
    SELECT unit_label.unit, min(unit_label.label) AS label
    FROM unit_label
    CROSS JOIN settings
    WHERE unit_label.rules IN ('both', settings.title_rules)
    GROUP BY unit_label.unit
),

described AS (
    SELECT
        graded.*,
        coalesce(
            graded.corrected_curriculum, of_grade.curriculum, of_all.curriculum, graded.title_curriculum
        ) AS curriculum,
        label.label
    FROM graded
    LEFT JOIN override AS of_grade
        ON of_grade.assessment_id = graded.assessment_id AND of_grade.grade = graded.grade
    LEFT JOIN override AS of_all ON of_all.assessment_id = graded.assessment_id AND of_all.grade IS NULL
    LEFT JOIN label ON label.unit = graded.unit
)

SELECT
    'illuminate' AS data_source,
    assessment_id,
    year,
    date_taken,
    grade,
    local_student_id,
    test_type,
    curriculum,
    unit,
    label AS unit_labels,
    corrected_title AS title,
    standard_code,
    percent_correct AS score,
    performance_band_level,
    performance_band_label,
    performance_band_level || ' ' || performance_band_label AS proficiency,
    mastered,
    max("__count") AS "__count"
FROM described
GROUP BY
    assessment_id, year, date_taken, grade, local_student_id, test_type, curriculum, unit, label, corrected_title,
    standard_code, percent_correct, performance_band_level, performance_band_label, mastered
ORDER BY
    assessment_id, standard_code, local_student_id, date_taken, score, performance_band_level, performance_band_label,
    mastered, corrected_title, test_type, curriculum, unit
