//! Networks that improve reconstructions, compared on simulated and real bodies.

use std::path::{Path, PathBuf};

use glam::DVec3;
use kerma::{data::Volume, metrics::volumes::Sphere};
use kerma_nn::{
    Error, beside,
    improve::{
        Improver,
        evaluation::{Case, Evaluation, Figures, Outcome, Recipe},
    },
};

use super::{
    super::metrics::nodules,
    EvaluateArgs,
    networks::{PAIR, each, finish, folders, is_pair, said, volume},
};
use crate::{
    context::Context,
    failure::Failure,
    pictures::{Plane, Slice, Window},
    report::{Figure, Panel, Report, Section, Summary, Table},
};

/// Level and width of the pictures, in HU: lungs beside soft tissue.
const WINDOW_HU: [f32; 2] = [-400.0, 1400.0];
/// Radius of the circle about a nodule, relative to its diameter.
const CIRCLE: f64 = 1.0;
/// Corners of the circle.
const CORNERS: usize = 48;

/// Volumes of all methods on one body, and the truth.
struct Gallery {
    name: String,
    /// Where the slices pass: a nodule, or the middle.
    through_mm: DVec3,
    nodule: Option<Sphere>,
    volumes: Vec<(String, Volume)>,
}

/// Compares networks by a recipe.
pub(super) fn run(args: &EvaluateArgs, text: &str, context: &mut Context) -> Result<(), Failure> {
    let mut recipe = Recipe::from_toml(text).map_err(|e| Failure::from(e).in_file(&args.recipe))?;
    for name in recipe.leave_out(Path::exists) {
        context.note(&format!("{name}: a model is ABSENT, the evaluation goes on without it"));
    }
    let device = beside(context.device()?)?;
    let load =
        |(name, models): (String, Vec<PathBuf>), context: &mut Context| -> Result<(String, Vec<Improver>), Failure> {
            let models = models.iter().map(|model| context.read(|| Improver::load(model, &device)));
            Ok((name, models.collect::<Result<_, Failure>>()?))
        };
    let variants = recipe.variants.iter().map(|variant| (variant.name.clone(), variant.models.clone()));
    let variants = variants.map(|variant| load(variant, context)).collect::<Result<Vec<_>, _>>()?;
    let training = folders(&recipe.fit)?;
    let evaluation = context.read(|| Evaluation::new(variants, training.iter().map(|folder| body(folder))))?;
    let names = evaluation.names();

    let mut gallery = Vec::new();
    let bodies = measured(&evaluation, &names, &folders(&recipe.test)?, &mut gallery, context)?;
    let real = recipe.real.filter(|folder| folder.exists());
    let real = match &real {
        Some(folder) => measured(&evaluation, &names, &folders(folder)?, &mut gallery, context)?,
        None => Vec::new(),
    };
    let outcome = Outcome::new(&names, &bodies, &real, recipe.seed)?;
    let page = |summary| page(&outcome, &gallery, summary).to_html();
    finish(args, &outcome, &outcome.markdown(), &outcome.statements, page, context)
}

/// Figures of all bodies; the first body with a large nodule, or the first of all, joins the gallery.
fn measured(
    evaluation: &Evaluation,
    names: &[String],
    folders: &[PathBuf],
    gallery: &mut Vec<Gallery>,
    context: &mut Context,
) -> Result<Vec<Vec<Figures>>, Failure> {
    /// Least diameter of a nodule that is shown.
    const SHOWN_MM: f64 = 10.0;
    let (mut shown, mut nodule) = (folders.first(), None);
    for folder in folders {
        nodule = context.read(|| listed(folder))?.into_iter().find(|nodule| nodule.diameter_mm >= SHOWN_MM);
        if nodule.is_some() {
            shown = Some(folder);
            break;
        }
    }
    let all = each(folders, context, |folder| {
        let case = body(folder)?;
        let (figures, volumes): (Vec<Figures>, Vec<Volume>) = evaluation.measure(&case)?.into_iter().unzip();
        let is_shown = shown.is_some_and(|shown| shown == folder);
        Ok((figures, is_shown.then_some((case, volumes))))
    })?;
    let (figures, cases): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    gallery.extend(cases.into_iter().flatten().map(|(case, volumes)| {
        let [_, truth] = case.body;
        let through_mm = nodule.map_or(truth.grid().centre_mm(), |nodule| nodule.centre_mm);
        let volumes = names.iter().cloned().zip(volumes);
        let volumes = std::iter::once(("truth".to_owned(), truth)).chain(volumes).collect();
        Gallery { name: case.name, through_mm, nodule, volumes }
    }));
    Ok(figures)
}

