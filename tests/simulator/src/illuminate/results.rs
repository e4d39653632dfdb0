//! Who achieved what: each result is a function of the seed, the assessment, the student and the sitting.

use chrono::NaiveDate;

use crate::illuminate::catalogue::{BANDS, FIRST_NAMES, GROUP_COLUMNS, GROUPS, LAST_NAMES, Standard};
use crate::illuminate::json::{Fields, Scalar};
use crate::illuminate::model::{Assessment, Run, Student, World, plus};
use crate::random::{Purpose, bits, unit};

/// Shares of the students that sit an assessment of their grade, and that sit it again.
const SITTING_RATE: f64 = 0.95;
const RETAKE_RATE: f64 = 0.03;

/// Shares of the results with a flaw.
const NO_PERCENT_RATE: f64 = 0.02;
const NO_POINTS_POSSIBLE_RATE: f64 = 0.004;
const NO_BAND_RATE: f64 = 0.04;
const JUNK_DATE_RATE: f64 = 0.005;
const REPEATED_RATE: f64 = 0.01;

/// The date that stands for one that is not known.
const JUNK_DATE: &str = "2000-01-01";

/// Points that can be had for a part of an assessment.
const POINTS_POSSIBLE: [u64; 6] = [2, 3, 4, 5, 8, 16];

/// Which part of the results: an endpoint each.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Endpoint {
    /// One row per student: `AssessmentAggregateStudentResponses/`.
    NoStandard,
    /// One row per student and standard: `AssessmentAggregateStudentResponsesStandard/`.
    Standard,
    /// One row per student and reporting group: `AssessmentAggregateStudentResponsesGroup/`.
    Group,
}

/// Days on which results were recorded, both included.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub(crate) start: Option<NaiveDate>,
    pub(crate) end: Option<NaiveDate>,
}

impl Window {
    fn contains(&self, day: NaiveDate) -> bool {
        self.start.is_none_or(|start| start <= day) && self.end.is_none_or(|end| day <= end)
    }
}

/// A row, before it is written: most of an answer may be on other pages.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    sitting: Sitting<'a>,
    part: Part,
}

/// One student at one assessment on one day.
#[derive(Clone, Copy)]
struct Sitting<'a> {
    assessment: &'a Assessment,
    student: &'a Student,
    /// The school year, doubled, and one more if it is a second attempt.
    attempt: u64,
    recorded: NaiveDate,
}

/// What a row is about. Draws tell them apart by [`Part::key`].
#[derive(Clone, Copy)]
enum Part {
    Whole,
    Standard(usize, &'static Standard),
    Group(usize, &'static str),
}

impl Part {
    fn key(self) -> u64 {
        match self {
            Self::Whole => 0,
            Self::Standard(index, _) => 100 + index as u64,
            Self::Group(index, _) => 200 + index as u64,
        }
    }
}

impl World {
    /// Rows in the order of the server: repeated ones come at the end, where they may be on another page.
    pub(crate) fn rows<'a>(&'a self, assessment: &'a Assessment, endpoint: Endpoint, window: &Window) -> Vec<Row<'a>> {
        let parts = assessment.parts(endpoint);
        let sittings = self.sittings(assessment).filter(|sitting| window.contains(sitting.recorded));
        let mut rows: Vec<Row<'a>> =
            sittings.flat_map(|sitting| parts.iter().map(move |part| Row { sitting, part: *part })).collect();
        let again =
            |row: &&Row<'_>| unit(self.seed, Purpose::RepeatedRow, &row.sitting.subject(row.part)) < REPEATED_RATE;
        let mut repeated: Vec<Row<'a>> = rows.iter().filter(again).copied().collect();
        rows.append(&mut repeated);
        rows
    }

    fn sittings<'a>(&'a self, assessment: &'a Assessment) -> impl Iterator<Item = Sitting<'a>> {
        let of_run = move |run: &'a Run| {
            let takers = self.students.iter().filter(|it| assessment.grades.contains(&it.grade_in(run.year)));
            takers.flat_map(move |student| self.attempts(assessment, run, student))
        };
        assessment.runs.iter().flat_map(of_run).filter(|sitting| sitting.recorded <= self.today)
    }

    fn attempts<'a>(
        &self,
        assessment: &'a Assessment,
        run: &Run,
        student: &'a Student,
    ) -> impl Iterator<Item = Sitting<'a>> {
        let subject = [assessment.key, student.id, run.year as u64];
        let day = bits(self.seed, Purpose::SittingDay, &subject) % run.days;
        let first = (unit(self.seed, Purpose::Sitting, &subject) < SITTING_RATE).then_some((0, day));
        let again = unit(self.seed, Purpose::Retake, &subject) < RETAKE_RATE;
        let again = first.filter(|_| again).map(|_| (1, day + 14));
        let (first_day, year) = (run.first, run.year as u64);
        first.into_iter().chain(again).map(move |(again, days)| Sitting {
            assessment,
            student,
            attempt: 2 * year + again,
            recorded: plus(first_day, days),
        })
    }
}

impl Assessment {
    fn parts(&self, endpoint: Endpoint) -> Vec<Part> {
        match endpoint {
            Endpoint::NoStandard => vec![Part::Whole],
            Endpoint::Standard => {
                self.standards.iter().enumerate().map(|(index, one)| Part::Standard(index, one)).collect()
            }
            Endpoint::Group => {
                GROUPS.iter().enumerate().take(self.groups).map(|(index, one)| Part::Group(index, one)).collect()
            }
        }
    }

