//! The generated world: assessments and students, the same for the same options.

use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate, NaiveDateTime};

use crate::Options;
use crate::illuminate::catalogue::{EVERYBODY, GROUPS, PLANS, Plan, Standard, Subject, TURN_OF_YEAR, UNLISTED};
use crate::random::{Purpose, bits, unit};

/// The school years there are results of, by the calendar year they begin in.
pub(crate) const SCHOOL_YEARS: [i32; 2] = [2023, 2024];

/// Days of a run on which students sit an assessment.
const RUN_DAYS: u64 = 10;

/// Keys of assessments that are not listed follow this one, whatever the number of those that are.
const UNLISTED_KEY: u64 = 2_000_005;

/// An assessment, as one or two school years take it.
#[derive(Debug)]
pub(crate) struct Assessment {
    /// For draws.
    pub(crate) key: u64,
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    pub(crate) grades: RangeInclusive<i8>,
    pub(crate) subject: Subject,
    pub(crate) standards: Vec<&'static Standard>,
    /// How many of the groups its questions are reported in.
    pub(crate) groups: usize,
    pub(crate) runs: Vec<Run>,
    pub(crate) created: NaiveDateTime,
    pub(crate) listed: bool,
}

/// The days on which an assessment is taken in one school year.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Position in [`SCHOOL_YEARS`].
    pub(crate) year: usize,
    pub(crate) first: NaiveDate,
    pub(crate) days: u64,
}

#[derive(Debug)]
pub(crate) struct Student {
    pub(crate) id: u64,
    /// The grade in the last of the school years: -2 and -1 before kindergarten, 13 has left.
    pub(crate) grade: i8,
    /// From 0 to 1.
    pub(crate) ability: f64,
}

/// Everything the server knows that does not change while it runs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) today: NaiveDate,
    pub(crate) assessments: Vec<Assessment>,
    pub(crate) students: Vec<Student>,
}

impl World {
    pub(crate) fn generate(options: &Options) -> Self {
        let (seed, today) = (options.seed, options.now.date_naive());
        let mut assessments = Vec::with_capacity(options.assessments + UNLISTED.len());
        for index in 0..options.assessments {
            assessments.push(listed(seed, index));
        }
        for (key, (id, plan)) in (UNLISTED_KEY..).zip(UNLISTED) {
            assessments.push(assessment(seed, key, id.to_owned(), plan));
        }
        assessments.retain(|one| one.created.date() <= today);
        let mut students: Vec<Student> = Vec::with_capacity(options.students);
        for index in 0..options.students as u64 {
            let previous = students.last().map_or(100_000, |student| student.id);
            students.push(student(seed, index, previous));
        }
        Self { seed, today, assessments, students }
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Assessment> {
        self.assessments.iter().find(|one| one.id == id)
    }
}

impl Assessment {
    /// The grade in the metadata: only where there is one.
    pub(crate) fn grade_levels(&self) -> Option<String> {
        match (*self.grades.start(), *self.grades.end()) {
            (_, 0) => Some("K".to_owned()),
            (low, high) if low == high => Some(low.to_string()),
            _ => None,
        }
    }

    /// Answers with at most a page of results may lack the number of pages.
    pub(crate) fn hides_num_pages(&self) -> bool {
        self.key % 9 == 5
    }
}

impl Student {
    /// The grade in a school year, by its position.
    pub(crate) fn grade_in(&self, year: usize) -> i8 {
        self.grade - (SCHOOL_YEARS.len() - 1).saturating_sub(year) as i8
    }
}

/// The tables come again with another form of each title when more assessments are asked for than they hold.
fn listed(seed: u64, index: usize) -> Assessment {
    let key = index as u64;
    let id = match key % 17 {
        16 => format!("{:024x}", u128::from(bits(seed, Purpose::AssessmentId, &[key])) << 32 | 0xabc),
        _ => (900_001 + key).to_string(),
    };
    let (title, low, high, subject) = PLANS.get(index % PLANS.len()).copied().unwrap_or((None, 0, 0, Subject::Other));
    let mut one = assessment(seed, key, id, (title, low, high, subject));
    one.listed = true;
    if let (Some(title), further @ 1..) = (&mut one.title, index / PLANS.len()) {
        title.push_str(&format!(" (Form {further})"));
    }
    one
}

fn assessment(seed: u64, key: u64, id: String, (title, low, high, subject): Plan) -> Assessment {
    let everybody = key == EVERYBODY as u64;
    let drawn = bits(seed, Purpose::AssessmentStandards, &[key]) as usize;
    let amount = match key % 6 {
        4 => 0,
        _ if everybody => 5,
        _ => 1 + drawn % 4,
    };
    let runs = runs(seed, key);
    let first = runs.first().map_or_else(|| midsummer(1), |run| run.first);
    let created = minus(first, 7 + drawn as u64 % 14).and_hms_opt(9, 12, (key % 60) as u32).unwrap_or_default();
    Assessment {
        key,
        id,
        title: title.map(str::to_owned),
        grades: low..=high,
        subject,
        standards: subject.standards().iter().cycle().skip(drawn % 5).take(amount).collect(),
        groups: match key % 5 {
            3 => 0,
            _ if everybody => GROUPS.len(),
            _ => 1 + bits(seed, Purpose::AssessmentGroups, &[key]) as usize % GROUPS.len(),
        },
        runs,
        created,
        listed: false,
    }
}

/// Every fourth assessment is taken in both years, another fourth in the first one only; a few are never taken.
fn runs(seed: u64, key: u64) -> Vec<Run> {
    if key == TURN_OF_YEAR as u64 {
        return vec![Run { year: 0, first: minus(midsummer(1), 7), days: 14 }];
    }
    let years: &[usize] = match (key % 13, key % 4) {
        (12, _) => &[],
        (_, 0) => &[0, 1],
        (_, 2) => &[0],
        _ => &[1],
    };
    let run = |year: &usize| {
        let day = 45 + bits(seed, Purpose::AssessmentDay, &[key, *year as u64]) % 240;
        Run { year: *year, first: plus(midsummer(*year), day), days: RUN_DAYS }
    };
    years.iter().map(run).collect()
}

fn student(seed: u64, index: u64, previous_id: u64) -> Student {
    let drawn = bits(seed, Purpose::StudentGrade, &[index]);
    Student {
        id: previous_id + 1 + bits(seed, Purpose::StudentId, &[index]) % 7,
        grade: match drawn % 100 {
            0..2 => -2,
            2..5 => -1,
            _ => ((drawn >> 32) % 14) as i8,
        },
        ability: unit(seed, Purpose::StudentAbility, &[index]),
    }
}

/// The first day of a school year, by its position.
pub(crate) fn midsummer(year: usize) -> NaiveDate {
    let year = SCHOOL_YEARS.get(year).copied().unwrap_or(2025);
    NaiveDate::from_ymd_opt(year, 7, 1).unwrap_or_default()
}

pub(crate) fn plus(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

fn minus(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_sub_days(Days::new(days)).unwrap_or(day)
}
