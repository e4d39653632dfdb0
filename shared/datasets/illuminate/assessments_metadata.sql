-- Every assessment that was ever listed, as the newest of the lists that have it says.
--
-- [model]
-- inputs = ["assessment"]
-- csv = { name = "assessments_metadata", bool = ["t", "f"] }
-- max_shrink = 0.1
-- [[test]]
-- unique = ["assessment_id"]
-- not_null = ["assessment_id"]

WITH listed AS (
    SELECT *, max(received_at) OVER (PARTITION BY year) AS listed_at
    FROM assessment
),

ranked AS (
    SELECT *, rank() OVER (PARTITION BY assessment_id ORDER BY listed_at DESC, year DESC) AS age
    FROM listed
)

SELECT
    assessment_id,
    local_assessment_id,
    title,
    description,
    author_id,
    district_author_id,
    author_first,
    author_last,
    created_at,
    updated_at,
    scope_id,
    scope,
    subject_id,
    subject,
    grade_levels,
    "__count"
FROM ranked
WHERE age = 1
ORDER BY
    assessment_id, title, local_assessment_id, description, author_id, district_author_id, author_first, author_last,
    created_at, updated_at, scope_id, scope, subject_id, subject, grade_levels
