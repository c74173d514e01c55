use std::{borrow::Cow, mem};

use glam::{DMat3, DVec3};

use super::{
    super::{Projection, Task, TaskError},
    Options, texture,
    view::{Pose, Subject},
};
use crate::{
    data::{Grid, Image, Sample, Unit, Volume},
    engine::{Control, Device},
    geometry::Geometry,
    phantom::{Arms, Habitus, Phantom, chest_of, random::Random, tissue},
};

/// Labels of the streams that one body's numbers are drawn from; those of its views follow [`VIEWS`].
const BODY: u64 = 0;
const SCALE: u64 = 1;
const VIEWS: u64 = 2;
/// Detector and focal spot blur by a Gaussian of this many pixels.
const BLUR_PX: [f64; 2] = [0.4, 0.8];
/// Voxels are blurred by this part of their spacing besides, about the deviation of a box, so that their faces vanish.
const VOXEL_BLUR: f64 = 0.35;
/// Points along each axis of a voxel of a phantom.
const SUPERSAMPLING: usize = 2;

/// Draws clean radiographs: line integrals of many bodies in many poses.
///
/// Body `b` of the first [`Options::count`] is a phantom with a habitus of its own, from exact rays through its shapes
/// or, with [`Options::voxel_mm`], from a volume on the device. Bodies from there on are the given volumes in turns,
/// each time scaled, mirrored by half of the draws, and seen anew. A cone beam of 1.0 to 1.8 m meets them PA, AP,
/// lateral or oblique; two thirds of the images show fields of 250 to 420 mm, the others details of 110 to 200 mm.
/// Where the beam meets no body, the line integral is 0.
pub struct Radiographs {
    options: Options,
    volumes: Vec<Volume>,
}

/// The views of one body, to be drawn: [`Radiographs::draw`].
#[derive(Clone, Copy)]
pub struct Drawing<'r> {
    radiographs: &'r Radiographs,
    body: usize,
}

impl Task for Drawing<'_> {
    type Result = Vec<Image>;

    async fn run(&self, device: &Device, control: &Control<'_>) -> Result<Vec<Image>, TaskError> {
        self.radiographs.draw(device, control, self.body).await
    }
}

/// One body: where its line integrals come from, its bones if their texture is wanted, and how it may be seen.
struct Body<'a> {
    matter: Matter<'a>,
    bones: Option<Phantom>,
    subject: Subject,
}

enum Matter<'a> {
    Shapes(Phantom),
    Voxels(Cow<'a, Volume>),
}

impl Radiographs {
    /// Radiographs of phantoms, and of `volumes` in mm⁻¹ or Hounsfield units.
    ///
    /// # Errors
    /// [`TaskError`] when an option is outside its range, or a volume is in another unit or holds values that are not
    /// finite.
    pub fn new(options: Options, volumes: Vec<Volume>) -> Result<Self, TaskError> {
        options.check()?;
        for volume in &volumes {
            volume.check_finite()?;
            let got = volume.unit();
            if !matches!(got, Unit::PerMillimetre | Unit::Hounsfield) {
                return Err(TaskError::Unit { what: "volume", expected: "mm⁻¹ or HU", got });
            }
        }
        Ok(Self { options, volumes })
    }

