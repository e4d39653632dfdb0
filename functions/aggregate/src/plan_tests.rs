use lake::dataset::Catalog;
use lake::ledger::{Beside, ConsumptionEntry, Current, RawEntry};
use proptest::prelude::*;

use super::*;
use crate::commit;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// One of the dataset's models: the other one has the same partitions.
fn one_model() -> Selection {
    Selection { models: vec!["usage_by_customer_day".to_owned()], ..Selection::default() }
}

fn output(table: &str, raw_key: &str, hash: &str, first: &str, last: &str) -> Output {
    let partition = Partition::single("month", &first[..7]);
    Output {
        key: keys::standard("energy_usage", table, &partition, raw_key),
        partition,
        rows: 1,
        bytes: 10,
        etag: hash.to_owned(),
        hash: hash.to_owned(),
        days: Some((day(first), day(last))),
        times: Some((0, 1)),
        orders: Vec::new(),
    }
}

struct Bed {
    catalog: Catalog,
    entries: Vec<RawEntry>,
    made: Vec<ConsumptionEntry>,
}

impl Bed {
    fn new() -> Self {
        Self { catalog: Catalog::built_in(), entries: Vec::new(), made: Vec::new() }
    }

    fn dataset(&self) -> &Dataset {
        self.catalog.dataset("energy_usage").unwrap()
    }

    /// An object with rows of these days, each of one month.
    fn clean(&mut self, name: &str, hash: &str, days: &[(&str, &str)]) {
        let raw_key = format!("energy_usage/{name}");
        self.entries.retain(|entry| entry.raw_key() != raw_key);
        let mut entry = RawEntry::uncommitted(&raw_key, &self.dataset().tables[0], "energy_usage");
        entry.outputs = days.iter().map(|(first, last)| output("reading", &raw_key, hash, first, last)).collect();
        self.entries.push(entry);
    }

    fn cleaned(&self) -> Cleaned {
        Cleaned::new(self.dataset(), Current::of(self.entries.clone(), Vec::new())).unwrap()
    }

    fn plan(&self, selection: &Selection) -> Plan<'_> {
        let terms = Terms { selection, most_new: 10, personal_key: None };
        let (made, cleaned) = (Made::of("energy_usage", self.made.clone()), self.cleaned());
        let there = There { made: &made, cleaned: &cleaned, awaited: &BTreeSet::new() };
        let models: Vec<&Model> = self.dataset().models.iter().collect();
        Plan::new(self.dataset(), &models, terms, there)
    }

    /// The stale partitions.
    fn stale(&self) -> Vec<String> {
        self.plan(&one_model()).todo.iter().map(|planned| planned.partition.as_str().to_owned()).collect()
    }

    /// Notes everything that is stale as made.
    fn make(&mut self) {
        let plan = self.plan(&one_model());
        assert!(plan.failed.is_empty(), "{:?}", plan.failed);
        let made = plan.todo.iter().map(|planned| ConsumptionEntry {
            fingerprint: planned.fingerprint.clone(),
            ..commit::nothing("energy_usage", &planned.model.name, &planned.partition)
        });
        let mut made: Vec<ConsumptionEntry> = made.collect();
        let is_new = |old: &ConsumptionEntry| made.iter().any(|new| new.partition == old.partition);
        let kept: Vec<ConsumptionEntry> = self.made.iter().filter(|old| !is_new(old)).cloned().collect();
        made.extend(kept);
        self.made = made;
    }
}

#[test]
fn only_what_an_object_touches_is_stale() {
    let mut bed = Bed::new();
    bed.clean("a.csv", "1", &[("2026-01-05", "2026-01-20"), ("2026-02-01", "2026-02-10")]);
    bed.clean("b.csv", "2", &[("2026-03-10", "2026-03-12")]);
    assert_eq!(bed.stale(), ["month=2026-01", "month=2026-02", "month=2026-03"]);
    bed.make();
    assert_eq!(bed.stale(), [""; 0]);
    bed.entries.reverse();
    assert_eq!(bed.stale(), [""; 0], "whatever the order of entries");
    bed.clean("c.csv", "3", &[("2026-03-20", "2026-03-20")]);
    assert_eq!(bed.stale(), ["month=2026-03"]);
    bed.make();
    // Its first day may hold another row of a key of the month before.
    bed.clean("d.csv", "4", &[("2026-04-01", "2026-04-02")]);
    assert_eq!(bed.stale(), ["month=2026-03", "month=2026-04"]);
    bed.make();
    bed.clean("b.csv", "5", &[("2026-03-10", "2026-03-12")]);
    assert_eq!(bed.stale(), ["month=2026-03"], "the same object with other bytes");
}

