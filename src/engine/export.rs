use super::{
    Error, Graph, Output,
    buffer::{Entry, WORD_BYTES},
};

/// Memory outside the engine, on the same device, that takes an output in place of a host array.
///
/// The buffer must belong to the wgpu device of [`super::Handles`] and allow copies into it; what its owner has queued
/// must have been submitted before the run. The engine submits its copies to the same queue and returns when they are
/// done, so that whatever is submitted later sees them. Words that no download writes keep what was there.
#[derive(Clone, Debug)]
pub struct Export {
    pub(crate) output: Entry,
    pub(crate) buffer: wgpu::Buffer,
    pub(crate) offset_bytes: u64,
    pub(crate) words: u64,
}

impl Export {
    /// `output` goes into the `elements` elements of `buffer` from byte `offset_bytes` on.
    #[must_use]
    pub fn new<T>(output: Output<T>, buffer: wgpu::Buffer, offset_bytes: u64, elements: usize) -> Self {
        let words = elements as u64 * size_of::<T>() as u64 / WORD_BYTES;
        Self { output: output.entry, buffer, offset_bytes, words }
    }

    /// Checks that the memory is as large as the output, within its buffer, and can be copied to.
    pub(crate) fn check(&self, graph: &Graph<'_>) -> Result<(), Error> {
        let output = graph.outputs.get(self.output.index).filter(|_| self.output.graph == graph.id);
        let output = output.ok_or_else(|| Error::OtherGraph { place: "export".to_owned() })?;
        let needed = output.words as u64;
        if needed != self.words {
            return Err(Error::BufferSize { buffer: output.label.clone(), needed, got: self.words });
        }
        let refused = |reason: String| Err(Error::Export { output: output.label.clone(), reason });
        let (offset, size) = (self.offset_bytes, self.buffer.size());
        if !offset.is_multiple_of(WORD_BYTES) {
            return refused(format!("its place must be a multiple of {WORD_BYTES} bytes, got {offset}"));
        }
        let end = offset.saturating_add(needed.saturating_mul(WORD_BYTES));
        if end > size {
            return refused(format!("it would end at byte {end} of a buffer of {size} bytes"));
        }
        if !self.buffer.usage().contains(wgpu::BufferUsages::COPY_DST) {
            return refused("the buffer does not allow copies into it".to_owned());
        }
        Ok(())
    }
}