    /// What is drawn.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The views of body number `body`, as line integrals.
    ///
    /// The images have the detector's pixel spacing and the patient's right at their left. They depend on the options,
    /// the volumes and the number alone.
    ///
    /// # Errors
    /// [`TaskError`] when there are neither as many phantoms nor a volume, or the device fails or is stopped.
    pub async fn draw(&self, device: &Device, control: &Control<'_>, body: usize) -> Result<Vec<Image>, TaskError> {
        let Options { size, texture, .. } = self.options;
        let Body { matter, bones, subject } = self.body(body)?;
        let mut streams: Vec<Random> =
            (0..self.options.views_per_body).map(|view| self.stream(body, VIEWS + view as u64)).collect();
        let poses: Vec<Pose> = streams.iter_mut().map(|random| Pose::draw(random, &subject, size)).collect();

        let (voxel_mm, integrals) = match &matter {
            Matter::Shapes(phantom) => ([0.0; 2], exact(phantom, &poses, size, control)?),
            Matter::Voxels(volume) => {
                let integrals = projected(volume, &poses, size, device, control).await?;
                (seen_mm(volume.grid(), subject.scale), integrals)
            }
        };
        let mut bones = bones.map(|bones| exact(&bones, &poses, size, control)).transpose()?;

        let mut images = Vec::with_capacity(poses.len());
        for (view, (mut values, random)) in integrals.into_iter().zip(&mut streams).enumerate() {
            let pose = &poses[view];
            pose.stretch(size, &mut values);
            let pixel_mm = pose.pitch_mm() / pose.magnification();
            let unsharp_px = random.within(BLUR_PX[0], BLUR_PX[1]);
            let sigma_px = voxel_mm.map(|spacing| unsharp_px.hypot(VOXEL_BLUR * spacing / pixel_mm));
            texture::blur(sigma_px, size, &mut values);
            if texture > 0.0 {
                let mut bone = bones.as_mut().map(|views| mem::take(&mut views[view]));
                if let Some(bone) = &mut bone {
                    pose.stretch(size, bone);
                }
                texture::add(random, texture, pixel_mm, size, bone.as_deref(), &mut values);
            }
            let spacing_mm = Some([pose.pitch_mm(); 2]);
            images.push(Image::new([size; 2], spacing_mm, Sample::Float, Unit::LineIntegral, values)?);
        }
        Ok(images)
    }

    /// The drawing of body number `body`, as a task.
    #[must_use]
    pub fn of_body(&self, body: usize) -> Drawing<'_> {
        Drawing { radiographs: self, body }
    }

    fn stream(&self, body: usize, label: u64) -> Random {
        Random::of(self.options.seed, &[body as u64, label])
    }

    fn body(&self, body: usize) -> Result<Body<'_>, TaskError> {
        let Options { count, voxel_mm, texture, .. } = self.options;
        if body < count {
            let seed = self.stream(body, BODY).bits();
            let habitus = Habitus::seeded(seed);
            let phantom = chest_of(&habitus, seed)?;
            let bones = (texture > 0.0).then(|| bones_of(&phantom));
            let matter = if voxel_mm > 0.0 {
                Matter::Voxels(Cow::Owned(voxels(&phantom, &habitus, voxel_mm)?))
            } else {
                Matter::Shapes(phantom)
            };
            return Ok(Body { matter, bones, subject: of_habitus(&habitus) });
        }
        if self.volumes.is_empty() {
            let allowed = "below the number of phantoms where no volumes are given";
            return Err(TaskError::Range { field: "body", allowed, got: body as f64 });
        }
        let volume = &self.volumes[(body - count) % self.volumes.len()];
        let subject = of_grid(volume.grid(), &mut self.stream(body, SCALE));
        Ok(Body { matter: Matter::Voxels(Cow::Borrowed(volume)), bones: None, subject })
    }
}

/// The bones alone: they are drawn last, so that nothing lies over them.
fn bones_of(phantom: &Phantom) -> Phantom {
    let is_bone = |value: f64| value == tissue::CORTICAL_BONE || value == tissue::SPONGY_BONE;
    Phantom::new(phantom.rule(), phantom.parts().iter().filter(|(_, value)| is_bone(*value)).cloned().collect())
}

fn of_habitus(habitus: &Habitus) -> Subject {
    /// From the middle to the sides, front and ends of the chest.
    const INTEREST_MM: DVec3 = DVec3::new(125.0, 60.0, 135.0);
    Subject {
        // The middle of lungs and upper abdomen lies a little lower than that of the box.
        centre_mm: DVec3::new(0.0, 0.0, -10.0),
        half_mm: DVec3::from_array(habitus.half_box_mm),
        scale: DVec3::from_array(habitus.scale),
        interest_mm: INTEREST_MM,
        field_mm: f64::INFINITY,
        finest_mm: 0.0,
        lateral: habitus.arms == Arms::Raised,
    }
}

