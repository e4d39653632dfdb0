-- Which service points to visit first: one row for each service point and case, ranked. What is found of a service point
-- is one case while no more than case_gap_days lie between one finding and the next, whatever the rule and the month.
--
-- rank         1 is the first to visit: by score, and where that is unknown by certainty
-- place        the service point; where none is known the device, or else the component
-- place_kind   which of them place is: service_point, device or component
-- first_day, last_day, days
--              of the case, by local days, and how many these are. A finding is followed back for 400 days
-- kwh_at_risk  kWh used where nothing should be, or missing against the days before: the greatest of its rules, as several
--              of them see the same energy. Null where it cannot be told (spikes, estimates, unknown components, registers
--              with next to nothing)
-- certainty    of its most certain rule, from 0 to 1, by list.certainty
-- score        kWh at risk times certainty, the greatest of its rules. It has no upper end: twice the energy is twice the score
-- rules        the rules that found something, the most certain ones first
-- evidence     why, in a sentence
-- device_id, measuring_component_id
--              of the finding with the highest score
--
-- [model]
-- inputs = ["case_part"]
-- csv = { name = "case_ranking" }
-- [[test]]
-- unique = ["rank"]
-- not_null = ["rank", "place", "first_day", "last_day", "certainty", "rules", "evidence"]
-- accepted = { place_kind = ["service_point", "device", "component"] }
-- range = { kwh_at_risk = [0, inf], certainty = [0, 1], score = [0, inf], rank = [1, inf] }
-- [[test]]
-- unique = ["place_kind", "place", "first_day"]

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
        CASE WHEN count(numbered.doubt) = count(*) THEN min(numbered.doubt) END AS doubt
    FROM numbered
    INNER JOIN certainty ON certainty.severity = numbered.severity
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
        CASE WHEN count(doubt) = count(*) THEN min(doubt) END AS doubt
    FROM in_case
    GROUP BY place_kind, place, number, rule, device_id, measuring_component_id
),

-- Of several components the one with the highest score stands for the rule.
by_rule AS (
    SELECT
        *,
        round(kwh_at_risk * certainty, 3) AS score,
        row_number() OVER (
            PARTITION BY place_kind, place, number, rule
            ORDER BY kwh_at_risk * certainty DESC NULLS LAST, certainty DESC, measuring_component_id, device_id
        ) AS choice,
        min(first_day) OVER (PARTITION BY place_kind, place, number) AS case_first_day,
        max(last_day) OVER (PARTITION BY place_kind, place, number) AS case_last_day
    FROM by_component
),

worded AS (
    SELECT
        by_rule.*,
        concat(
            coalesce(rule_meaning.words, by_rule.rule),
            CASE
                WHEN by_rule.kwh_at_risk >= 10 THEN concat(' (', CAST(round(by_rule.kwh_at_risk) AS BIGINT), ' kWh)')
                WHEN by_rule.kwh_at_risk >= 0.1 THEN concat(' (', round(by_rule.kwh_at_risk, 1), ' kWh)')
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
    LEFT JOIN rule_meaning ON rule_meaning.rule = by_rule.rule
    WHERE by_rule.choice = 1
),

ranked AS (
    SELECT
        place_kind,
        place,
        case_first_day AS first_day,
        case_last_day AS last_day,
        max(kwh_at_risk) AS kwh_at_risk,
        max(certainty) AS certainty,
        max(score) AS score,
        CAST(string_agg(rule, ', ' ORDER BY certainty DESC, kwh_at_risk DESC NULLS LAST, rule) AS VARCHAR) AS rules,
        CAST(string_agg(words, '; ' ORDER BY certainty DESC, kwh_at_risk DESC NULLS LAST, rule) AS VARCHAR) AS words,
        first_value(device_id ORDER BY score DESC NULLS LAST, certainty DESC, rule) AS device_id,
        first_value(measuring_component_id ORDER BY score DESC NULLS LAST, certainty DESC, rule) AS measuring_component_id
    FROM worded
    GROUP BY place_kind, place, number, case_first_day, case_last_day
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
        CASE WHEN last_day > first_day THEN concat(' to ', to_char(last_day, '%-d %B %Y')) ELSE '' END, '.'
    ) AS evidence,
    device_id,
    measuring_component_id
FROM ranked
ORDER BY rank
