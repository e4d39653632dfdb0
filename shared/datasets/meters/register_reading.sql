-- The readings of registers, each in the span in which its device was then.
--
-- device_id          the component's device; null: not known
-- service_point_id   the customer's connection where the device was, or was last while it was not installed; null: not known
-- measurement_dttm   when the register was read
-- day                local day of the reading
-- class              what the reading is: regular, estimated, outage or unusable
-- is_received        whether the component measures what is received from the customer, as solar is, not what is delivered
-- judged             whether rules look at the component, by its unit and type
-- lacking            device: the component names none, or one without row in device; null: it has one, or that table is
--                    empty
-- installed          whether an install event is valid, or there is none of any device
-- install_event_id   the install event that is valid in the span; null: none is
-- valid_from         begin of the span, itself not in it; 1700-01-01: no bound; null: no install event of the device is
--                    known
-- valid_until        end of the span, itself in it; 2261-01-01: no bound; null: no install event of the device is known
-- off_since          since when the service is off, while the meter is there; null: it is not
-- inactive_since     since when the device is not active: its status_date, else its last removal, else when its file
--                    arrived; null: active
-- inactive_is_dated  whether inactive_since is the device's status_date; null: the device is active
-- register_size      counter at which the register begins again at 0, by list.register_size; null: the list lacks its type
-- register_kwh       kWh of one unit of the counter
-- reading            what the register shows, kWh; null where that is not regular, or the component is not judged
-- counter            what the register shows, in its own unit and without multiplier; null where reading is
--
-- [model]
-- partition = "month(day)"
-- intermediate = true
-- inputs = ["measurement", "metered", "classified"]

SELECT
    classified.measuring_component_id,
    metered.device_id,
    metered.service_point_id,
    classified.measurement_dttm,
    classified.day,
    classified.class,
    metered.is_received,
    metered.judged,
    metered.lacking,
    metered.installed,
    metered.install_event_id,
    metered.valid_from,
    metered.valid_until,
    metered.off_since,
    metered.inactive_since,
    metered.inactive_is_dated,
    metered.register_size,
    metered.kwh_per_unit * metered.multiplier AS register_kwh,
    CASE
        WHEN classified.class = 'regular' AND metered.judged
            THEN classified.measurement_value * metered.kwh_per_unit * metered.multiplier
    END AS reading,
    CASE WHEN classified.class = 'regular' AND metered.judged THEN classified.measurement_value END AS counter
FROM metered
INNER JOIN classified ON metered.measuring_component_id = classified.measuring_component_id
WHERE metered.is_register
    AND (
        metered.valid_from IS NULL
        OR (metered.valid_from < classified.measurement_dttm AND metered.valid_until >= classified.measurement_dttm)
    )
ORDER BY classified.measuring_component_id, classified.measurement_dttm
