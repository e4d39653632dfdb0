//! Outlines for maps: longitude and latitude of the corners, ring by ring.

use std::collections::BTreeMap;

/// Belgium, simplified from Natural Earth's 1:10m countries (public domain).
const BELGIUM: &str = include_str!("../outlines/belgium.json");

/// The outlines that a `report.toml` need not declare.
pub(crate) fn built_in() -> BTreeMap<String, Vec<Vec<[f64; 2]>>> {
    let ring = serde_json::from_str(BELGIUM).unwrap_or_default();
    BTreeMap::from([("belgium".to_owned(), vec![ring])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outlines_are_closed_rings() {
        for (name, rings) in built_in() {
            for ring in rings {
                assert!(ring.len() > 50 && ring.first() == ring.last(), "{name}");
            }
        }
    }
}
