//! Many cases: each in a folder of its own, complete or not there at all.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

use super::{
    SimulateArgs,
    manifest::{self, Entry, Line},
    one::{self, Request},
    record::{self, Record},
};
use crate::{
    context::{Bar, Context},
    failure::Failure,
    interrupt,
    report::seconds,
    summary::counted,
};

/// Name of the dataset card.
const CARD: &str = "README.md";

/// What became of a case.
enum Done {
    /// Its folder is there, made now or before.
    Made {
        is_new: bool,
        record: Box<Record>,
    },
    Failed(String),
}

/// Runs the cases of a manifest.
pub(super) fn run(args: &SimulateArgs, manifest: &Path, out: &Path, context: &mut Context) -> Result<(), Failure> {
    let lines = context.read(|| manifest::read(manifest))?;
    if args.dry_run {
        return forecast(args, &lines, out, context);
    }
    std::fs::create_dir_all(out).map_err(|error| Failure::input(format!("{}: {error}", out.display())))?;
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<Done>>> = lines.iter().map(|_| Mutex::new(None)).collect();
    let bar = Mutex::new(Bar::new("cases", context.options().quiet));
    let start = Instant::now();
    let options = crate::args::GlobalArgs { quiet: true, json: false, ..context.options().clone() };
    let work = || {
        let mut context = Context::new(options.clone());
        loop {
            let index = next.fetch_add(1, Ordering::SeqCst);
            let Some(line) = lines.get(index) else { return };
            if interrupt::is_pressed() {
                return;
            }
            let result = one_case(args, line, out, &mut context);
            *done[index].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
            let finished = done.iter().filter(|d| d.lock().unwrap_or_else(PoisonError::into_inner).is_some()).count();
            let left_s = start.elapsed().as_secs_f64() / finished as f64 * (lines.len() - finished) as f64;
            let message = format!("{finished} of {}, {} left", lines.len(), seconds(left_s));
            bar.lock().unwrap_or_else(PoisonError::into_inner).say(finished as f64 / lines.len() as f64, message);
        }
    };
    interrupt::patient(|| {
        thread::scope(|scope| {
            for _ in 1..args.jobs.max(1) {
                scope.spawn(work);
            }
            work();
        });
    });
    drop(bar);
    context.add_run("cases", start.elapsed().as_secs_f64());
    let done = done.into_iter().map(|done| done.into_inner().unwrap_or_else(PoisonError::into_inner));
    // The card is written even where Ctrl-C ended the batch.
    interrupt::patient(|| finish(&lines, done.collect(), out, context))
}

fn one_case(args: &SimulateArgs, line: &Line, out: &Path, context: &mut Context) -> Done {
    let entry = match line {
        Ok(entry) => entry,
        Err((_, why)) => return Done::Failed(why.clone()),
    };
    let mut made = || -> Result<Done, Failure> {
        let request = request(args, entry)?;
        let folder = out.join(&entry.name);
        let file = folder.join(record::FILE);
        if file.exists() {
            let record = Record::read(&file)?;
            if !request.made(&record)? {
                let message =
                    format!("{}: was made from other parameters; remove it to make it again", folder.display());
                return Err(Failure::input(message));
            }
            return Ok(Done::Made { is_new: false, record: Box::new(record) });
        }
        let record = one::make(&request, &folder, context)?;
        Ok(Done::Made { is_new: true, record: Box::new(record) })
    };
    made().unwrap_or_else(|failure| Done::Failed(failure.message()))
}

/// What is asked for a case of a manifest.
fn request(args: &SimulateArgs, entry: &Entry) -> Result<Request, Failure> {
    let protocol = entry.protocol.as_deref().or(args.protocol.as_deref());
    let mut text = args.protocol_text(protocol, Some(&entry.subject))?;
    for (path, value) in &entry.fields {
        text.set(path, value)?;
    }
    let seed = manifest::seed(args.seed, &entry.name);
    Request::new(entry.subject.file(), entry.name.clone(), seed, &text, args.keep.clone())
}

