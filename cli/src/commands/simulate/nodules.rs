//! The nodules of a case as a table that `kerma metrics froc` reads as the truth.

use kerma::tasks::simulate::PlacedNodule;

use crate::failure::Failure;

/// Columns: LUNA16's, whose places are in LPS and in millimetres, and what else is known.
const HEADING: [&str; 10] =
    ["seriesuid", "coordX", "coordY", "coordZ", "diameter_mm", "kind", "roughness", "spicules", "touching", "shown"];

/// A row for each nodule of a case.
pub(super) fn table(case: &str, nodules: &[PlacedNodule]) -> Result<String, Failure> {
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(HEADING).map_err(Failure::input)?;
    for nodule in nodules {
        let PlacedNodule { centre_mm, diameter_mm, kind, roughness, spicules, touching, shown, .. } = nodule;
        let [x, y, z, diameter] = [-centre_mm.x, -centre_mm.y, centre_mm.z, *diameter_mm].map(|mm| format!("{mm:.3}"));
        let (roughness, spicules) = (format!("{roughness:.3}"), spicules.to_string());
        let [touching, shown] = [touching, shown].map(|is| is.to_string());
        let row = [case, &x, &y, &z, &diameter, &kind.name, &roughness, &spicules, &touching, &shown];
        table.write_record(row).map_err(Failure::input)?;
    }
    let bytes = table.into_inner().map_err(Failure::input)?;
    String::from_utf8(bytes).map_err(Failure::input)
}
