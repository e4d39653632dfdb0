-- The components that have measurements in a month, as everything that is known of them beside: one row for each span
-- between installations and removals of their device that touches the month. Whatever changes of other components, these
-- rows stay as they are, and nothing that is made of them is made again.
--
-- A measurement is of the span with valid_from < measurement_dttm <= valid_until. Of a device without install events there
-- is one without bounds. A table without any row was not delivered, and what is not delivered is no evidence: nothing is
-- lacking then.
--
-- day                the first day of the month
-- span               number of the span among those of the component in the month, from 1, by time
-- point              number of the service point among those of the component in the month, from 1
-- device_id          the component's device; null: not known
-- lacking            component: it has no row in measuring_component; device: it names none, or one without row in device;
--                    null: neither, or that table is empty
-- interval_seconds   how long an interval is, seconds; 0: a register, or a component without row in measuring_component
-- is_register        whether values are readings that grow, not those of intervals
-- is_received        whether the component measures what is received from the customer, as solar is, not what is delivered
-- judged             whether rules look at the component, by its unit and type
-- kwh_per_unit       kWh of one of the component's units, by list.energy_unit; 1 where none is given, or the list lacks it
-- multiplier         of register readings, 1 where none is given; interval values are final, already multiplied
-- register_size      reading at which a register begins again at 0, by list.register_size; null: the list lacks its type
-- installed          whether an install event is valid, or there is none of any device; false for a component without row in
--                    measuring_component
-- install_event_id   the install event that is valid in the span; null: none is
-- service_point_id   the customer's connection where the device was, or was last while it was not installed; null: not known
-- valid_from         begin of the span, itself not in it; 1700-01-01: no bound; null: no install event of the device is
--                    known
-- valid_until        end of the span, itself in it; 2261-01-01: no bound; null: no install event of the device is known
-- off_since          since when the service is off, while the meter is there; null: it is not
-- inactive_since     since when the device is not active: its status_date, else its last removal, else when its file
--                    arrived; null: active
-- inactive_is_dated  whether inactive_since is the device's status_date; null: the device is active
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
