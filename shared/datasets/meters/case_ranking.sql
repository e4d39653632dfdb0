-- Which service points to visit first: one row for each service point and case, ranked. What is found of a service point
-- is one case while no more than case_gap_days lie between one finding and the next, whatever the rule and the month. A
-- finding is followed back for 400 days, and a drop until use recovers, for a year (see case_part).
--
-- rank         1 is the first to visit: by score, and where that is unknown by certainty
-- place        the service point; where none is known the device, or else the component
-- place_kind   which of them place is: service_point, device or component
-- first_day    local day on which the case begins
-- last_day     local day on which the case ends
-- days         how many days there are from first_day to last_day, both included
-- kwh_at_risk  kWh used where nothing should be, run backwards, or missing against the days before; the same energy counts
--              once; null where it cannot be told
-- certainty    of the case's most certain rule, from 0 to 1, by list.certainty
-- score        kwh_at_risk times certainty, without an upper end; null where kwh_at_risk is
-- rules        the rules that found something, the most certain ones first, with commas between them
-- evidence     why, in a sentence, with the energy that each rule sees and the days; whether the case goes on
-- device_id    the device of the finding with most energy, by how certain it is; null: not known
-- measuring_component_id
--              the component of the finding with most energy, by how certain it is
--
-- Energy cannot be told of spikes, estimates, unknown components, and registers with next to nothing. A case goes on where
-- the last day with values of one of its components belongs to it. Twice the energy is twice the score.
--
-- Which energy is the same: several rules see the same energy of a component, and the greatest counts. Components of one
-- device, direction, interval length and unit have the same measuring_component columns and differ in what they count, as
-- registers for day and night do: they add up. Those of one device and direction that differ in interval length or unit
-- count the same flow in another way, as a register beside an interval channel does: of the ways the greatest counts.
-- Other devices, and the other direction, are other energy: they add up. A register of the total beside those of tariffs
-- has nothing that tells it from them: list.excluded_component_type has to name it, or its energy counts twice.
--
-- [model]
-- inputs = ["case_part", "measuring_component", "metered"]
-- csv = { name = "case_ranking" }
-- [[test]]
-- unique = ["rank"]
-- not_null = ["rank", "place", "first_day", "last_day", "certainty", "rules", "evidence"]
-- accepted = { place_kind = ["service_point", "device", "component"] }
-- range = { kwh_at_risk = [0, inf], certainty = [0, 1], score = [0, inf], rank = [1, inf] }
-- [[test]]
-- unique = ["place_kind", "place", "first_day"]
-- [[test]]
-- name = "the score is kWh at risk times certainty"
-- sql = "SELECT * FROM case_ranking WHERE abs(coalesce(score, -1.0) - coalesce(kwh_at_risk * certainty, -1.0)) > 0.001"

WITH placed AS (
    SELECT
        *,
        CASE
            WHEN service_point_id IS NOT NULL THEN 'service_point'
            WHEN device_id IS NOT NULL THEN 'device'
            ELSE 'component'
        END AS place_kind,
        coalesce(service_point_id, device_id, measuring_component_id) AS place
    FROM case_part
),

-- A period that goes on has a row in each month: these overlap.
continued AS (
    SELECT
        *,
        CASE
            WHEN first_day <= max(last_day) OVER (
                PARTITION BY place_kind, place, device_id, measuring_component_id, rule
                ORDER BY first_day, last_day
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            )
                THEN 0
            ELSE 1
        END AS begins
    FROM placed
),

numbered AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY place_kind, place, device_id, measuring_component_id, rule
            ORDER BY first_day, last_day
            ROWS UNBOUNDED PRECEDING
        ) AS spell
    FROM continued
),

-- The last month with values.
newest AS (
    SELECT metered.measuring_component_id, max(metered.day) AS month
    FROM (SELECT DISTINCT measuring_component_id FROM case_part) AS wanted
    INNER JOIN metered ON metered.measuring_component_id = wanted.measuring_component_id
    GROUP BY metered.measuring_component_id
),

