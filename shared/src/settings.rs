//! Settings of the environment, read once at start. README.md has the table of all of them.

use std::collections::HashMap;
use std::time::Duration;

use crate::batch;
use crate::error::{Error, Result};
use crate::memory;
use crate::personal::PersonalKey;
use crate::store::StoreUrl;

/// The lake's zones, in the order of the data's way through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// As delivered, never changed.
    Raw,
    /// Typed valid rows.
    Standard,
    /// Invalid rows, with reasons.
    Rejection,
    /// Aggregates and views.
    Consumption,
    /// What went in and what came out.
    Ledger,
}

impl Zone {
    /// All zones.
    pub const ALL: [Zone; 5] = [Zone::Raw, Zone::Standard, Zone::Rejection, Zone::Consumption, Zone::Ledger];

    /// The zone's folder below the lake's root.
    pub fn name(self) -> &'static str {
        match self {
            Zone::Raw => "raw",
            Zone::Standard => "standard",
            Zone::Rejection => "rejection",
            Zone::Consumption => "consumption",
            Zone::Ledger => "ledger",
        }
    }

    /// The variable that has the zone's own URL.
    pub fn variable(self) -> &'static str {
        match self {
            Zone::Raw => "RAW_URL",
            Zone::Standard => "STANDARD_URL",
            Zone::Rejection => "REJECTION_URL",
            Zone::Consumption => "CONSUMPTION_URL",
            Zone::Ledger => "LEDGER_URL",
        }
    }
}

/// Where the lake lies.
#[derive(Debug, Clone)]
pub struct LakeSettings {
    /// `LAKE_URL`: the root of the lake; `config/` is always below it.
    pub root: StoreUrl,
    /// `PERSONAL_KEY`: the key of the hashes that models with `hash_personal` see in place of personal values.
    pub personal_key: Option<PersonalKey>,
    /// `PERSONAL_KEY_SECRET`: name or ARN of the secret that has this key.
    pub personal_key_secret: Option<String>,
    /// `RAW_URL` and so on, where a zone has a URL of its own.
    zones: Vec<(Zone, StoreUrl)>,
    /// What aggregations and queries may take.
    pub limits: Limits,
    /// What is handed to AWS Batch, if anything is.
    batch: Option<batch::Settings>,
    /// `GLUE_DATABASE`: the database of the Glue Data Catalog in which partitions are registered.
    glue_database: Option<String>,
    /// `AWS_ENDPOINT_URL_GLUE`: where Glue is, if not where AWS has it.
    glue_endpoint: Option<String>,
}

/// What aggregations and queries may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `MEMORY_BYTES`: what queries may hold together.
    pub memory_bytes: u64,
    /// `MAX_NEW_PARTITIONS`: how many partitions one run may add to a model.
    pub max_new_partitions: usize,
    /// `MODEL_TIME_LIMIT`: how long the query of one partition may take.
    pub model_time: Duration,
    /// `REPORT_PAGES`: whether aggregations make report pages.
    pub report_pages: bool,
}

impl Limits {
    /// A long backfill by days adds fewer partitions; a wild date adds more.
    const NEW_PARTITIONS: usize = 1_000;
    /// Longer than any sound partition takes, and short enough that a query without an end is noticed within a day.
    const MODEL_TIME: Duration = Duration::from_secs(6 * 60 * 60);

    fn from_environment(environment: &Environment) -> Result<Self> {
        let partitions = environment.number("MAX_NEW_PARTITIONS")?.map(usize::try_from);
        let seconds = environment.number("MODEL_TIME_LIMIT")?;
        Ok(Self {
            memory_bytes: memory::limit(environment)?,
            max_new_partitions: partitions.map_or(Self::NEW_PARTITIONS, |number| number.unwrap_or(usize::MAX)),
            model_time: seconds.map_or(Self::MODEL_TIME, Duration::from_secs),
            report_pages: match environment.text("REPORT_PAGES")? {
                None | Some("on") => true,
                Some("off") => false,
                Some(other) => return Err(setting("REPORT_PAGES", &format!("\"{other}\" is not on or off"))),
            },
        })
    }
}

