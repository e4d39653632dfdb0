-- Results by standard and overall ones in one list. The overall ones have the standard code "percent".
--
-- [view]
-- inputs = ["result_overall", "result_standard"]

SELECT
    assessment_id,
    title,
    academic_benchmark_guid,
    coalesce(standard_code, 'percent') AS standard_code,
    standard_description,
    CAST(NULL AS VARCHAR) AS version,
    CAST(NULL AS VARCHAR) AS version_label,
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
    'Standard' AS "Standard_No_Standard",
    year
FROM result_standard
UNION ALL
SELECT
    assessment_id,
    title,
    CAST(NULL AS VARCHAR) AS academic_benchmark_guid,
    'percent' AS standard_code,
    CAST(NULL AS VARCHAR) AS standard_description,
    version,
    version_label,
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
    'No_Standard' AS "Standard_No_Standard",
    year
FROM result_overall
