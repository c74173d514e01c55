//! The commands, one file each.

mod axis;
mod backproject;
mod bench;
#[cfg(feature = "nn")]
mod check;
mod conformance;
mod demo;
#[cfg(feature = "nn")]
mod denoise;
#[cfg(feature = "nn")]
mod detect;
mod devices;
mod enhance;
mod evaluate;
mod geometry;
#[cfg(feature = "nn")]
mod infer;
mod info;
mod metrics;
mod normalise;
mod phantom;
mod plan;
mod project;
mod reconstruct;
mod simulate;
mod spectrum;
#[cfg(feature = "nn")]
mod train;

use clap::Subcommand;

use crate::{context::Context, failure::Failure};

/// What `kerma` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the main job, from a CT to a report with pictures
    Demo(demo::DemoArgs),
    /// List adapters, their limits, features and numeric self-test
    Devices(devices::DevicesArgs),
    /// Hold every kernel on the device against its CPU twin
    Conformance(conformance::ConformanceArgs),
    /// Say what a file is: format, size, spacing, unit, and what is odd about it
    Info(info::InfoArgs),
    /// Write a built-in phantom as a volume, or its exact projections
    Phantom(phantom::PhantomArgs),
    /// Print a commented example of a geometry file
    Geometry(geometry::GeometryArgs),
    /// Compute line integrals through a volume
    Project(project::ProjectArgs),
    /// Back-project without a filter: the adjoint of `project`
    Backproject(backproject::BackprojectArgs),
    /// Make line integrals of a scan's counts, with flat and dark fields
    Normalise(normalise::NormaliseArgs),
    /// Find the rotation axis of a scan
    Axis(axis::AxisArgs),
    /// Reconstruct a volume from projections
    Reconstruct(reconstruct::ReconstructArgs),
    /// Simulate radiographs, tomosynthesis and CT from a CT, with their physics
    Simulate(simulate::SimulateArgs),
    /// Enhance a radiograph: mask, local contrast, spatial frequencies
    Enhance(enhance::EnhanceArgs),
    /// Tell noise, contrast and rotation of a chest radiograph with trained networks
    #[cfg(feature = "nn")]
    Check(check::CheckArgs),
    /// Denoise a radiograph with a trained network
    #[cfg(feature = "nn")]
    Denoise(denoise::DenoiseArgs),
    /// Find nodules in a volume with a trained network
    #[cfg(feature = "nn")]
    Detect(detect::DetectArgs),
    /// Run a trained network of any kind on a file
    #[cfg(feature = "nn")]
    Infer(infer::InferArgs),
    /// Measure how far an image differs from a reference, how sharp and how noisy it is
    Metrics(metrics::MetricsArgs),
    /// Compute the spectrum of an X-ray tube: photons, air kerma, half-value layers
    Spectrum(spectrum::SpectrumArgs),
    /// Train a network from simulated radiographs
    #[cfg(feature = "nn")]
    Train(train::TrainArgs),
    /// Hold denoisers, or the simulation, to what is known, by a recipe
    Evaluate(evaluate::EvaluateArgs),
    /// Print the compute graph of a command without running it
    Plan(plan::PlanArgs),
    /// Time the CPU twins against the GPU on this machine
    Bench(bench::BenchArgs),
}

/// Runs one command.
pub(crate) fn run(command: Command, context: &mut Context) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(&args, context),
        Command::Devices(args) => devices::run(&args, context),
        Command::Conformance(args) => conformance::run(&args, context),
        Command::Info(args) => info::run(&args, context),
        Command::Phantom(args) => phantom::run(&args, context),
        Command::Geometry(args) => geometry::run(&args, context),
        Command::Project(args) => project::run(&args, context),
        Command::Backproject(args) => backproject::run(&args, context),
        Command::Normalise(args) => normalise::run(&args, context),
        Command::Axis(args) => axis::run(&args, context),
        Command::Reconstruct(args) => reconstruct::run(&args, context),
        Command::Simulate(args) => simulate::run(&args, context),
        Command::Enhance(args) => enhance::run(&args, context),
        #[cfg(feature = "nn")]
        Command::Check(args) => check::run(&args, context),
        #[cfg(feature = "nn")]
        Command::Denoise(args) => denoise::run(&args, context),
        #[cfg(feature = "nn")]
        Command::Detect(args) => detect::run(&args, context),
        #[cfg(feature = "nn")]
        Command::Infer(args) => infer::run(&args, context),
        Command::Metrics(args) => metrics::run(&args, context),
        Command::Spectrum(args) => spectrum::run(&args, context),
        #[cfg(feature = "nn")]
        Command::Train(args) => train::run(&args, context),
        Command::Evaluate(args) => evaluate::run(&args, context),
        Command::Plan(args) => plan::run(&args, context),
        Command::Bench(args) => bench::run(&args, context),
    }
}
