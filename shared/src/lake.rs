//! The lake: its zones, its ledger and its datasets, opened once and shared by all steps.

use crate::batch::Batch;
use crate::dataset::Catalog;
use crate::error::Result;
use crate::glue::{Client, Glue};
use crate::ledger::Ledger;
use crate::personal::PersonalKey;
use crate::process::Writer;
use crate::secret;
use crate::settings::{LakeSettings, Limits, Zone};
use crate::store::{S3Client, Store, StoreUrl};

/// An open lake.
#[derive(Debug, Clone)]
pub struct Lake {
    /// As delivered.
    pub raw: Store,
    /// Typed valid rows.
    pub standard: Store,
    /// Invalid rows.
    pub rejection: Store,
    /// Aggregates and views.
    pub consumption: Store,
    /// What went in and what came out.
    pub ledger: Ledger,
    /// The datasets, those of the lake's own `config/datasets/` included.
    pub catalog: Catalog,
    /// Who writes.
    pub writer: Writer,
    /// What jobs are to do, below `batch/`.
    pub manifests: Store,
    /// Where work goes that is too large for here; `None`: nowhere.
    pub batch: Option<Batch>,
    /// Where partitions are registered for other engines; `None`: nowhere.
    pub glue: Option<Glue>,
    /// The key of personal values' hashes, if there is one.
    pub personal_key: Option<PersonalKey>,
    settings: LakeSettings,
    ledger_store: Store,
    root: Store,
    config: Store,
}

/// The stores of a lake's zones, for a lake over storage of the caller's own.
#[derive(Debug, Clone)]
pub struct Stores {
    /// As delivered.
    pub raw: Store,
    /// Typed valid rows.
    pub standard: Store,
    /// Invalid rows.
    pub rejection: Store,
    /// Aggregates and views.
    pub consumption: Store,
    /// What went in and what came out.
    pub ledger: Store,
    /// What jobs are to do.
    pub manifests: Store,
}

impl Lake {
    /// A lake over stores of any kind, for embedders and tests. It reads no settings and hands nothing to AWS Batch;
    /// `root` is its place in messages only.
    pub fn over(stores: Stores, catalog: Catalog, root: StoreUrl) -> Self {
        let Stores { raw, standard, rejection, consumption, ledger, manifests } = stores;
        Self {
            // Such a lake is wherever its zones are.
            root: raw.clone(),
            config: raw.clone(),
            raw,
            standard,
            rejection,
            consumption,
            ledger: Ledger::new(ledger.clone()),
            catalog,
            writer: Writer::new(false),
            manifests,
            batch: None,
            glue: None,
            personal_key: None,
            settings: LakeSettings::at(root),
            ledger_store: ledger,
        }
    }

    /// Opens a lake and reads its datasets. Nothing is written, and nothing needs to be there yet.
    pub async fn open(settings: LakeSettings) -> Result<Self> {
        Self::open_with(settings, &S3Client::default()).await
    }

    /// The same with a client that is there already.
    pub async fn open_with(settings: LakeSettings, client: &S3Client) -> Result<Self> {
        // Beside the ledger: the other zones may be read-only to this machine, or other engines' to read.
        let memory = |zone: Zone| match settings.zone(Zone::Ledger) {
            StoreUrl::File(ledger) => Some(ledger.join(format!(".hashes-{}", zone.name()))),
            StoreUrl::S3 { .. } => None,
        };
        let store = |zone| Store::open_with_memory(&settings.zone(zone), client, memory(zone));
        let root = Store::open(&settings.root, client);
        let config = Store::open(&settings.root.join("config"), client);
        let ledger_store = store(Zone::Ledger);
        let manifests = Store::open(&settings.root.join("batch"), client);
        let batch = settings.batch();
        let batch = batch.map(|batch| Batch::new(batch, settings.variables(), manifests.clone(), client.aws().clone()));
        let glue = settings.glue_database().map(|database| {
            let (standard, consumption) = (settings.zone(Zone::Standard), settings.zone(Zone::Consumption));
            Glue::new(database, standard, consumption, Client::new(client.aws().clone(), settings.glue_endpoint()))
        });
        let catalog = Catalog::load(&config).await?;
        let personal_key = personal_key(&settings, &catalog, client).await?;
        Ok(Self {
            raw: store(Zone::Raw),
            standard: store(Zone::Standard),
            rejection: store(Zone::Rejection),
            consumption: store(Zone::Consumption),
            ledger: Ledger::new(ledger_store.clone()),
            catalog,
            writer: Writer::new(matches!(settings.zone(Zone::Ledger), StoreUrl::File(_))),
            manifests,
            batch,
            glue,
            personal_key,
            settings,
            ledger_store,
            root,
            config,
        })
    }

    /// A zone's store.
    pub fn store(&self, zone: Zone) -> &Store {
        match zone {
            Zone::Raw => &self.raw,
            Zone::Standard => &self.standard,
            Zone::Rejection => &self.rejection,
            Zone::Consumption => &self.consumption,
            Zone::Ledger => &self.ledger_store,
        }
    }

    /// What aggregations and queries may take.
    pub fn limits(&self) -> Limits {
        self.settings.limits
    }

    /// A zone's place.
    pub fn place(&self, zone: Zone) -> StoreUrl {
        self.settings.zone(zone)
    }

    /// A zone's URL, for people.
    pub fn url(&self, zone: Zone) -> String {
        self.settings.zone(zone).to_string()
    }

    /// Whether there is a lake: a folder, or at least one object, at its root or at a zone's own place.
    pub async fn exists(&self) -> Result<bool> {
        Ok(self.root.exists().await? || self.has_zones().await?)
    }

    /// Whether it has any zone, or datasets of its own: a folder without them may be another one than was meant.
    pub async fn has_zones(&self) -> Result<bool> {
        for store in [&self.config].into_iter().chain(Zone::ALL.map(|zone| self.store(zone))) {
            if store.exists().await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The URL of the lake's root, for people.
    pub fn root_url(&self) -> String {
        self.settings.root.to_string()
    }

    /// The lake's place.
    pub fn root_place(&self) -> &StoreUrl {
        &self.settings.root
    }

    /// Removes what killed writers left behind in any zone; tells how many files that were.
    pub async fn sweep(&self) -> Result<usize> {
        let mut removed = 0;
        // In a bucket, uploads that are not finished end by its rules.
        let manifests = Some(&self.manifests).filter(|manifests| manifests.is_local());
        for store in Zone::ALL.map(|zone| self.store(zone)).into_iter().chain(manifests) {
            if store.a_writer_died().await? {
                removed += store.remove_leftovers().await?.len();
            }
        }
        Ok(removed)
    }
}

/// The key of personal values' hashes: read from Secrets Manager only if there is a model that asks for them.
async fn personal_key(settings: &LakeSettings, catalog: &Catalog, client: &S3Client) -> Result<Option<PersonalKey>> {
    let needed = catalog.datasets().iter().flat_map(|dataset| &dataset.models).any(|model| model.hash_personal);
    match (&settings.personal_key, &settings.personal_key_secret) {
        (None, Some(name)) if needed => {
            let secret = secret::read(client.aws(), "PERSONAL_KEY_SECRET", name).await?;
            Ok(Some(PersonalKey::new(secret.expose())))
        }
        (key, _) => Ok(key.clone()),
    }
}
