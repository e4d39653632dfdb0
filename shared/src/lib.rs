//! What all parts of Tributary share: zones and keys, object storage, datasets, the ledger, time and settings.

pub mod aws;
pub mod batch;
pub mod dataset;
pub mod draft;
pub mod error;
pub mod function;
pub mod glue;
pub mod guard;
pub mod hash;
pub mod json;
pub mod keys;
mod lake;
pub mod ledger;
pub mod memory;
pub mod parquet;
pub mod partition;
pub mod personal;
pub mod process;
pub mod progress;
pub mod scratch;
pub mod secret;
pub mod settings;
pub mod stack;
pub mod store;
pub mod telemetry;
pub mod time;
pub mod value;
pub mod work;
pub mod years;

pub use self::error::{Error, Result};
pub use self::lake::{Lake, Stores};
pub use words::{names, suggest};