    fn group_column(&self) -> &'static str {
        GROUP_COLUMNS.get(self.key as usize % GROUP_COLUMNS.len()).copied().unwrap_or("reporting_group")
    }
}

impl Row<'_> {
    pub(crate) fn fields(&self, seed: u64) -> Fields {
        self.sitting.fields(seed, self.part)
    }
}

impl Sitting<'_> {
    fn subject(&self, part: Part) -> [u64; 4] {
        [self.assessment.key, self.student.id, self.attempt, part.key()]
    }

    /// Points and points possible. The whole is the sum of the standards, if there are any.
    fn points(&self, seed: u64, part: Part) -> (u64, u64) {
        if let (Part::Whole, false) = (part, self.assessment.standards.is_empty()) {
            let parts = self.assessment.parts(Endpoint::Standard);
            let points = parts.into_iter().map(|one| self.points(seed, one));
            return points.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        }
        let drawn = unit(seed, Purpose::Performance, &self.subject(part));
        let performance = (0.15 + 0.65 * self.student.ability + 0.5 * (drawn - 0.5)).clamp(0.0, 1.0);
        let subject = [self.assessment.key, part.key()];
        let choice = bits(seed, Purpose::PointsPossible, &subject) as usize % POINTS_POSSIBLE.len();
        let possible = match part {
            Part::Whole => 40,
            _ if unit(seed, Purpose::PointsPossible, &self.subject(part)) < NO_POINTS_POSSIBLE_RATE => 0,
            _ => POINTS_POSSIBLE.get(choice).copied().unwrap_or(4),
        };
        ((possible as f64 * performance).round() as u64, possible)
    }

    fn fields(&self, seed: u64, part: Part) -> Fields {
        let mut fields = vec![
            ("assessment_id", Scalar::id(&self.assessment.id)),
            ("title", Scalar::optional(self.assessment.title.as_deref(), Scalar::text)),
        ];
        match part {
            Part::Whole => {
                fields.push(("version", Scalar::id(1)));
                fields.push(("version_label", Scalar::text("Version 1")));
            }
            Part::Standard(_, standard) => {
                fields.push(("academic_benchmark_guid", Scalar::text(guid(seed, standard))));
                fields.push(("standard_code", Scalar::text(standard.code)));
                fields.push(("standard_description", Scalar::text(standard.description)));
            }
            Part::Group(index, group) => {
                fields.push(("reporting_group_id", Scalar::id(501 + index)));
                fields.push((self.assessment.group_column(), Scalar::text(group)));
            }
        }
        let junk = unit(seed, Purpose::JunkDate, &self.subject(Part::Whole)) < JUNK_DATE_RATE;
        let date = if junk { JUNK_DATE.to_owned() } else { self.recorded.to_string() };
        fields.extend(self.student.fields(seed));
        fields.push(("date_taken", Scalar::text(date)));
        fields.extend(self.marks(seed, part));
        fields
    }

    fn marks(&self, seed: u64, part: Part) -> Fields {
        let (points, possible) = self.points(seed, part);
        let subject = self.subject(part);
        let known = possible > 0 && unit(seed, Purpose::MissingPercent, &subject) >= NO_PERCENT_RATE;
        let percent = known.then(|| (points as f64 * 10_000.0 / possible as f64).round() / 100.0);
        let band = percent.map(|percent| match percent {
            ..40.0 => 0,
            40.0..60.0 => 1,
            60.0..80.0 => 2,
            _ => 3,
        });
        // Half of the bands that are missing lack both fields, the others one of them.
        let gap = bits(seed, Purpose::MissingBand, &[&subject[..], &[1]].concat()) % 4;
        let gap = Some(gap).filter(|_| unit(seed, Purpose::MissingBand, &subject) < NO_BAND_RATE);
        let level = band.filter(|_| !matches!(gap, Some(0..=2))).map(|band| band + 1);
        let label = band.filter(|_| !matches!(gap, Some(0 | 1 | 3))).and_then(|band| BANDS.get(band).copied());
        vec![
            ("points", Scalar::Integer(points)),
            ("points_possible", Scalar::Integer(possible)),
            ("percent_correct", Scalar::optional(percent, Scalar::Decimal)),
            ("performance_band_level", Scalar::optional(level, Scalar::id)),
            ("performance_band_label", Scalar::optional(label, Scalar::text)),
            ("mastered", Scalar::Flag(band.is_some_and(|band| band >= 2))),
        ]
    }
}

impl Student {
    fn fields(&self, seed: u64) -> [(&'static str, Scalar); 4] {
        let drawn = |axis: u64, names: &[&'static str]| {
            let choice = bits(seed, Purpose::StudentName, &[self.id, axis]) as usize % names.len().max(1);
            names.get(choice).copied().unwrap_or_default()
        };
        [
            ("local_student_id", Scalar::id(self.id)),
            ("first_name", Scalar::text(drawn(0, &FIRST_NAMES))),
            ("last_name", Scalar::text(drawn(1, &LAST_NAMES))),
            ("middle_name", Scalar::Null),
        ]
    }
}

fn guid(seed: u64, standard: &Standard) -> String {
    let code: Vec<u64> = standard.code.bytes().map(u64::from).collect();
    let (high, low) =
        (bits(seed, Purpose::BenchmarkGuid, &code), bits(seed, Purpose::BenchmarkGuid, &[&code[..], &[0]].concat()));
    format!(
        "{:08X}-{:04X}-{:04X}-{:04X}-{:012X}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
