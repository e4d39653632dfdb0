//! The lake of a schedule: its zones in memory, its one dataset, and the raw objects that come and go.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use lake::dataset::Catalog;
use lake::store::{Backend, Store, StoreUrl};
use lake::{Lake, Stores};

use crate::check::Watch;
use crate::faulty::{Faulty, Script};
use crate::memory::{Clock, MemoryStore, Mutant, State};
use crate::random::Random;
use crate::scheduler::Scheduler;

/// The dataset's name.
pub const DATASET: &str = "chaos";

const DECLARATION: &str = r#"
title = "Readings of sensors"
time_zone = "Europe/Brussels"

[table.reading]
from = "readings/*.csv"
format = "csv"
partition = "month(day)"
key = ["sensor", "day"]
[table.reading.column.sensor]
type = "string"
required = true
[table.reading.column.day]
type = "date"
required = true
[table.reading.column.value]
type = "float64"
min = 0

[table.note]
from = "notes/date=*/*.json"
format = "json"
partition = "date"
key = ["id"]
[table.note.column.id]
type = "int64"
required = true
[table.note.column.text]
type = "string"

[table.sensor]
from = "sensors/*.csv"
format = "csv"
snapshot = true
key = ["sensor"]
[table.sensor.column.sensor]
type = "string"
required = true
[table.sensor.column.place]
type = "string"
"#;

const BY_PLACE: &str = r#"-- Readings by place.
--
-- [model]
-- partition = "month(day)"
-- inputs = ["reading", "sensor"]
-- split = ["place"]

SELECT reading.day, reading.sensor, reading.value, coalesce(sensor.place, 'none') AS place
FROM reading LEFT JOIN sensor ON reading.sensor = sensor.sensor
ORDER BY reading.day, reading.sensor
"#;

const WEEKLY: &str = r#"-- Each reading beside that of the week before.
--
-- [model]
-- partition = "month(day)"
-- inputs = ["reading"]
-- look_back_days = 7
-- csv = { name = "weekly" }

SELECT now.day, now.sensor, now.value, before.value AS value_before
FROM reading AS now LEFT JOIN reading AS before
    ON before.sensor = now.sensor AND before.day = now.day - INTERVAL '7' DAY
ORDER BY now.day, now.sensor
"#;

const NOTES: &str = r#"-- Notes per day.
--
-- [model]
-- partition = "date"
-- inputs = ["note"]

SELECT count(*) AS notes, max(text) AS text FROM note
"#;

const TREND: &str = r#"-- Values of a place over the days before.
--
-- [model]
-- partition = "month(day)"
-- inputs = ["by_place"]
-- look_back_days = 40

SELECT
    day,
    place,
    sum(sum(value)) OVER (PARTITION BY place ORDER BY day ROWS BETWEEN 20 PRECEDING AND CURRENT ROW) AS total,
    count(*) AS readings
FROM by_place
GROUP BY day, place
ORDER BY day, place
"#;

/// The datasets: read once, by the same code that reads a lake's `config/datasets/`.
pub async fn catalog() -> Catalog {
    let config = MemoryStore::new("config", &Clock::default(), Mutant::None);
    let files = [
        ("dataset.toml", DECLARATION),
        ("by_place.sql", BY_PLACE),
        ("weekly.sql", WEEKLY),
        ("notes.sql", NOTES),
        ("trend.sql", TREND),
    ];
    for (file, text) in files {
        let key = format!("datasets/{DATASET}/{file}");
        config.put(&key, text.into(), lake::store::Condition::Always).await.unwrap();
    }
    let catalog = Catalog::load(&Store::of(config)).await.unwrap();
    catalog.dataset(DATASET).unwrap();
    catalog
}

/// A lake's zones.
#[derive(Debug, Clone)]
pub struct Zones {
    /// As delivered.
    pub raw: MemoryStore,
    /// Typed valid rows.
    pub standard: MemoryStore,
    /// Invalid rows.
    pub rejection: MemoryStore,
    /// Aggregates.
    pub consumption: MemoryStore,
    /// What went in and what came out.
    pub ledger: MemoryStore,
    /// Whether runs leave snapshots of the ledger.
    pub snapshots: bool,
}

impl Zones {
    /// Empty zones with one clock.
    pub fn new(mutant: Mutant) -> Self {
        let clock = Clock::default();
        let zone = |name| MemoryStore::new(name, &clock, mutant);
        Self {
            raw: zone("raw"),
            standard: zone("standard"),
            rejection: zone("rejection"),
            consumption: zone("consumption"),
            ledger: zone("ledger"),
            snapshots: true,
        }
    }

