//! LEAP: the modular-beam geometry in both directions, and its named geometries read.
//!
//! LEAP's axes are kerma's and its lengths are millimetres; volumes in its default order are indexed `[z][y][x]`, and
//! projections `[view][row][column]`. A pixel lies at
//!
//! ```text
//! module_center + (row − (rows−1)/2)·pixel_height·row_vector + (column − (columns−1)/2)·pixel_width·col_vector
//! ```
//!
//! so `row_vector` points along v, from row to row, and `col_vector` along u. One pitch serves all views, and every view
//! has a focal spot.
//!
//! Its named geometries turn as kerma's do: its angle is kerma's t, θ⊥ is u, and
//!
//! ```text
//! source = sod·θ − tau·θ⊥    θ = (sin t, −cos t, 0)    θ⊥ = (cos t, sin t, 0)
//! module_center = source − sdd·θ + ((columns−1)/2 − centerCol)·pixel_width·θ⊥ + ((rows−1)/2 − centerRow)·pixel_height·z
//! ```
//!
//! (`leapctype.set_conebeam`, `set_fanbeam`, `set_parallelbeam`). In parallel and fan beams the rays of a row lie in its own
//! plane z, so that a fan of several rows has a source for each of them and is refused.

use glam::DVec3;

use super::common_pitch_mm;
use crate::geometry::{Geometry, GeometryError, Source, View, angles::gantry, check};

const PROGRAM: &str = "LEAP";

/// Arguments of LEAP's `set_modularbeam`, under its names.
#[derive(Clone, Debug, PartialEq)]
pub struct ModularBeam {
    /// Number of detector rows.
    pub num_rows: usize,
    /// Number of detector columns.
    pub num_cols: usize,
    /// Distance between rows, in millimetres.
    pub pixel_height: f64,
    /// Distance between columns, in millimetres.
    pub pixel_width: f64,
    /// Focal spot of each view, in millimetres.
    pub source_positions: Vec<[f64; 3]>,
    /// Detector centre of each view, in millimetres.
    pub module_centers: Vec<[f64; 3]>,
    /// Unit vector from row to row of each view.
    pub row_vectors: Vec<[f64; 3]>,
    /// Unit vector from column to column of each view.
    pub col_vectors: Vec<[f64; 3]>,
}

/// Beam of a [`CircularBeam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Beam {
    /// `set_conebeam`, with a flat detector and without a helical pitch.
    Cone(Focus),
    /// `set_fanbeam`, of one row.
    Fan(Focus),
    /// `set_parallelbeam`.
    Parallel,
}

/// Where the focal spot of LEAP's cone and fan beams stands, in millimetres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Focus {
    /// Source to centre of rotation.
    pub sod: f64,
    /// Source to detector.
    pub sdd: f64,
    /// Shift of source and detector against u.
    pub tau: f64,
}

/// LEAP's geometries about the z axis, under its names.
#[derive(Clone, Debug, PartialEq)]
pub struct CircularBeam {
    /// Kind of rays.
    pub beam: Beam,
    /// Number of detector rows.
    pub num_rows: usize,
    /// Number of detector columns.
    pub num_cols: usize,
    /// Distance between rows, in millimetres.
    pub pixel_height: f64,
    /// Distance between columns, in millimetres.
    pub pixel_width: f64,
    /// Row of the central ray.
    pub center_row: f64,
    /// Column of the central ray.
    pub center_col: f64,
    /// Angle of each view, in degrees.
    pub phis: Vec<f64>,
}

/// A geometry as LEAP's parameter files hold it.
#[derive(Clone, Debug, PartialEq)]
pub enum LeapGeometry {
    /// Explicit views.
    Modular(ModularBeam),
    /// A named geometry.
    Circular(CircularBeam),
}

/// Geometry of what a parameter file holds.
///
/// # Errors
/// What [`from_modular_beam`] and [`from_circular_beam`] refuse.
pub fn from_leap(geometry: &LeapGeometry) -> Result<Geometry, GeometryError> {
    match geometry {
        LeapGeometry::Modular(beam) => from_modular_beam(beam),
        LeapGeometry::Circular(beam) => from_circular_beam(beam),
    }
}

