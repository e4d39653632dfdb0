-- Every measurement once, with its component, its device and the one install event that is valid at its stamp.
-- Nothing is left out: a measurement without component has no device, and none without install event has one.
--
-- class: what the value is, by condition code: regular, estimated, outage, or unusable by its use flag.
-- kwh: the value of an interval where it is regular energy, else null; reading: the same for a register.
-- judged: whether rules look at the component, by its unit and type.
--
-- [view]
-- inputs = ["measurement", "measuring_component", "install_span"]
-- materialize = true

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
),

class AS (
    SELECT condition_code, class FROM code WHERE choice = 1
),

component AS (
    SELECT
        measuring_component.measuring_component_id,
        measuring_component.device_id,
        coalesce(measuring_component.interval_seconds, 0) AS interval_seconds,
        coalesce(measuring_component.interval_seconds, 0) = 0 AS is_register,
        coalesce(upper(trim(measuring_component.direction)), 'DEL') = 'REC' AS is_received,
        excluded_component_type.type IS NULL
        AND (measuring_component.uom IS NULL OR energy_unit.kwh IS NOT NULL) AS judged,
        coalesce(energy_unit.kwh, 1.0) AS kwh_per_unit,
        coalesce(measuring_component.multiplier, 1.0) AS multiplier
    FROM measuring_component
    LEFT JOIN energy_unit ON energy_unit.uom = upper(trim(measuring_component.uom))
    LEFT JOIN excluded_component_type ON excluded_component_type.type = measuring_component.type
),

-- The small table stands on the left of each join: that is the side which is held in memory.
classified AS (
    SELECT
        measurement.measuring_component_id,
        component.device_id,
        measurement.measurement_dttm,
        measurement.day,
        measurement.measurement_value,
        coalesce(component.interval_seconds, 0) AS interval_seconds,
        coalesce(component.is_register, false) AS is_register,
        coalesce(component.is_received, false) AS is_received,
        coalesce(component.judged, true) AS judged,
        coalesce(component.kwh_per_unit, 1.0) AS kwh_per_unit,
        coalesce(component.multiplier, 1.0) AS multiplier,
        CASE
            WHEN unusable_flag.flag IS NOT NULL THEN 'unusable'
            WHEN measurement.condition_code IS NULL THEN 'regular'
            ELSE coalesce(class.class, 'estimated')
        END AS class
    FROM unusable_flag
    RIGHT JOIN (
        class
        RIGHT JOIN (
            component
            RIGHT JOIN measurement ON component.measuring_component_id = measurement.measuring_component_id
        ) ON class.condition_code = measurement.condition_code
    ) ON unusable_flag.flag = measurement.use_flag
)

SELECT
    classified.measuring_component_id,
    classified.device_id,
    classified.measurement_dttm,
    classified.day,
    classified.measurement_dttm - arrow_cast(classified.interval_seconds, 'Duration(Second)') AS started,
    classified.interval_seconds,
    classified.is_register,
    classified.is_received,
    classified.judged,
    classified.class,
    CASE
        WHEN classified.class = 'regular' AND classified.judged AND NOT classified.is_register
            THEN classified.measurement_value * classified.kwh_per_unit
    END AS kwh,
    CASE
        WHEN classified.class = 'regular' AND classified.judged AND classified.is_register
            THEN classified.measurement_value * classified.kwh_per_unit * classified.multiplier
    END AS reading,
    install_span.install_event_id,
    install_span.service_point_id,
    install_span.valid_from,
    install_span.valid_until,
    install_span.off_since
FROM install_span
RIGHT JOIN classified
    ON install_span.device_id = classified.device_id
    AND install_span.valid_from < classified.measurement_dttm
    AND install_span.valid_until >= classified.measurement_dttm
