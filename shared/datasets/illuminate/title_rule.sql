-- What each title tells: curriculum (empty if nothing does), unit (null if there is none) and type of the assessment, by
-- the lists of dataset.toml. A result without title has what an empty title has.
--
-- [view]
-- inputs = ["combined_result"]

WITH titles AS (
    SELECT DISTINCT coalesce(title, '') AS title
    FROM combined_result
),

curriculum AS (
    SELECT
        titles.title,
        curriculum_keyword.curriculum,
        row_number() OVER (PARTITION BY titles.title ORDER BY curriculum_keyword.position DESC) AS place
    FROM titles
    CROSS JOIN settings
    INNER JOIN curriculum_keyword ON curriculum_keyword.rules IN ('both', settings.title_rules)
    WHERE regexp_like(titles.title, curriculum_keyword.pattern, 'i')
),

found AS (
    SELECT
        titles.title,
        unit_pattern.unit,
        regexp_match(titles.title, unit_pattern.pattern)[1] AS text,
        row_number() OVER (PARTITION BY titles.title ORDER BY unit_pattern.position) AS place
    FROM titles
    CROSS JOIN settings
    INNER JOIN unit_pattern ON unit_pattern.rules IN ('both', settings.title_rules)
    WHERE regexp_like(titles.title, unit_pattern.pattern)
),

unit AS (
    SELECT
        title,
        coalesce(unit, regexp_replace(trim(regexp_replace(text, 'Assessment|#', '', 'g')), '\s+', ' ', 'g')) AS unit
    FROM found
    WHERE place = 1
),

test_type AS (
    SELECT
        titles.title,
        test_type_keyword.test_type,
        row_number() OVER (PARTITION BY titles.title ORDER BY test_type_keyword.position) AS place
    FROM titles
    CROSS JOIN settings
    INNER JOIN test_type_keyword ON test_type_keyword.rules IN ('both', settings.title_rules)
    WHERE strpos(lower(titles.title), lower(test_type_keyword.keyword)) > 0
)

SELECT
    titles.title,
    coalesce(curriculum.curriculum, '') AS curriculum,
    -- The only one of its kind in a year is the first.
    CASE WHEN unit.unit IN ('Interim', 'Final') THEN concat(unit.unit, ' 1') ELSE unit.unit END AS unit,
    test_type.test_type
FROM titles
LEFT JOIN curriculum ON curriculum.title = titles.title AND curriculum.place = 1
LEFT JOIN unit ON unit.title = titles.title
LEFT JOIN test_type ON test_type.title = titles.title AND test_type.place = 1
