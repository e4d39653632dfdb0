//! What the Lambda functions share: settings read once, a lake per call, and a sense of time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::error::{Error, Result};
use crate::lake::Lake;
use crate::settings::{Environment, LakeSettings};
use crate::store::S3Client;

/// A call stops taking on work this long before its deadline, to end cleanly.
const RESERVE: Duration = Duration::from_secs(10);
/// Where Lambda says how much memory a function has.
const MEMORY: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";
/// What Lambda and its emulators always set.
const OF_LAMBDA: [&str; 2] = ["AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME"];
/// Where nobody says it.
const USUAL_MEMORY: usize = 1024;
/// No call of a function takes a day.
const LONGEST_CALL: Duration = Duration::from_secs(24 * 60 * 60);

/// What a function keeps between calls: settings, and the S3 client with its connections.
#[derive(Debug, Clone)]
pub struct Function {
    /// The memory that it has, in MB.
    pub memory: usize,
    settings: LakeSettings,
    client: S3Client,
}

impl Function {
    /// Reads the settings. Makes no request: a cold start polls for its first event at once.
    pub fn from_environment(environment: &Environment) -> Result<Self> {
        for name in OF_LAMBDA {
            if environment.text(name)?.is_none() {
                let why =
                    "is not set: this program is an AWS Lambda function; on a command line, `tributary` does its work";
                return Err(Error::Setting { name: name.to_owned(), why: why.to_owned() });
            }
        }
        let memory = environment.text(MEMORY)?.map_or(Ok(USUAL_MEMORY), str::parse);
        let memory = memory.map_err(|_| Error::Setting { name: MEMORY.to_owned(), why: "is no number".to_owned() })?;
        let settings = LakeSettings::from_environment(environment, None)?;
        Ok(Self { memory, settings, client: S3Client::default() })
    }

    /// The lake as it is now: a dataset that was changed since the last call is read again.
    pub async fn lake(&self) -> Result<Lake> {
        Lake::open_with(self.settings.clone(), &self.client).await
    }
}

/// What a function cannot begin without; else the process ends, with a message: in Lambda a line of the log like any other.
pub fn or_exit<T>(result: std::result::Result<T, impl std::fmt::Display>) -> T {
    result.unwrap_or_else(|error| {
        if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
            tracing::error!(%error, "cannot start");
        } else {
            eprintln!("error: {error}");
        }
        std::process::exit(2)
    })
}

/// One call's time.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// A call that Lambda ends at `at`. Work may go on until [`RESERVE`] before it, or half of a very short call.
    ///
    /// `cargo lambda watch` tells how long a call may take in place of a moment: what would be in 1970 is taken for that.
    pub fn at(at: SystemTime) -> Self {
        Self::after(duration_until(at, SystemTime::now()))
    }

    /// A call that may take this long.
    pub fn after(left: Duration) -> Self {
        Self(Instant::now() + for_work(left))
    }

    /// The time that is left for work.
    pub fn left(&self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// The moment, for timers.
    pub fn instant(&self) -> Instant {
        self.0
    }
}

fn duration_until(at: SystemTime, now: SystemTime) -> Duration {
    let since_1970 = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let is_moment = since_1970 > LONGEST_CALL;
    if is_moment { at.duration_since(now).unwrap_or_default() } else { since_1970 }
}

/// What is left without the reserve.
fn for_work(left: Duration) -> Duration {
    left.saturating_sub(RESERVE.min(left / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_outside_of_lambda_says_what_it_is() {
        let error = Function::from_environment(&Environment::default()).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("AWS Lambda function"), "{error}");
        let settings = OF_LAMBDA.map(|name| (name, "x"));
        assert!(Function::from_environment(&Environment::of(&settings)).is_ok());
    }

    #[test]
    fn a_deadline_is_a_moment_or_in_an_emulator_a_duration() {
        let now = SystemTime::now();
        let left = |at| for_work(duration_until(at, now)).as_secs();
        assert_eq!(left(now + Duration::from_secs(60)), 50);
        assert_eq!(left(now + Duration::from_secs(8)), 4);
        assert_eq!(left(now - Duration::from_secs(60)), 0);
        assert_eq!(left(UNIX_EPOCH + Duration::from_secs(600)), 590);
        assert!(Deadline::at(now - Duration::from_secs(60)).left().is_zero());
        let left = Deadline::at(now + Duration::from_secs(3600)).left();
        assert!(!left.is_zero() && left <= Duration::from_secs(3590), "{left:?}");
    }
}