#[test]
fn what_has_nothing_left_vanishes() {
    let mut bed = Bed::new();
    bed.clean("a.csv", "1", &[("2026-01-05", "2026-01-20")]);
    bed.clean("b.csv", "2", &[("2026-06-05", "2026-06-20")]);
    bed.make();
    bed.entries.pop();
    let plan = bed.plan(&one_model());
    assert_eq!(plan.vanished, ["consumption/energy_usage/usage_by_customer_day/month=2026-06.json"]);
    assert_eq!((plan.todo.len(), plan.up_to_date), (0, 1));
    let other = Selection { partitions: vec![Partition::single("month", "2026-01")], ..one_model() };
    assert!(bed.plan(&other).vanished.is_empty(), "of what was asked for");
}

#[test]
fn what_an_interrupted_writer_announced_is_stale() {
    let mut bed = Bed::new();
    bed.clean("a.csv", "1", &[("2026-01-05", "2026-01-20")]);
    bed.make();
    bed.made[0].beside = Beside { pending: vec!["k".to_owned()], ..Beside::default() };
    assert_eq!(bed.stale(), ["month=2026-01"]);
}

#[test]
fn more_new_partitions_than_a_run_may_add_are_refused_by_name() {
    let mut bed = Bed::new();
    bed.clean("a.csv", "1", &[("2026-01-05", "2026-01-20")]);
    bed.clean("wild.csv", "2", &[("2026-01-05", "2031-01-20")]);
    let plan = bed.plan(&one_model());
    assert!(plan.todo.is_empty());
    let why = plan.failed[0].to_string();
    assert!(why.contains("wild.csv") && why.contains("2031-01-20"), "{why}");
}

#[test]
fn objects_are_gathered_for_each_partition_by_raw_key() {
    let mut bed = Bed::new();
    bed.clean("b.csv", "1", &[("2026-01-05", "2026-01-20"), ("2026-02-10", "2026-02-12")]);
    bed.clean("a.csv", "2", &[("2026-01-07", "2026-01-08")]);
    let plan = bed.plan(&one_model());
    let tasks = gather(&bed.cleaned(), &Made::default(), &plan.todo).unwrap();
    let found: Vec<Vec<(usize, &str)>> = tasks
        .iter()
        .map(|task| task.objects[0].iter().map(|(rank, output)| (*rank, output.hash.as_str())).collect())
        .collect();
    assert_eq!(found, [vec![(0, "2"), (1, "1")], vec![(0, "1")]]);
    assert_eq!(
        plan.todo.iter().map(|planned| (planned.objects, planned.bytes)).collect::<Vec<_>>(),
        [(2, 20), (1, 10)]
    );
    // By other rules, times and orders say nothing of the columns as they are declared now.
    assert!(tasks[0].objects[0].iter().all(|(_, output)| output.times.is_none()));
}

proptest! {
    #[test]
    fn groups_of_a_window_are_found_as_if_all_were_looked_at(
        spans in proptest::collection::vec((0_u64..3_000, 0_u64..1_200, any::<bool>()), 0..60),
        from in 0_u64..3_000,
        length in 0_u64..400,
    ) {
        let date = |days: u64| day("2020-01-01") + Days::new(days);
        let mut groups = Groups::new();
        for (number, (start, length, has_days)) in spans.iter().enumerate() {
            let partition = Partition::single("k", &number.to_string());
            let span = has_days.then(|| (date(*start), date(start + length)));
            groups.insert((partition, span), Group { objects: 1, bytes: 0, sum: 1 << number, sample: String::new() });
        }
        for window in [Window::Days(date(from)..date(from + length)), Window::All, Window::Named(Partition::single("k", "3"))] {
            let mut sum = 0;
            Finder::new(&groups).find(&window, |group| sum += group.sum);
            let all = groups.iter().filter(|((partition, span), _)| window.has(partition, *span));
            prop_assert_eq!(sum, all.map(|(_, group)| group.sum).sum::<u128>());
        }
    }
}

