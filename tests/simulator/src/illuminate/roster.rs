//! The school's own list of students, as a student information system exports it.

use std::fmt::Write;

use crate::illuminate::model::{Student, World};
use crate::random::{Purpose, bits, unit};

const HEADER: &str = "STUDENTS.ID\tSTUDENTS.dcid\tSTUDENTS.SchoolID\tSTUDENTS.State_StudentNumber\t\
    STUDENTS.Student_Number\tSTUDENTS.Grade_Level\tSTUDENTS.Enroll_Status\tS_CA_STU_X.primarydisability\t\
    S_CA_STU_X.elastatus\n";

/// Share of the students the list lacks, beside those who left.
const MISSING_RATE: f64 = 0.03;

/// Share of the students who are listed twice: half of them exactly, the others as having been in another
/// school and a lower grade before.
const AGAIN_RATE: f64 = 0.03;

/// The highest grade; who passed it has left.
const LAST_GRADE: i8 = 12;

impl World {
    /// Tab-separated, with a header.
    pub(crate) fn roster(&self) -> String {
        let mut text = HEADER.to_owned();
        for student in self.students.iter().filter(|student| student.grade <= LAST_GRADE) {
            if unit(self.seed, Purpose::RosterMissing, &[student.id]) < MISSING_RATE {
                continue;
            }
            let again = unit(self.seed, Purpose::RosterAgain, &[student.id]);
            if again < AGAIN_RATE / 2.0 {
                self.roster_line(&mut text, student, student.grade, 2);
            }
            self.roster_line(&mut text, student, student.grade, 0);
            if (AGAIN_RATE / 2.0..AGAIN_RATE).contains(&again) {
                self.roster_line(&mut text, student, student.grade, 0);
            }
        }
        text
    }

    /// A status of 0 is an active student, 2 one who went elsewhere.
    fn roster_line(&self, text: &mut String, student: &Student, grade: i8, status: u8) {
        let drawn = bits(self.seed, Purpose::StudentSchool, &[student.id]);
        let (id, grade) = (student.id, if status == 0 { grade } else { (grade - 1).max(-2) });
        let school = 900 + (drawn + u64::from(status)) % 4;
        let disability = if drawn & 0xf00 == 0 { "SLD" } else { "" };
        let language = ["EO", "EL", "IFEP", "RFEP"].get((drawn >> 16) as usize % 4).copied().unwrap_or_default();
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "{}\t{}\t{school}\t99{id:08}\t{id}\t{grade}\t{status}\t{disability}\t{language}",
            id - 95_000,
            id - 40_000
        );
    }
}
