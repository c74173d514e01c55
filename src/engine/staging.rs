//! Host memory through which uploads and downloads pass on their way to and from a device.

/// Size of one staging buffer: large enough for full transfer speed, small enough to be forgotten in the budget.
pub(crate) const CHUNK_BYTES: u64 = 8 << 20;

/// Staging buffers in flight per direction.
pub(crate) const RING_DEPTH: usize = 3;

/// Memory of both rings, one per direction.
pub(crate) const STAGING_BYTES: u64 = 2 * RING_DEPTH as u64 * CHUNK_BYTES;
