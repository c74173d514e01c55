//! What AMD's compiler makes of every shader, on three generations of hardware that need not be there: no product of a
//! pinned shader is fused with a sum, nothing is left to the hardware's own approximations, no shader spills registers, and all
//! leave room for enough waves.
//!
//! Mesa's RADV compiles for the generation that `RADV_FORCE_FAMILY` names, on a device called null hardware, and shows the
//! machine code and its statistics by `VK_KHR_pipeline_executable_properties`. Nothing can run there, and Mesa 22.3 crashes
//! in queries of properties that wgpu makes, so that Vulkan is asked directly.

mod amd;

use std::{collections::HashMap, env};

use amd::{Compiled, NullHardware};
use kerma::{
    engine::{Numerics, Tier},
    kernels::shaders,
};

/// Generations: RDNA 3, of which the table is, RDNA 2, GCN 5.
const FAMILIES: [&str; 3] = ["gfx1100", "navi21", "vega10"];
/// What `cargo xtask test` sets: the ICD file of RADV.
const RADV_VARIABLE: &str = "KERMA_RADV_ICD";
/// Holds forbidden expressions on purpose, to report what adapters make of them.
const SELF_TEST: &str = "engine.selftest";
/// Waves that a SIMD of the first generation must hold at once, so that some compute while others wait for memory.
const WAVES: u32 = 16;
/// A shader that the compiler fuses where its pins are off; else the test would be blind.
const CONTROL: &str = "project.siddon";

/// Whether an instruction fuses a product of floats with a sum: `v_fma_f32`, `v_fmac_f32`, `v_mad_f32`, `v_dual_fmac_f32`,
/// `v_pk_fma_f16`, `v_fma_mix_f32` and their kin.
fn is_fused(mnemonic: &str) -> bool {
    const FUSED: [&str; 8] = ["fma", "fmac", "fmaak", "fmamk", "mac", "mad", "madak", "madmk"];
    is_of_floats(mnemonic) && mnemonic.split('_').any(|word| FUSED.contains(&word))
}

/// Whether an instruction is the hardware's approximation of a function of floats.
fn is_approximate(mnemonic: &str) -> bool {
    const FUNCTIONS: [&str; 7] = ["rcp", "rsq", "sqrt", "exp", "log", "sin", "cos"];
    is_of_floats(mnemonic) && mnemonic.split('_').any(|word| FUNCTIONS.contains(&word))
}

/// Whether an instruction computes with floats; those of integers end in `u32`, `i32`, `u24` and so on.
fn is_of_floats(mnemonic: &str) -> bool {
    mnemonic.split('_').any(|word| ["f16", "f32", "f64"].contains(&word))
}

/// How many instructions fuse.
fn fused_count(compiled: &Compiled) -> usize {
    compiled.instructions().filter(|(mnemonic, _)| is_fused(mnemonic)).count()
}

/// Instructions that no pinned shader may hold.
///
/// A division of integers begins with the reciprocal of the divisor as a float, which its next steps correct: that one is
/// known by its operand, which was made from an integer.
fn forbidden(compiled: &Compiled) -> Vec<String> {
    let mut writers = HashMap::new();
    let mut forbidden = Vec::new();
    for (mnemonic, operands) in compiled.instructions() {
        let mut operands = operands.split(',').map(str::trim);
        let (target, source) = (operands.next(), operands.next());
        let writer = source.and_then(|source| writers.get(source)).copied().unwrap_or_default();
        let divides_integers = mnemonic.starts_with("v_rcp_") && writer == "v_cvt_f32_u32";
        if is_fused(mnemonic) || is_approximate(mnemonic) && !divides_integers {
            forbidden.push(format!("{mnemonic} after {writer}"));
        }
        writers.extend(target.map(|target| (target, mnemonic)));
    }
    forbidden
}

/// A line of the table that `cargo xtask isa` prints.
fn print_row(name: &str, pinned: &Compiled, fast: &Compiled) {
    let of_pinned = ["VGPRs", "Scratch size", "LDS size", "Subgroups per SIMD", "Inverse Throughput"];
    let cells = of_pinned.map(|statistic| pinned.statistic(statistic)).join(" | ");
    println!("| {name} | {cells} | {} | {} |", fast.statistic("Inverse Throughput"), fused_count(fast));
}

/// One test, since the driver takes the generation from the environment of the process.
#[test]
fn pinned_shaders_are_neither_fused_nor_approximated() {
    let Some(icd) = env::var_os(RADV_VARIABLE) else {
        let required = env::var("KERMA_REQUIRE_ADAPTERS").unwrap_or_default();
        assert!(!required.split(',').any(|name| name.trim() == "radv"), "ABSENT radv: {RADV_VARIABLE} is not set");
        println!("ABSENT radv");
        return;
    };
    for (mnemonic, fused, approximate) in [
        ("v_fma_f32", true, false),
        ("v_dual_fmac_f32", true, false),
        ("v_pk_fma_f16", true, false),
        ("v_fma_mix_f32", true, false),
        ("v_mad_f32", true, false),
        ("v_fmaak_f32", true, false),
        ("v_rsq_f32", false, true),
        ("v_sqrt_f32", false, true),
        ("v_rcp_iflag_f32", false, true),
        ("v_mad_u32_u24", false, false),
        ("v_mul_f32", false, false),
        ("v_add_f32", false, false),
        ("s_endpgm", false, false),
    ] {
        assert_eq!((is_fused(mnemonic), is_approximate(mnemonic)), (fused, approximate), "{mnemonic}");
    }
    println!("| shader | registers | scratch | LDS | waves | cost, pinned | cost, fast | fused, fast |");
    println!("|---|---|---|---|---|---|---|---|");
    for family in FAMILIES {
        // SAFETY: this program has one test, and no other thread reads the environment meanwhile.
        unsafe {
            env::set_var("VK_DRIVER_FILES", &icd);
            env::set_var("VK_ICD_FILENAMES", &icd);
            env::set_var("RADV_FORCE_FAMILY", family);
        }
        let hardware = NullHardware::open().unwrap_or_else(|e| panic!("ABSENT radv for {family}: {e}"));
        for shader in shaders() {
            let [pinned, fast] = [Numerics::Pinned, Numerics::Fast].map(|n| hardware.compile(shader, n).unwrap());
            let ends = pinned.instructions().any(|(mnemonic, _)| mnemonic == "s_endpgm");
            assert!(ends, "{} on {family}: no machine code", shader.name);
            for compiled in [&pinned, &fast] {
                assert_eq!(compiled.statistic("Scratch size"), "0", "{} on {family}: registers are spilt", shader.name);
            }
            if family == FAMILIES[0] {
                print_row(shader.name, &pinned, &fast);
                let waves = pinned.statistic("Subgroups per SIMD").parse().unwrap_or(0);
                assert!(waves >= WAVES, "{} on {family}: {waves} waves", shader.name);
            }
            if shader.name == CONTROL {
                assert!(fused_count(&fast) > 0, "{family}: nothing fused in the fast variant of {CONTROL}");
            }
            let forbidden = forbidden(&pinned);
            if shader.name == SELF_TEST {
                assert!(!forbidden.is_empty(), "{family}: nothing forbidden in what is only observed");
            } else if shader.tier != Tier::Tolerance {
                assert!(forbidden.is_empty(), "{} on {family}: {forbidden:?}", shader.name);
            }
        }
    }
}