-- The one that knows most has seen most energy.
spell AS (
    SELECT
        numbered.place_kind,
        numbered.place,
        numbered.device_id,
        numbered.measuring_component_id,
        numbered.rule,
        min(numbered.first_day) AS first_day,
        max(numbered.last_day) AS last_day,
        max(numbered.kwh_at_risk) AS kwh_at_risk,
        max(certainty.certainty) AS certainty,
        CASE WHEN count(numbered.doubt) = count(*) THEN min(numbered.doubt) END AS doubt,
        -- By the month that knows most, if the component has no values in a month after it.
        coalesce(
            max(numbered.last_day) = max(CASE WHEN numbered.goes_on THEN numbered.last_day END)
            AND max(numbered.last_day) >= max(coalesce(newest.month, numbered.last_day)),
            false
        ) AS goes_on
    FROM numbered
    INNER JOIN certainty ON certainty.severity = numbered.severity
    LEFT JOIN newest ON newest.measuring_component_id = numbered.measuring_component_id
    GROUP BY
        numbered.place_kind,
        numbered.place,
        numbered.device_id,
        numbered.measuring_component_id,
        numbered.rule,
        numbered.spell
),

apart AS (
    SELECT
        spell.*,
        CASE
            WHEN CAST(spell.first_day AS INT) <= 1 + settings.case_gap_days + CAST(
                max(spell.last_day) OVER (
                    PARTITION BY spell.place_kind, spell.place
                    ORDER BY spell.first_day, spell.last_day, spell.rule, spell.measuring_component_id, spell.device_id
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
                ) AS INT
            )
                THEN 0
            ELSE 1
        END AS begins
    FROM settings
    CROSS JOIN spell
),

in_case AS (
    SELECT
        *,
        sum(begins) OVER (
            PARTITION BY place_kind, place
            ORDER BY first_day, last_day, rule, measuring_component_id, device_id
            ROWS UNBOUNDED PRECEDING
        ) AS number
    FROM apart
),

by_component AS (
    SELECT
        place_kind,
        place,
        number,
        rule,
        device_id,
        measuring_component_id,
        min(first_day) AS first_day,
        max(last_day) AS last_day,
        round(sum(kwh_at_risk), 3) AS kwh_at_risk,
        max(certainty) AS certainty,
        CASE WHEN count(doubt) = count(*) THEN min(doubt) END AS doubt,
        bool_or(goes_on) AS goes_on
    FROM in_case
    GROUP BY place_kind, place, number, rule, device_id, measuring_component_id
),

-- What each rule sees of a component, and (without a rule) what all of them see.
seen AS (
    SELECT place_kind, place, number, rule, device_id, measuring_component_id, kwh_at_risk FROM by_component
    UNION ALL
    SELECT
        place_kind,
        place,
        number,
        CAST(NULL AS VARCHAR) AS rule,
        device_id,
        measuring_component_id,
        max(kwh_at_risk) AS kwh_at_risk
    FROM by_component
    GROUP BY place_kind, place, number, device_id, measuring_component_id
),

-- What is not declared is as metered has it: delivered, a register, kWh.
by_way AS (
    SELECT
        seen.place_kind,
        seen.place,
        seen.number,
        seen.rule,
        coalesce(seen.device_id, seen.measuring_component_id) AS meter,
        coalesce(upper(trim(measuring_component.direction)), 'DEL') AS direction,
        coalesce(measuring_component.interval_seconds, 0) AS interval_seconds,
        coalesce(upper(trim(measuring_component.uom)), 'KWH') AS uom,
        sum(seen.kwh_at_risk) AS kwh_at_risk
    FROM seen
    LEFT JOIN measuring_component ON measuring_component.measuring_component_id = seen.measuring_component_id
    GROUP BY
        seen.place_kind,
        seen.place,
        seen.number,
        seen.rule,
        coalesce(seen.device_id, seen.measuring_component_id),
        coalesce(upper(trim(measuring_component.direction)), 'DEL'),
        coalesce(measuring_component.interval_seconds, 0),
        coalesce(upper(trim(measuring_component.uom)), 'KWH')
),

by_flow AS (
    SELECT place_kind, place, number, rule, meter, direction, max(kwh_at_risk) AS kwh_at_risk
    FROM by_way
    GROUP BY place_kind, place, number, rule, meter, direction
),

energy AS (
    SELECT place_kind, place, number, rule, round(sum(kwh_at_risk), 3) AS kwh_at_risk
    FROM by_flow
    GROUP BY place_kind, place, number, rule
),