impl Default for Limits {
    fn default() -> Self {
        // Without variables, nothing can be wrong with them.
        let memory_bytes = memory::limit(&Environment::default()).unwrap_or(u64::from(u32::MAX) / 4);
        Self {
            memory_bytes,
            max_new_partitions: Self::NEW_PARTITIONS,
            model_time: Self::MODEL_TIME,
            report_pages: true,
        }
    }
}

impl LakeSettings {
    /// A lake whose zones all lie below `root`.
    pub fn at(root: StoreUrl) -> Self {
        let limits = Limits::default();
        let zones = Vec::new();
        Self {
            root,
            personal_key: None,
            personal_key_secret: None,
            zones,
            limits,
            batch: None,
            glue_database: None,
            glue_endpoint: None,
        }
    }

    /// Reads `LAKE_URL` (default `file:lake`; `root` goes before it) and the zones' variables.
    pub fn from_environment(environment: &Environment, root: Option<&str>) -> Result<Self> {
        let root = match root {
            Some(text) => parse_url("--lake", text)?,
            None => environment.url("LAKE_URL")?.map_or_else(|| parse_url("LAKE_URL", "file:lake"), Ok)?,
        };
        let mut zones = Vec::new();
        for zone in Zone::ALL {
            if let Some(url) = environment.url(zone.variable())? {
                zones.push((zone, url));
            }
        }
        let personal_key = environment.text("PERSONAL_KEY")?.map(PersonalKey::new);
        let personal_key_secret = environment.text("PERSONAL_KEY_SECRET")?.map(str::to_owned);
        let limits = Limits::from_environment(environment)?;
        let batch = batch::Settings::from_environment(environment)?;
        let glue_database = environment.text("GLUE_DATABASE")?.map(str::to_owned);
        let glue_endpoint = environment.text("AWS_ENDPOINT_URL_GLUE")?.map(str::to_owned);
        let settings =
            Self { root, personal_key, personal_key_secret, zones, limits, batch, glue_database, glue_endpoint };
        settings.refuse_overlap()?;
        if Zone::ALL.iter().any(|zone| matches!(settings.zone(*zone), StoreUrl::S3 { .. })) {
            // Before the SDK sees them, which would print them.
            for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_GLUE"] {
                let wrong = environment.text(name)?.and_then(wrong_endpoint);
                wrong.map_or(Ok(()), |why| Err(setting(name, why)))?;
            }
        }
        Ok(settings)
    }

    /// What is handed to AWS Batch. A job cannot reach a local folder, so nothing is where a zone is one.
    pub(crate) fn batch(&self) -> Option<batch::Settings> {
        let is_remote = |zone: &Zone| matches!(self.zone(*zone), StoreUrl::S3 { .. });
        self.batch.clone().filter(|_| Zone::ALL.iter().all(is_remote))
    }

    /// Where Glue is, if not where AWS has it.
    pub(crate) fn glue_endpoint(&self) -> Option<String> {
        self.glue_endpoint.clone()
    }

    /// The database in which partitions are registered. Glue's engines cannot read a local folder.
    pub(crate) fn glue_database(&self) -> Option<String> {
        let is_remote = |zone: &Zone| matches!(self.zone(*zone), StoreUrl::S3 { .. });
        self.glue_database.clone().filter(|_| [Zone::Standard, Zone::Consumption].iter().all(is_remote))
    }

    /// The variables from which these settings can be read again.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let zones = Zone::ALL.iter().map(|zone| (zone.variable(), self.zone(*zone).to_string()));
        std::iter::once(("LAKE_URL", self.root.to_string())).chain(zones).collect()
    }

    /// Zones that overlap would take each other's objects for their own, and delete them. A zone may lie below the
    /// lake's root, beside `config/` and `batch/`; the ledger, whose own keys begin with `raw/` and `consumption/`, may also
    /// be the root, as it is in the buckets of `infra/`.
    fn refuse_overlap(&self) -> Result<()> {
        let of_zone = |zone: &Zone| {
            let is_own = self.zones.iter().any(|(known, _)| known == zone);
            (if is_own { zone.variable() } else { "LAKE_URL" }, zone.name(), self.zone(*zone))
        };
        let folders = ["config", "batch"].map(|name| ("LAKE_URL", name, self.root.join(name)));
        let places: Vec<_> = Zone::ALL.iter().map(of_zone).chain(folders).collect();
        for (at, (variable, name, place)) in places.iter().enumerate() {
            for (other_variable, other_name, other) in places.iter().skip(at + 1) {
                let is_beside = *name == Zone::Ledger.name() && *place == self.root;
                if place.overlaps(other) && !is_beside {
                    let why = format!(
                        "{name} would lie at {place}, and {other_name} of {other_variable} at {other}: they must not \
                         overlap; give each a folder or prefix of its own"
                    );
                    return Err(setting(variable, &why));
                }
            }
        }
        Ok(())
    }

    /// The URL of a zone.
    pub fn zone(&self, zone: Zone) -> StoreUrl {
        let own = self.zones.iter().find(|(known, _)| *known == zone).map(|(_, url)| url.clone());
        own.unwrap_or_else(|| self.root.join(zone.name()))
    }
}