fn finish(lines: &[Line], done: Vec<Option<Done>>, out: &Path, context: &mut Context) -> Result<(), Failure> {
    let name = |line: &Line| match line {
        Ok(entry) => entry.name.clone(),
        Err((name, _)) => name.clone(),
    };
    let mut failures = Vec::new();
    let mut cases = BTreeMap::new();
    let [mut new, mut old] = [0; 2];
    for (line, done) in lines.iter().zip(&done) {
        match done {
            None => {}
            Some(Done::Failed(why)) => failures.push((name(line), why)),
            Some(Done::Made { is_new, record }) => {
                *(if *is_new { &mut new } else { &mut old }) += 1;
                let licence = line.as_ref().ok().and_then(|entry| entry.licence.clone());
                cases.insert(name(line), (record.as_ref(), licence));
            }
        }
    }
    let card = out.join(CARD);
    context.write(&card, |path| kerma::io::write_bytes(path, text_of_card(&cases).as_bytes()))?;
    context.measure("cases", lines.len());
    context.measure("made", new);
    context.measure("skipped", old);
    context.measure("failed", failures.iter().map(|(name, why)| [name.as_str(), why.as_str()]).collect::<Vec<_>>());
    let width = failures.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let table: String = failures.iter().map(|(name, why)| format!("  {name:width$}  {why}\n")).collect();
    let headline =
        format!("{}: {} made, {old} there before, {} failed", out.display(), counted(new, "case"), failures.len());
    context.finish(format!("{headline}\n{}", table.trim_end()).trim_end())?;
    if interrupt::is_pressed() {
        return Err(Failure::Interrupted);
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::input(format!("{} of {} failed", failures.len(), counted(lines.len(), "case")))),
    }
}

/// What a data set is made of, for those who use it.
fn text_of_card(cases: &BTreeMap<String, (&Record, Option<String>)>) -> String {
    let mut licences: BTreeMap<&str, usize> = BTreeMap::new();
    for (record, licence) in cases.values() {
        let none = if record.ct().is_some() { "not stated in the manifest" } else { "no CT but a phantom of kerma" };
        *licences.entry(licence.as_deref().unwrap_or(none)).or_default() += 1;
    }
    let mut text = format!(
        "# Simulated X-ray images\n\n{} by kerma {}. Every folder has its `{}` with all parameters, seeds and hashes;\n\
         `kerma simulate --again FOLDER/{}` makes it again to the bit.\n\n## Licences of the CTs\n\n",
        counted(cases.len(), "case"),
        env!("CARGO_PKG_VERSION"),
        record::FILE,
        record::FILE
    );
    for (licence, count) in licences {
        text.push_str(&format!("- {licence}: {}\n", counted(count, "case")));
    }
    text.push_str("\n## Cases\n\n| case | seed | CT, SHA-256, or phantom | protocol |\n|---|---|---|---|\n");
    for (name, (record, _)) in cases {
        text.push_str(&format!("| {name} | {} | {} | {} |\n", record.seed, record.subject(), record.description()));
    }
    text
}

/// Says what a batch would take.
fn forecast(args: &SimulateArgs, lines: &[Line], out: &Path, context: &mut Context) -> Result<(), Failure> {
    let (mut all, mut wrong) = (one::Forecast::default(), Vec::new());
    for line in lines {
        let forecast = match line {
            Ok(entry) => request(args, entry).and_then(|request| one::forecast(&request, context)),
            Err((_, why)) => Err(Failure::input(why)),
        };
        match forecast {
            Ok(forecast) => all = all.then(forecast),
            Err(failure) => wrong.push(failure.message()),
        }
    }
    all.memory_bytes *= args.jobs.max(1) as u64;
    context.measure("failed", &wrong);
    let cases = counted(lines.len() - wrong.len(), "case");
    let mut text = format!("{}: {cases} {}\n", out.display(), all.say(context));
    wrong.iter().for_each(|why| text.push_str(&format!("  would fail: {why}\n")));
    context.answer(text)
}
