//! One case, from the CT or the phantom to its folder.

use std::{
    iter,
    path::{Path, PathBuf},
    time::{Instant, SystemTime},
};

use kerma::{
    data::{Grid, Image, Volume},
    io::check_room,
    tasks::{
        Recorded, Task,
        simulate::{Case, Part, Protocol, ProtocolError, ProtocolText},
    },
};

use super::{
    dicom, dose,
    files::Draft,
    images::Simulated,
    kept::Kept,
    nodules, page,
    record::{Dates, Hashed, Machine, Record, Variant, shaders_sha256},
};
use crate::{context::Context, failure::Failure, inputs, report::seconds, summary::bytes_text};

/// Parts that a case always needs for its pictures.
const SHOWN: [Part; 3] = [Part::Integrals, Part::Primary, Part::Scatter];

/// Shares of the open beam whose noise the page shows: that of bare pixels, and about that behind a trunk.
const EVEN: [f64; 2] = [1.0, 0.01];

/// A case that is asked for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// None where the protocols name a phantom.
    ct: Option<PathBuf>,
    name: String,
    seed: u64,
    /// Variants by their names; one without a name where there are none.
    protocols: Vec<(String, Protocol)>,
    keep: Vec<Kept>,
}

/// What a case, or many, would take.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Forecast {
    pub(super) disk_bytes: u64,
    pub(super) memory_bytes: u64,
    pub(super) run_s: f64,
}

impl Forecast {
    /// What it would take to do this and then another.
    pub(super) fn then(self, next: Self) -> Self {
        Self {
            disk_bytes: self.disk_bytes + next.disk_bytes,
            memory_bytes: self.memory_bytes.max(next.memory_bytes),
            run_s: self.run_s + next.run_s,
        }
    }

    /// Adds its numbers to the summary, and says them in words.
    pub(super) fn say(self, context: &mut Context) -> String {
        let Self { disk_bytes, memory_bytes, run_s } = self;
        context.measure("disk_bytes", disk_bytes);
        context.measure("memory_bytes", memory_bytes);
        context.measure("run_seconds", run_s);
        let [disk, memory] = [disk_bytes, memory_bytes].map(bytes_text);
        format!("would take {disk} of disk, {memory} of memory and about {}", seconds(run_s))
    }
}

impl Request {
    pub(super) fn new(
        ct: Option<&Path>,
        name: String,
        seed: u64,
        protocol: &ProtocolText,
        keep: Vec<Kept>,
    ) -> Result<Self, Failure> {
        let variants = protocol.variants()?;
        let drawn = variants.into_iter().map(|(variant, text)| Ok((variant, text.draw(seed)?)));
        let protocols: Vec<(String, Protocol)> = drawn.collect::<Result<_, ProtocolError>>()?;
        if ct.is_none() && protocols.iter().any(|(_, protocol)| protocol.patient.phantom.is_none()) {
            let wrong = "simulate needs a CT, phantom:NAME, a protocol with patient.phantom, --manifest or --again";
            return Err(Failure::input(wrong));
        }
        if keep.contains(&Kept::Truth) && protocols.iter().any(|(_, protocol)| protocol.truth_grid().is_none()) {
            return Err(Failure::input(
                "--keep truth needs a protocol with a [truth] or a [reconstruction], whose grid it has",
            ));
        }
        Ok(Self { ct: ct.map(Path::to_owned), name, seed, protocols, keep })
    }

    /// What a record asks for.
    pub(super) fn again(record: &Record) -> Result<Self, Failure> {
        let ct = record.ct().map(|input| input.file.clone());
        let keep = record.keep.iter().filter_map(|name| Kept::of(name)).collect();
        let protocols =
            record.protocols.iter().map(|variant| (variant.name.clone(), variant.protocol.clone())).collect();
        Ok(Self { ct, name: record.case.clone(), seed: record.seed, protocols, keep })
    }

    /// Whether a record is that of this request and of the CT as it is now.
    pub(super) fn made(&self, record: &Record) -> Result<bool, Failure> {
        let asked = self.protocols.iter().map(|(name, protocol)| (name, protocol));
        let made = record.protocols.iter().map(|variant| (&variant.name, &variant.protocol));
        let is_same = record.seed == self.seed && made.eq(asked) && record.keep == self.names();
        Ok(is_same && record.inputs == self.inputs()?)
    }

