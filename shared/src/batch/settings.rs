//! When and where work is handed over.

use crate::error::{Error, Result};
use crate::settings::Environment;

const QUEUE: &str = "BATCH_JOB_QUEUE";
const DEFINITION: &str = "BATCH_JOB_DEFINITION";
const ABOVE_BYTES: &str = "BATCH_ABOVE_BYTES";
const ABOVE_DAYS: &str = "BATCH_ABOVE_DAYS";

/// When and where work is handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The job queue's name or ARN.
    pub queue: String,
    /// The job definition's name or ARN.
    pub definition: String,
    /// Above which size an object, or the input of an aggregation, is for a job; `None`: never.
    pub above_bytes: Option<u64>,
    /// Above which number of days a window is for a job; `None`: never. A backfill always is.
    pub above_days: Option<u64>,
}

impl Settings {
    /// Reads `BATCH_JOB_QUEUE` and its like. `None` if none of them is set: then nothing is handed over.
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>> {
        let queue = environment.text(QUEUE)?;
        let definition = environment.text(DEFINITION)?;
        let (above_bytes, above_days) = (number(environment, ABOVE_BYTES)?, number(environment, ABOVE_DAYS)?);
        match (queue, definition) {
            (Some(queue), Some(definition)) => {
                let (queue, definition) = (queue.to_owned(), definition.to_owned());
                Ok(Some(Self { queue, definition, above_bytes, above_days }))
            }
            (Some(_), None) => Err(missing(DEFINITION, QUEUE)),
            (None, Some(_)) => Err(missing(QUEUE, DEFINITION)),
            (None, None) if above_bytes.is_some() => Err(missing(QUEUE, ABOVE_BYTES)),
            (None, None) if above_days.is_some() => Err(missing(QUEUE, ABOVE_DAYS)),
            (None, None) => Ok(None),
        }
    }
}

fn number(environment: &Environment, name: &str) -> Result<Option<u64>> {
    let parse = |text: &str| {
        text.parse()
            .map_err(|_| Error::Setting { name: name.to_owned(), why: format!("\"{text}\" is not a whole number") })
    };
    environment.text(name)?.map(parse).transpose()
}

fn missing(name: &str, given: &str) -> Error {
    let why =
        format!("is not set, but {given} is: set {QUEUE} and {DEFINITION} together, or none of the BATCH_ variables");
    Error::Setting { name: name.to_owned(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_together_or_not_at_all() {
        let read = |variables: &[(&str, &str)]| Settings::from_environment(&Environment::of(variables));
        assert_eq!(read(&[]).unwrap(), None);
        let both = [(QUEUE, "q"), (DEFINITION, "d"), (ABOVE_BYTES, "5")];
        let settings = read(&both).unwrap().unwrap();
        assert_eq!((settings.above_bytes, settings.above_days), (Some(5), None));
        for (half, named) in [
            (&both[..1], DEFINITION),
            (&both[1..2], QUEUE),
            (&both[2..], QUEUE),
            (&[(ABOVE_DAYS, "many")], ABOVE_DAYS),
            (&[(QUEUE, " ")], QUEUE),
        ] {
            let error = read(half).unwrap_err();
            assert!(error.is_usage() && error.to_string().starts_with(&format!("setting {named}: ")), "{error}");
        }
    }
}
