-- Every measurement once, with its component, its device and the one install event that is valid at its stamp. Those of
-- registers reach back as far as the model's look-back, for the reading before a rare one; all others as far as the
-- longest window of a rule, and a week. Within that nothing is left out: a measurement without component has no device,
-- and none without install event has one.
--
-- class: what the value is, by condition code: regular, estimated, outage, or unusable by its use flag.
-- kwh: the value of an interval where it is regular energy, else null; reading: the same for a register. counter is the
-- register's reading as it shows it, register_kwh the kWh of one unit of it, register_size where it begins again, if that
-- is declared.
-- judged: whether rules look at the component, by its unit and type.
-- lacking: component or device, if that is in no row of its table. A table without any row was not delivered, and what
-- is not delivered is no evidence: then it is null.
-- installed: whether an install event is valid, or there is none of any device.
--
-- [view]
-- inputs = ["measurement", "measuring_component", "device", "install_event", "install_span", "component_kind"]
-- materialize = true

WITH delivered AS (
    SELECT components.number > 0 AS components, devices.number > 0 AS devices, events.number > 0 AS events
    FROM (SELECT count(*) AS number FROM measuring_component) AS components
    CROSS JOIN (SELECT count(*) AS number FROM device) AS devices
    CROSS JOIN (SELECT count(*) AS number FROM install_event) AS events
),

reach AS (
    SELECT
        delivered.*,
        CAST(CAST(period.first_day AS INT) AS DOUBLE) - 7 - greatest(
            CAST(settings.spike_days AS DOUBLE),
            settings.baseline_days,
            2 * settings.low_days,
            settings.flat_days,
            settings.estimation_days,
            ceil(settings.zero_run_hours / 24.0),
            ceil(settings.stuck_hours / 24.0)
        ) AS first_day
    FROM settings
    CROSS JOIN period
    CROSS JOIN delivered
),

code AS (
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
        device.device_id IS NOT NULL AS has_device,
        coalesce(measuring_component.interval_seconds, 0) AS interval_seconds,
        coalesce(measuring_component.interval_seconds, 0) = 0 AS is_register,
        coalesce(upper(trim(measuring_component.direction)), 'DEL') = 'REC' AS is_received,
        NOT coalesce(component_kind.is_excluded, false)
        AND (measuring_component.uom IS NULL OR energy_unit.kwh IS NOT NULL) AS judged,
        coalesce(energy_unit.kwh, 1.0) AS kwh_per_unit,
        coalesce(measuring_component.multiplier, 1.0) AS multiplier,
        component_kind.register_size
    FROM measuring_component
    LEFT JOIN device ON device.device_id = measuring_component.device_id
    LEFT JOIN energy_unit ON upper(trim(energy_unit.uom)) = upper(trim(measuring_component.uom))
    LEFT JOIN component_kind ON component_kind.type = measuring_component.type
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
        component.register_size,
        component.measuring_component_id IS NOT NULL AS has_component,
        coalesce(component.has_device, false) AS has_device,
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
    CASE
        WHEN classified.class = 'regular' AND classified.judged AND classified.is_register
            THEN classified.measurement_value
    END AS counter,
    CASE WHEN classified.is_register THEN classified.kwh_per_unit * classified.multiplier END AS register_kwh,
    classified.register_size,
    CASE
        WHEN NOT classified.has_component THEN CASE WHEN reach.components THEN 'component' END
        WHEN NOT classified.has_device AND reach.devices THEN 'device'
    END AS lacking,
    classified.has_component AND (install_span.install_event_id IS NOT NULL OR NOT reach.events) AS installed,
    install_span.install_event_id,
    install_span.service_point_id,
    install_span.valid_from,
    install_span.valid_until,
    install_span.off_since
FROM reach
CROSS JOIN (
    install_span
    RIGHT JOIN classified
        ON install_span.device_id = classified.device_id
        AND install_span.valid_from < classified.measurement_dttm
        AND install_span.valid_until >= classified.measurement_dttm
)
WHERE classified.is_register OR CAST(CAST(classified.day AS INT) AS DOUBLE) >= reach.first_day
