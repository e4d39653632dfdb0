//! Where the APIs lie and who we are for them: settings of the environment, read once at start.
//!
//! A source NAME has `NAME_URL`, and if it needs a login `NAME_SECRET`, or `NAME_CLIENT_ID` and `NAME_CLIENT_SECRET`.
//! What is wrong is said at once; what is missing matters only when that source is asked for.

use std::collections::BTreeMap;

use lake::aws::Aws;
use lake::secret::{self, Secret};
use lake::settings::Environment;
use serde::Deserialize;
use url::Url;

use crate::login::Credentials;
use crate::room::Room;
use crate::sources::{self, Source};

/// The sources' settings.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// For Secrets Manager: loaded only if a secret is named and its source is asked for.
    aws: Aws,
    /// What the process may use, in bytes.
    memory: u64,
    access: BTreeMap<&'static str, Result<Access, Missing>>,
}

/// How an API is reached.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// The base to which paths are joined: it ends in a slash.
    pub url: Url,
    client: Option<Client>,
}

/// Where a client's credentials are.
#[derive(Debug, Clone)]
enum Client {
    /// In Secrets Manager, under this name or ARN, as the value of this variable says.
    Stored { variable: String, name: String },
    /// In the environment.
    Given(Credentials),
}

/// A setting that is not there.
#[derive(Debug, Clone)]
struct Missing {
    variable: String,
    why: String,
}

/// The JSON text of a secret.
#[derive(Deserialize)]
struct StoredCredentials {
    client_id: String,
    client_secret: String,
}

impl Settings {
    /// Reads the settings of all sources. Makes no request.
    pub fn from_environment(environment: &Environment) -> lake::Result<Self> {
        let mut access = BTreeMap::new();
        for source in sources::ALL {
            access.insert(source.name, read(environment, source)?);
        }
        Ok(Self { aws: Aws::default(), memory: lake::memory::limit(environment)?, access })
    }

    /// The room for the answers to so many requests at once.
    pub(crate) fn room(&self, at_once: usize) -> Room {
        Room::new(self.memory, at_once)
    }

    /// Which setting a source lacks, as an error; `None` if it can be fetched.
    pub fn missing(&self, source: &str) -> Option<lake::Error> {
        self.access(source).err()
    }

    pub(crate) fn access(&self, source: &str) -> lake::Result<&Access> {
        match self.access.get(source) {
            Some(Ok(access)) => Ok(access),
            Some(Err(Missing { variable, why })) => {
                Err(lake::Error::Setting { name: variable.clone(), why: why.clone() })
            }
            None => Err(unknown(source)),
        }
    }

    /// The credentials of a source that needs them; asks Secrets Manager if they are there.
    pub(crate) async fn credentials(&self, source: &str) -> lake::Result<Credentials> {
        match &self.access(source)?.client {
            Some(Client::Given(credentials)) => Ok(credentials.clone()),
            Some(Client::Stored { variable, name }) => {
                let text = secret::read(&self.aws, variable, name).await?;
                // What the parser says could show parts of the secret.
                let stored: StoredCredentials = serde_json::from_str(text.expose()).map_err(|_| {
                    let why = format!(
                        "the secret \"{name}\" is not JSON like {{\"client_id\": \"...\", \"client_secret\": \"...\"}}"
                    );
                    lake::Error::Setting { name: variable.clone(), why }
                })?;
                Ok(Credentials {
                    client_id: Secret::new(stored.client_id),
                    client_secret: Secret::new(stored.client_secret),
                    settings: format!("the secret that {variable} names"),
                })
            }
            None => Err(lake::Error::Usage(format!("{source} has no login"))),
        }
    }
}

/// The error for a source that nobody knows.
pub(crate) fn unknown(name: &str) -> lake::Error {
    let known: Vec<&str> = sources::ALL.iter().map(|source| source.name).collect();
    lake::Error::Usage(format!("there is no source \"{name}\"; there is {}", known.join(", ")))
}

fn read(environment: &Environment, source: &Source) -> lake::Result<Result<Access, Missing>> {
    let prefix = source.name.to_uppercase();
    let variable = format!("{prefix}_URL");
    let text = environment.text(&variable)?.or(source.default_url);
    let url = text.map(|text| base_url(&variable, text)).transpose()?;
    let client = if source.has_login { Some(client(environment, &prefix)?) } else { None };
    let Some(url) = url else {
        let why = "is not set, and has no default: give it the address of the API".to_owned();
        return Ok(Err(Missing { variable, why }));
    };
    Ok(client.transpose().map(|client| Access { url, client }))
}