    /// Zones with nothing but these raw objects.
    pub fn of(raw: BTreeMap<String, State>) -> Self {
        Self { raw: MemoryStore::with("raw", raw), ..Self::new(Mutant::None) }
    }

    /// All zones but raw.
    pub fn made(&self) -> [(&'static str, &MemoryStore); 4] {
        [
            ("standard", &self.standard),
            ("rejection", &self.rejection),
            ("consumption", &self.consumption),
            ("ledger", &self.ledger),
        ]
    }

    /// The lake without faults.
    pub fn quiet(&self, catalog: &Catalog) -> Lake {
        Self::open(catalog, |store, _| Store::of(store.clone()), self, 0)
    }

    /// The lake as one actor sees it.
    pub fn seen_by(
        &self,
        actor: usize,
        script: Script,
        mutant: Mutant,
        scheduler: &Scheduler,
        watch: &Watch,
        catalog: &Catalog,
    ) -> Lake {
        let script = Arc::new(Mutex::new(script));
        let faulty = |store: &MemoryStore, zone| {
            Store::of(Faulty {
                store: store.clone(),
                zone,
                actor,
                script: Arc::clone(&script),
                scheduler: scheduler.clone(),
                watch: watch.clone(),
                mutant,
            })
        };
        Self::open(catalog, faulty, self, actor % 3)
    }

    /// A lake that copies its entries into a snapshot after `few` changes.
    fn open(catalog: &Catalog, wrap: impl Fn(&MemoryStore, &'static str) -> Store, zones: &Self, few: usize) -> Lake {
        let stores = Stores {
            raw: wrap(&zones.raw, "raw"),
            standard: wrap(&zones.standard, "standard"),
            rejection: wrap(&zones.rejection, "rejection"),
            consumption: wrap(&zones.consumption, "consumption"),
            ledger: wrap(&zones.ledger, "ledger"),
            manifests: Store::of(MemoryStore::new("batch", &Clock::default(), Mutant::None)),
        };
        let mut lake = Lake::over(stores, catalog.clone(), StoreUrl::File("memory".into()));
        let ledger = lake.ledger.clone();
        lake.ledger = if zones.snapshots { ledger.with_snapshot_after(few) } else { ledger.without_snapshots() };
        lake
    }
}

/// The raw keys of all schedules. The first is never deleted: of a dataset whose raw objects are all gone nothing is
/// removed.
pub const KEYS: [&str; 8] = [
    "chaos/readings/a.csv",
    "chaos/readings/b.csv",
    "chaos/readings/c d+é.csv",
    "chaos/notes/date=2026-03-29/x.json",
    "chaos/notes/date=2026-03-30/x.json",
    "chaos/notes/date=2026-03-29/y.json",
    "chaos/sensors/1.csv",
    "chaos/sensors/2.csv",
];

/// What an upload of this key holds.
pub fn content(key: &str, random: &mut Random) -> Vec<u8> {
    if random.chance(4) {
        return b"\xff\xfe\x00 no table".to_vec();
    }
    let rows = random.below(5);
    let sensors = ["s1", "s2", "s3"];
    if key.contains("/readings/") {
        let days = ["2026-01-30", "2026-01-31", "2026-02-01", "2026-02-06", "2026-02-07"];
        let mut text = "sensor,day,value\n".to_owned();
        for _ in 0..rows {
            let value = if random.chance(15) { -1 } else { random.below(9) as i64 };
            text.push_str(&format!("{},{},{value}\n", random.pick(&sensors), random.pick(&days)));
        }
        return text.into_bytes();
    }
    if key.contains("/notes/") {
        let note = |random: &mut Random| {
            let id = if random.chance(15) { "\"x\"".to_owned() } else { random.below(4).to_string() };
            format!("{{\"id\": {id}, \"text\": \"note {}\"}}", random.below(9))
        };
        let notes: Vec<String> = (0..rows).map(|_| note(random)).collect();
        return format!("[{}]", notes.join(",")).into_bytes();
    }
    let mut text = "sensor,place\n".to_owned();
    for _ in 0..rows {
        text.push_str(&format!("{},{}\n", random.pick(&sensors), random.pick(&["north", "south", "up/down"])));
    }
    text.into_bytes()
}
