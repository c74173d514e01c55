//! Host memory for large buffers.

/// Buffers below this size are left alone: a huge page has 2 MiB, and lies at a multiple of that.
const LARGE_BYTES: usize = 4 << 20;

/// Zeros for a buffer of the CPU backend.
///
/// Fresh memory is handed out page by page at its first touch, which for buffers of many megabytes takes as long as a
/// cheap kernel. Linux is asked for huge pages, of which there are 512 times fewer; it may decline.
pub(super) fn zeroed(words: usize) -> Vec<u32> {
    let zeros = vec![0_u32; words];
    if size_of_val(zeros.as_slice()) >= LARGE_BYTES {
        prefer_huge_pages(&zeros);
    }
    zeros
}

#[cfg(target_os = "linux")]
fn prefer_huge_pages(words: &[u32]) {
    use rustix::mm::{Advice, madvise};

    // Advice holds for whole pages; those that the buffer shares with others stay as they are.
    const PAGE_BYTES: usize = 4096;
    let skipped = words.as_ptr().align_offset(PAGE_BYTES);
    let Some(inner) = words.get(skipped..) else { return };
    let bytes = size_of_val(inner) / PAGE_BYTES * PAGE_BYTES;
    // SAFETY: the range lies within the buffer, and the advice changes nothing but the size of its pages.
    let declined = unsafe { madvise(inner.as_ptr().cast_mut().cast(), bytes, Advice::LinuxHugepage) };
    // A kernel without huge pages declines; then the pages are small.
    let _ = declined;
}

#[cfg(not(target_os = "linux"))]
fn prefer_huge_pages(_: &[u32]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_buffers_are_zero_and_writable_to_the_end() {
        let words = LARGE_BYTES / 4 + 1027;
        let mut buffer = zeroed(words);
        assert!(buffer.iter().all(|&w| w == 0));
        buffer.fill(7);
        assert_eq!((buffer.len(), buffer[words - 1]), (words, 7));
    }
}