by_rule AS (
    SELECT
        place_kind,
        place,
        number,
        rule,
        max(certainty) AS certainty,
        CASE WHEN count(doubt) = count(*) THEN min(doubt) END AS doubt
    FROM by_component
    GROUP BY place_kind, place, number, rule
),

worded AS (
    SELECT
        by_rule.*,
        energy.kwh_at_risk,
        concat(
            coalesce(rule_meaning.words, by_rule.rule),
            CASE
                WHEN energy.kwh_at_risk >= 10 THEN concat(' (', CAST(round(energy.kwh_at_risk) AS BIGINT), ' kWh)')
                WHEN energy.kwh_at_risk >= 0.1 THEN concat(' (', round(energy.kwh_at_risk, 1), ' kWh)')
                ELSE ''
            END,
            CASE by_rule.doubt
                WHEN 'status_date_unknown' THEN ', in doubt as the date of its status is not known'
                WHEN 'spread_evenly' THEN ', in doubt as the time between two readings is long'
                WHEN 'use_before_unknown' THEN ', in doubt as the use before is not known'
                ELSE ''
            END
        ) AS words
    FROM by_rule
    INNER JOIN energy
        ON energy.place_kind = by_rule.place_kind
        AND energy.place = by_rule.place
        AND energy.number = by_rule.number
        AND energy.rule = by_rule.rule
    LEFT JOIN rule_meaning ON rule_meaning.rule = by_rule.rule
),

described AS (
    SELECT
        place_kind,
        place,
        number,
        CAST(string_agg(rule, ', ' ORDER BY certainty DESC, kwh_at_risk DESC NULLS LAST, rule) AS VARCHAR) AS rules,
        CAST(string_agg(words, '; ' ORDER BY certainty DESC, kwh_at_risk DESC NULLS LAST, rule) AS VARCHAR) AS words
    FROM worded
    GROUP BY place_kind, place, number
),

leading AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY place_kind, place, number
            ORDER BY kwh_at_risk * certainty DESC NULLS LAST, certainty DESC, rule, measuring_component_id, device_id
        ) AS choice,
        min(first_day) OVER of_case AS case_first_day,
        max(last_day) OVER of_case AS case_last_day,
        max(certainty) OVER of_case AS case_certainty,
        max(CASE WHEN goes_on THEN 1 ELSE 0 END) OVER of_case = 1 AS case_goes_on
    FROM by_component
    WINDOW of_case AS (PARTITION BY place_kind, place, number)
),

ranked AS (
    SELECT
        leading.place_kind,
        leading.place,
        leading.case_first_day AS first_day,
        leading.case_last_day AS last_day,
        leading.case_goes_on AS goes_on,
        energy.kwh_at_risk,
        leading.case_certainty AS certainty,
        round(energy.kwh_at_risk * leading.case_certainty, 3) AS score,
        described.rules,
        described.words,
        leading.device_id,
        leading.measuring_component_id
    FROM leading
    INNER JOIN described
        ON described.place_kind = leading.place_kind
        AND described.place = leading.place
        AND described.number = leading.number
    INNER JOIN energy
        ON energy.place_kind = leading.place_kind
        AND energy.place = leading.place
        AND energy.number = leading.number
        AND energy.rule IS NULL
    WHERE leading.choice = 1
)

SELECT
    CAST(
        row_number() OVER (
            ORDER BY score DESC NULLS LAST, certainty DESC, last_day DESC, first_day, place, place_kind
        ) AS BIGINT
    ) AS rank,
    place,
    place_kind,
    first_day,
    last_day,
    CAST(last_day AS INT) - CAST(first_day AS INT) + 1 AS days,
    kwh_at_risk,
    certainty,
    score,
    rules,
    concat(
        upper(left(words, 1)), substr(words, 2), '. ', to_char(first_day, '%-d %B %Y'),
        CASE WHEN last_day > first_day THEN concat(' to ', to_char(last_day, '%-d %B %Y')) ELSE '' END,
        CASE WHEN goes_on THEN ', and goes on' ELSE '' END, '.'
    ) AS evidence,
    device_id,
    measuring_component_id
FROM ranked
ORDER BY rank