/// A volume as it lies, scaled by 0.85 to 1.12 and a little more along single axes.
fn of_grid(grid: &Grid, random: &mut Random) -> Subject {
    /// Part of the height that one field may show: beams diverge, and bodies are turned.
    const SHOWN: f64 = 0.8;
    /// Pixels are no finer than this part of a voxel.
    const FINEST: f64 = 0.4;
    /// Half of a usual field of details.
    const DETAIL_MM: f64 = 80.0;
    let half_mm = along_world(grid.orientation(), grid.extent_mm() / 2.0);
    let size = random.within(0.85, 1.12);
    let mut scale = DVec3::from_array([0; 3].map(|_| size * random.within(0.95, 1.05)));
    let field_mm = SHOWN * 2.0 * half_mm.z * scale.z;
    if random.within(0.0, 1.0) < 0.5 {
        scale.x = -scale.x;
    }
    let interest_mm = (0.5 * half_mm).with_z((half_mm.z - DETAIL_MM).max(0.0));
    let finest_mm = FINEST * grid.spacing_mm().min_element();
    Subject { centre_mm: grid.centre_mm(), half_mm, scale, interest_mm, field_mm, finest_mm, lateral: true }
}

/// Half-extents along the world's axes of a box along a grid's.
fn along_world(orientation: DMat3, half: DVec3) -> DVec3 {
    orientation.x_axis.abs() * half.x + orientation.y_axis.abs() * half.y + orientation.z_axis.abs() * half.z
}

/// Spacing of voxels as seen across and along the body's axis, in millimetres.
fn seen_mm(grid: &Grid, scale: DVec3) -> [f64; 2] {
    let spacing = along_world(grid.orientation(), grid.spacing_mm()) * scale.abs();
    [spacing.x.max(spacing.y), spacing.z]
}

fn voxels(phantom: &Phantom, habitus: &Habitus, voxel_mm: f64) -> Result<Volume, TaskError> {
    let size = habitus.half_box_mm.map(|half| (2.0 * half / voxel_mm).ceil() as usize);
    Ok(phantom.voxelise(&Grid::centred(size, [voxel_mm; 3])?, SUPERSAMPLING))
}

/// Line integrals of shapes, view by view.
fn exact(phantom: &Phantom, poses: &[Pose], size: usize, control: &Control<'_>) -> Result<Vec<Vec<f32>>, TaskError> {
    let mut views = Vec::with_capacity(poses.len());
    for (index, pose) in poses.iter().enumerate() {
        control.step("radiograph", index, poses.len())?;
        views.push(phantom.project(&pose.geometry(size)?)?.into_values());
    }
    Ok(views)
}

