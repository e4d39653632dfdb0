//! Electricity meters for tests: clean ones of many kinds, and ones with planted cases of each rule. The same seed gives
//! the same bytes.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::fmt::Write as _;

/// Seconds of an hour and of a day.
const HOUR: i64 = 3_600;
/// Seconds of a day.
pub const DAY: i64 = 24 * HOUR;
/// 15 September 2025, 00:00 UTC: a week less than seven months with both changes of clocks follows.
pub const START: i64 = 1_757_894_400;
/// The days that there are values for.
pub const DAYS: i64 = 212;
/// A condition code of the range that is regular, and two that are not listed.
const REGULAR: &str = "501000";
const OUTAGE: &str = "102000";
const ESTIMATED: &str = "201000";

/// What a household uses in each hour of the day, in parts of its mean.
const SHAPE: [f64; 24] = [
    0.5, 0.4, 0.4, 0.4, 0.4, 0.5, 0.8, 1.2, 1.3, 1.0, 0.9, 0.9, 1.1, 1.0, 0.9, 0.9, 1.1, 1.5, 2.0, 2.1, 1.8, 1.4, 1.0,
    0.7,
];

/// A case that a rule has to find.
#[derive(Debug, Clone)]
pub struct Planted {
    /// The rule that has to find it.
    pub rule: &'static str,
    /// The device; none for measurements whose component is unknown.
    pub device: Option<String>,
    /// The component.
    pub component: String,
    /// Seconds since 1970 in which it shows, (from, until].
    pub period: (i64, i64),
    /// Rules that may find the same, because it is the same.
    pub also: &'static [&'static str],
}

/// Raw files and what is planted in them.
#[derive(Debug, Default)]
pub struct Meters {
    /// Path below `raw/meters/` to text.
    pub files: BTreeMap<String, String>,
    /// The cases; a component without one is clean.
    pub planted: Vec<Planted>,
    /// All components' measurements.
    pub measurements: usize,
}

/// Numbers that look random: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

/// One value and its codes.
#[derive(Debug, Clone)]
struct Value {
    end: i64,
    kwh: f64,
    code: &'static str,
    flag: &'static str,
}

/// A component whose values are still to be changed.
struct Component {
    device: String,
    id: String,
    interval: i64,
    values: Vec<Value>,
}

impl Component {
    /// Changes the values whose stamps lie in (from, until].
    fn change(&mut self, from: i64, until: i64, mut change: impl FnMut(&mut Value)) {
        self.values.iter_mut().filter(|value| from < value.end && value.end <= until).for_each(&mut change);
    }

    fn scale(&mut self, from: i64, until: i64, factor: f64) {
        self.change(from, until, |value| value.kwh *= factor);
    }

    fn set(&mut self, from: i64, until: i64, kwh: f64) {
        self.change(from, until, |value| value.kwh = kwh);
    }

    fn drop_values(&mut self, from: i64, until: i64) {
        self.values.retain(|value| value.end <= from || until < value.end);
    }
}

/// The instant that many days after the first.
pub fn day(days: i64) -> i64 {
    START + days * DAY
}

/// `YYYY-MM-DDTHH:MM:SSZ` of seconds since 1970.
pub fn text_of(seconds: i64) -> String {
    let (year, month, day) = date_of(seconds);
    let time = seconds.rem_euclid(DAY);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time / HOUR, time / 60 % 60, time % 60)
}

