-- What each usable measurement says was consumed: an interval's value, and the difference of two register readings.
--
-- [view]
-- inputs = ["installed_measurement"]

WITH register AS (
    SELECT
        *,
        lag(reading) OVER (PARTITION BY measuring_component_id ORDER BY measurement_dttm) AS previous_reading,
        lag(measurement_dttm) OVER (PARTITION BY measuring_component_id ORDER BY measurement_dttm) AS previous_dttm
    FROM installed_measurement
    WHERE reading IS NOT NULL
)

SELECT
    measuring_component_id,
    device_id,
    service_point_id,
    day,
    started,
    measurement_dttm,
    is_received,
    install_event_id,
    valid_from,
    valid_until,
    off_since,
    kwh
FROM installed_measurement
WHERE kwh IS NOT NULL
UNION ALL
SELECT
    measuring_component_id,
    device_id,
    service_point_id,
    day,
    previous_dttm AS started,
    measurement_dttm,
    is_received,
    install_event_id,
    valid_from,
    valid_until,
    off_since,
    reading - previous_reading AS kwh
FROM register
WHERE previous_reading IS NOT NULL
