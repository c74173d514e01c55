use super::{Case, ProtocolError, ScatterMap};
use crate::{
    engine::{Control, Device},
    tasks::{Task, TaskError},
};

/// The scattered radiation of a case: runs on a device.
pub struct ScatterTask<'a> {
    case: &'a Case,
    seed: u64,
}

impl Case {
    /// The scattered radiation of the case's views, where the protocol has any.
    ///
    /// # Errors
    /// [`TaskError`] when it cannot be computed.
    pub fn scatter(&self, seed: u64) -> Result<Option<ScatterTask<'_>>, TaskError> {
        match self.protocol().scatter {
            None => Ok(None),
            Some(_) => Ok(Some(ScatterTask { case: self, seed })),
        }
    }
}

impl Task for ScatterTask<'_> {
    type Result = ScatterMap;

    async fn run(&self, _device: &Device, _control: &Control<'_>) -> Result<ScatterMap, TaskError> {
        let _ = (self.case, self.seed);
        Err(ProtocolError::value("scatter", "none", "a model").into())
    }
}
