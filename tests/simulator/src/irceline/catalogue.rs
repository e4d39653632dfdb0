//! The fixed tables behind the generated world: what is measured, and where.

/// Phenomena a client asks for when it is not told which ones: PM10, PM2.5, NO2, SO2 and CO2.
const DEFAULTS: [&str; 5] = ["5", "6001", "8", "1", "71"];

/// The shares below add up to this many series.
pub(crate) const TOTAL_SHARE: usize = 660;

/// Something that is measured.
#[derive(Debug)]
pub(crate) struct Phenomenon {
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) uom: &'static str,
    /// How many of 660 series measure it.
    pub(crate) share: usize,
    pub(crate) decimals: i32,
    pub(crate) course: Course,
    /// Short name in status intervals, and their rising upper bounds. Without bounds there are no intervals.
    pub(crate) bands: (&'static str, &'static [f64]),
}

/// How values run through the day and from day to day.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Course {
    /// Fine dust, with days of high values that hold for all stations; relative to PM10.
    Particles { of_pm10: f64 },
    /// Two peaks a day around the rush hours.
    Traffic { mean: f64 },
    /// One peak in the afternoon.
    Solar { mean: f64 },
    /// Much the same all day.
    Steady { mean: f64, swing: f64 },
    /// Degrees Celsius, with seasons.
    Temperature,
    /// Degrees of the compass.
    Direction,
    /// Hectopascal.
    Pressure,
}

impl Phenomenon {
    pub(crate) fn is_default(&self) -> bool {
        DEFAULTS.contains(&self.id)
    }

    /// Whether it is the mass of something in the air, which a negative value makes no sense of.
    pub(crate) fn is_concentration(&self) -> bool {
        !self.id.starts_with("61") && !self.id.starts_with("62") && !self.id.starts_with("64")
    }
}

const fn measured(
    id: &'static str,
    label: &'static str,
    uom: &'static str,
    share: usize,
    course: Course,
) -> Phenomenon {
    Phenomenon { id, label, uom, share, decimals: 1, course, bands: ("", &[]) }
}

const fn banded(phenomenon: Phenomenon, decimals: i32, name: &'static str, bounds: &'static [f64]) -> Phenomenon {
    Phenomenon { decimals, bands: (name, bounds), ..phenomenon }
}

pub(crate) const TEMPERATURE: &str = "62101";
pub(crate) const WIND_SPEED: &str = "61110";
pub(crate) const CARBON_MONOXIDE: &str = "10";
pub(crate) const MAY_BE_NEGATIVE: [&str; 2] = ["1", "8"];

use Course::{Direction, Particles, Pressure, Solar, Steady, Temperature, Traffic};

pub(crate) static PHENOMENA: [Phenomenon; 19] = [
    banded(
        measured("5", "Particulate Matter < 10 µm", "µg/m³", 145, Particles { of_pm10: 1.0 }),
        1,
        "PM10",
        &[15.0, 30.0, 45.0, 60.0, 90.0, 1000.0],
    ),
    banded(
        measured("6001", "Particulate Matter < 2.5 µm", "µg/m³", 135, Particles { of_pm10: 0.62 }),
        1,
        "PM2.5",
        &[8.0, 16.0, 24.0, 32.0, 48.0, 1000.0],
    ),
    banded(
        measured("8", "Nitrogen dioxide", "µg/m³", 145, Traffic { mean: 19.0 }),
        1,
        "NO2",
        &[20.0, 50.0, 80.0, 110.0, 180.0, 1000.0],
    ),
    banded(
        measured("1", "Sulphur dioxide", "µg/m³", 95, Steady { mean: 2.4, swing: 0.2 }),
        1,
        "SO2",
        &[20.0, 60.0, 120.0, 240.0, 1000.0],
    ),
    banded(measured("7", "Ozone", "µg/m³", 38, Solar { mean: 48.0 }), 1, "O3", &[30.0, 70.0, 110.0, 180.0, 1000.0]),
    measured("10", "Carbon Monoxide", "µg/m³", 27, Traffic { mean: 240.0 }),
    banded(
        measured("391", "Black Carbon", "µg/m³", 20, Traffic { mean: 0.9 }),
        3,
        "BC",
        &[1.5, 3.0, 6.0, 12.0, 1000.0],
    ),
    measured("38", "Nitrogen monoxide", "µg/m³", 20, Traffic { mean: 7.0 }),
    measured("71", "Carbon dioxide", "ppm", 5, Steady { mean: 428.0, swing: 0.03 }),
    measured("20", "Benzene", "µg/m³", 6, Traffic { mean: 0.7 }),
    measured(TEMPERATURE, "Temperature", "°C", 6, Temperature),
    measured("6002", "Particulate Matter < 1 µm", "µg/m³", 4, Particles { of_pm10: 0.45 }),
    measured(WIND_SPEED, "Wind Speed (scalar)", "m/s", 4, Steady { mean: 4.2, swing: 0.25 }),
    measured("482", "1,2-XYLENE O-XYLENE", "5S", 3, Traffic { mean: 0.4 }),
    measured("35", "Ammonia", "5S", 2, Steady { mean: 6.0, swing: 0.3 }),
    measured("61102", "Wind Direction", "°", 2, Direction),
    measured("64102", "Atmospheric  Pressure", "hPa", 2, Pressure),
    measured("62106", "Relative Humidity", "%", 1, Steady { mean: 76.0, swing: 0.1 }),
    // In the catalogue of the real server, but without a series.
    measured("9", "Hydrogen sulphide", "µg/m³", 0, Steady { mean: 1.0, swing: 0.2 }),
];

