-- What values are, by their condition codes: regular, estimated or outage.
--
-- [view]
-- inputs = ["measurement"]

WITH code AS (
    SELECT
        used.condition_code,
        condition_code.class,
        row_number() OVER (
            PARTITION BY used.condition_code
            ORDER BY condition_code.first DESC, condition_code.last, condition_code.class
        ) AS choice
    FROM (SELECT DISTINCT condition_code FROM measurement WHERE condition_code IS NOT NULL) AS used
    INNER JOIN condition_code ON trim(used.condition_code) BETWEEN condition_code.first AND condition_code.last
)

SELECT condition_code, class FROM code WHERE choice = 1
