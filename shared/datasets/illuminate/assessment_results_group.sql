-- Results by reporting group, as the API gave them. None are alike: the table's key is all columns but the volatile
-- `__count`.
--
-- Standard_No_Standard
--       always Group
-- year  the school year from 1 July to 30 June, such as 24-25
--
-- [model]
-- partition = "year"
-- inputs = ["result_group"]
-- csv = { name = "assessment_results_group", bool = ["t", "f"] }
-- max_shrink = 0.1
-- [[test]]
-- not_null = ["assessment_id", "local_student_id"]

SELECT
    assessment_id,
    title,
    reporting_group_id,
    reporting_group,
    local_student_id,
    first_name,
    last_name,
    middle_name,
    date_taken,
    points,
    points_possible,
    percent_correct,
    performance_band_level,
    performance_band_label,
    mastered,
    "__count",
    'Group' AS "Standard_No_Standard",
    year
FROM result_group
ORDER BY
    assessment_id, reporting_group_id, reporting_group, local_student_id, date_taken, points, points_possible,
    percent_correct, performance_band_level, performance_band_label, mastered, title, first_name, last_name, middle_name
