-- The components that have measurements in a month, as everything that is known of them beside: one row for each span
-- between installations and removals of their device that touches the month. Whatever changes of other components, these
-- rows stay as they are, and nothing that is made of them is made again.
--
-- judged: whether rules look at the component, by its unit and type.
-- lacking: component or device, if that is in no row of its table. A table without any row was not delivered, and what
-- is not delivered is no evidence: then it is null.
-- is_register: whether values are readings that grow; is_received: whether it measures what is received, as solar is.
-- kwh_per_unit, multiplier, register_size: what one of its units is in kWh, and where a register begins again, by the lists.
-- off_since: since when the service is off, while the meter is there.
-- inactive_since, inactive_is_dated: since when the device is not active, and whether that is its status_date.
-- installed: whether an install event is valid, or there is none of any device.
-- point: the number of the service point among those of the component.
-- span: the number of the span; a measurement is of the one with valid_from < measurement_dttm <= valid_until. Of a device
-- without install events there is one without bounds.
--
-- [model]
-- partition = "month(day)"
-- intermediate = true
-- inputs = [
--     "measurement",
--     "measuring_component",
--     "device",
--     "install_event",
--     "install_span",
--     "component_kind",
--     "inactive_device",
-- ]

WITH delivered AS (
    SELECT components.number > 0 AS components, devices.number > 0 AS devices, events.number > 0 AS events
    FROM (SELECT count(*) AS number FROM measuring_component) AS components
    CROSS JOIN (SELECT count(*) AS number FROM device) AS devices
    CROSS JOIN (SELECT count(*) AS number FROM install_event) AS events
),

used AS (
    SELECT DISTINCT measuring_component_id FROM measurement
),

component AS (
    SELECT
        used.measuring_component_id,
        measuring_component.measuring_component_id IS NOT NULL AS has_component,
        measuring_component.device_id,
        device.device_id IS NOT NULL AS has_device,
        coalesce(measuring_component.interval_seconds, 0) AS interval_seconds,
        measuring_component.measuring_component_id IS NOT NULL
        AND coalesce(measuring_component.interval_seconds, 0) = 0 AS is_register,
        coalesce(upper(trim(measuring_component.direction)), 'DEL') = 'REC' AS is_received,
        NOT coalesce(component_kind.is_excluded, false)
        AND (measuring_component.uom IS NULL OR energy_unit.kwh IS NOT NULL) AS judged,
        coalesce(energy_unit.kwh, 1.0) AS kwh_per_unit,
        coalesce(measuring_component.multiplier, 1.0) AS multiplier,
        component_kind.register_size,
        inactive_device.since AS inactive_since,
        inactive_device.is_dated AS inactive_is_dated
    FROM used
    LEFT JOIN measuring_component ON measuring_component.measuring_component_id = used.measuring_component_id
    LEFT JOIN device ON device.device_id = measuring_component.device_id
    LEFT JOIN inactive_device ON inactive_device.device_id = measuring_component.device_id
    LEFT JOIN energy_unit ON upper(trim(energy_unit.uom)) = upper(trim(measuring_component.uom))
    LEFT JOIN component_kind ON component_kind.type = measuring_component.type
),

-- Days are those of the dataset's zone: a day more on each side has every stamp of them.
touching AS (
    SELECT install_span.*
    FROM period
    CROSS JOIN install_span
    WHERE CAST(install_span.valid_from AS DATE) <= period.next_day + INTERVAL '1 day'
        AND CAST(install_span.valid_until AS DATE) >= period.first_day - INTERVAL '1 day'
)

SELECT
    period.first_day AS day,
    component.measuring_component_id,
    row_number() OVER (PARTITION BY component.measuring_component_id ORDER BY touching.valid_from) AS span,
    dense_rank() OVER (
        PARTITION BY component.measuring_component_id ORDER BY coalesce(touching.service_point_id, '')
    ) AS point,
    component.device_id,
    CASE
        WHEN NOT component.has_component THEN CASE WHEN delivered.components THEN 'component' END
        WHEN NOT component.has_device AND delivered.devices THEN 'device'
    END AS lacking,
    component.interval_seconds,
    component.is_register,
    component.is_received,
    component.judged,
    component.kwh_per_unit,
    component.multiplier,
    component.register_size,
    component.has_component AND (touching.install_event_id IS NOT NULL OR NOT delivered.events) AS installed,
    touching.install_event_id,
    touching.service_point_id,
    touching.valid_from,
    touching.valid_until,
    touching.off_since,
    component.inactive_since,
    component.inactive_is_dated
FROM period
CROSS JOIN delivered
CROSS JOIN (component LEFT JOIN touching ON touching.device_id = component.device_id)
ORDER BY component.measuring_component_id, span
