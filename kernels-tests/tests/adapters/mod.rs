//! The two software adapters, by name. One that is required and missing fails; it never counts as a pass.

use std::env;

use kerma::engine::{AdapterSummary, Device, Numerics, adapters, open_adapter};

/// What `cargo xtask test` sets: names of adapters that must be there, separated by commas.
const REQUIRED: &str = "KERMA_REQUIRE_ADAPTERS";

/// A Vulkan driver that computes on the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Software {
    /// Mesa's lavapipe, which calls itself llvmpipe.
    Lavapipe,
    /// Google's SwiftShader.
    SwiftShader,
}

impl Software {
    fn name(self) -> &'static str {
        match self {
            Self::Lavapipe => "lavapipe",
            Self::SwiftShader => "swiftshader",
        }
    }

    fn is(self, adapter: &AdapterSummary) -> bool {
        let text = format!("{} {}", adapter.name, adapter.driver).to_lowercase();
        match self {
            Self::Lavapipe => text.contains("llvmpipe") || text.contains("lavapipe"),
            Self::SwiftShader => text.contains("swiftshader"),
        }
    }
}

/// Opens an adapter; `None`, and a line that says so, when it is absent and not required.
///
/// # Panics
/// When it is required and absent, or cannot be opened.
#[expect(clippy::panic, reason = "the failure of a test")]
pub(crate) fn opened(wanted: Software, numerics: Numerics) -> Option<Device> {
    let found = pollster::block_on(adapters());
    if let Some(index) = found.iter().position(|a| wanted.is(a)) {
        let device = pollster::block_on(open_adapter(index, numerics));
        return Some(device.unwrap_or_else(|e| panic!("{}: {e}", wanted.name())));
    }
    let required = env::var(REQUIRED).unwrap_or_default();
    let is_required = required.split(',').any(|name| name.trim() == wanted.name());
    assert!(!is_required, "ABSENT {}: required by {REQUIRED}={required}", wanted.name());
    println!("ABSENT {}", wanted.name());
    None
}
