-- The readings of registers, each in the span in which its device was then.
--
-- class: regular, estimated, outage or unusable. All that is not told here is as in metered: device_id, service_point_id,
-- is_received, judged, lacking, installed, install_event_id, valid_from, valid_until, off_since, inactive_since,
-- inactive_is_dated.
-- reading: the kWh that the register shows, where it is regular energy, else null; counter: the same as it shows it;
-- register_kwh: the kWh of one unit of it; register_size: where it begins again, if that is declared.
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
