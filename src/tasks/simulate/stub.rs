//! stub
use crate::{body::Body, engine::*, geometry::Geometry, physics::*};
/// x
pub struct Thicknesses;
impl Thicknesses {
    /// x
    pub fn new(_: &mut Graph<'_>, _: &Geometry, _: &Body) -> Self {
        Self
    }
    /// x
    pub fn record(&self, graph: &mut Graph<'_>, geometry: &Geometry) -> Buffer<f32> {
        let [c, r] = geometry.detector();
        graph.buffer("t", Extent::new(geometry.views().len(), r, c))
    }
}
/// x
#[derive(Clone, Debug, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct DetectorSettings {
    /// x
    pub thickness_mm: f64,
}
impl DetectorSettings {
    /// x
    pub fn layer(&self) -> Result<Detector, PhysicsError> {
        Detector::new(Converter::CaesiumIodide, self.thickness_mm, 0.8)
    }
}
