//! What a test can ask for and change without a request.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::Value;

use crate::illuminate::AssessmentInfo;
use crate::illuminate::results::{Endpoint, Window};
use crate::server::Simulator;

impl Simulator {
    /// Every assessment that answers, in the order of the metadata; those they lack come last.
    pub fn assessments(&self) -> Vec<AssessmentInfo> {
        self.sources.illuminate.assessments()
    }

    /// Ids of the assessments that answer, though the metadata lack them.
    pub fn extra_assessments(&self) -> Vec<String> {
        self.assessments().into_iter().filter(|one| !one.listed).map(|one| one.id).collect()
    }

    /// The rows of the metadata in the order of the server, repeated ones included.
    ///
    /// Ids are text, whatever form an answer gives them; `__count` is left out.
    pub fn metadata_rows(&self) -> Vec<Value> {
        self.sources.illuminate.metadata_rows()
    }

    /// All rows of an assessment that were recorded in a window of days, both ends included, in the order of
    /// the server and with repeated rows. A row whose `date_taken` is junk belongs to the day it was recorded on.
    ///
    /// Ids and levels are text, points and percentages numbers, `mastered` is true or false, whatever form an
    /// answer gives them; `__count` is left out. Empty for an unknown assessment.
    pub fn assessment_rows(
        &self,
        assessment_id: &str,
        endpoint: Endpoint,
        start: Option<NaiveDate>,
        end: Option<NaiveDate>,
    ) -> Vec<Value> {
        self.sources.illuminate.rows(assessment_id, endpoint, &Window { start, end })
    }

    /// Requests for the results of any of these assessments get status 500, until this is called with others.
    pub fn fail_assessments(&self, ids: Vec<String>) {
        self.sources.illuminate.fail_assessments(ids);
    }

    /// Makes all tokens given out so far useless.
    pub fn expire_tokens(&self) {
        self.sources.illuminate.expire_tokens();
    }

    /// Makes all tokens given out until then useless when a token is shown for these times, counted from the first.
    pub fn expire_tokens_at(&self, requests: &[u64]) {
        self.sources.illuminate.expire_tokens_at(requests);
    }

    /// Requests that reached the API, by the last part of the URL, `token`, or `refused` for lack of a good token.
    pub fn illuminate_requests(&self) -> BTreeMap<&'static str, u64> {
        self.sources.illuminate.counts().all()
    }

    /// The school's list of students, `Student_Rosters.txt`: text with tabs and a header.
    pub fn roster_tsv(&self) -> String {
        self.sources.illuminate.roster()
    }
}
