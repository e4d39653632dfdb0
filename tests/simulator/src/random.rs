//! Random draws without state: each one is a hash of the seed, its purpose and what it is about.
//!
//! A generator that is stepped along would make a value depend on what was asked before. A hash makes it
//! the same in whatever order, window or process it is asked for.

/// What a draw decides. Two purposes never share a draw, so that the choices are independent of each other.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub(crate) enum Purpose {
    StationId = 1,
    StationPlace,
    SeriesOrder,
    SeriesId,
    SeriesStation,
    Procedure,
    FirstHour,
    LastHour,
    Dead,
    Closed,
    Prefilled,
    CarbonMonoxideUnit,
    LastValueForm,
    StatusIntervals,
    Weather,
    Episode,
    EpisodeStation,
    EpisodeLevel,
    StationLevel,
    SeriesLevel,
    Noise,
    Missing,
    MissingForm,
    DayHole,
    Outlier,
    Negative,
    Integer,
    AnswerOrder,
    Coordinate,
    FaultDraw,
    FaultKind,
    FaultDetail,
    Latency,
    AssessmentId,
    AssessmentDay,
    AssessmentStandards,
    AssessmentGroups,
    BenchmarkGuid,
    StudentId,
    StudentGrade,
    StudentName,
    StudentAbility,
    StudentSchool,
    RosterMissing,
    RosterAgain,
    Sitting,
    SittingDay,
    Retake,
    Performance,
    PointsPossible,
    MissingPercent,
    MissingBand,
    JunkDate,
    RepeatedRow,
    AnswerForm,
    Token,
    LearnerId,
    LearnerName,
    LearnerBreak,
    WeekPoints,
    WeekCommits,
    WeekMissing,
    WeekForm,
    WeekId,
}

/// 64 well mixed bits for the given purpose and subject.
pub(crate) fn bits(seed: u64, purpose: Purpose, subject: &[u64]) -> u64 {
    let mut state = mix(seed ^ (purpose as u64).wrapping_mul(0xA24B_AED4_963E_E407));
    for part in subject {
        state = mix(state ^ part);
    }
    state
}

/// A number in `[0, 1)` for the given purpose and subject.
pub(crate) fn unit(seed: u64, purpose: Purpose, subject: &[u64]) -> f64 {
    (bits(seed, purpose, subject) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The first `count` of the candidates in an order that only depends on the seed.
pub(crate) fn pick(
    seed: u64,
    purpose: Purpose,
    candidates: impl IntoIterator<Item = usize>,
    count: usize,
) -> Vec<usize> {
    let mut ordered: Vec<usize> = candidates.into_iter().collect();
    ordered.sort_by_key(|candidate| bits(seed, purpose, &[*candidate as u64]));
    ordered.truncate(count);
    ordered
}

/// One step of the splitmix64 generator.
fn mix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
