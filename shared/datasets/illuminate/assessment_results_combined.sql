-- Results by standard and overall ones, as the API gave them. None are alike: the tables' keys are all columns but the
-- volatile `__count`.
--
-- Standard_No_Standard
--                Standard: a result by standard; No_Standard: an overall one
-- standard_code  such as CCSS.ELA-Literacy.RI.3.2; percent: an overall result, or one by a standard without code
-- year           the school year from 1 July to 30 June, such as 24-25
--
-- [model]
-- partition = "year"
-- inputs = ["combined_result"]
-- csv = { name = "assessment_results_combined", bool = ["t", "f"] }
-- max_shrink = 0.1
-- [[test]]
-- not_null = ["assessment_id", "local_student_id", "standard_code"]
-- accepted = { Standard_No_Standard = ["Standard", "No_Standard"] }

SELECT *
FROM combined_result
ORDER BY
    assessment_id, "Standard_No_Standard", standard_code, local_student_id, date_taken, points, points_possible,
    percent_correct, performance_band_level, performance_band_label, mastered, title, academic_benchmark_guid,
    standard_description, version, version_label, first_name, last_name, middle_name