    /// The CT and all other files, hashed.
    fn inputs(&self) -> Result<Vec<Hashed>, Failure> {
        let mut files = Vec::from_iter(self.ct.clone());
        for (_, protocol) in &self.protocols {
            let labels =
                protocol.patient.labels.iter().flat_map(|labels| [Some(&labels.materials), labels.map.as_ref()]);
            let spectrum = protocol.beam.as_ref().and_then(|beam| beam.spectrum.as_ref());
            for file in labels.flatten().chain(spectrum) {
                if !files.contains(file) {
                    files.push(file.clone());
                }
            }
        }
        files.iter().map(|file| Hashed::of(file)).collect()
    }

    fn names(&self) -> Vec<String> {
        self.keep.iter().map(|kept| kept.name().to_owned()).collect()
    }

    fn keeps(&self, part: Part) -> bool {
        self.keep.contains(&Kept::Image(part))
    }

    /// Images that are made: those that are kept or shown.
    fn parts(&self) -> Vec<Part> {
        Part::ALL.into_iter().filter(|part| self.keeps(*part) || SHOWN.contains(part)).collect()
    }

    /// Reads the CT, or the label map that takes its place, once: a copy for each variant, of which the last is what was read; none for
    /// phantoms.
    fn volumes(&self, context: &mut Context) -> Result<impl Iterator<Item = Option<Volume>> + use<>, Failure> {
        let Some(ct) = &self.ct else { return Ok(iter::repeat_n(None, self.protocols.len())) };
        let is_map = |protocol: &Protocol| protocol.patient.labels.as_ref().is_some_and(|labels| labels.map.is_none());
        let volume = match self.protocols.iter().all(|(_, protocol)| is_map(protocol)) {
            true => context.read_volume(ct, None)?,
            false => inputs::ct(ct, context)?,
        };
        Ok(iter::repeat_n(Some(volume), self.protocols.len()))
    }

    fn case(&self, protocol: &Protocol, ct: Option<Volume>, context: &mut Context) -> Result<Case, Failure> {
        let case = context.compute(|| Case::new(protocol, ct, self.seed)).map_err(Failure::from);
        match &self.ct {
            Some(ct) => case.map_err(|failure| failure.in_file(ct)),
            None => case,
        }
    }

    /// Bytes of the stacks and volumes that are written of a variant.
    fn disk_bytes(&self, protocol: &Protocol, case: &Case) -> u64 {
        let (views, pixels) = (case.room().views().len() as u64, case.room().value_count() as u64);
        let stack = |part: &Part| if *part == Part::Thickness { case.materials() as u64 } else { 1 };
        let stacks: u64 = self.parts().iter().filter(|part| self.keeps(**part)).map(stack).sum();
        let voxels = |grid: Option<Grid>| grid.map_or(0, |grid| grid.voxel_count() as u64);
        let truth = protocol.truth_grid().filter(|_| self.keep.contains(&Kept::Truth));
        let reconstructed = voxels(protocol.reconstruction.as_ref().map(|r| r.grid));
        let volumes = reconstructed + voxels(truth);
        // Two views and the reconstruction, in 16 bits.
        let dicom = if self.keep.contains(&Kept::Dicom) { 2 * pixels / views.max(1) + reconstructed } else { 0 };
        size_of::<f32>() as u64 * (stacks * pixels + volumes) + size_of::<u16>() as u64 * dicom
    }
}

/// Makes a case's folder.
pub(super) fn make(request: &Request, folder: &Path, context: &mut Context) -> Result<Record, Failure> {
    let started = now();
    let mut draft = Draft::new(folder)?;
    let inputs = context.read(|| request.inputs())?;
    let mut variants = Vec::new();
    for (asked, ct) in request.protocols.iter().zip(request.volumes(context)?) {
        let case = request.case(&asked.1, ct, context)?;
        check_room(folder, request.disk_bytes(&asked.1, &case))?;
        variants.push(variant(request, asked, &case, &mut draft, context)?);
    }
    let record = Record {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        case: request.name.clone(),
        seed: request.seed,
        keep: request.names(),
        protocols: variants,
        inputs,
        shaders_sha256: shaders_sha256(),
        device: Machine::of(context.summary()),
        outputs: draft.outputs.clone(),
        dates: Dates { started, finished: now() },
    };
    draft.publish(context, &record)?;
    Ok(record)
}

