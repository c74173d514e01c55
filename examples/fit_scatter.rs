//! Fits the factor of the fast scatter model to photons followed one by one through phantoms, and judges it on others and on CTs.
//!
//! ```text
//! cargo run --release --example fit_scatter -- [photons in millions] [CT ...]
//! ```
//! Phantoms are those of [`PHANTOMS`]: the first ones, marked so, are fitted, the others and the CTs only judged. Errors are those of
//! the pixels whose primary ray meets the body, over the mean of the truth there: root of the mean square, from which that of the truth's
//! own standard errors is taken, and mean.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use glam::{DQuat, DVec3};
use kerma::{
    data::{Grid, Unit, Volume},
    engine::{Control, Device, Plan},
    io::read_volume,
    phantom::{Phantom, Rule, Shape, by_name, tissue},
    tasks::{
        Recorded, Task,
        simulate::{Case, Part, ProtocolText, ScatterMap},
    },
};

/// Side of a voxel, in mm.
const VOXEL_MM: f64 = 4.0;
/// Sides of the box around named phantoms, in mm.
const NAMED_MM: [f64; 3] = [400.0, 272.0, 432.0];

/// Side of the radiograph's detector, in mm.
const RADIOGRAPH_MM: f64 = 428.8;
/// Regions of the radiograph of a chest CT (LIDC-IDRI 0001) by their ends along u and v from the middle, in mm.
const REGIONS: [(&str, [[f64; 2]; 2]); 3] = [
    ("mediastinum", [[-40.0, 8.0], [-100.0, 20.0]]),
    ("one lung", [[-104.0, -56.0], [-8.0, 104.0]]),
    ("the other lung", [[24.0, 72.0], [-8.0, 104.0]]),
];

/// Something irradiated.
struct Setup {
    name: &'static str,
    body: Body,
    kvp: f64,
    /// From the middle of the body to the detector, and from the source to it, in mm.
    to_detector_mm: f64,
    source_detector_mm: f64,
    /// Side of the detector, in mm.
    field_mm: f64,
    is_fitted: bool,
}

/// Water or a phantom by its name, in mm.
enum Body {
    /// Width, depth and height.
    Slab([f64; 3]),
    /// Half-sizes across its axis, which stands upright, and along it.
    Cylinder([f64; 2], f64),
    Named(&'static str),
}

const fn setup(
    name: &'static str,
    body: Body,
    [kvp, to_detector_mm, source_detector_mm, field_mm]: [f64; 4],
    is_fitted: bool,
) -> Setup {
    Setup { name, body, kvp, to_detector_mm, source_detector_mm, field_mm, is_fitted }
}

const PHANTOMS: [Setup; 10] = [
    setup("slab of 100 mm", Body::Slab([300.0, 100.0, 300.0]), [80.0, 80.0, 1100.0, 400.0], true),
    setup("slab of 200 mm", Body::Slab([400.0, 200.0, 400.0]), [120.0, 130.0, 1800.0, 430.0], true),
    setup("slab of 300 mm", Body::Slab([400.0, 300.0, 400.0]), [120.0, 200.0, 1100.0, 400.0], true),
    setup("cylinder of 320 × 220 mm", Body::Cylinder([160.0, 110.0], 200.0), [100.0, 150.0, 1500.0, 430.0], true),
    setup("cylinder of 200 mm", Body::Cylinder([100.0, 100.0], 150.0), [70.0, 250.0, 1500.0, 400.0], true),
    setup("chest", Body::Named("chest"), [125.0, 160.0, 1800.0, 430.0], true),
    setup("slab of 150 mm", Body::Slab([250.0, 150.0, 350.0]), [100.0, 175.0, 1300.0, 430.0], false),
    setup("slab of 250 mm", Body::Slab([350.0, 250.0, 400.0]), [140.0, 145.0, 1800.0, 430.0], false),
    setup("cylinder of 300 mm", Body::Cylinder([150.0, 150.0], 200.0), [110.0, 400.0, 1500.0, 430.0], false),
    setup("chest, at 80 kV and a gap", Body::Named("chest"), [80.0, 300.0, 1800.0, 430.0], false),
];

impl Setup {
    fn ct(&self) -> Result<Volume, Box<dyn Error>> {
        let upright = DQuat::IDENTITY;
        let phantom = match self.body {
            Body::Slab(mm) => {
                let half = DVec3::from_array(mm) / 2.0;
                Phantom::new(Rule::Overwrite, vec![(Shape::cuboid(DVec3::ZERO, half, upright)?, tissue::WATER)])
            }
            Body::Cylinder(semi, half) => {
                let shape = Shape::cylinder(DVec3::ZERO, semi, half, upright)?;
                Phantom::new(Rule::Overwrite, vec![(shape, tissue::WATER)])
            }
            Body::Named(name) => by_name(name, 1)?,
        };
        let sides = match self.body {
            Body::Slab(mm) => mm,
            Body::Cylinder([x, y], z) => [x, y, z].map(|half| 2.0 * half),
            Body::Named(_) => NAMED_MM,
        };
        let grid = Grid::centred(sides.map(|mm| (mm / VOXEL_MM).ceil() as usize), [VOXEL_MM; 3])?;
        let volume = phantom.voxelise(&grid, 3);
        let values = volume.values().iter().map(|mu| ((f64::from(*mu) / tissue::WATER - 1.0) * 1000.0) as f32);
        Ok(Volume::new(grid, Unit::Hounsfield, values.collect())?)
    }