/// Line integrals of a volume, all views in one run.
async fn projected(
    volume: &Volume,
    poses: &[Pose],
    size: usize,
    device: &Device,
    control: &Control<'_>,
) -> Result<Vec<Vec<f32>>, TaskError> {
    let mut views = Vec::with_capacity(poses.len());
    for pose in poses {
        views.extend_from_slice(pose.geometry(size)?.views());
    }
    let projections = Projection::new(volume, &Geometry::new([size, size], views)?)?.run(device, control).await?;
    Ok(projections.into_values().chunks_exact(size * size).map(<[f32]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Error;

    fn options() -> Options {
        Options { count: 2, views_per_body: 2, size: 32, ..Options::default() }
    }

    fn drawn(options: Options, volumes: Vec<Volume>, body: usize) -> Result<Vec<Image>, TaskError> {
        let radiographs = Radiographs::new(options, volumes)?;
        pollster::block_on(radiographs.draw(&Device::cpu(), &Control::default(), body))
    }

    /// A trunk of water with two lungs and a spine, in Hounsfield units.
    fn scan() -> Volume {
        let grid: Grid = "60x40x50@6x6x6+3,-2,500".parse().unwrap();
        let inside = |p: DVec3, centre: [f64; 2], semi: [f64; 2]| {
            ((p.x - centre[0]) / semi[0]).powi(2) + ((p.y - centre[1]) / semi[1]).powi(2) < 1.0
        };
        let value = |index: usize| {
            let voxel = DVec3::new((index % 60) as f64, (index / 60 % 40) as f64, (index / 2400) as f64);
            match grid.world_mm(voxel) {
                p if inside(p, [0.0, -60.0], [20.0, 20.0]) => 400.0,
                p if inside(p, [70.0, 0.0], [50.0, 70.0]) || inside(p, [-70.0, 0.0], [50.0, 70.0]) => -800.0,
                p if inside(p, [0.0, 0.0], [150.0, 100.0]) => 40.0,
                _ => -3024.0,
            }
        };
        Volume::new(grid, Unit::Hounsfield, (0..grid.voxel_count()).map(value).collect()).unwrap()
    }

    fn is_plausible(images: &[Image]) {
        for image in images {
            assert_eq!((image.size(), image.unit()), ([32, 32], Unit::LineIntegral));
            assert!(image.values().iter().all(|p| (0.0..14.0).contains(p)), "{:?}", image.values());
            let largest = image.values().iter().copied().fold(0.0, f32::max);
            assert!(largest > 1.5, "a body was to be seen, got {largest}");
        }
    }

    #[test]
    fn the_same_options_give_the_same_bits_and_others_do_not() {
        let first = drawn(options(), vec![], 0).unwrap();
        is_plausible(&first);
        assert_eq!(first, drawn(Options { count: 9, ..options() }, vec![], 0).unwrap());
        assert_ne!(first[0], first[1]);
        assert_ne!(first, drawn(options(), vec![], 1).unwrap());
        assert_ne!(first, drawn(Options { seed: 1, ..options() }, vec![], 0).unwrap());
        assert_ne!(first, drawn(Options { texture: 0.0, ..options() }, vec![], 0).unwrap());
    }

    #[test]
    fn voxels_show_what_exact_rays_show() {
        let plain = Options { texture: 0.0, size: 64, ..options() };
        let exact = drawn(plain.clone(), vec![], 1).unwrap();
        let coarse = drawn(Options { voxel_mm: 3.0, ..plain }, vec![], 1).unwrap();
        let distance = |a: &Image, b: &Image| {
            a.values().iter().zip(b.values()).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / 4096.0
        };
        for (a, b) in exact.iter().zip(&coarse) {
            assert!(distance(a, b) < 0.12, "{}", distance(a, b));
        }
        assert!(distance(&exact[0], &coarse[1]) > 0.3, "the control agrees");
    }

    #[test]
    fn bodies_after_the_phantoms_are_the_given_volumes() {
        let volumes = || vec![scan(), scan()];
        let images = drawn(options(), volumes(), 2).unwrap();
        is_plausible(&images);
        assert_eq!(images, drawn(options(), volumes(), 2).unwrap());
        assert_ne!(images, drawn(options(), volumes(), 4).unwrap(), "the same volume is seen anew");
        let other = drawn(Options { seed: 5, ..options() }, volumes(), 2).unwrap();
        assert_ne!(images, other);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let message = |result: Result<Vec<Image>, TaskError>| result.unwrap_err().to_string();
        assert_eq!(
            message(drawn(options(), vec![], 2)),
            "body must be below the number of phantoms where no volumes are given, got 2"
        );
        let grid = Grid::centred([2; 3], [1.0; 3]).unwrap();
        let unknown = Volume::zeros(grid, Unit::Arbitrary);
        assert_eq!(message(drawn(options(), vec![unknown], 0)), "volume must be in mm⁻¹ or HU, got arbitrary");
        let broken = Volume::new(grid, Unit::Hounsfield, vec![f32::NAN; 8]).unwrap();
        assert!(matches!(drawn(options(), vec![broken], 0), Err(TaskError::Data(_))));
    }

    #[test]
    fn drawing_stops_when_it_is_told_to() {
        let control = Control { is_cancelled: &|| true, ..Control::default() };
        for (body, volumes) in [(0, vec![]), (2, vec![scan()])] {
            let radiographs = Radiographs::new(options(), volumes).unwrap();
            let result = pollster::block_on(radiographs.draw(&Device::cpu(), &control, body));
            assert_eq!(result.unwrap_err(), TaskError::Engine(Error::Cancelled));
        }
    }
}