/// Nodules of a pair, whose contrast is measured; none of other cases.
fn listed(folder: &Path) -> Result<Vec<Sphere>, Error> {
    let list = folder.join(format!("nodules{}.csv", PAIR[0]));
    match is_pair(folder) && list.is_file() {
        true => nodules(&list).map_err(|failure| Error::Image(failure.message().to_owned())),
        false => Ok(Vec::new()),
    }
}

/// A case of `kerma simulate`: with variants called with and without, a pair.
fn body(folder: &Path) -> Result<Case, Error> {
    let both =
        |variant| Ok::<_, Error>([volume(folder, "reconstruction", variant)?, volume(folder, "truth", variant)?]);
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (with, without) = if is_pair(folder) { (PAIR[0], Some(PAIR[1])) } else { ("", None) };
    Ok(Case { name, body: both(with)?, twin: without.map(both).transpose()?, nodules: listed(folder)? })
}

fn page(outcome: &Outcome, gallery: &[Gallery], summary: Summary) -> Report {
    let lead = format!("{} bodies with {} nodules, none of which a network has seen.", outcome.bodies, outcome.nodules);
    let mut report = Report::new("Reconstructions improved by networks", lead).summary(summary);
    for shown in gallery {
        report = report.section(pictures(shown));
    }
    let table = |caption: &str, rows: &[kerma_nn::improve::evaluation::Row]| {
        let columns = std::iter::once("method").chain(outcome.columns.iter().copied()).map(str::to_owned).collect();
        let rows = rows.iter().map(|row| row.texts()).collect();
        Table::of(caption, columns, rows)
    };
    let mut tables = Section::new("Tables").table(table("Means over bodies, and intervals of 95 %", &outcome.rows));
    if let Some((count, rows)) = &outcome.real {
        tables = tables.table(table(&format!("Real bodies, n = {count}"), rows));
    }
    report.section(tables.table(said(&outcome.statements))).section(Section::new("Keep in mind").notes([
        "Not for diagnosis: a demonstration of computations.",
        "Bodies are phantoms of one family; a real body is told apart.",
        "What lies within some 15 degrees of the depth was not measured: what a network puts there it has learned, not seen.",
    ]))
}

fn pictures(shown: &Gallery) -> Section {
    let window = Window::level(WINDOW_HU[0], WINDOW_HU[1]);
    let what = match shown.nodule {
        Some(nodule) => format!("through a nodule of {:.1} mm, circled", nodule.diameter_mm),
        None => "through the middle".to_owned(),
    };
    let section = Section::new(format!("{}, {what}", shown.name));
    Plane::ALL.into_iter().fold(section, |section, plane| {
        let panel = |(name, volume): &(String, Volume)| {
            let slice = Slice::of_volume(volume, plane, shown.through_mm);
            let outline = shown.nodule.and_then(|nodule| circle(&slice, nodule));
            Panel::grey(name, slice, window).outlined(outline.into_iter().collect())
        };
        let caption = format!("{}: the body, and what each method makes of its reconstruction.", plane.name());
        section.figure(Figure::new(caption).panels(shown.volumes.iter().map(panel)))
    })
}

/// A circle about a nodule, in shares of a slice's width and height.
fn circle(slice: &Slice, nodule: Sphere) -> Option<Vec<[f64; 2]>> {
    let (centre, pixel, size) = (slice.pixel_of(nodule.centre_mm)?, slice.pixel_mm()?, slice.size());
    let corner = |i: usize| {
        let (sin, cos) = (std::f64::consts::TAU * i as f64 / CORNERS as f64).sin_cos();
        let radius = CIRCLE * nodule.diameter_mm;
        let share = |axis: usize, along: f64| (centre[axis] + 0.5 + radius * along / pixel[axis]) / size[axis] as f64;
        [share(0, cos), share(1, sin)]
    };
    Some((0..=CORNERS).map(corner).collect())
}