    fn protocol(&self) -> Result<ProtocolText, Box<dyn Error>> {
        let pixels = (self.field_mm / 2.0).round();
        Ok(ProtocolText::from_toml(&format!(
            "[geometry]\nkind = 'radiograph'\nsource_isocentre_mm = {}\nsource_detector_mm = {}\n\
             detector = [{pixels}, {pixels}]\npitch_mm = [2.0, 2.0]\n\
             [patient]\neffective_kev = 60.0\n[beam]\nkvp = {}\nfilter = ['al:3']\nmas = 1.0\n",
            self.source_detector_mm - self.to_detector_mm,
            self.source_detector_mm,
            self.kvp
        ))?)
    }
}

/// The chest radiograph without its grid, on a field of 35 × 43 cm.
fn radiograph() -> Result<ProtocolText, Box<dyn Error>> {
    let mut text = ProtocolText::find("chest-radiograph")?;
    text.set("grid.enabled", "false")?;
    text.set("beam.collimator.corners_mm", "[[-175.0, -215.0], [175.0, -215.0], [175.0, 215.0], [-175.0, 215.0]]")?;
    Ok(text)
}

/// Truth and the parts of the fast model, where the primary ray meets the body.
struct Compared {
    truth: ScatterMap,
    parts: [ScatterMap; 3],
    inside: Vec<bool>,
    /// Scatter's share of the signal.
    fraction: Vec<f64>,
    seconds: Duration,
}

fn compare(mut text: ProtocolText, ct: Volume, photons: f64) -> Result<Compared, Box<dyn Error>> {
    text.set("scatter.enabled", "true")?;
    text.set("scatter.model", "fast")?;
    text.set("scatter.pixel_mm", "16.0")?;
    let case = Case::new(&text.draw(1)?, ct.clone(), 1)?;
    let (device, control) = (Device::cpu(), Control::default());
    let begin = Instant::now();
    let task = case.scatter()?.ok_or("no scatter")?;
    pollster::block_on(task.run(&device, &control))?;
    let seconds = begin.elapsed();
    let parts = task.parts()?;
    text.set("scatter.model", "monte-carlo")?;
    text.set("scatter.photons", &format!("{photons:.0}"))?;
    let case = Case::new(&text.draw(1)?, ct, 1)?;
    let task = case.scatter()?.ok_or("no scatter")?;
    let truth = pollster::block_on(task.truth(&device, &control))?.ok_or("no photons")?;
    let [integrals, primary, scattered] = images(&case, &truth)?;
    let inside = integrals.iter().zip(&primary).map(|(integral, primary)| *integral > LEAST_INTEGRAL && *primary > 0.0);
    let fraction = primary.iter().zip(&scattered).map(|(primary, scattered)| scattered / (primary + scattered));
    Ok(Compared { inside: inside.collect(), fraction: fraction.collect(), truth, parts, seconds })
}

/// Line integral of some 20 mm of water: what is less is not the body.
const LEAST_INTEGRAL: f64 = 0.4;

/// Line integrals, primary and scattered signal in the middles of the map's pixels.
fn images(case: &Case, scatter: &ScatterMap) -> Result<[Vec<f64>; 3], Box<dyn Error>> {
    let parts = [Part::Integrals, Part::Primary, Part::Scatter];
    let task = case.exposure(Some(scatter), &parts)?;
    let device = Device::cpu();
    let plan = Plan::new(task.graph(), device.limits())?;
    let exposed = task.finish(pollster::block_on(device.run(&plan, &Control::default()))?)?;
    let [across, down] = scatter.size;
    let at = |number: usize, count: usize, of: usize| ((2 * number + 1) * of / (2 * count)).min(of - 1);
    let image = |part: Part| -> Result<Vec<f64>, &'static str> {
        let stack = exposed.stack(part).ok_or("an image is missing")?;
        let ([columns, rows], values) = (stack.detector(), stack.view_values(0));
        let place = |pixel: usize| at(pixel / across, down, rows) * columns + at(pixel % across, across, columns);
        Ok((0..across * down).map(|pixel| f64::from(values[place(pixel)])).collect::<Vec<f64>>())
    };
    let [integrals, primary, scattered] = parts.map(image);
    Ok([integrals?, primary?, scattered?])
}