/// Year, month and day of seconds since 1970 (Howard Hinnant's `civil_from_days`).
fn date_of(seconds: i64) -> (i64, i64, i64) {
    let shifted = seconds.div_euclid(DAY) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

/// Writes the four tables row by row.
pub struct Generator {
    random: Random,
    meters: Meters,
    events: usize,
}

impl Generator {
    /// A generator that begins with the headers.
    pub fn new(seed: u64) -> Self {
        let mut meters = Meters::default();
        for (file, header) in [
            ("device/device.csv", "device_id,device_type,badge_number,serial_number,status,status_date"),
            (
                "measuring_component/component.csv",
                "measuring_component_id,device_id,type,uom,interval_seconds,multiplier,direction,status",
            ),
            (
                "install_event/install_event.csv",
                "install_event_id,device_id,service_point_id,install_dttm,removal_dttm,status,status_dttm",
            ),
        ] {
            meters.files.insert(file.to_owned(), format!("{header}\n"));
        }
        Self { random: Random(seed), meters, events: 0 }
    }

    /// The files.
    pub fn finish(self) -> Meters {
        self.meters
    }

    fn line(&mut self, file: &str, line: &str) {
        let text = self.meters.files.entry(file.to_owned()).or_default();
        text.push_str(line);
        text.push('\n');
    }

    fn device(&mut self, device: &str, status: &str, since: Option<i64>) {
        let since = since.map(|since| text_of(since)[..10].to_owned()).unwrap_or_default();
        self.line("device/device.csv", &format!("{device},SMART,B{device},S{device},{status},{since}"));
    }

    fn component(&mut self, device: &str, id: &str, interval: i64, direction: &str) {
        let (kind, interval) = if interval == 0 {
            ("E-KWH-SCALAR".to_owned(), String::new())
        } else {
            (format!("E-KWH-{}-{direction}", interval / 60), interval.to_string())
        };
        let line = format!("{id},{device},{kind},kWh,{interval},1,{direction},ACTIVE");
        self.line("measuring_component/component.csv", &line);
    }

    fn install(&mut self, device: &str, point: &str, from: i64, until: Option<i64>, status: (&str, i64)) {
        self.events += 1;
        let until = until.map(text_of).unwrap_or_default();
        let (event, from, since) = (self.events, text_of(from), text_of(status.1));
        let line = format!("E{event:06},{device},{point},{from},{until},{},{since}", status.0);
        self.line("install_event/install_event.csv", &line);
    }

    /// A device with one component that delivers and lies about nothing, and its values in (from, until].
    fn meter(&mut self, name: &str, interval: i64, from: i64, until: i64) -> Component {
        let (device, id) = (format!("D-{name}"), format!("C-{name}"));
        self.component(&device, &id, interval, "DEL");
        let values = self.profile(interval, from, until);
        Component { device, id, interval, values }
    }

    /// An active device, installed since well before its first value.
    fn active(&mut self, name: &str, from: i64, until: i64) -> Component {
        let meter = self.meter(name, HOUR, from, until);
        self.device(&meter.device, "ACTIVE", None);
        self.install(&meter.device, &format!("SP-{name}"), from - 90 * DAY, None, ("ON", from - 90 * DAY));
        meter
    }

    /// A household: more in winter, at weekends and in the evening, and never twice the same.
    fn profile(&mut self, interval: i64, from: i64, until: i64) -> Vec<Value> {
        let level = self.random.between(6.0, 14.0);
        let season = self.random.between(0.1, 0.35);
        let mut values = Vec::new();
        let (mut today, mut of_day) = (i64::MIN, 1.0);
        let mut end = from + interval;
        while end <= until {
            // Central European winter time will do for habits.
            let local = end - interval + HOUR;
            if local.div_euclid(DAY) != today {
                today = local.div_euclid(DAY);
                let weekend = if (today + 3).rem_euclid(7) >= 5 { 1.1 } else { 1.0 };
                let wave = 1.0 + season * (TAU * (today as f64 - 15.0) / 365.25).cos();
                of_day = weekend * wave * self.random.between(0.85, 1.2);
            }
            let shape = SHAPE.get(local.rem_euclid(DAY) as usize / HOUR as usize).copied().unwrap_or(1.0);
            let mean = level / DAY as f64 * interval as f64;
            let kwh = mean * of_day * shape * self.random.between(0.6, 1.4);
            values.push(Value { end, kwh, code: REGULAR, flag: "" });
            end += interval;
        }
        values
    }

    /// Writes values: a CSV file for each month, but NDJSON for January.
    fn write(&mut self, component: &Component) {
        for value in &component.values {
            let (year, month, _) = date_of(value.end - 1);
            let (id, time) = (&component.id, text_of(value.end));
            let Value { kwh, code, flag, .. } = value;
            if month == 1 {
                let text = self.meters.files.entry(format!("measurement/{year}-{month:02}.ndjson")).or_default();
                let _ = writeln!(
                    text,
                    r#"{{"measuring_component_id":"{id}","measurement_dttm":"{time}","measurement_value":{kwh:.3},"condition_code":"{code}","use_flag":"{flag}"}}"#
                );
            } else {
                let text = self.meters.files.entry(format!("measurement/{year}-{month:02}.csv")).or_insert_with(|| {
                    "measuring_component_id,measurement_dttm,measurement_value,condition_code,use_flag,created_dttm\n"
                        .to_owned()
                });
                let _ = writeln!(text, "{id},{time},{kwh:.3},{code},{flag},{time}");
            }
        }
        self.meters.measurements += component.values.len();
    }

    fn plant(&mut self, rule: &'static str, component: &Component, period: (i64, i64), also: &'static [&'static str]) {
        let (device, component) = (Some(component.device.clone()), component.id.clone());
        self.meters.planted.push(Planted { rule, device, component, period, also });
    }

    /// Clean meters of all kinds, in turn, with values in (from, until].
    pub fn clean(&mut self, count: usize, from: i64, until: i64) {
        let half = from + (until - from) / 2 / DAY * DAY;
        for number in 0..count {
            let name = format!("CLEAN-{number:05}");
            let meter = match number % 12 {
                3 => self.newly_installed(&name, half, until),
                4 => self.removed(&name, from, half),
                5 => self.exchanged(&name, from, half, until),
                8 => self.disconnected(&name, from, half, until),
                9 => self.installed_twice(&name, from, half, until),
                10 => self.register(&name, from, until),
                11 => self.quarter_hours(&name, from, half),
                kind => {
                    let mut meter = self.active(&name, from, until);
                    match kind {
                        // On vacation: the refrigerator goes on.
                        1 => meter.scale(half, half + 10 * DAY, 0.45),
                        2 => self.solar(&meter, from, until),
                        // Some estimates: three days in a row, of zeros, and single ones.
                        6 => {
                            let estimate = |value: &mut Value| (value.code, value.kwh) = (ESTIMATED, 0.0);
                            meter.change(half, half + 3 * DAY, estimate);
                            meter.values.iter_mut().step_by(17).for_each(estimate);
                        }
                        // A failure of some hours, a long one that its code tells of, two days without values, three
                        // that are not to be used.
                        7 => {
                            meter.set(half, half + 10 * HOUR, 0.0);
                            meter.change(half + 3 * DAY, half + 6 * DAY, |value| {
                                (value.kwh, value.code) = (0.0, OUTAGE);
                            });
                            meter.drop_values(half + 8 * DAY, half + 10 * DAY);
                            meter.change(half + 15 * DAY, half + 18 * DAY, |value| {
                                (value.kwh, value.flag) = (0.0, "D101");
                            });
                        }
                        _ => {}
                    }
                    meter
                }
            };
            self.write(&meter);
        }
    }

    fn newly_installed(&mut self, name: &str, half: i64, until: i64) -> Component {
        let meter = self.meter(name, HOUR, half, until);
        self.device(&meter.device, "ACTIVE", Some(half));
        // Recorded some hours late.
        self.install(&meter.device, &format!("SP-{name}"), half + 5 * HOUR, None, ("CONN-COMM", half));
        meter
    }

    fn removed(&mut self, name: &str, from: i64, half: i64) -> Component {
        // The last values come after the removal, within the grace.
        let meter = self.meter(name, HOUR, from, half + 6 * HOUR);
        self.device(&meter.device, "RETIRED", Some(half + DAY));
        // Half of them without a removal's time: the status tells.
        let removal = (self.random.next() < 0.5).then_some(half);
        self.install(&meter.device, &format!("SP-{name}"), from - DAY, removal, ("REMOVE", half));
        meter
    }

    fn exchanged(&mut self, name: &str, from: i64, half: i64, until: i64) -> Component {
        let old = self.meter(&format!("{name}-OLD"), HOUR, from, half);
        self.device(&old.device, "RETIRED", Some(half));
        self.install(&old.device, &format!("SP-{name}"), from - DAY, Some(half), ("REMOVE", half));
        self.write(&old);
        let new = self.meter(name, HOUR, half, until);
        self.device(&new.device, "ACTIVE", Some(half));
        self.install(&new.device, &format!("SP-{name}"), half, None, ("ON", half));
        new
    }

    /// Service off for ten days with hardly any creep, and then gone.
    fn disconnected(&mut self, name: &str, from: i64, half: i64, until: i64) -> Component {
        let mut meter = self.meter(name, HOUR, from, half + 10 * DAY);
        self.device(&meter.device, "ACTIVE", None);
        self.install(&meter.device, &format!("SP-{name}"), from - DAY, Some(until), ("OFF", half));
        meter.set(half, until, 0.0);
        meter.change(half + 3 * DAY, half + 3 * DAY + 9 * HOUR, |value| value.kwh = 0.002);
        meter
    }

    /// Two install events at once, an impossible one and one to come: only the latest is valid.
    fn installed_twice(&mut self, name: &str, from: i64, half: i64, until: i64) -> Component {
        let meter = self.active(name, from, until);
        let point = format!("SP-{name}-B");
        self.install(&meter.device, &point, half, Some(until), ("ON", half));
        self.install(&meter.device, &point, half, Some(half - DAY), ("ON", half));
        self.install(&meter.device, &format!("SP-{name}-C"), half + DAY, None, ("PENDING", half));
        meter
    }

    /// Readings of a register, day by day.
    fn register(&mut self, name: &str, from: i64, until: i64) -> Component {
        let (device, id) = (format!("D-{name}"), format!("C-{name}"));
        self.device(&device, "ACTIVE", None);
        self.component(&device, &id, 0, "DEL");
        self.install(&device, &format!("SP-{name}"), from - DAY, None, ("ON", from));
        let mut reading = 12_000.0;
        let values = self.profile(DAY, from, until);
        let values = values.into_iter().map(|value| {
            reading += value.kwh;
            Value { kwh: reading, ..value }
        });
        Component { device, id, interval: 0, values: values.collect() }
    }

    fn quarter_hours(&mut self, name: &str, from: i64, until: i64) -> Component {
        let meter = self.meter(name, HOUR / 4, from, until);
        self.device(&meter.device, "ACTIVE", None);
        self.install(&meter.device, &format!("SP-{name}"), from - DAY, None, ("", from));
        meter
    }

    /// A second component for the roof: nothing at night, negative or odd by day, the same value for days.
    fn solar(&mut self, meter: &Component, from: i64, until: i64) {
        let id = format!("{}-REC", meter.id);
        self.component(&meter.device, &id, meter.interval, "REC");
        let mut values = self.profile(meter.interval, from, until);
        for value in &mut values {
            let hour = value.end.rem_euclid(DAY) / HOUR;
            value.kwh = if (8..16).contains(&hour) { -value.kwh } else { 0.0 };
        }
        let mut roof = Component { device: meter.device.clone(), id, interval: meter.interval, values };
        roof.set(from + 5 * DAY, from + 9 * DAY, 0.0);
        roof.set(from + 12 * DAY, from + 22 * DAY, 0.25);
        roof.scale(from + 30 * DAY, from + 31 * DAY, 40.0);
        self.write(&roof);
    }

    /// All planted cases.
    pub fn thefts(&mut self) {
        self.unexpected();
        self.without_install();
        self.shapes();
        self.against_own_past();
        self.registers();
        self.rare_readings();
    }

    /// Consumption where there should be none: services that are off, devices that are not active.
    fn unexpected(&mut self) {
        for (name, status, factor, days) in
            [("OFF-FULL", "OFF", 1.0, 20), ("OFF-LITTLE", "OFF", 0.1, 12), ("OFF-SHORT", "DISCONN-COMM", 1.0, 3)]
        {
            let off = day(40);
            let mut meter = self.meter(name, HOUR, day(20), off + days * DAY);
            self.device(&meter.device, "ACTIVE", None);
            // Off, and with a removal's date to come: both count.
            let removal = (status == "OFF").then_some(off + 60 * DAY);
            self.install(&meter.device, &format!("SP-{name}"), day(0), removal, (status, off));
            meter.scale(off, day(DAYS), factor);
            self.plant("consumption_after_disconnect", &meter, (off + DAY, off + days * DAY), &[]);
            self.write(&meter);
        }
        for (name, status, days) in [("RETIRED", "RETIRED", 25), ("LOST", "lost", 5)] {
            let since = day(100);
            let meter = self.meter(name, HOUR, day(80), since + days * DAY);
            self.device(&meter.device, status, Some(since));
            self.install(&meter.device, &format!("SP-{name}"), day(0), None, ("ON", day(0)));
            self.plant("inactive_device", &meter, (since + 2 * DAY, since + days * DAY), &[]);
            self.write(&meter);
        }
        // Since when, the device's row does not say: a removal does, and nothing does before the file's own time.
        let since = day(100);
        let removed = self.meter("RETIRED-REMOVED", HOUR, day(80), since + 25 * DAY);
        self.device(&removed.device, "RETIRED", None);
        self.install(&removed.device, "SP-RETIRED-REMOVED", day(0), Some(since), ("REMOVE", since));
        self.plant("inactive_device", &removed, (since + 2 * DAY, since + 25 * DAY), &["no_active_install"]);
        self.write(&removed);
        let undated = self.meter("RETIRED-UNDATED", HOUR, day(80), since);
        self.device(&undated.device, "RETIRED", None);
        self.install(&undated.device, "SP-RETIRED-UNDATED", day(0), None, ("ON", day(0)));
        self.write(&undated);
    }

    /// Measurements while no install event is valid.
    fn without_install(&mut self) {
        let removal = day(70);
        let after = self.meter("AFTER-REMOVAL", HOUR, day(50), removal + 15 * DAY);
        self.device(&after.device, "ACTIVE", None);
        self.install(&after.device, "SP-AFTER-REMOVAL", day(0), Some(removal), ("REMOVE", removal));
        self.plant("no_active_install", &after, (removal + DAY, removal + 15 * DAY), &[]);
        self.write(&after);

        let never = self.meter("NEVER-INSTALLED", HOUR, day(60), day(65));
        self.device(&never.device, "ACTIVE", None);
        self.plant("no_active_install", &never, (day(60), day(65)), &[]);
        self.write(&never);

        let between = self.meter("BETWEEN", HOUR, day(40), day(75));
        self.device(&between.device, "ACTIVE", None);
        self.install(&between.device, "SP-BETWEEN-A", day(0), Some(day(50)), ("REMOVE", day(50)));
        self.install(&between.device, "SP-BETWEEN-B", day(57), None, ("ON", day(57)));
        self.plant("no_active_install", &between, (day(51), day(56)), &[]);
        self.write(&between);

        let values = self.profile(HOUR, day(90), day(94));
        let orphan = Component { device: String::new(), id: "C-ORPHAN".to_owned(), interval: HOUR, values };
        self.plant("unknown_component", &orphan, (day(90), day(94)), &[]);
        if let Some(planted) = self.meters.planted.last_mut() {
            planted.device = None;
        }
        self.write(&orphan);

        // The device has no row; one of the two has an install event.
        for name in ["NO-DEVICE", "NO-DEVICE-INSTALLED"] {
            let meter = self.meter(name, HOUR, day(90), day(94));
            if name == "NO-DEVICE-INSTALLED" {
                self.install(&meter.device, &format!("SP-{name}"), day(0), None, ("ON", day(0)));
            }
            self.plant("unknown_device", &meter, (day(90), day(94)), &[]);
            self.write(&meter);
        }
    }

    /// Zeros, negative, flat, stuck and estimated values, in meters too new for a past of their own.
    fn shapes(&mut self) {
        let (from, at, until) = (day(128), day(135) + 14 * HOUR, day(170));
        for (name, hours) in [("ZERO-SHORT", 55), ("ZERO-LONG", 120), ("ZERO-MONTH", 600)] {
            let mut meter = self.active(name, from, until);
            meter.set(at, at + hours * HOUR, 0.0);
            // A month is long enough for a past of its own.
            self.plant("zero_consumption", &meter, (at, at + hours * HOUR), &["sudden_drop"]);
            self.write(&meter);
        }
        for (name, hours, factor) in [("NEGATIVE-ONCE", 1, -0.2), ("NEGATIVE-DAY", 24, -1.0), ("NEGATIVE", 200, -3.0)] {
            let mut meter = self.active(name, from, until);
            meter.scale(at, at + hours * HOUR, factor);
            self.plant("negative_consumption", &meter, (at, at + hours * HOUR), &[]);
            self.write(&meter);
        }
        for (name, days, noise) in [("FLAT-WEEKS", 21, 0.03), ("FLAT-WEEK", 9, 0.01), ("FLAT-MONTH", 30, 0.06)] {
            let mut meter = self.active(name, from, until);
            let random = &mut self.random;
            meter.change(at, at + days * DAY, |value| value.kwh = 0.8 * (1.0 + random.between(-noise, noise)));
            self.plant("flat_profile", &meter, (at, at + days * DAY), &[]);
            self.write(&meter);
        }
        for (name, hours, kwh, also) in [
            ("STUCK-SHORT", 30, 0.317, [].as_slice()),
            ("STUCK-DAYS", 140, 0.5, &[]),
            ("STUCK-WEEKS", 400, 1.25, &["flat_profile"]),
        ] {
            let mut meter = self.active(name, from, until);
            meter.set(at, at + hours * HOUR, kwh);
            self.plant("stuck_register", &meter, (at, at + hours * HOUR), also);
            self.write(&meter);
        }
        for (name, days, every) in [("ESTIMATED-SHORT", 9, 24), ("ESTIMATED-MOST", 30, 4), ("ESTIMATED", 30, 999)] {
            let mut meter = self.active(name, from, until);
            let mut count = 0;
            meter.change(at, at + days * DAY, |value| {
                count += 1;
                value.code = if count % every == 0 { REGULAR } else { ESTIMATED };
            });
            self.plant("prolonged_estimation", &meter, (at, at + days * DAY), &[]);
            self.write(&meter);
        }
    }

    /// Days far from what the same meter did before.
    fn against_own_past(&mut self) {
        let at = day(130);
        for (name, days, factor) in [("DROP-DAY", 1, 0.1), ("DROP-WEEK", 7, 0.06), ("DROP-NEARLY-ALL", 12, 0.01)] {
            let mut meter = self.active(name, at - 60 * DAY, at + 40 * DAY);
            meter.scale(at, at + days * DAY, factor);
            self.plant("sudden_drop", &meter, (at, at + days * DAY), &[]);
            self.write(&meter);
        }
        for (name, days, factor) in [("SPIKE-SMALL", 1, 4.5), ("SPIKE-DAYS", 3, 8.0), ("SPIKE-HUGE", 1, 25.0)] {
            let mut meter = self.active(name, at - 110 * DAY, at + 40 * DAY);
            meter.scale(at, at + days * DAY, factor);
            self.plant("spike", &meter, (at, at + days * DAY), &[]);
            self.write(&meter);
        }
        // Two months with a watt-hour now and then.
        let mut low = self.active("LOW", at - 70 * DAY, at + 65 * DAY);
        low.set(at, at + 65 * DAY, 0.0);
        let trickle = |value: &mut Value| value.kwh = if value.end % (20 * HOUR) == 0 { 0.008 } else { 0.0 };
        low.change(at, at + 65 * DAY, trickle);
        self.plant("zero_consumption", &low, (at, at + 65 * DAY), &["sudden_drop"]);
        self.write(&low);
        // Zeros in a meter that has a past: a drop, too.
        let mut zero = self.active("ZERO-WITH-PAST", at - 60 * DAY, at + 30 * DAY);
        zero.set(at, at + 10 * DAY, 0.0);
        self.plant("zero_consumption", &zero, (at, at + 10 * DAY), &["sudden_drop"]);
        self.write(&zero);
    }

    /// Registers that stand still, run backwards, and count on while the service is off; and one that rolls over.
    fn registers(&mut self) {
        let at = day(150);
        let mut stuck = self.register("REGISTER-STUCK", day(120), day(180));
        stuck.set(at, at + 6 * DAY, 12_400.0);
        stuck.change(day(100), at, |value| value.kwh = value.kwh.min(12_400.0 - (at - value.end) as f64 / DAY as f64));
        stuck.change(at + 6 * DAY, day(180), |value| value.kwh += 500.0);
        self.plant("stuck_register", &stuck, (at + DAY, at + 6 * DAY), &[]);
        self.write(&stuck);

        let mut backwards = self.register("REGISTER-BACKWARDS", day(120), day(180));
        backwards.change(at, day(180), |value| value.kwh -= 150.0);
        self.plant("negative_consumption", &backwards, (at, at + DAY), &[]);
        self.write(&backwards);

        let mut off = self.register("REGISTER-OFF", day(120), day(180));
        off.change(day(0), day(180), |value| value.kwh += 1.0);
        let event = format!("E{:06},", self.events);
        if let Some(events) = self.meters.files.get_mut("install_event/install_event.csv") {
            let kept = events.lines().filter(|line| !line.starts_with(&event)).collect::<Vec<_>>().join("\n");
            *events = kept + "\n";
        }
        self.install(&off.device, "SP-REGISTER-OFF", day(0), None, ("OFF", at));
        self.plant("consumption_after_disconnect", &off, (at + 2 * DAY, day(180)), &[]);
        self.write(&off);

        // Five digits that begin again at 0, which is no theft.
        let mut rolled = self.register("REGISTER-ROLLED", day(120), day(180));
        rolled.change(day(0), day(180), |value| value.kwh = (value.kwh + 87_700.0) % 100_000.0);
        self.write(&rolled);
    }

    /// Registers that are read once a year.
    fn rare_readings(&mut self) {
        let (first, last) = (day(-225), day(140));
        // Gone on counting long after the service went off; creep alone; not a kWh in a year; and one that is as it is.
        for (name, kwh, status, rule) in [
            ("YEARLY-OFF", 1_900.0, "OFF", Some("consumption_after_disconnect")),
            ("YEARLY-CREEP", 3.0, "OFF", None),
            ("YEARLY-ZERO", 0.4, "ON", Some("zero_consumption")),
            ("YEARLY", 3_100.0, "ON", None),
        ] {
            let (device, id) = (format!("D-{name}"), format!("C-{name}"));
            self.device(&device, "ACTIVE", None);
            self.component(&device, &id, 0, "DEL");
            self.install(&device, &format!("SP-{name}"), first - 90 * DAY, None, (status, first - 30 * DAY));
            let values = [(first, 41_250.0), (last, 41_250.0 + kwh)];
            let values = values.map(|(end, kwh)| Value { end, kwh, code: REGULAR, flag: "" });
            let register = Component { device, id, interval: 0, values: values.to_vec() };
            if let Some(rule) = rule {
                self.plant(rule, &register, (first, last), &[]);
            }
            self.write(&register);
        }
    }
}
