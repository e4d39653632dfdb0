//! School assessments, as a client sees them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use simulator::{AuthFailure, CLIENT_ID, CLIENT_SECRET, Endpoint, Options, Simulator};

use crate::http::{Answer, call, send};

const ENDPOINTS: [Endpoint; 3] = [Endpoint::NoStandard, Endpoint::Standard, Endpoint::Group];

/// A simulator and a token for it.
struct Client {
    simulator: Simulator,
    token: String,
}

impl Client {
    async fn new(options: Options) -> Self {
        let simulator = Simulator::start(options).await.unwrap();
        let answer = login(&simulator, CLIENT_SECRET).await;
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        Self { simulator, token }
    }

    async fn get(&self, path: &str) -> Answer {
        let header = format!("authorization: Bearer {}", self.token);
        send(&self.simulator, "GET", &format!("/live/rest_server.php/Api/{path}"), &header, "").await
    }

    /// The rows of all pages, which are told by `num_results` alone, and what the first envelope says.
    async fn all(&self, endpoint: Endpoint, id: &str, limit: usize) -> (Vec<Value>, Value) {
        let (mut rows, mut first, mut page) = (Vec::new(), None, 1);
        loop {
            let path = format!("{}/?page={page}&limit={limit}&assessment_id={id}", endpoint.path());
            let mut answer = self.get(&path).await.json();
            let results = answer["results"].take();
            let total = number(&answer["num_results"]);
            assert!(results != json!([]) || total == 0.0, "page {page} of {id} is empty");
            rows.extend(results.as_array().unwrap().iter().cloned());
            first.get_or_insert(answer);
            if rows.len() >= total as usize {
                return (rows, first.unwrap());
            }
            page += 1;
        }
    }
}

async fn login(simulator: &Simulator, secret: &str) -> Answer {
    let form = format!("client_id={CLIENT_ID}&client_secret={secret}&grant_type=client_credentials");
    let header = "content-type: application/x-www-form-urlencoded";
    send(simulator, "POST", "/live/?OAuth2_AccessToken", header, &form).await
}

fn number(value: &Value) -> f64 {
    value.as_f64().or_else(|| value.as_str()?.parse().ok()).unwrap()
}

/// Both forms of a row made alike, and without what changes between calls.
fn comparable(row: &Value) -> Value {
    let mut row = row.as_object().unwrap().clone();
    row.remove("__count");
    let alike = |(name, value): (String, Value)| {
        let value = match value {
            Value::Bool(flag) => if flag { "t" } else { "f" }.to_owned(),
            Value::String(text) => text,
            Value::Null => return (name, Value::Null),
            other => number(&other).to_string(),
        };
        (name, value.into())
    };
    Value::Object(row.into_iter().map(alike).collect())
}

#[tokio::test]
async fn tokens_are_asked_for_and_expire() {
    let client = Client::new(Options::default()).await;
    let simulator = &client.simulator;
    assert_eq!(simulator.illuminate_url(), format!("http://{}/live/", simulator.address()));
    assert_eq!(login(simulator, "wrong").await.status, 401);
    assert_eq!(login(simulator, CLIENT_SECRET).await.json()["expires_in"], 3600);
    assert_eq!(client.get("Assessments/").await.status, 200);
    assert_eq!(call(simulator, "GET", "/live/rest_server.php/Api/Assessments/", "").await.status, 401);
    assert_eq!(call(simulator, "POST", "/simulator/illuminate/expire", "").await.status, 200);
    assert_eq!(client.get("Assessments/").await.status, 401);
    let counts = json!({"Assessments": 1, "refused": 2, "token": 3});
    assert_eq!(call(simulator, "GET", "/simulator/illuminate/requests", "").await.json(), counts);
    assert_eq!(serde_json::to_value(simulator.illuminate_requests()).unwrap(), counts);

    let lasting = Options { token_expires_in: false, token_seconds: 0, ..Options::default() };
    let html = Client::new(Options { auth_failure: AuthFailure::Html, ..lasting }).await;
    assert_eq!(login(&html.simulator, CLIENT_SECRET).await.json().get("expires_in"), None);
    let page = html.get("Assessments/").await;
    assert!(page.status == 200 && page.head.contains("text/html"), "{}", page.head);
}

