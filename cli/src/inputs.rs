//! Scanners, volumes and projection stacks as commands read them: checked, and with their file's name in every error.

use std::{
    fs,
    ops::{Range, RangeInclusive},
    path::{Path, PathBuf},
};

use kerma::{
    data::{Grid, Projections, Unit, Volume},
    geometry::{Geometry, Scan},
    io::{self, IoError, ProjectionStream, check_file, read_projections, read_scan, read_volume},
    tasks::TaskError,
};

use crate::{context::Context, failure::Failure};

/// Relative difference of pitches that header rounding may cause (NIfTI stores them in `f32`).
const PITCH_TOLERANCE: f64 = 1e-5;

/// Attenuation coefficients of matter lie between these, in 1/mm, with room for noise; CT numbers reach far beyond.
const PLAUSIBLE_PER_MM: RangeInclusive<f32> = -1.0..=10.0;

/// A CT shows air and tissue: its values differ by so many HU at least, and the lowest is this at most.
const LEAST_RANGE_HU: f32 = 300.0;
const MOST_LOWEST_HU: f32 = -200.0;

/// Refuses an output that would take the place of one of the inputs, or of the folder in which it lies.
pub(crate) fn keep(inputs: &[&Path], output: &Path) -> Result<(), Failure> {
    // What is not there cannot be an input.
    let Ok(target) = fs::canonicalize(output) else { return Ok(()) };
    match inputs.iter().find(|input| fs::canonicalize(input).is_ok_and(|input| input.starts_with(&target))) {
        None => Ok(()),
        Some(input) => {
            let input = input.display();
            Err(Failure::input(format!("{}: would overwrite the input {input}; name another file", output.display())))
        }
    }
}

/// Refuses an output of so many values for which its disk has no room; what is packed may turn out small.
pub(crate) fn check_room(output: &Path, values: usize) -> Result<(), Failure> {
    let value_bytes = match output.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("gz") => return Ok(()),
        // Slices of a DICOM series.
        None => size_of::<u16>(),
        Some(_) => size_of::<f32>(),
    };
    Ok(io::check_room(output, (value_bytes * values) as u64)?)
}

/// Bytes of a text such as "2GB", "1.5GiB" or "512 MiB".
pub(crate) fn memory(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 4] = [("GiB", 1073741824.0), ("MiB", 1048576.0), ("GB", 1e9), ("MB", 1e6)];
    let size = UNITS.into_iter().find_map(|(unit, bytes)| {
        let number = text.strip_suffix(unit)?.trim_end().parse::<f64>().ok()?;
        (number > 0.0 && number.is_finite()).then_some((number * bytes) as u64)
    });
    size.ok_or_else(|| format!("must be a number above 0 and MB, GB, MiB or GiB, got {text}"))
}

/// Checks that --report could write its page, and over none of the inputs.
pub(crate) fn check_page(page: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    if !page.extension().is_some_and(|e| e.eq_ignore_ascii_case("html")) {
        return Err(Failure::input(format!("{}: --report writes a page; end its name in .html", page.display())));
    }
    check_file(page)?;
    keep(inputs, page)
}

/// A geometry file and the views it describes.
pub(crate) struct Scanner {
    path: PathBuf,
    pub(crate) scan: Scan,
    pub(crate) geometry: Geometry,
}

impl Scanner {
    /// Reads a geometry file.
    pub(crate) fn read(path: &Path, context: &mut Context) -> Result<Self, Failure> {
        let scan = context.read(|| read_scan(path))?;
        let geometry = scan.build().map_err(|error| Failure::from(error).in_file(path))?;
        Ok(Self { path: path.to_owned(), scan, geometry })
    }

    /// Opens a stack that is read a few views at a time, and checks that it is one of this scanner's.
    pub(crate) fn stream(&self, path: &Path) -> Result<ProjectionStream, Failure> {
        let geometry = &self.geometry;
        let stream = ProjectionStream::open(path, Some(geometry.pitch_mm()))?;
        let shape = |views: usize, [nu, nv]: [usize; 2]| format!("{views} views of {nu}x{nv}");
        let expected = shape(geometry.views().len(), geometry.detector());
        let got = shape(stream.views(), stream.detector());
        match expected == got {
            true => Ok(stream),
            false => Err(self.blame(TaskError::Shape { expected, got }, path)),
        }
    }

    /// What reads views of a stack; they may begin with the first ones again.
    pub(crate) fn views_of(&self, path: &Path) -> impl FnMut(Range<usize>) -> Result<Vec<f32>, Failure> {
        let mut stream: Option<ProjectionStream> = None;
        move |views| {
            let mut from = match stream.take().filter(|stream| stream.next_view() <= views.start) {
                Some(stream) => stream,
                None => self.stream(path)?,
            };
            from.skip(views.start - from.next_view())?;
            let values = from.read(views.len())?;
            stream = Some(from);
            Ok(values)
        }
    }

    /// A task's error with the file to blame in front: this scanner's, or that of the task's data.
    pub(crate) fn blame(&self, error: TaskError, data: &Path) -> Failure {
        match &error {
            TaskError::Geometry(_) => Failure::from(error).in_file(&self.path),
            TaskError::Shape { .. } | TaskError::Unit { .. } | TaskError::Data(_) => Failure::from(error).in_file(data),
            _ => error.into(),
        }
    }
}

/// Whether values that nothing is said of look like CT numbers.
pub(crate) fn looks_hounsfield(values: &[f32]) -> bool {
    let [low, high] = range(values);
    high - low >= LEAST_RANGE_HU && low <= MOST_LOWEST_HU
}

