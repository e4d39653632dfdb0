-- Every measurement once, with what its value is.
--
-- class: regular, estimated, outage, or unusable by its use flag.
--
-- [view]
-- inputs = ["measurement", "value_class"]

-- The small table stands on the left of each join: that is the side which is held in memory.
SELECT
    measurement.measuring_component_id,
    measurement.measurement_dttm,
    measurement.day,
    measurement.measurement_value,
    CASE
        WHEN unusable_flag.flag IS NOT NULL THEN 'unusable'
        WHEN measurement.condition_code IS NULL THEN 'regular'
        ELSE coalesce(value_class.class, 'estimated')
    END AS class
FROM unusable_flag
RIGHT JOIN (
    value_class
    RIGHT JOIN measurement ON value_class.condition_code = measurement.condition_code
) ON unusable_flag.flag = measurement.use_flag
