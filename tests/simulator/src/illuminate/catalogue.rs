//! Fixed tables: titles that are hard to read, standards, groups and bands.

/// What an assessment is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Subject {
    Mathematics,
    English,
    Science,
    History,
    Other,
}

impl Subject {
    /// Id and name as the metadata give them.
    pub(crate) fn named(self) -> (&'static str, &'static str) {
        match self {
            Self::Mathematics => ("1", "Mathematics"),
            Self::English => ("2", "English Language Arts"),
            Self::Science => ("3", "Science"),
            Self::History => ("4", "History-Social Science"),
            Self::Other => ("9", "Other"),
        }
    }

    pub(crate) fn standards(self) -> &'static [Standard; 5] {
        match self {
            Self::Mathematics | Self::Other => &MATHEMATICS,
            Self::English => &ENGLISH,
            Self::Science => &SCIENCE,
            Self::History => &HISTORY,
        }
    }
}

/// A learning standard.
#[derive(Debug)]
pub(crate) struct Standard {
    pub(crate) code: &'static str,
    pub(crate) description: &'static str,
}

const fn standard(code: &'static str, description: &'static str) -> Standard {
    Standard { code, description }
}

const MATHEMATICS: [Standard; 5] = [
    standard("4.MD.4", "Make a line plot to display a data set of measurements in fractions of a unit"),
    standard("CCSS.Math.Content.1.OA.B.4", "Understand subtraction as an unknown-addend problem"),
    standard("S-ID.2", "Compare centre (median, mean) and spread of two or more data sets"),
    standard("CCSS.Math.Content.5.NF.A.1", "Add and subtract fractions with unlike denominators"),
    standard("A-REI.3", "Solve linear equations and inequalities in one variable"),
];

const ENGLISH: [Standard; 5] = [
    standard("CCSS.ELA-Literacy.RI.3.2", "Determine the main idea of a text; recount the key details"),
    standard("CCSS.ELA-Literacy.RL.4.1", "Refer to details and examples in a text, \"quoting\" accurately"),
    standard("CCSS.ELA-Literacy.W.5.1", "Write opinion pieces, supporting a point of view with reasons"),
    standard("L.2.4", "Determine the meaning of unknown words"),
    standard("RI.9-10.8", "Delineate and evaluate the argument in a text"),
];

const SCIENCE: [Standard; 5] = [
    standard("MS-LS3-1", "Develop a model to describe why changes to genes may result in effects"),
    standard("HS-PS1-2", "Construct an explanation for the outcome of a simple chemical reaction"),
    standard("HS-LS1-3", "Plan an investigation to show that feedback maintains homeostasis"),
    standard("MS-ESS2-4", "Develop a model of the cycling of water"),
    standard("5-PS3-1", "Use models to describe that energy in food was once energy from the sun"),
];

const HISTORY: [Standard; 5] = [
    standard("HSS.8.2.3", "Evaluate the major debates on the constitution"),
    standard("HSS.10.3.1", "Analyze why industry began where it did"),
    standard("HSS.11.4.2", "Describe the effects of foreign policy"),
    standard("HSS.12.7", "Compare the powers of national, state, and local governments"),
    standard("RH.6-8.1", "Cite specific textual evidence"),
];

/// Names of the groups questions are reported in.
pub(crate) const GROUPS: [&str; 4] =
    ["Multiple Choice", "Open-Ended Response", "Constructed Response", "Performance Task"];

/// Where the name of a group stands; assessments differ.
pub(crate) const GROUP_COLUMNS: [&str; 5] =
    ["reporting_group", "reporting_group", "reporting_group_label", "reporting_group", "label"];

/// Labels of the levels from 1 on.
pub(crate) const BANDS: [&str; 4] =
    ["Does Not Meet Expectations", "Approaching Expectations", "Meets Expectations", "Exceeds Expectations"];

