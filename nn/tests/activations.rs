//! What networks say that evaluating them takes at most, against the memory that they take.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use burn::tensor::{Device, Tensor};
use kerma_nn::networks::{
    Classifier, ClassifierOptions, Fresh, Unet, Unet3d, Unet3dOptions, UnetOptions, Unetr, UnetrOptions,
};

/// The system's memory, with what is taken of it counted.
struct Counting;

static TAKEN: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(TAKEN.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: the caller's promises are the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        TAKEN.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// One test at a time: each counts what all take.
static ALONE: Mutex<()> = Mutex::new(());

/// Bytes that a second evaluation takes at once; the first makes weights, and what threads keep.
fn taken<T>(evaluate: impl Fn() -> T) -> u64 {
    drop(evaluate());
    let before = TAKEN.load(Relaxed);
    MOST.store(before, Relaxed);
    drop(evaluate());
    (MOST.load(Relaxed) - before) as u64
}

/// What is told must suffice, and not be more than some times what is taken.
fn check<const D: usize>(name: &str, shape: [usize; D], told: u64, forward: impl Fn(Tensor<D>)) {
    let x = Tensor::ones(shape, &Device::flex());
    let taken = taken(|| forward(x.clone()));
    println!("{name} {shape:?}: {taken} of {told} bytes");
    assert!(taken <= told && told < 4 * taken, "{name} {shape:?}: {taken} of {told} bytes");
}

fn fresh() -> Fresh {
    Fresh::new(1, &Device::flex())
}

#[test]
fn volumes_take_no_more_than_told() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (inputs, outputs) in [(1, 1), (4, 2), (40, 1)] {
        let options = Unet3dOptions { inputs, outputs, ..Unet3dOptions::default() };
        let network = Unet3d::new(&options, &fresh());
        for sides in [[48, 48, 48], [16, 32, 48]] {
            let shape = [1, inputs, sides[0], sides[1], sides[2]];
            check("Unet3d", shape, options.activation_bytes(sides), |x| drop(network.forward(x)));
        }
        let options = UnetrOptions { inputs, outputs, ..UnetrOptions::default() };
        let network = Unetr::new(&options, &fresh());
        let told = options.activation_bytes();
        check("Unetr", [1, inputs, 48, 48, 48], told, |x| drop(network.forward(x)));
    }
}

#[test]
fn images_take_no_more_than_told() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for (inputs, outputs) in [(1, 1), (9, 4), (40, 1)] {
        let options = UnetOptions {
            conditioned: false,
            inputs,
            outputs,
            fold: 1,
            base: 16,
            multipliers: vec![1, 2, 4, 8],
            blocks: 1,
            groups: 8,
            attention: false,
        };
        let network = Unet::new(&options, &fresh());
        let told = options.activation_bytes(256);
        check("Unet", [1, inputs, 256, 256], told, |x| drop(network.forward(x, None)));
        let options = ClassifierOptions { inputs, outputs, ..ClassifierOptions::default() };
        let network = Classifier::new(&options, &fresh());
        let told = options.activation_bytes(256);
        check("Classifier", [1, inputs, 256, 256], told, |x| drop(network.forward(x)));
    }
}
