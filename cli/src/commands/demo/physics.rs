//! The same scans as a tube and a flat panel take them: with spectrum, scatter, grid, detector and noise.

use kerma::{
    data::{Grid, Volume},
    tasks::simulate::{Case, HabitusKind, Part, Patient, PhantomSection, ProtocolText},
};

use super::{
    accuracy::{Deviation, deviations},
    acquisition::Acquisition,
    cone_beam::{ConeBeam, clear_outside},
    grids::hounsfield,
    radiograph::{Shot, body_window},
    sampling::Sampling,
    scene::{SEED, Scene},
    tomosynthesis::Tomosynthesis,
};
use crate::{
    commands::simulate::Simulated,
    context::Context,
    failure::Failure,
    pictures::{Slice, Window},
};

/// Protocols of the scans.
pub(super) const RADIOGRAPH: &str = "chest-radiograph";
pub(super) const CONE_BEAM: &str = "chest-ct";
pub(super) const TOMOSYNTHESIS: &str = "chest-tomosynthesis";
/// Parts of an image that the page shows.
const PARTS: [Part; 3] = [Part::Integrals, Part::Primary, Part::Scatter];
/// Most pixels of a detector along a side of one of the scan's.
const MOST_BINNED: f64 = 8.0;

/// What the simulator makes of the scans.
pub(super) struct Physics {
    pub(super) radiograph: Real,
    /// The line integrals where the radiograph's picture lies, and their window.
    pub(super) picture: Slice,
    pub(super) window: Window,
    pub(super) cone_beam: Real,
    /// CT numbers, on the grid of the ideal scan.
    pub(super) ct: Volume,
    /// How these differ from what went in.
    pub(super) deviations: Vec<Deviation>,
    pub(super) tomosynthesis: Real,
    /// Contrasts in mm⁻¹, on the grid of the ideal scan.
    pub(super) contrasts: Volume,
}

/// A scan as the simulator takes it.
pub(super) struct Real {
    pub(super) case: Case,
    pub(super) images: Simulated,
}

impl Physics {
    /// Takes the scans again by built-in protocols, with the geometries and the sampling of the ideal ones.
    pub(super) fn of(
        context: &mut Context,
        scene: &Scene,
        sampling: &Sampling,
        shot: &Shot,
        cone_beam: &ConeBeam,
        tomosynthesis: &Tomosynthesis,
    ) -> Result<Self, Failure> {
        let mut take = |name: &str, acquisition: &Acquisition, grid: Option<&Grid>| {
            Real::take(context, scene, sampling, name, acquisition, grid)
        };
        let radiograph = take(RADIOGRAPH, &shot.acquisition, None)?;
        let mut turn = take(CONE_BEAM, &cone_beam.acquisition, Some(cone_beam.result.grid()))?;
        let mut sweep = take(TOMOSYNTHESIS, &tomosynthesis.acquisition, Some(tomosynthesis.result.grid()))?;
        let missing = |what: &str| Failure::input(format!("the simulated {what} is missing"));
        let integrals = radiograph.images.exposed.stack(Part::Integrals).ok_or_else(|| missing("radiograph"))?;
        let picture =
            Slice::of_view(integrals, radiograph.case.room(), 0).ok_or_else(|| missing("picture of the radiograph"))?;
        let volume = |real: &mut Real| real.images.reconstruction.take().ok_or_else(|| missing("reconstruction"));
        let ((mut attenuation, _), (contrasts, _)) = (volume(&mut turn)?, volume(&mut sweep)?);
        clear_outside(&mut attenuation, cone_beam.radius_mm);
        let ct = turn.case.hounsfield(attenuation)?;
        Ok(Self {
            window: body_window(picture.values()),
            picture,
            radiograph,
            deviations: deviations(&cone_beam.reference, &ct),
            ct,
            cone_beam: turn,
            contrasts,
            tomosynthesis: sweep,
        })
    }

    /// The scans, by the stem of their files.
    pub(super) fn scans(&self) -> [(&'static str, &Real); 3] {
        [("radiograph", &self.radiograph), ("cone-beam", &self.cone_beam), ("tomosynthesis", &self.tomosynthesis)]
    }
}

impl Real {
    fn take(
        context: &mut Context,
        scene: &Scene,
        sampling: &Sampling,
        name: &str,
        acquisition: &Acquisition,
        grid: Option<&Grid>,
    ) -> Result<Self, Failure> {
        let mut protocol = ProtocolText::find(name)?.draw(SEED)?;
        protocol.geometry = acquisition.scan.clone();
        if let Some(detector) = &mut protocol.detector {
            let pixel_mm = acquisition.geometry.pitch_mm()[0];
            let binning = (pixel_mm / detector.pitch_mm).round().clamp(1.0, MOST_BINNED);
            (detector.binning, detector.pitch_mm) = (binning as u32, pixel_mm / binning);
        }
        if let Some((reconstruction, grid)) = protocol.reconstruction.as_mut().zip(grid) {
            reconstruction.grid = *grid;
        }
        // The scene as it stands: a table is left in, and the ends are where they are.
        let (phantom, ct) = match &scene.phantom {
            Some(_) => (Some(section(sampling)), None),
            None => (None, Some(hounsfield(&scene.volume)?)),
        };
        protocol.patient = Patient { phantom, ..Patient::default() };
        let case = context.compute(|| Case::new(&protocol, ct, SEED))?;
        let images = Simulated::of(&case, &PARTS, context)?;
        Ok(Self { case, images })
    }
}

/// The scene's phantom in the scene's voxels.
fn section(sampling: &Sampling) -> PhantomSection {
    let (voxel_mm, points) = (sampling.voxel_mm, sampling.supersampling);
    PhantomSection { name: "chest".to_owned(), seed: SEED, habitus: HabitusKind::Standard, voxel_mm, points }
}
