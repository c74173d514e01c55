use std::{borrow::Cow, future::Future, ops::Range};

use super::TaskError;
use crate::{
    data::Projections,
    engine::{Buffer, Control, Device, Extent, Graph, Outputs, Plan, Shared},
    geometry::Geometry,
};

/// Work that has a result: it runs on a device, tells how far it is, and can be cancelled.
pub trait Task {
    /// What comes of it.
    type Result;

    /// Does it; `control` hears of the progress and may stop it.
    ///
    /// # Errors
    /// [`TaskError`]: cancelled, or what the engine says.
    fn run(&self, device: &Device, control: &Control<'_>) -> impl Future<Output = Result<Self::Result, TaskError>>;
}

/// A task that is one graph, which can be planned, printed and measured before it runs.
pub trait Recorded {
    /// What comes of it.
    type Result;

    /// The recorded graph.
    fn graph(&self) -> &Graph<'_>;

    /// Shapes the outputs of a run.
    ///
    /// # Errors
    /// [`TaskError`] when the outputs are not those of this graph.
    fn finish(&self, outputs: Outputs) -> Result<Self::Result, TaskError>;
}

impl<T: Recorded> Task for T {
    type Result = T::Result;

    async fn run(&self, device: &Device, control: &Control<'_>) -> Result<T::Result, TaskError> {
        let plan = Plan::new(self.graph(), device.limits())?;
        self.finish(device.run(&plan, control).await?)
    }
}

impl Task for Plan<'_, '_> {
    type Result = Outputs;

    async fn run(&self, device: &Device, control: &Control<'_>) -> Result<Outputs, TaskError> {
        Ok(device.run(self, control).await?)
    }
}

/// Whether projections are those of a geometry, by their numbers.
///
/// # Errors
/// [`TaskError::Shape`].
pub(super) fn fits(projections: &Projections, geometry: &Geometry) -> Result<(), TaskError> {
    let words = |views: usize, [nu, nv]: [usize; 2]| format!("{views} views of {nu}x{nv}");
    let expected = words(geometry.views().len(), geometry.detector());
    let got = words(projections.views(), projections.detector());
    if expected == got { Ok(()) } else { Err(TaskError::Shape { expected, got }) }
}

/// Values that a task borrows or owns.
pub(super) enum Values<'a> {
    Borrowed(&'a [f32]),
    Owned(Shared<f32>),
}

impl<'a> Values<'a> {
    /// Of something that holds values, by the functions that lend them and give them away.
    pub(super) fn of<T: Clone>(holder: Cow<'a, T>, lent: fn(&'a T) -> &'a [f32], given: fn(T) -> Vec<f32>) -> Self {
        match holder {
            Cow::Borrowed(holder) => Self::Borrowed(lent(holder)),
            Cow::Owned(holder) => Self::Owned(Shared::new(given(holder))),
        }
    }

    /// Records the upload of a part of them.
    pub(super) fn upload(
        &self,
        graph: &mut Graph<'a>,
        label: &str,
        extent: Extent,
        range: Range<usize>,
    ) -> Buffer<f32> {
        match self {
            Self::Borrowed(values) => graph.upload(label, extent, &values[range]),
            Self::Owned(values) => graph.upload_shared(label, extent, values.part(range)),
        }
    }
}