impl Compared {
    fn pixels(&self) -> impl Iterator<Item = (f64, [f64; 3])> {
        let parts = |pixel: usize| [0, 1, 2].map(|part| f64::from(self.parts[part].values[pixel]));
        let pixels = (0..self.inside.len()).filter(|pixel| self.inside[*pixel]);
        pixels.map(move |pixel| (f64::from(self.truth.values[pixel]), parts(pixel)))
    }

    /// Mean of scatter's share in a region of the radiograph.
    fn share(&self, [u_mm, v_mm]: [[f64; 2]; 2]) -> f64 {
        let [columns, rows] = self.truth.size;
        let place = |number: usize, count: usize| ((number as f64 + 0.5) / count as f64 - 0.5) * RADIOGRAPH_MM;
        let holds = |[from, to]: [f64; 2], at: f64| from <= at && at <= to;
        let inside =
            |pixel: &usize| holds(u_mm, place(pixel % columns, columns)) && holds(v_mm, place(pixel / columns, rows));
        let shares: Vec<f64> = (0..columns * rows).filter(inside).map(|pixel| self.fraction[pixel]).collect();
        shares.iter().sum::<f64>() / shares.len() as f64
    }

    fn mean(&self) -> f64 {
        self.pixels().map(|(truth, _)| truth).sum::<f64>() / self.pixels().count() as f64
    }

    /// Root of the mean square and mean of the error over the mean, and shares of the parts.
    fn errors(&self, factor: f64) -> [f64; 5] {
        let (count, mean) = (self.pixels().count() as f64, self.mean());
        let (mut squares, mut sum, mut shares) = (0.0, 0.0, [0.0; 3]);
        for (truth, parts) in self.pixels() {
            let model = parts.map(|part| factor * part);
            let error = model.iter().sum::<f64>() - truth;
            squares += error * error;
            sum += error;
            shares.iter_mut().zip(model).for_each(|(share, part)| *share += part);
        }
        let [compton, coherent, multiple] = shares.map(|share| share / count / mean);
        let all = self.truth.values.iter().map(|value| f64::from(*value)).sum::<f64>() / self.truth.values.len() as f64;
        let noise = self.truth.followed.as_ref().map_or(0.0, |followed| followed.error) * all / mean;
        let rms = (squares / count / mean.powi(2) - noise.powi(2)).max(0.0).sqrt();
        [rms, sum / count / mean, compton, coherent, multiple]
    }

    fn print(&self, name: &str, factor: f64) {
        let [rms, bias, compton, coherent, multiple] = self.errors(factor).map(|value| 100.0 * value);
        println!(
            "{name:28} {rms:5.1} {bias:+6.1} %   {compton:5.1} {coherent:5.1} {multiple:5.1} %   truth ±{:.1} %   {:.0} ms",
            100.0 * self.truth.followed.as_ref().map_or(0.0, |followed| followed.error),
            1000.0 * self.seconds.as_secs_f64()
        );
    }
}

/// Median over setups of the truth's mean over the model's: one in which the rim of the body decides moves it little.
fn fitted(all: &[Compared]) -> f64 {
    let mut ratios: Vec<f64> = all.iter().map(|compared| 1.0 / (1.0 + compared.errors(1.0)[1])).collect();
    ratios.sort_by(f64::total_cmp);
    0.5 * (ratios[(ratios.len() - 1) / 2] + ratios[ratios.len() / 2])
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let photons = 1e6 * arguments.first().map_or(Ok(8.0), |text| text.parse::<f64>())?;
    println!("{:28} RMS    mean      once: Compton, coherent, again", "");
    let (mut known, mut other) = (Vec::new(), Vec::new());
    for setup in &PHANTOMS {
        let compared = compare(setup.protocol()?, setup.ct()?, photons)?;
        compared.print(setup.name, 1.0);
        let list = if setup.is_fitted { &mut known } else { &mut other };
        list.push((setup.name.to_owned(), compared));
    }
    for path in arguments.iter().skip(1) {
        let compared = compare(radiograph()?, read_volume(path, None)?, photons)?;
        compared.print(path, 1.0);
        for (name, region) in REGIONS {
            println!("    scatter's share of the signal, {name}: {:.2}", compared.share(region));
        }
        other.push((path.clone(), compared));
    }
    let (names, known): (Vec<String>, Vec<Compared>) = known.into_iter().unzip();
    let factor = fitted(&known);
    println!("\nfactor = {factor:.4}\n\nfitted");
    names.iter().zip(&known).for_each(|(name, compared)| compared.print(name, factor));
    println!("judged");
    other.iter().for_each(|(name, compared)| compared.print(name, factor));
    Ok(())
}