/// Geometry of a named geometry of LEAP.
///
/// # Errors
/// [`GeometryError::Value`] for a fan of several rows or distances that cannot be, and what [`Geometry::new`] refuses.
pub fn from_circular_beam(beam: &CircularBeam) -> Result<Geometry, GeometryError> {
    check::positive_mm("pixel_height", beam.pixel_height)?;
    check::positive_mm("pixel_width", beam.pixel_width)?;
    if let Beam::Fan(_) = beam.beam {
        check::value(beam.num_rows == 1, "num_rows of a fan beam", "1", beam.num_rows.to_string())?;
    }
    if let Beam::Cone(focus) | Beam::Fan(focus) = beam.beam {
        check::positive_mm("sod", focus.sod)?;
        check::value(focus.sdd > 0.0, "sdd", "positive", format!("{} mm", focus.sdd))?;
    }
    let shift = |count: usize, centre: f64, pitch: f64| ((count as f64 - 1.0) / 2.0 - centre) * pitch;
    let along_u = shift(beam.num_cols, beam.center_col, beam.pixel_width);
    let along_v = shift(beam.num_rows, beam.center_row, beam.pixel_height) * DVec3::Z;
    let views = beam.phis.iter().map(|&angle_deg| {
        let (towards_source, u) = gantry(angle_deg);
        let spot = |focus: Focus| focus.sod * towards_source - focus.tau * u;
        let (source, foot) = match beam.beam {
            Beam::Cone(focus) => (Source::Point(spot(focus)), spot(focus) - focus.sdd * towards_source),
            Beam::Fan(focus) => (Source::Point(spot(focus) + along_v), spot(focus) - focus.sdd * towards_source),
            Beam::Parallel => (Source::Direction(-towards_source), DVec3::ZERO),
        };
        View {
            source,
            detector_centre: foot + along_u * u + along_v,
            u_step: beam.pixel_width * u,
            v_step: beam.pixel_height * DVec3::Z,
        }
    });
    Geometry::new([beam.num_cols, beam.num_rows], views.collect())
}

/// Views as a modular beam.
///
/// # Errors
/// [`GeometryError::Inexpressible`] for parallel rays or a pitch that changes from view to view.
pub fn to_modular_beam(geometry: &Geometry) -> Result<ModularBeam, GeometryError> {
    let [pixel_width, pixel_height] = common_pitch_mm(geometry, PROGRAM)?;
    let views = geometry.views();
    let sources = views.iter().enumerate().map(|(view, v)| match v.source {
        Source::Point(source) => Ok(source.to_array()),
        Source::Direction(_) => {
            Err(GeometryError::Inexpressible { view, program: PROGRAM, reason: "a modular beam needs a focal spot" })
        }
    });
    let collect = |f: fn(&View) -> DVec3| views.iter().map(|v| f(v).to_array()).collect();
    Ok(ModularBeam {
        num_rows: geometry.detector()[1],
        num_cols: geometry.detector()[0],
        pixel_height,
        pixel_width,
        source_positions: sources.collect::<Result<_, _>>()?,
        module_centers: collect(|v| v.detector_centre),
        row_vectors: collect(|v| v.v_step.normalize()),
        col_vectors: collect(|v| v.u_step.normalize()),
    })
}