/// The built-in dataset whose models read models.
#[test]
fn levels_are_planned_by_what_they_read() {
    let catalog = Catalog::built_in();
    let dataset = catalog.dataset("meters").unwrap();
    let levels: Vec<Vec<&str>> =
        dataset.levels().iter().map(|models| models.iter().map(|model| model.name.as_str()).collect()).collect();
    assert_eq!(levels[0], ["metered"]);
    assert_eq!(levels[2..], [vec!["finding"], vec!["case_part", "theft_detection"], vec!["case_ranking"]]);

    let raw_key = "meters/measurement/a.csv";
    let measured = |month: u32, hash: &str| {
        let first = NaiveDate::from_ymd_opt(2026, month, 1).unwrap();
        let partition = Partition::single("month", &first.format("%Y-%m").to_string());
        let key = keys::standard("meters", "measurement", &partition, raw_key);
        let text = first.to_string();
        Output { key, ..output("measurement", raw_key, hash, &text, &text) }
    };
    let cleaned = |hash: &str| {
        let mut entry = RawEntry::uncommitted(raw_key, dataset.table("measurement").unwrap(), "meters");
        entry.outputs = vec![measured(1, hash), measured(2, "same")];
        Cleaned::new(dataset, Current::of(vec![entry], Vec::new())).unwrap()
    };
    let selection = Selection::default();
    let terms = Terms { selection: &selection, most_new: 100, personal_key: None };
    // Makes a level: each partition of a model has one object with this hash.
    let make = |level: usize, made: &mut Vec<ConsumptionEntry>, cleaned: &Cleaned, hash: &str| -> Vec<String> {
        let known = Made::of("meters", made.clone());
        let there = There { made: &known, cleaned, awaited: &BTreeSet::new() };
        let plan = Plan::new(dataset, &dataset.levels()[level], terms, there);
        assert!(plan.failed.is_empty() && plan.vanished.is_empty());
        for planned in &plan.todo {
            let output = Output {
                key: keys::consumption("meters", &planned.model.name, &planned.partition),
                partition: planned.partition.clone(),
                days: None,
                ..output("measurement", raw_key, hash, "2026-01-01", "2026-01-01")
            };
            let entry = ConsumptionEntry {
                fingerprint: planned.fingerprint.clone(),
                outputs: vec![output],
                ..commit::nothing("meters", &planned.model.name, &planned.partition)
            };
            made.retain(|old| (&old.model, &old.partition) != (&entry.model, &entry.partition));
            made.push(entry);
        }
        plan.todo.iter().map(|planned| format!("{} {}", planned.model.name, planned.partition)).collect()
    };
    let mut made = Vec::new();
    let first = cleaned("one");
    assert_eq!(make(0, &mut made, &first, "a"), ["metered month=2026-01", "metered month=2026-02"]);
    assert_eq!(make(1, &mut made, &first, "a").len(), 6, "three models, two months");
    assert_eq!(make(2, &mut made, &first, "a"), ["finding month=2026-01", "finding month=2026-02"]);
    assert_eq!(make(3, &mut made, &first, "a").len(), 4, "two models, two months");
    assert_eq!(make(4, &mut made, &first, "a"), [format!("case_ranking {}", Partition::whole())]);
    for level in 0..5 {
        assert_eq!(make(level, &mut made, &first, "a"), Vec::<String>::new());
    }

    // January has changed; of what is made of it only the daily sums come out differently.
    let second = cleaned("two");
    assert_eq!(make(0, &mut made, &second, "a"), ["metered month=2026-01"]);
    assert_eq!(make(1, &mut made, &second, "a").len(), 3);
    assert_eq!(make(2, &mut made, &second, "a"), Vec::<String>::new(), "all is as it was");
    let third = cleaned("three");
    assert_eq!(make(0, &mut made, &third, "a"), ["metered month=2026-01"]);
    assert_eq!(make(1, &mut made, &third, "b").len(), 3);
    assert_eq!(make(2, &mut made, &third, "a").len(), 2, "February looks back to January");

    // What is to be made before makes what reads it wait.
    let fourth = cleaned("four");
    let known = Made::of("meters", made.clone());
    let awaited = Awaited { model: "metered".to_owned(), partition: Partition::single("month", "2026-01") };
    let awaited = BTreeSet::from([awaited]);
    let there = There { made: &known, cleaned: &fourth, awaited: &awaited };
    let plan = Plan::new(dataset, &dataset.levels()[1], terms, there);
    let waiting = plan.todo.iter().filter(|planned| !planned.is_stale).count();
    assert_eq!((plan.todo.len(), waiting), (3, 0), "they are stale anyhow: they read January's measurements as well");
    let there = There { made: &known, cleaned: &third, awaited: &awaited };
    let plan = Plan::new(dataset, &dataset.levels()[1], terms, there);
    let waiting = plan.todo.iter().filter(|planned| !planned.is_stale).count();
    assert_eq!((plan.todo.len(), waiting, plan.up_to_date), (3, 3, 3));
}
