use glam::DVec3;
use serde::{Deserialize, Serialize};

use super::{Geometry, GeometryError, Source, View};

/// Explicit views: any scanner with a flat detector, calibrated or imagined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vectors {
    /// Number of detector columns (u) and rows (v).
    #[serde(deserialize_with = "super::array::exact")]
    pub detector: [usize; 2],
    /// The views, in scan order.
    pub views: Vec<VectorView>,
}

/// One view of [`Vectors`], in the world frame; see [`View`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorView {
    /// Focal spot, in millimetres; or else `direction`.
    #[serde(default, deserialize_with = "super::array::optional", skip_serializing_if = "Option::is_none")]
    pub source_mm: Option<[f64; 3]>,
    /// Direction of parallel rays towards the detector, of any length; or else `source_mm`.
    #[serde(default, deserialize_with = "super::array::optional", skip_serializing_if = "Option::is_none")]
    pub direction: Option<[f64; 3]>,
    /// Centre of the detector's pixel array, in millimetres.
    #[serde(deserialize_with = "super::array::exact")]
    pub detector_centre_mm: [f64; 3],
    /// From one pixel to the next along u (columns), in millimetres.
    #[serde(deserialize_with = "super::array::exact")]
    pub u_step_mm: [f64; 3],
    /// From one pixel to the next along v (rows), in millimetres.
    #[serde(deserialize_with = "super::array::exact")]
    pub v_step_mm: [f64; 3],
}

impl Vectors {
    /// The views of this scan.
    ///
    /// # Errors
    /// [`GeometryError`] naming the view and the vector that cannot be.
    pub fn build(&self) -> Result<Geometry, GeometryError> {
        let views = self.views.iter().enumerate().map(|(index, view)| view.build(index)).collect::<Result<_, _>>()?;
        Geometry::new(self.detector, views)
    }
}

impl VectorView {
    fn build(&self, view: usize) -> Result<View, GeometryError> {
        let source = match (self.source_mm, self.direction) {
            (Some(source), None) => Source::Point(source.into()),
            (None, Some(direction)) => {
                let direction = DVec3::from(direction);
                let length = direction.length();
                if !length.is_finite() {
                    return Err(GeometryError::NotFinite { view, field: "direction" });
                }
                if length == 0.0 {
                    return Err(GeometryError::NotUnit { view, got: length });
                }
                // A direction that is already a unit vector keeps its bits, so that writing and reading changes nothing.
                Source::Direction(if is_unit(length) { direction } else { direction / length })
            }
            _ => return Err(GeometryError::SourceChoice { view }),
        };
        Ok(View {
            source,
            detector_centre: self.detector_centre_mm.into(),
            u_step: self.u_step_mm.into(),
            v_step: self.v_step_mm.into(),
        })
    }
}

/// Whether a direction of this length counts as a unit vector: rounding leaves a few ulp.
fn is_unit(length: f64) -> bool {
    (length - 1.0).abs() <= 8.0 * f64::EPSILON
}

/// Writes any geometry as explicit views.
impl From<&Geometry> for Vectors {
    fn from(geometry: &Geometry) -> Self {
        let views = geometry.views().iter().map(|view| {
            let (source_mm, direction) = match view.source {
                Source::Point(source) => (Some(source.to_array()), None),
                Source::Direction(direction) => (None, Some(direction.to_array())),
            };
            VectorView {
                source_mm,
                direction,
                detector_centre_mm: view.detector_centre.to_array(),
                u_step_mm: view.u_step.to_array(),
                v_step_mm: view.v_step.to_array(),
            }
        });
        Self { detector: geometry.detector(), views: views.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> VectorView {
        VectorView {
            source_mm: None,
            direction: Some([0.0, 2.0, 0.0]),
            detector_centre_mm: [0.0, 500.0, 0.0],
            u_step_mm: [1.0, 0.0, 0.0],
            v_step_mm: [0.0, 0.0, 1.0],
        }
    }

    fn message(view: VectorView) -> String {
        Vectors { detector: [4, 4], views: vec![view] }.build().unwrap_err().to_string()
    }

    #[test]
    fn directions_are_normalised_and_survive_a_round_trip() {
        let geometry = Vectors { detector: [4, 4], views: vec![view()] }.build().unwrap();
        assert_eq!(geometry.views()[0].source, Source::Direction(DVec3::Y));
        assert_eq!(Vectors::from(&geometry).build().unwrap(), geometry);
    }

    #[test]
    fn impossible_views_are_refused_by_number() {
        assert_eq!(message(VectorView { direction: None, ..view() }), "view 0: give either source_mm or direction");
        assert_eq!(
            message(VectorView { source_mm: Some([0.0; 3]), ..view() }),
            "view 0: give either source_mm or direction"
        );
        assert_eq!(
            message(VectorView { direction: Some([0.0; 3]), ..view() }),
            "view 0: direction must have length 1, got 0"
        );
        assert_eq!(
            message(VectorView { direction: Some([f64::NAN, 0.0, 1.0]), ..view() }),
            "view 0: direction must be finite"
        );
        assert_eq!(
            message(VectorView { direction: None, source_mm: Some([f64::INFINITY, 0.0, 0.0]), ..view() }),
            "view 0: source must be finite"
        );
        assert_eq!(
            message(VectorView { direction: Some([1.0, 0.0, 0.0]), ..view() }),
            "view 0: the source lies in the detector's plane"
        );
        assert_eq!(
            message(VectorView { u_step_mm: [0.0, 0.0, 3.0], ..view() }),
            "view 0: u_step and v_step must be non-zero and not parallel"
        );
        let none = Vectors { detector: [4, 4], views: vec![] };
        assert_eq!(none.build().unwrap_err().to_string(), "views must be 1 to 65536, got 0");
    }
}