/// Geometry of a modular beam.
///
/// # Errors
/// [`GeometryError::Value`] when the lists differ in length, and what [`Geometry::new`] refuses.
pub fn from_modular_beam(beam: &ModularBeam) -> Result<Geometry, GeometryError> {
    let count = beam.source_positions.len();
    for (field, got) in [
        ("module_centers", beam.module_centers.len()),
        ("row_vectors", beam.row_vectors.len()),
        ("col_vectors", beam.col_vectors.len()),
    ] {
        if got != count {
            let allowed = format!("as many as source_positions ({count})");
            return Err(GeometryError::Value { field, allowed, got: got.to_string() });
        }
    }
    let views = (0..count).map(|k| View {
        source: Source::Point(beam.source_positions[k].into()),
        detector_centre: beam.module_centers[k].into(),
        u_step: beam.pixel_width * DVec3::from(beam.col_vectors[k]),
        v_step: beam.pixel_height * DVec3::from(beam.row_vectors[k]),
    });
    Geometry::new([beam.num_cols, beam.num_rows], views.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{Scan, convert::testing};

    #[test]
    fn views_survive_a_round_trip() {
        for kind in ["cone-circular", "tomosynthesis-linear", "tomosynthesis-arc", "helical", "vectors"] {
            let geometry = testing::example(kind);
            let back = from_modular_beam(&to_modular_beam(&geometry).unwrap()).unwrap();
            testing::assert_same(&back, &geometry);
        }
    }

    /// Pixel size and distances of LEAP's demonstration of its standard geometries, for 512 columns.
    fn demonstration(beam: Beam) -> CircularBeam {
        CircularBeam {
            beam,
            num_rows: 1,
            num_cols: 512,
            pixel_height: 0.65,
            pixel_width: 0.65,
            center_row: 0.0,
            center_col: 255.5,
            phis: vec![0.0, 90.0],
        }
    }

    #[test]
    fn named_geometries_stand_where_leaps_documentation_says() {
        let focus = Focus { sod: 1100.0, sdd: 1400.0, tau: 2.0 };
        let cone = demonstration(Beam::Cone(focus));
        let geometry = from_circular_beam(&cone).unwrap();
        assert_eq!(geometry.views()[0].source, Source::Point(DVec3::new(-2.0, -1100.0, 0.0)));
        assert_eq!(geometry.views()[0].detector_centre, DVec3::new(-2.0, 300.0, 0.0));
        assert_eq!((geometry.views()[1].u_step, geometry.views()[1].v_step), (0.65 * DVec3::Y, 0.65 * DVec3::Z));
        // Columns beyond the central one lie along +u: the pixel `center_col` is the foot of the central ray.
        let off = CircularBeam { center_col: 250.0, center_row: -1.0, ..cone.clone() };
        let view = from_circular_beam(&off).unwrap().views()[0];
        assert!(view.pixel_mm([512, 1], 250.0, 0.0).distance(DVec3::new(-2.0, 300.0, 0.65)) < 1e-9);
        // A row of a fan lies in one plane with its source.
        let fan = CircularBeam { beam: Beam::Fan(focus), center_row: -1.0, ..cone.clone() };
        let view = from_circular_beam(&fan).unwrap().views()[0];
        assert_eq!((view.source, view.detector_centre.z), (Source::Point(DVec3::new(-2.0, -1100.0, 0.65)), 0.65));
        let parallel = from_circular_beam(&demonstration(Beam::Parallel)).unwrap();
        assert_eq!(parallel.views()[0].source, Source::Direction(DVec3::Y));
        assert_eq!(parallel.views()[0].detector_centre, DVec3::ZERO);
    }

    #[test]
    fn a_modular_beam_is_the_named_one_it_was_made_from() {
        let focus = Focus { sod: 1000.0, sdd: 1500.0, tau: 0.0 };
        let scan = testing::example("cone-circular");
        let beam = CircularBeam {
            num_rows: scan.detector()[1],
            num_cols: scan.detector()[0],
            pixel_height: scan.pitch_mm()[1],
            pixel_width: scan.pitch_mm()[0],
            center_row: 95.5,
            center_col: 95.5,
            phis: (0..180).map(|k| 2.0 * f64::from(k)).collect(),
            ..demonstration(Beam::Cone(focus))
        };
        testing::assert_same(&from_leap(&LeapGeometry::Circular(beam)).unwrap(), &scan);
    }

    #[test]
    fn named_geometries_that_cannot_be_are_refused() {
        let message = |beam: CircularBeam| from_circular_beam(&beam).unwrap_err().to_string();
        let fan = demonstration(Beam::Fan(Focus { sod: 1100.0, sdd: 1400.0, tau: 0.0 }));
        assert_eq!(message(CircularBeam { num_rows: 2, ..fan.clone() }), "num_rows of a fan beam must be 1, got 2");
        assert_eq!(message(CircularBeam { pixel_width: 0.0, ..fan.clone() }), "pixel_width must be positive, got 0 mm");
        let flat = Beam::Cone(Focus { sod: 1100.0, sdd: f64::NAN, tau: 0.0 });
        assert_eq!(message(CircularBeam { beam: flat, ..fan }), "sdd must be positive, got NaN mm");
    }

    #[test]
    fn rows_run_along_v_and_columns_along_u() {
        let beam = to_modular_beam(&testing::example("cone-circular")).unwrap();
        assert_eq!((beam.row_vectors[0], beam.col_vectors[0]), ([0.0, 0.0, 1.0], [1.0, 0.0, 0.0]));
    }

    #[test]
    fn what_leap_cannot_say_is_refused() {
        let error = to_modular_beam(&testing::example("parallel")).unwrap_err().to_string();
        assert_eq!(error, "view 0 cannot be written for LEAP: a modular beam needs a focal spot");
        let Scan::Vectors(mut scan) = Scan::from_toml(Scan::example("vectors").unwrap()).unwrap() else { panic!() };
        scan.views[1].v_step_mm[2] = 3.0;
        let error = to_modular_beam(&scan.build().unwrap()).unwrap_err().to_string();
        assert_eq!(error, "view 1 cannot be written for LEAP: its pixel pitch differs from that of view 0");
        let mut beam = to_modular_beam(&testing::example("vectors")).unwrap();
        beam.row_vectors.pop();
        let error = from_modular_beam(&beam).unwrap_err().to_string();
        assert_eq!(error, "row_vectors must be as many as source_positions (2), got 1");
    }
}