fn client(environment: &Environment, prefix: &str) -> lake::Result<Result<Client, Missing>> {
    let [stored, id, secret] = ["SECRET", "CLIENT_ID", "CLIENT_SECRET"].map(|end| format!("{prefix}_{end}"));
    let (client_id, client_secret) = (environment.text(&id)?, environment.text(&secret)?);
    if let Some(name) = environment.text(&stored)? {
        return Ok(Ok(Client::Stored { variable: stored, name: name.to_owned() }));
    }
    Ok(match (client_id, client_secret) {
        (Some(client_id), Some(client_secret)) => Ok(Client::Given(Credentials {
            client_id: Secret::new(client_id),
            client_secret: Secret::new(client_secret),
            settings: format!("{id} and {secret}"),
        })),
        (None, None) => Err(Missing {
            why: format!("is not set: name a secret of AWS Secrets Manager, or set {id} and {secret}"),
            variable: stored,
        }),
        (None, Some(_)) => Err(Missing { why: format!("is not set, but {secret} is"), variable: id }),
        (Some(_), None) => Err(Missing { why: format!("is not set, but {id} is"), variable: secret }),
    })
}

/// A base to which paths can be joined: it ends in a slash.
fn base_url(name: &str, text: &str) -> lake::Result<Url> {
    let wrong = |why: String| lake::Error::Setting { name: name.to_owned(), why };
    let shown = secret::mask_url(text);
    let slash = if text.ends_with('/') { "" } else { "/" };
    let url: Url =
        format!("{text}{slash}").parse().map_err(|error| wrong(format!("\"{shown}\" is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong(format!("\"{shown}\" must begin with https:// or http://")));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: (&str, &str) = ("ILLUMINATE_CLIENT_ID", "the-id");
    const SECRET: (&str, &str) = ("ILLUMINATE_CLIENT_SECRET", "the-secret");
    const URL: (&str, &str) = ("ILLUMINATE_URL", "https://school.example.org/live");

    fn settings(variables: &[(&str, &str)]) -> Settings {
        Settings::from_environment(&Environment::of(variables)).unwrap()
    }

    #[test]
    fn what_is_missing_is_named_for_the_source_that_needs_it() {
        for (variables, missing) in [
            (vec![], Some("ILLUMINATE_URL")),
            (vec![URL], Some("ILLUMINATE_SECRET")),
            (vec![URL, ID], Some("ILLUMINATE_CLIENT_SECRET")),
            (vec![URL, SECRET], Some("ILLUMINATE_CLIENT_ID")),
            (vec![URL, ID, SECRET], None),
            (vec![URL, ("ILLUMINATE_SECRET", "school/illuminate")], None),
        ] {
            let found = settings(&variables).missing("illuminate").map(|error| error.to_string());
            assert_eq!(found.is_some(), missing.is_some(), "{found:?}");
            assert!(found.unwrap_or_default().contains(missing.unwrap_or_default()), "{variables:?}");
            assert!(settings(&variables).missing("irceline").is_none());
            assert!(settings(&variables).missing("codetrack").is_some());
        }
        assert!(settings(&[]).missing("nonsense").unwrap().to_string().contains("irceline"));
    }

    #[test]
    fn a_base_ends_in_a_slash_and_secrets_are_not_shown() {
        let settings = settings(&[URL, ID, SECRET]);
        assert_eq!(settings.access("illuminate").unwrap().url.as_str(), "https://school.example.org/live/");
        let shown = format!("{settings:?}");
        assert!(!shown.contains("the-id") && !shown.contains("the-secret"), "{shown}");
    }

    #[test]
    fn wrong_values_are_refused_at_start() {
        for (name, value) in [
            ("CODETRACK_URL", "ftp://x"),
            ("CODETRACK_URL", ""),
            ("ILLUMINATE_SECRET", " "),
            ("MEMORY_BYTES", "much"),
            ("CODETRACK_URL", "ftp://ada:sesame@x"),
            ("CODETRACK_URL", "http://ada:sesame@x:port/"),
            ("CODETRACK_URL", "ada:sesame@x"),
        ] {
            let error = Settings::from_environment(&Environment::of(&[(name, value)])).unwrap_err();
            assert!(error.to_string().contains(name) && error.is_usage(), "{error}");
            assert!(!error.to_string().contains("sesame"), "{error}");
        }
    }
}
