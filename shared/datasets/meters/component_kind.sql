-- The types of components there are, and what the lists say of each. In the lists a * stands for any text, and capitals
-- do not matter.
--
-- [view]
-- inputs = ["measuring_component"]

WITH kind AS (
    SELECT DISTINCT type, upper(trim(type)) AS name
    FROM measuring_component
    WHERE type IS NOT NULL
),

listed AS (
    SELECT type AS pattern, true AS is_excluded, CAST(NULL AS DOUBLE) AS size FROM excluded_component_type
    UNION ALL
    SELECT type AS pattern, false AS is_excluded, size FROM register_size
),

-- As LIKE has it: of the signs that mean something to it, only % is meant.
compared AS (
    SELECT
        is_excluded,
        size,
        replace(
            replace(replace(replace(upper(trim(pattern)), '\', '\\'), '%', '\%'), '_', '\_'), '*', '%'
        ) AS pattern
    FROM listed
)

SELECT
    kind.type,
    bool_or(compared.is_excluded) AS is_excluded,
    min(compared.size) AS register_size
FROM kind
INNER JOIN compared ON kind.name LIKE compared.pattern
GROUP BY kind.type
