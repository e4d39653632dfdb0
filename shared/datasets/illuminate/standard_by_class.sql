-- How each grade did in each standard in a school year. It has no student in it: small groups can still be seen through, so
-- `students` says how many there were. Each student counts once, however many results there are.
--
-- year        the school year from 1 July to 30 June, such as 24-25
-- standard_description  what the standard asks for, as the results of more than half of its students say; else null
-- grade       the students' grade by the current roster; 0 is kindergarten, -1 and -2 before it; null: the roster has none
-- students    how many students of the grade have a result in the standard
-- results     how many results they have in it
-- scored      how many students have a score in it
-- judged      how many students have a result in it that the server calls mastered, or not
-- mean_score  mean of the students' mean percentages; null: none has a score
-- mastered    mean of the students' shares of results that the server calls mastered, from 0 to 1, of those of which it says;
--             null: of none
--
-- [model]
-- partition = "year"
-- inputs = ["result_standard", "student"]
-- [[test]]
-- unique = ["standard_code", "grade"]
-- not_null = ["standard_code", "students", "scored", "judged"]
-- range = { mean_score = [0, inf], mastered = [0, 1] }

WITH of_student AS (
    SELECT
        year, standard_code, local_student_id,
        max(standard_description) AS standard_description,
        count(*) AS results,
        avg(CAST(percent_correct AS DOUBLE)) AS score,
        avg(CASE WHEN mastered THEN 1.0 WHEN NOT mastered THEN 0.0 END) AS mastered
    FROM result_standard
    WHERE standard_code IS NOT NULL
    GROUP BY year, standard_code, local_student_id
),

described AS (
    SELECT
        year, standard_code, standard_description,
        count(*) AS students,
        row_number() OVER (PARTITION BY year, standard_code ORDER BY count(*) DESC, standard_description) AS place
    FROM of_student
    WHERE standard_description IS NOT NULL
    GROUP BY year, standard_code, standard_description
),

of_standard AS (
    SELECT year, standard_code, count(*) AS students
    FROM of_student
    GROUP BY year, standard_code
)

SELECT
    of_student.year,
    of_student.standard_code,
    max(described.standard_description) AS standard_description,
    student.grade,
    count(of_student.local_student_id) AS students,
    sum(of_student.results) AS results,
    count(of_student.score) AS scored,
    count(of_student.mastered) AS judged,
    avg(of_student.score) AS mean_score,
    avg(of_student.mastered) AS mastered
FROM of_student
LEFT JOIN of_standard ON of_standard.year = of_student.year AND of_standard.standard_code = of_student.standard_code
LEFT JOIN described
    ON
        described.year = of_student.year AND described.standard_code = of_student.standard_code AND described.place = 1
        AND 2 * described.students > of_standard.students
LEFT JOIN student ON student.student_number = of_student.local_student_id
GROUP BY of_student.year, of_student.standard_code, student.grade
ORDER BY of_student.year, of_student.standard_code, student.grade