/// Instruments named in labels; real ones are as uneven.
pub(crate) const PROCEDURES: [&str; 8] = [
    "FIDAS 200",
    "Unknown device",
    "",
    "THIS 42C",
    "DAILY CORRECTION TEOM",
    "Airmotec 1000",
    "btx, o-xyleen",
    "SWAM 5A",
];

/// Heights of the sensors on the one mast that measures temperature.
pub(crate) const HEIGHTS: [u32; 5] = [8, 48, 80, 114, 153];

/// Where stations stand: the text after the code, longitude and latitude.
///
/// The first ones show every peculiarity of a label, so that small worlds have them too.
pub(crate) const PLACES: [(&str, f64, f64); 62] = [
    ("Antwerpen (Park Spoor Noord)", 4.424, 51.229),
    ("Liège", 5.571, 50.632),
    ("Sint-Niklaas", 4.143, 51.164),
    ("Charleroi - Lodelinsart", 4.457, 50.436),
    ("Ham-sur-Heure  Nalinnes", 4.424, 50.322),
    ("Zwijndrecht  (Haven)", 4.313, 51.232),
    ("Schoten (Elshout)", 4.525, 51.288),
    ("Ixelles", 4.372, 50.825),
    ("Gent (Baudelopark)", 3.729, 51.059),
    ("Antwerpen (Linkeroever)", 4.379, 51.223),
    ("Borgerhout", 4.441, 51.211),
    ("Deurne", 4.466, 51.219),
    ("Hoboken", 4.350, 51.173),
    ("Kapellen", 4.433, 51.317),
    ("Bruxelles (Parc)", 4.364, 50.845),
    ("Sint-Jans-Molenbeek", 4.333, 50.851),
    ("Uccle", 4.358, 50.797),
    ("Woluwe-Saint-Lambert", 4.425, 50.849),
    ("Forest", 4.324, 50.812),
    ("Mechelen", 4.478, 51.028),
    ("Bonheiden", 4.545, 51.023),
    ("Leuven", 4.701, 50.879),
    ("Aarschot", 4.830, 50.986),
    ("Tienen", 4.938, 50.807),
    ("Halle", 4.235, 50.735),
    ("Vilvoorde", 4.426, 50.928),
    ("Aalst", 4.038, 50.937),
    ("Dendermonde", 4.100, 51.028),
    ("Lokeren", 3.990, 51.103),
    ("Evergem", 3.704, 51.110),
    ("Zelzate", 3.812, 51.197),
    ("Beveren (Kallo)", 4.277, 51.252),
    ("Brugge", 3.224, 51.209),
    ("Oostende", 2.921, 51.226),
    ("Veurne", 2.662, 51.073),
    ("Ieper", 2.886, 50.851),
    ("Roeselare (Haven)", 3.129, 50.949),
    ("Menen", 3.122, 50.798),
    ("Kortrijk", 3.265, 50.828),
    ("Oudenaarde", 3.605, 50.844),
    ("Houtem (Veurne)", 2.583, 51.017),
    ("Hasselt", 5.338, 50.930),
    ("Genk", 5.500, 50.966),
    ("Dilsen-Stokkem", 5.718, 51.034),
    ("Overpelt", 5.423, 51.212),
    ("Turnhout", 4.945, 51.323),
    ("Dessel", 5.113, 51.239),
    ("Geel", 4.990, 51.162),
    ("Tournai", 3.388, 50.606),
    ("Mons", 3.952, 50.455),
    ("La Louvière", 4.188, 50.480),
    ("Marcinelle", 4.444, 50.396),
    ("Namur", 4.867, 50.467),
    ("Corroy-le-Grand", 4.674, 50.663),
    ("Engis", 5.398, 50.581),
    ("Herstal", 5.629, 50.664),
    ("Jemeppe - Seraing", 5.497, 50.618),
    ("Eupen", 6.036, 50.629),
    ("Vielsalm", 5.915, 50.284),
    ("Sainte-Ode", 5.591, 50.031),
    ("Habay-la-Neuve", 5.632, 49.727),
    ("Vezin (Andenne)", 5.010, 50.499),
];

/// What tells apart further stations of the same place.
pub(crate) const CORNERS: [&str; 6] = ["Stationsplein", "Ring", "Kerkstraat", "Rue de l'Église", "Haven", "Sportveld"];

/// Colours of the status intervals, from the lowest band on.
pub(crate) const COLOURS: [&str; 6] = ["#2B5BFF", "#2BB6FF", "#2B9C4A", "#F2E34C", "#F08A24", "#B3123C"];