/// Makes the images of a variant; its files carry its name.
fn variant(
    request: &Request,
    (name, protocol): &(String, Protocol),
    case: &Case,
    draft: &mut Draft,
    context: &mut Context,
) -> Result<Variant, Failure> {
    let file = |stem: &str| Variant::file(name, stem);
    let Simulated { exposed, scatter, reconstruction, mut results } = Simulated::of(case, &request.parts(), context)?;
    for (part, stem, stack) in exposed.named() {
        if request.keeps(part) {
            draft.stack(context, &file(stem), stack)?;
        }
    }
    let middle = case.room().views().len() / 2;
    if let Some(integrals) = exposed.stack(Part::Integrals) {
        draft.view(context, &file("picture"), integrals, case.room(), middle)?;
    }
    let keeps_dicom = request.keep.contains(&Kept::Dicom);
    if keeps_dicom {
        dicom::view(case, &exposed, middle, &file, draft, context)?;
    }
    let reconstruction = match reconstruction {
        Some((attenuation, true)) => {
            draft.volume(context, &file("attenuation"), &attenuation)?;
            Some(case.hounsfield(attenuation)?)
        }
        // Contrasts of a sweep have no CT numbers.
        Some((contrasts, false)) => Some(contrasts),
        None => None,
    };
    if let Some(volume) = &reconstruction {
        draft.volume(context, &file("reconstruction"), volume)?;
        draft.planes(context, &file("reconstruction"), volume)?;
        if keeps_dicom {
            draft.slices(context, &file("reconstruction"), volume, &dicom::attributes(case, None)?)?;
        }
    }
    if request.keep.contains(&Kept::Truth) {
        let truth = context.compute(|| case.truth())?;
        draft.volume(context, &file("truth"), &truth)?;
        draft.planes(context, &file("truth"), &truth)?;
        if let Some(numbers) = context.compute(|| case.nodule_numbers())? {
            draft.volume(context, &file("nodules"), &numbers)?;
        }
    }
    if let Some(placed) = case.nodules() {
        draft.table(context, &file("nodules"), &nodules::table(&request.name, placed)?)?;
    }
    if let Some(scatter) = scatter.filter(|_| request.keeps(Part::Scatter))
        && let Some(errors) = case.scatter_errors(&scatter)?
    {
        draft.stack(context, &file("scatter-error"), &errors)?;
    }
    let dose = match case.dose()? {
        Some(task) => {
            Some(context.drive("dose", |device, control| Ok(pollster::block_on(task.run(device, control))?))?)
        }
        None => None,
    };
    if let Some(dose) = &dose {
        draft.volume(context, &file("dose"), &dose.blocks)?;
        draft.volume(context, &file("dose-error"), &dose.errors)?;
        draft.table(context, &file("dose"), &dose::table(dose)?)?;
        results.extend(dose.results());
    }
    let title = if name.is_empty() { request.name.clone() } else { format!("{}, {name}", request.name) };
    let even = even_fields(case, context)?;
    let measured = (&results[..], dose.as_ref());
    let html = page::report(&title, case, &exposed, reconstruction.as_ref(), &even, measured, context)?;
    draft.text(context, &format!("{}.html", file("report")), &html)?;
    let results = results.into_iter().map(|result| (result.name.to_owned(), result.value.into())).collect();
    Ok(Variant { name: name.clone(), protocol: protocol.clone(), results })
}

/// Even fields of the detector, with the share of the open beam that reaches it.
fn even_fields(case: &Case, context: &mut Context) -> Result<Vec<(f64, Image)>, Failure> {
    let mut fields = Vec::new();
    for transmission in EVEN {
        if let Some(task) = context.record(|| case.even_field(transmission))? {
            let outputs = context.run("even field", task.graph())?;
            fields.push((transmission, task.finish(outputs)?));
        }
    }
    Ok(fields)
}

/// What a case would take, from its plan; the time is that of one view of it, measured.
pub(super) fn forecast(request: &Request, context: &mut Context) -> Result<Forecast, Failure> {
    let mut all = Forecast::default();
    for ((_, protocol), ct) in request.protocols.iter().zip(request.volumes(context)?) {
        let case = request.case(protocol, ct, context)?;
        let parts = request.parts();
        let task = context.record(|| case.exposure(None, &parts))?;
        let peak = context.plan("exposure", task.graph())?.peak_bytes();
        let first = case.first_view()?;
        let task = first.exposure(None, &parts)?;
        let start = Instant::now();
        context.run("one view", task.graph())?;
        all = all.then(Forecast {
            disk_bytes: request.disk_bytes(protocol, &case),
            memory_bytes: peak.host + peak.device,
            run_s: start.elapsed().as_secs_f64() * case.room().views().len() as f64,
        });
    }
    Ok(all)
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}
