//! Queries that the engine would answer with other rows than they ask for: they are refused, with what to write in their place.

mod expanded;
mod planned;
mod spans;
mod written;

pub use self::expanded::as_expanded;
pub use self::planned::as_planned;
pub use self::written::as_written;

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use crate::error::Error;
    use crate::statement::{Kind, plan};

    /// Why a query is not answered, as it is planned or when it is made ready to run.
    async fn told(sql: &str) -> Option<String> {
        let context = SessionContext::new();
        context.sql("CREATE TABLE a (k BIGINT, h VARCHAR, t TIMESTAMP)").await.unwrap();
        context.sql("CREATE TABLE b (k BIGINT, h VARCHAR, t TIMESTAMP)").await.unwrap();
        match plan(&context, sql, Kind::Question).await {
            Ok(query) => query.create_physical_plan().await.err().map(|error| Error::from(error).to_string()),
            Err(error) => Some(error.to_string()),
        }
    }

    async fn are_answered(queries: &[&str]) {
        for sql in queries {
            assert_eq!(told(sql).await, None, "{sql}");
        }
    }

    async fn are_refused(queries: &[&str], why: &str) {
        for sql in queries {
            assert!(told(sql).await.is_some_and(|told| told.contains(why)), "{sql}: {:?}", told(sql).await);
        }
    }

    #[tokio::test]
    async fn comparisons_with_any_and_all_of_a_query_are_refused() {
        are_refused(
            &[
                "SELECT k FROM a WHERE k > ANY (SELECT k FROM a)",
                "SELECT k FROM a WHERE k >= ALL (SELECT k FROM b)",
                "SELECT k FROM a WHERE k = SOME (SELECT k FROM b)",
                "SELECT k FROM (SELECT k FROM a WHERE k <> ALL (SELECT k FROM b)) AS c",
            ],
            "over a SELECT are not answered",
        )
        .await;
        are_answered(&[
            "SELECT k FROM a WHERE k = ANY (make_array(1, 2))",
            "SELECT k FROM a WHERE k IN (SELECT k FROM b)",
        ])
        .await;
    }

    #[tokio::test]
    async fn clauses_are_not_passed_over() {
        for (sql, clause) in [
            ("SELECT k FROM a FOR UPDATE", "FOR behind a query"),
            ("SELECT k FROM a TABLESAMPLE BERNOULLI (10)", "TABLESAMPLE"),
            ("SELECT k FROM (SELECT k FROM a TABLESAMPLE BERNOULLI (10)) AS b", "TABLESAMPLE"),
            ("SELECT k FROM a WITH (nolock)", "a hint"),
            ("SELECT k FROM a PREWHERE k = 1", "PREWHERE"),
            ("SELECT k FROM a START WITH k = 1 CONNECT BY PRIOR k = k", "CONNECT BY"),
            ("SELECT k FROM a SETTINGS x = 1", "SETTINGS"),
            ("SELECT k FROM a FORMAT JSON", "FORMAT"),
            ("SELECT h, count(*) FROM a GROUP BY h WITH ROLLUP", "GROUP BY ROLLUP"),
            ("SELECT h, count(*) FROM a GROUP BY h WITH TOTALS", "GROUP BY ROLLUP"),
        ] {
            are_refused(&[sql], clause).await;
        }
        are_answered(&["SELECT h, count(*) FROM a GROUP BY ROLLUP (h)", "SELECT k FROM a LIMIT 1 OFFSET 2"]).await;
    }

    #[tokio::test]
    async fn windows_sets_and_orders_are_what_they_say() {
        are_refused(
            &[
                "SELECT count(*) OVER (w ORDER BY k) FROM a WINDOW w AS (PARTITION BY h)",
                "SELECT count(*) OVER v FROM a WINDOW w AS (PARTITION BY h), v AS (w ORDER BY k)",
                "SELECT k FROM a WINDOW w AS (PARTITION BY h) QUALIFY row_number() OVER (w ORDER BY k) = 1",
            ],
            "a window that builds on another one",
        )
        .await;
        are_refused(&["SELECT k FROM a EXCEPT ALL SELECT k FROM b"], "EXCEPT ALL is not answered").await;
        are_refused(
            &["SELECT k FROM b UNION ALL (SELECT k FROM a INTERSECT ALL SELECT k FROM b)"],
            "INTERSECT ALL is not answered",
        )
        .await;
        are_refused(&["SELECT -k AS k FROM a ORDER BY -k", "SELECT abs(k) AS K FROM a ORDER BY k + 1"], "in ORDER BY")
            .await;
        are_answered(&[
            "SELECT count(*) OVER w, sum(k) OVER (PARTITION BY h) FROM a WINDOW w AS (PARTITION BY h ORDER BY k)",
            "SELECT k FROM a EXCEPT SELECT k FROM b",
            "SELECT k FROM a UNION ALL SELECT k FROM b",
            "SELECT -k AS k FROM a ORDER BY k",
            "SELECT k + 1 AS n FROM a ORDER BY -n",
        ])
        .await;
    }

    #[tokio::test]
    async fn subqueries_of_a_row_ask_for_its_rows() {
        are_refused(
            &[
                "SELECT k FROM a WHERE NOT EXISTS (SELECT max(k) FROM b WHERE b.k = a.k)",
                "SELECT k FROM a WHERE a.k IN (SELECT count(*) FROM b WHERE b.h = a.h)",
                "SELECT k FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.h = a.h OFFSET 1)",
                "SELECT k FROM a WHERE k IN (SELECT k FROM b WHERE b.h = a.h ORDER BY k LIMIT 1)",
                "SELECT k FROM a WHERE k IN (SELECT b.k FROM b WHERE b.h = a.h QUALIFY row_number() OVER (ORDER BY b.k) = 2)",
                "SELECT l.c FROM a CROSS JOIN LATERAL (SELECT count(*) + 1 AS c FROM b WHERE b.h = a.h) AS l",
                "SELECT l.k FROM a LEFT JOIN LATERAL (SELECT sum(b.k) OVER (ORDER BY b.t) AS k FROM b WHERE b.h = a.h) AS l ON true",
            ],
            "a subquery that names columns of the outer query",
        )
        .await;
        are_answered(&[
            "SELECT k FROM a WHERE EXISTS (SELECT 1 FROM b WHERE b.h = a.h LIMIT 1)",
            "SELECT k FROM a WHERE EXISTS (SELECT b.h FROM b WHERE b.h = a.h GROUP BY b.h HAVING count(*) > 1)",
            "SELECT k FROM a WHERE k IN (SELECT max(k) FROM b)",
            "SELECT k FROM a WHERE EXISTS (SELECT 1 FROM (SELECT max(k) AS m FROM b) AS c WHERE c.m = a.k)",
            "SELECT (SELECT count(*) FROM b WHERE b.h = a.h) AS n FROM a",
        ])
        .await;
    }

    #[tokio::test]
    async fn spans_of_days_are_not_compared() {
        are_refused(
            &[
                "SELECT k FROM a WHERE t - TIMESTAMP '2026-01-01' > INTERVAL '1 day'",
                "SELECT INTERVAL '48 hours' > INTERVAL '1 month' AS is_more",
                "SELECT k FROM (SELECT k, t - lag(t) OVER (ORDER BY t) AS gap FROM a) AS c WHERE gap BETWEEN INTERVAL '6 hours' AND INTERVAL '1 day'",
            ],
            "spans of days and months",
        )
        .await;
        are_answered(&[
            "SELECT k FROM a WHERE t - TIMESTAMP '2026-01-01' > INTERVAL '36 hours'",
            "SELECT k FROM a WHERE t > TIMESTAMP '2026-01-01' + INTERVAL '1 day'",
            "SELECT a.k FROM a JOIN b ON a.t - b.t < INTERVAL '90 minutes'",
        ])
        .await;
    }

    #[tokio::test]
    async fn hours_are_not_lost_beside_a_day() {
        are_refused(
            &[
                "SELECT DATE '2026-11-01' + INTERVAL '12 hours' AS t",
                "SELECT INTERVAL '1 second' + CAST(t AS DATE) AS t FROM a",
                "SELECT k FROM a WHERE CAST(t AS DATE) - INTERVAL '36 hours' < DATE '2026-11-01'",
                "SELECT CAST(t AS DATE) + CASE WHEN k > 1 THEN INTERVAL '1 day' ELSE INTERVAL '1.5 days' END AS t FROM a",
            ],
            "would stay a date",
        )
        .await;
        are_refused(
            &[
                "SELECT extract(hour FROM a.t - b.t) AS h FROM a JOIN b ON a.k = b.k",
                "SELECT date_part('minute', max(t) - min(t)) AS m FROM a",
            ],
            "of the difference of two times",
        )
        .await;
        are_answered(&[
            "SELECT DATE '2026-11-01' + INTERVAL '1 day' AS t, DATE '2026-11-01' - INTERVAL '24 hours' AS u",
            "SELECT CAST(t AS DATE) + CASE WHEN k > 1 THEN INTERVAL '1 day' ELSE INTERVAL '1 month' END AS t FROM a",
            "SELECT t + INTERVAL '12 hours' AS t, extract(hour FROM t) AS h FROM a",
            "SELECT date_part('epoch', max(t) - min(t)) AS s, extract(hour FROM INTERVAL '3 hours') AS h FROM a",
        ])
        .await;
    }

    #[tokio::test]
    async fn parts_that_multiply_are_counted_before_they_are_planned() {
        let doubled = |times: usize| {
            let parts = (1..times).map(|n| format!(", W{n} AS (SELECT x.k FROM w{m} AS x, w{m} AS y)", m = n - 1));
            format!("WITH w0 AS (SELECT k FROM a){} SELECT k FROM w{}", parts.collect::<String>(), times - 1)
        };
        let within = format!("SELECT k FROM b WHERE k IN ({})", doubled(30));
        are_refused(&[&doubled(64), &within], "more than 10000 tables").await;
        let many = (0..50).map(|_| "SELECT k FROM w").collect::<Vec<_>>().join(" UNION ALL ");
        are_answered(&[&doubled(8), &format!("WITH w AS (SELECT k FROM a) {many}")]).await;
        are_answered(&["WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r"])
            .await;
    }

    #[tokio::test]
    async fn distinct_values_have_one_order_and_numbers_few_digits() {
        are_refused(
            &[
                "SELECT array_agg(DISTINCT h ORDER BY h) AS a, array_agg(DISTINCT h ORDER BY h DESC) AS b FROM a",
                "SELECT k, array_agg(DISTINCT h ORDER BY h) AS a, string_agg(h, ',' ORDER BY t, h DESC) AS b FROM a GROUP BY k",
            ],
            "an aggregate of DISTINCT values with ORDER BY",
        )
        .await;
        are_refused(
            &["SELECT round(1.5 * k, 400) AS r FROM a", "SELECT k FROM a WHERE trunc(k / 2.5, -301) > 1"],
            "300 digits",
        )
        .await;
        are_answered(&[
            "SELECT array_agg(DISTINCT h ORDER BY h DESC) AS a, count(DISTINCT t) AS n, max(k) AS k FROM a",
            "SELECT array_agg(DISTINCT h ORDER BY h) AS a, array_agg(DISTINCT h ORDER BY h) FILTER (WHERE k > 1) AS b FROM a",
            "SELECT array_agg(DISTINCT h ORDER BY h DESC) AS a, array_agg(DISTINCT t ORDER BY t) AS b FROM a",
            "SELECT array_agg(h ORDER BY t) AS a, array_agg(h ORDER BY t DESC) AS b FROM a",
            "SELECT round(1.5 * k, 3) AS r, round(k / 2.5, -2) AS s FROM a",
        ])
        .await;
    }

    #[tokio::test]
    async fn any_and_all_can_be_written_otherwise() {
        let context = SessionContext::new();
        let a = "(VALUES (1), (2), (3), (NULL)) AS a (x)";
        for (condition, wanted) in [
            // x >= ALL and x > ANY, of values, of nulls among them and of nothing.
            ("NOT EXISTS (SELECT 1 FROM (VALUES (1), (2)) AS b (y) WHERE (x >= y) IS NOT TRUE)", 2),
            ("NOT EXISTS (SELECT 1 FROM (VALUES (1), (NULL)) AS b (y) WHERE (x >= y) IS NOT TRUE)", 0),
            ("NOT EXISTS (SELECT 1 FROM (VALUES (1), (2)) AS b (y) WHERE y > 5 AND (x >= y) IS NOT TRUE)", 4),
            ("EXISTS (SELECT 1 FROM (VALUES (1), (2)) AS b (y) WHERE x > y)", 2),
            ("EXISTS (SELECT 1 FROM (VALUES (1), (NULL)) AS b (y) WHERE x > y)", 2),
        ] {
            let sql = format!("SELECT x FROM {a} WHERE {condition}");
            let rows = plan(&context, &sql, Kind::Question).await.unwrap().count().await.unwrap();
            assert_eq!(rows, wanted, "{sql}");
        }
    }

    #[tokio::test]
    async fn what_the_engine_cannot_do_is_said_in_words() {
        for (sql, wanted) in [
            (
                "SELECT 'a' COLLATE \"C\" AS c",
                "the query engine does not support this: Unsupported ast node in sqltorel: Collate",
            ),
            ("SELECT max(k) AS a, max(CAST(k AS DOUBLE)) AS b FROM a", "two values of the query have one name"),
            ("SELECT k, k FROM a", "SELECT has a.k twice: give one of them another name"),
            (
                "SELECT k FROM a AS h WHERE EXISTS (SELECT 1 FROM b WHERE b.k = h.k)",
                "a name before a point is a column here, and no table",
            ),
            ("SELECT b.h AS k FROM b ORDER BY b.k", "k may be b.k, or what the query calls k"),
            (
                "SELECT coalesce(CAST(t AS DATE), 'x') AS d FROM a",
                "the values of coalesce(Date32, Utf8) have no type in common: CAST them to one",
            ),
            ("SELECT \"K\" FROM a", "No field named \"K\""),
        ] {
            let said = told(sql).await.unwrap_or_default();
            assert!(said.starts_with(wanted), "{sql}: {said}");
            for word in ["Span(", "enable_ident", "Execution error"] {
                assert!(!said.contains(word), "{sql}: {said}");
            }
        }
    }
}
