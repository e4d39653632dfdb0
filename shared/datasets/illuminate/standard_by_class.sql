-- How each grade did in each standard in a school year. It has no student in it: small groups can still be seen through, so
-- `students` says how many there were.
--
-- year        the school year from 1 July to 30 June, such as 24-25
-- grade       the students' grade by the current roster; 0 is kindergarten, -1 and -2 before it; null: the roster has none
-- students    how many students of the grade have a result in the standard
-- results     how many results they have in it
-- scored      how many students have a score in it
-- judged      how many results the server calls mastered, or not
-- mean_score  mean of the percentages of the results that have one; null: none has
-- mastered    share of the results that the server calls mastered, from 0 to 1, of those of which it says; null: of none
--
-- [model]
-- partition = "year"
-- inputs = ["result_standard", "student"]
-- [[test]]
-- unique = ["standard_code", "grade"]
-- not_null = ["standard_code", "students", "scored", "judged"]
-- range = { mean_score = [0, inf], mastered = [0, 1] }

SELECT
    result_standard.year,
    result_standard.standard_code,
    max(result_standard.standard_description) AS standard_description,
    student.grade,
    count(DISTINCT result_standard.local_student_id) AS students,
    count(*) AS results,
    count(DISTINCT CASE WHEN result_standard.percent_correct IS NOT NULL THEN result_standard.local_student_id END) AS scored,
    count(result_standard.mastered) AS judged,
    avg(CAST(result_standard.percent_correct AS DOUBLE)) AS mean_score,
    avg(CASE WHEN result_standard.mastered THEN 1.0 WHEN NOT result_standard.mastered THEN 0.0 END) AS mastered
FROM result_standard
LEFT JOIN student ON student.student_number = result_standard.local_student_id
WHERE result_standard.standard_code IS NOT NULL
GROUP BY result_standard.year, result_standard.standard_code, student.grade
ORDER BY result_standard.year, result_standard.standard_code, student.grade