/// A snapshot of the process's environment variables.
#[derive(Debug, Clone, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The variables of this process. Those that are not UTF-8 are nobody's settings.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect())
    }

    /// Variables given one by one, for tests.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    /// A variable's text. Set but empty is an error: it is nearly always a broken script.
    pub fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.0.get(name).map(|text| text.trim()) {
            None => Ok(None),
            Some("") => Err(setting(name, "is set but empty: give it a value or unset it")),
            Some(text) => Ok(Some(text)),
        }
    }

    /// A variable's whole number above 0.
    pub fn number(&self, name: &str) -> Result<Option<u64>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse() {
            Ok(number @ 1..) => Ok(Some(number)),
            _ => Err(setting(name, "must be a whole number above 0")),
        }
    }

    fn url(&self, name: &str) -> Result<Option<StoreUrl>> {
        self.text(name)?.map(|text| parse_url(name, text)).transpose()
    }
}

/// What is wrong with the address of a service. Its text is not part of the message: it may have a password.
pub(crate) fn wrong_endpoint(text: &str) -> Option<&'static str> {
    match url::Url::parse(text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Some("is not a URL: it begins with http:// or https://")
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            Some("has a user name or password, which AWS does not take there: use AWS_ACCESS_KEY_ID and the like")
        }
        Ok(url) if url.has_host() => None,
        Ok(_) | Err(_) => Some("is not a URL: it begins with http:// or https://, and has a host"),
    }
}

fn parse_url(name: &str, text: &str) -> Result<StoreUrl> {
    text.parse().map_err(|why: String| setting(name, &why))
}