/// Reads a volume; `unit` says what a file holds that does not say so itself. CT numbers are recognised without it, and that is said.
pub(crate) fn volume(
    path: &Path,
    grid: Option<Grid>,
    unit: Option<Unit>,
    context: &mut Context,
) -> Result<Volume, Failure> {
    let volume = context.read_volume(path, grid)?;
    let refused = |message: String| Failure::input(message).in_file(path);
    match (volume.unit(), unit) {
        (Unit::Arbitrary, None) if looks_hounsfield(volume.values()) => {
            let [low, high] = range(volume.values());
            context.note(&format!(
                "{} does not say what its values are; from {low:?} to {high:?} they look like CT numbers and are taken as HU (or say \
                 --unit)",
                path.display()
            ));
            Ok(volume.with_unit(Unit::Hounsfield))
        }
        (Unit::Arbitrary, None) => {
            Err(refused("does not say what its values are; say it with --unit hu or --unit per-mm".to_owned()))
        }
        (Unit::Arbitrary, Some(Unit::PerMillimetre))
            if volume.values().iter().any(|value| !PLAUSIBLE_PER_MM.contains(value)) =>
        {
            let [low, high] = range(volume.values());
            let (least, most) = PLAUSIBLE_PER_MM.into_inner();
            Err(refused(format!(
                "holds values from {low:?} to {high:?}, which are no attenuation in 1/mm ({least} to {most}) but look like CT \
                 numbers; say --unit hu"
            )))
        }
        (Unit::Arbitrary, Some(unit)) => Ok(volume.with_unit(unit)),
        (stated, Some(unit)) if stated != unit => {
            Err(refused(format!("states its unit as {stated}, but --unit says {unit}")))
        }
        _ => Ok(volume),
    }
}

/// Reads a volume, on the given grid where the file states none.
pub(crate) fn volume_on(path: &Path, grid: Grid, context: &mut Context) -> Result<Volume, Failure> {
    context.read(|| match read_volume(path, None) {
        Err(IoError::SpacingMissing { .. }) => read_volume(path, Some(grid)),
        read => read,
    })
}

/// Reads a CT in Hounsfield units; a file that does not say what its values are must look as if it held them.
pub(crate) fn ct(path: &Path, context: &mut Context) -> Result<Volume, Failure> {
    let volume = context.read_volume(path, None)?;
    let refused = |message: String| Err(Failure::input(message).in_file(path));
    match volume.unit() {
        Unit::Hounsfield => Ok(volume),
        Unit::Arbitrary => {
            if !looks_hounsfield(volume.values()) {
                let [low, high] = range(volume.values());
                return refused(format!(
                    "does not say what its values are, and from {low:?} to {high:?} they look like no CT numbers: those go from \
                     air at -1000 HU to soft tissue and bone"
                ));
            }
            Ok(volume.with_unit(Unit::Hounsfield))
        }
        other => refused(format!("a CT in HU is needed, this holds values in {other}")),
    }
}

/// The CT volumes of a recipe that are there, in Hounsfield units where a file does not say: NIfTI has no word for them.
///
/// A recipe may name more than every machine has; `work` goes on without the others, which are taken from `paths`.
#[cfg(feature = "nn")]
pub(crate) fn volumes_at_hand(
    paths: &mut Vec<PathBuf>,
    work: &str,
    context: &mut Context,
) -> Result<Vec<Volume>, Failure> {
    at_hand(paths, work, context);
    let read = |path: &PathBuf| {
        let volume = context.read_volume(path, None)?;
        Ok(if volume.unit() == Unit::Arbitrary { volume.with_unit(Unit::Hounsfield) } else { volume })
    };
    paths.iter().map(read).collect()
}

/// Takes what is not there from the paths of a recipe, and says so.
#[cfg(feature = "nn")]
pub(crate) fn at_hand(paths: &mut Vec<PathBuf>, work: &str, context: &mut Context) {
    for path in paths.extract_if(.., |path| !path.exists()) {
        context.note(&format!("{}: ABSENT, {work} goes on without it", path.display()));
    }
}

/// Reads the projections that a scanner took.
pub(crate) fn projections(path: &Path, scanner: &Scanner, context: &mut Context) -> Result<Projections, Failure> {
    let pitch = scanner.geometry.pitch_mm();
    let stack = stack(path, pitch, context)?;
    let got = stack.pitch_mm();
    let fits = stack.detector() == scanner.geometry.detector();
    if fits && pitch.iter().zip(got).any(|(want, got)| (want - got).abs() > PITCH_TOLERANCE * want) {
        let (path, file) = (path.display(), scanner.path.display());
        context.note(&format!(
            "{path} states a pitch of {} x {} mm, {file} one of {} x {} mm, which is used",
            got[0], got[1], pitch[0], pitch[1]
        ));
    }
    Ok(stack)
}

/// Reads projections, with a pitch for files that state none.
pub(crate) fn stack(path: &Path, pitch_mm: [f64; 2], context: &mut Context) -> Result<Projections, Failure> {
    context.read(|| match read_projections(path, None) {
        Err(IoError::SpacingMissing { .. }) => read_projections(path, Some(pitch_mm)),
        read => read,
    })
}

/// Smallest and largest of finite values.
fn range(values: &[f32]) -> [f32; 2] {
    values.iter().fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], &v| [low.min(v), high.max(v)])
}
