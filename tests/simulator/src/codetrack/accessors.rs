//! What a test can ask for and change without a request.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::codetrack::{LearnerInfo, Week};
use crate::server::Simulator;

impl Simulator {
    /// Every learner with an account, in the order of the roster.
    pub fn learners(&self) -> Vec<LearnerInfo> {
        self.sources.codetrack.learners()
    }

    /// The points of each week the server has, newest first; nothing for an unknown learner.
    pub fn weekly_scores(&self, learner_id: i64) -> Vec<Week> {
        self.sources.codetrack.scores(learner_id).unwrap_or_default()
    }

    /// The number of commits of each week the server has, newest first; nothing for an unknown learner.
    pub fn weekly_commits(&self, learner_id: i64) -> Vec<Week> {
        self.sources.codetrack.commits(learner_id).unwrap_or_default()
    }

    /// Sets the points of the week that begins on a date. Gives whether the server has points of that week;
    /// if not, nothing changes.
    pub fn correct_week(&self, date: NaiveDate, learner_id: i64, points: i64) -> bool {
        self.sources.codetrack.correct(date, learner_id, points)
    }

    /// Requests about any of these learners get status 500, until this is called with others.
    pub fn fail_learners(&self, ids: Vec<i64>) {
        self.sources.codetrack.fail_learners(ids);
    }

    /// Requests that reached the API, by the first part of the path.
    pub fn codetrack_requests(&self) -> BTreeMap<&'static str, u64> {
        self.sources.codetrack.counts().all()
    }

    /// The list of learners, `roster.json`: beside those with an account an id of 0, one of -1 and a duplicate.
    pub fn roster_json(&self) -> String {
        self.sources.codetrack.roster().to_string()
    }
}