/// An assessment before it has an id: title, lowest and highest grade (0 is kindergarten), subject.
pub(crate) type Plan = (Option<&'static str>, i8, i8, Subject);

/// The assessment that all grades take in both school years, with all five standards of its subject.
pub(crate) const EVERYBODY: usize = 0;

/// The assessment that is taken around the end of June, in two school years.
pub(crate) const TURN_OF_YEAR: usize = 8;

/// Each title holds a trap for whoever derives curriculum, unit or type from it, or combines several.
pub(crate) const PLANS: [Plan; 40] = [
    // A unit that becomes "Interim 1", no curriculum.
    (Some("Interim Assessment"), -2, 12, Subject::Mathematics),
    (Some("Grade 4 Math Interim Assessment #1"), 4, 4, Subject::Mathematics),
    // IM is Math, but Checkpoint comes later in the list.
    (Some("IM Grade 3 Unit 1 Checkpoint"), 3, 3, Subject::Mathematics),
    (Some("Grade 5 ELA Module 2 Assessment"), 5, 5, Subject::English),
    (None, 6, 6, Subject::English),
    // "ela" inside a word.
    (Some("Public Relations Unit 2 Quiz"), 9, 12, Subject::Other),
    (Some("Grade 7 Mathematics Unit 3 Assessment"), 7, 7, Subject::Mathematics),
    (Some("Biology Interim Assessment"), 9, 9, Subject::Science),
    // Neither keyword nor unit.
    (Some("Diagnostic"), 6, 8, Subject::Other),
    (Some("Algebra II IA #2"), 11, 11, Subject::Mathematics),
    (Some("Algebra I Interim Assessment #2"), 9, 9, Subject::Mathematics),
    (Some("Kindergarten Math Module 1 Assessment"), -2, 0, Subject::Mathematics),
    (Some("Geometry Unit 1 Checkpoint #3"), 10, 10, Subject::Mathematics),
    (Some("Algebra 11 Unit 2 Exam"), 11, 11, Subject::Mathematics),
    (Some("Algebra 1 Unit 2 Exam"), 9, 9, Subject::Mathematics),
    (Some("Pre Cal Interim #1"), 12, 12, Subject::Mathematics),
    (Some("PreCalculus ia"), 12, 12, Subject::Mathematics),
    (Some("AP Stats Module 1"), 12, 12, Subject::Mathematics),
    (Some("Statistics Unit 4 Checkpoint"), 12, 12, Subject::Mathematics),
    // Science comes later in the list than Checkpoint.
    (Some("Physics Checkpoint - Science"), 11, 11, Subject::Science),
    (Some("Government and Economics Interim 2"), 12, 12, Subject::History),
    (Some("English 10 Interim Assessment #1"), 10, 10, Subject::English),
    (Some("Quantitative Reasoning Unit 1"), 12, 12, Subject::Mathematics),
    (Some("Grade 6 Social Studies Unit 2 Assessment"), 6, 6, Subject::History),
    (Some("US History Interim Assessment #1"), 11, 11, Subject::History),
    (Some("World History Unit 3 Checkpoint"), 10, 10, Subject::History),
    // Two blanks: the unit ends after the first word.
    (Some("Environmental Science Interim  Assessment #1"), 12, 12, Subject::Science),
    // "im" inside words.
    (Some("Simple Animals Unit 1"), 1, 1, Subject::Other),
    // Not the whole word Checkpoint, yet of that type.
    (Some("Checkpoints in Climate Module 3"), 8, 8, Subject::Other),
    // Curricula are found in any case, units are not.
    (Some("im grade 8 unit 1 assessment"), 8, 8, Subject::Mathematics),
    (Some("GRADE 4 ELA INTERIM ASSESSMENT #1"), 4, 4, Subject::English),
    (Some("Into Reading Grade 2 Module 3"), 2, 2, Subject::English),
    (Some("Grade 3 ELA \"Fables, Folktales\" Module 1 Assessment"), 3, 3, Subject::English),
    (Some("Grade 2 Math Interim #2 Checkpoint"), 2, 2, Subject::Mathematics),
    (Some("Grade 5 Science Module 3 Assessment"), 5, 5, Subject::Science),
    (Some("Mid-Unit 1 Checkpoint Grade 6"), 6, 6, Subject::Mathematics),
    (Some("Español: Unit 12 – Vocabulario"), 7, 8, Subject::Other),
    (Some("Math Lab Exit Ticket"), 1, 1, Subject::Mathematics),
    (Some(""), 4, 4, Subject::Other),
    (Some(" Grade 3 Math  Unit 2 Assessment "), 3, 3, Subject::Mathematics),
];

/// Assessments the metadata do not list: id and plan.
pub(crate) const UNLISTED: [(&str, Plan); 2] = [
    ("899001", (Some("Grade 3 Math Unit 1 Assessment"), 3, 3, Subject::Mathematics)),
    ("5eed00000000000000000001", (Some("Grade 8 ELA Interim Assessment #2"), 8, 8, Subject::English)),
];

/// Names nobody takes for those of real students.
pub(crate) const FIRST_NAMES: [&str; 8] = ["Ada", "Blaise", "Carla", "Dmitri", "Emmy", "Félix", "Grace", "Hypatia"];
/// As [`FIRST_NAMES`].
pub(crate) const LAST_NAMES: [&str; 6] = ["Example", "Sample", "Specimen", "O'Placeholder", "Invented", "Testcase"];
