//! The generated world: learners, the same for the same options, and what they did each week.

use chrono::{Days, NaiveDate};

use crate::Options;
use crate::codetrack::Week;
use crate::random::{Purpose, bits, unit};

/// Share of the weeks of which nothing is known.
const MISSING_RATE: f64 = 0.03;

/// Share of the weeks without a commit, of learners who struggle.
const NO_COMMITS_RATE: f64 = 0.25;

/// The course of a cohort is at least so many weeks old before anyone loses interest.
const EARLIEST_BREAK: u64 = 6;

/// A course that began on a Monday.
#[derive(Debug)]
pub(crate) struct Cohort {
    pub(crate) name: &'static str,
    /// Year, month and day.
    start: (i32, u32, u32),
}

const COHORTS: [Cohort; 3] = [
    Cohort { name: "7.3", start: (2025, 3, 3) },
    Cohort { name: "10.1", start: (2025, 9, 1) },
    Cohort { name: "10.10", start: (2026, 3, 2) },
];

/// How a learner fares.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Profile {
    /// Many points and commits each week.
    Excels,
    /// Points around the threshold of 30 and above.
    Steady,
    /// Less than 30 points, and weeks without commits.
    Struggles,
    /// Steady at first; from some week on no points and no commits.
    Disengages,
    /// Has an account and never used it.
    Silent,
}

/// Profiles in turn: their number has no factor in common with that of the cohorts.
const PROFILES: [Profile; 20] = {
    use Profile::{Disengages as D, Excels as E, Silent, Steady as S, Struggles as T};
    [S, E, T, D, S, E, S, T, S, D, E, S, T, S, E, D, S, T, S, Silent]
};

/// Which of the two lists does not have the latest week yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lag {
    None,
    Scores,
    Commits,
}

#[derive(Debug)]
pub(crate) struct Learner {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) cohort: &'static Cohort,
    pub(crate) profile: Profile,
    pub(crate) leetcode_id: Option<String>,
    lag: Lag,
    /// Weeks after the start of the course without any effort, if the learner loses interest.
    break_after: u64,
}

/// Everything the server knows that does not change while it runs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) today: NaiveDate,
    pub(crate) learners: Vec<Learner>,
}

const NAMES: [&str; 10] = ["Ada", "Bruno", "Chiara", "Dov", "Edda", "Farid", "Gwen", "Hana", "Ivo", "Jürgen"];

impl World {
    pub(crate) fn generate(options: &Options) -> Self {
        let seed = options.seed;
        let mut learners: Vec<Learner> = Vec::with_capacity(options.learners);
        for index in 0..options.learners {
            let previous = learners.last().map_or(40, |learner| learner.id);
            learners.extend(learner(seed, index, previous));
        }
        Self { seed, today: options.now.date_naive(), learners }
    }

    pub(crate) fn find(&self, id: i64) -> Option<&Learner> {
        self.learners.iter().find(|one| one.id == id)
    }

    /// Newest first.
    pub(crate) fn scores(&self, learner: &Learner) -> Vec<Week> {
        self.weeks(learner, Lag::Scores, |week| Some(learner.points(self.seed, week)))
    }

    /// Newest first.
    pub(crate) fn commits(&self, learner: &Learner) -> Vec<Week> {
        self.weeks(learner, Lag::Commits, |week| learner.commits(self.seed, week))
    }

    /// The weeks of one list, without those that are missing in it.
    fn weeks(&self, learner: &Learner, list: Lag, done: impl Fn(u64) -> Option<i64>) -> Vec<Week> {
        if learner.profile == Profile::Silent {
            return Vec::new();
        }
        let mondays = || (0..).map(|week| (week, learner.cohort.monday(week))).take_while(|it| it.1 <= self.today);
        let late = usize::from(learner.lag == list);
        let count = mondays().count().saturating_sub(late);
        let mut weeks: Vec<Week> = mondays()
            .take(count)
            .filter(|(week, _)| {
                unit(self.seed, Purpose::WeekMissing, &[learner.id as u64, list as u64, *week]) >= MISSING_RATE
            })
            .filter_map(|(week, monday)| Some(Week { monday, points: done(week)? }))
            .collect();
        weeks.reverse();
        weeks
    }
}

impl Cohort {
    fn monday(&self, week: u64) -> NaiveDate {
        let (year, month, day) = self.start;
        let start = NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default();
        start.checked_add_days(Days::new(7 * week)).unwrap_or(NaiveDate::MAX)
    }
}

impl Learner {
    fn points(&self, seed: u64, week: u64) -> i64 {
        let (low, high) = match self.profile {
            Profile::Excels => (45, 100),
            Profile::Steady => (25, 65),
            Profile::Struggles => (4, 28),
            Profile::Disengages if week < self.break_after => (25, 65),
            Profile::Disengages | Profile::Silent => (0, 0),
        };
        low + (bits(seed, Purpose::WeekPoints, &[self.id as u64, week]) % (high - low + 1) as u64) as i64
    }

    fn commits(&self, seed: u64, week: u64) -> Option<i64> {
        let subject = [self.id as u64, week];
        let (low, high) = match self.profile {
            Profile::Excels => (6, 25),
            Profile::Steady => (1, 10),
            Profile::Struggles
                if unit(seed, Purpose::WeekCommits, &[&subject[..], &[1]].concat()) < NO_COMMITS_RATE =>
            {
                (0, 0)
            }
            Profile::Struggles => (0, 3),
            Profile::Disengages if week < self.break_after => (1, 10),
            // No commits, no entry: the list just ends.
            Profile::Disengages | Profile::Silent => return None,
        };
        Some(low + (bits(seed, Purpose::WeekCommits, &subject) % (high - low + 1) as u64) as i64)
    }
}

fn learner(seed: u64, index: usize, previous_id: i64) -> Option<Learner> {
    let id = previous_id + 1 + (bits(seed, Purpose::LearnerId, &[index as u64]) % 4) as i64;
    let name = NAMES.get(bits(seed, Purpose::LearnerName, &[index as u64]) as usize % NAMES.len())?;
    Some(Learner {
        id,
        name: format!("{name} Example"),
        email: format!("learner{id}@example.org"),
        cohort: COHORTS.get(index % COHORTS.len())?,
        profile: *PROFILES.get(index % PROFILES.len())?,
        leetcode_id: (index % 4 != 1).then(|| format!("simulated-{id}")),
        lag: match index % 8 {
            5 => Lag::Commits,
            6 => Lag::Scores,
            _ => Lag::None,
        },
        break_after: EARLIEST_BREAK + bits(seed, Purpose::LearnerBreak, &[index as u64]) % 20,
    })
}