fn setting(name: &str, why: &str) -> Error {
    Error::Setting { name: name.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_may_lie_elsewhere() {
        let environment = Environment::of(&[("LAKE_URL", "s3://lake/x"), ("RAW_URL", "s3://raw")]);
        let settings = LakeSettings::from_environment(&environment, None).unwrap();
        assert_eq!(settings.zone(Zone::Raw).to_string(), "s3://raw");
        assert_eq!(settings.zone(Zone::Standard).to_string(), "s3://lake/x/standard");
    }

    #[test]
    fn the_option_goes_before_the_variable_and_the_default_is_local() {
        let environment = Environment::of(&[("LAKE_URL", "s3://lake")]);
        let named = LakeSettings::from_environment(&environment, Some("file:x")).unwrap();
        assert_eq!(named.zone(Zone::Ledger).to_string(), "file:x/ledger");
        let default = LakeSettings::from_environment(&Environment::default(), None).unwrap();
        assert_eq!(default.root.to_string(), "file:lake");
    }

    #[test]
    fn zones_that_overlap_are_refused_by_the_names_of_both_variables() {
        for (variables, names) in [
            ([("LAKE_URL", "file:c"), ("STANDARD_URL", "file:c")], ["LAKE_URL", "STANDARD_URL"]),
            ([("RAW_URL", "s3://b/x"), ("LEDGER_URL", "s3://b/x/y")], ["RAW_URL", "LEDGER_URL"]),
            ([("LAKE_URL", "s3://b"), ("CONSUMPTION_URL", "s3://b/config")], ["LAKE_URL", "CONSUMPTION_URL"]),
            ([("LAKE_URL", "file:c/d"), ("REJECTION_URL", "file:c/d/../d/raw")], ["LAKE_URL", "REJECTION_URL"]),
        ] {
            let error = LakeSettings::from_environment(&Environment::of(&variables), None).unwrap_err();
            assert!(names.iter().all(|name| error.to_string().contains(name)) && error.is_usage(), "{error}");
        }
        let in_buckets = Environment::of(&[
            ("LAKE_URL", "s3://ledger"),
            ("LEDGER_URL", "s3://ledger"),
            ("RAW_URL", "s3://raw"),
            ("STANDARD_URL", "s3://standard"),
            ("REJECTION_URL", "s3://rejection"),
            ("CONSUMPTION_URL", "s3://consumption"),
        ]);
        assert!(LakeSettings::from_environment(&in_buckets, None).is_ok());
        let beside =
            Environment::of(&[("LAKE_URL", "file:c"), ("RAW_URL", "file:c/raw-files"), ("LEDGER_URL", "file:c2")]);
        assert!(LakeSettings::from_environment(&beside, None).is_ok());
    }

    #[test]
    fn an_endpoint_is_a_url_without_credentials() {
        let open = |lake, endpoint| {
            let environment = Environment::of(&[("LAKE_URL", lake), ("AWS_ENDPOINT_URL", endpoint)]);
            LakeSettings::from_environment(&environment, None)
        };
        for endpoint in ["http://127.0.0.1:4566", "https://s3.eu-west-1.amazonaws.com/"] {
            assert!(open("s3://lake", endpoint).is_ok(), "{endpoint}");
        }
        for endpoint in ["", "127.0.0.1:4566", "ftp://x", "http://", "http://u:sesame@bad host", "http://u:sesame@host"]
        {
            let error = open("s3://lake", endpoint).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("AWS_ENDPOINT_URL"), "{error}");
            assert!(!error.to_string().contains("sesame"), "{error}");
        }
        assert!(open("file:lake", "not used").is_ok());
    }

    #[test]
    fn limits_are_numbers_above_0() {
        let environment =
            Environment::of(&[("MAX_NEW_PARTITIONS", "5"), ("MEMORY_BYTES", "7"), ("MODEL_TIME_LIMIT", "9")]);
        let model_time = Duration::from_secs(9);
        let wanted = Limits { memory_bytes: 7, max_new_partitions: 5, model_time, report_pages: true };
        assert_eq!(LakeSettings::from_environment(&environment, None).unwrap().limits, wanted);
        for name in ["MAX_NEW_PARTITIONS", "MEMORY_BYTES", "MODEL_TIME_LIMIT"] {
            let error = LakeSettings::from_environment(&Environment::of(&[(name, "0")]), None).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn empty_and_unknown_values_say_which_and_why() {
        for (value, why) in [("", "is set but empty"), ("ftp://x", "is not a lake's URL")] {
            let error = LakeSettings::from_environment(&Environment::of(&[("RAW_URL", value)]), None).unwrap_err();
            assert!(error.to_string().contains("RAW_URL") && error.to_string().contains(why), "{error}");
            assert!(error.is_usage());
        }
    }
}