#[tokio::test]
async fn pages_hold_what_the_accessors_tell_in_either_form() {
    let client = Client::new(Options::default()).await;
    let (mut forms, mut with_pages, mut empty) = (BTreeSet::new(), BTreeSet::new(), 0);
    for assessment in client.simulator.assessments() {
        for endpoint in ENDPOINTS {
            let (rows, envelope) = client.all(endpoint, &assessment.id, 1000).await;
            let expected = client.simulator.assessment_rows(&assessment.id, endpoint, None, None);
            assert_eq!(rows.len(), expected.len());
            assert!(rows.iter().map(comparable).eq(expected.iter().map(comparable)), "{}", assessment.id);
            forms.extend(rows.first().map(|row| row["points"].is_string()));
            with_pages.insert(envelope.get("num_pages").is_some());
            let pages = expected.len().div_ceil(1000) as f64;
            assert!(envelope.get("num_pages").is_none_or(|told| number(told) == pages), "{envelope}");
            empty += usize::from(expected.is_empty());
        }
    }
    assert_eq!((forms.len(), with_pages.len()), (2, 2));
    assert!(empty > 5, "{empty}");
    let listed = client.get("Assessments/?page=1&limit=1000").await.json();
    let listed = listed["results"].as_array().unwrap().iter().map(comparable);
    assert!(listed.eq(client.simulator.metadata_rows().iter().map(comparable)));
}

#[tokio::test]
async fn small_pages_are_numbered_from_one_and_end() {
    let client = Client::new(Options { volatile_count: false, ..Options::default() }).await;
    let big = &client.simulator.assessments()[0].id;
    let expected = client.simulator.assessment_rows(big, Endpoint::Standard, None, None);
    assert!(expected.len() > 2000, "{}", expected.len());
    let (rows, envelope) = client.all(Endpoint::Standard, big, 300).await;
    assert!(rows.iter().map(comparable).eq(expected.iter().map(comparable)));
    assert_eq!(number(&envelope["num_pages"]), expected.len().div_ceil(300) as f64);
    assert!(rows.iter().all(|row| number(&row["__count"]) == expected.len() as f64));
    let (most, _) = client.all(Endpoint::Standard, big, 5000).await;
    let path = format!("{}/?assessment_id={big}", Endpoint::Standard.path());
    let last = client.get(&format!("{path}&page=99")).await.json();
    assert_eq!((most.len(), &last["results"]), (expected.len(), &json!([])));
    assert_eq!(client.get(&path).await.json()["results"].as_array().unwrap().len(), 1000);
    for (bad, status) in [("&page=0", 400), ("&date_taken_start=soon", 400), ("&page=1", 200)] {
        assert_eq!(client.get(&format!("{path}{bad}")).await.status, status, "{bad}");
    }
    assert_eq!(client.get("AssessmentAggregateStudentResponses/").await.status, 400);
    assert_eq!(client.get("Enrollment/").await.status, 404);
}

#[tokio::test]
async fn windows_have_both_ends_and_the_count_changes() {
    let client = Client::new(Options::default()).await;
    let id = &client.simulator.assessments()[0].id;
    let rows = |start: &str, end: &str| {
        let day = |text: &str| text.parse().ok();
        client.simulator.assessment_rows(id, Endpoint::NoStandard, day(start), day(end)).len()
    };
    let (past, current) = (rows("2023-07-01", "2024-06-30"), rows("2024-07-01", "2025-06-30"));
    assert!(past > 200 && current > 200);
    assert_eq!(past + current, rows("", ""));
    let path = format!(
        "{}/?assessment_id={id}&date_taken_start=2024-07-01&date_taken_end=2025-06-30",
        Endpoint::NoStandard.path()
    );
    let (first, second) = (client.get(&path).await.json(), client.get(&path).await.json());
    assert_eq!(first["results"].as_array().unwrap().len(), current);
    assert_ne!(first["results"][0]["__count"], second["results"][0]["__count"]);
    assert_eq!(comparable(&first["results"][0]), comparable(&second["results"][0]));
}

#[tokio::test]
async fn assessments_fail_until_healed() {
    let options = Options { failing_assessments: vec!["900002".to_owned()], ..Options::default() };
    let client = Client::new(options).await;
    let [bad, good] = ["900002", "900003"].map(|id| format!("{}/?assessment_id={id}", Endpoint::Group.path()));
    assert_eq!((client.get(&bad).await.status, client.get(&good).await.status), (500, 200));
    client.simulator.fail_assessments(vec!["900003".to_owned()]);
    assert_eq!((client.get(&bad).await.status, client.get(&good).await.status), (200, 500));
    call(&client.simulator, "POST", "/simulator/illuminate/failing", r#"{"assessments":[]}"#).await;
    assert_eq!((client.get(&bad).await.status, client.get(&good).await.status), (200, 200));
    client.simulator.set_down(true);
    assert_eq!(client.get(&good).await.status, 503);
    let roster = call(&client.simulator, "GET", "/simulator/illuminate/roster", "").await;
    assert_eq!(String::from_utf8(roster.body).unwrap(), client.simulator.roster_tsv());
}
