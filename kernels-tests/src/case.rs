use kerma::engine::{Graph, Limits, Shader, Tier};

/// Limits of a device made narrower, so that a small case is divided as a huge one would be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Narrow {
    /// Largest part of a buffer, in bytes.
    pub binding_bytes: u64,
    /// Arithmetic operations of one dispatch.
    pub dispatch_operations: f64,
}

impl Narrow {
    /// Parts of at most so many bytes.
    #[must_use]
    pub fn binding(binding_bytes: u64) -> Self {
        Self { binding_bytes, dispatch_operations: f64::INFINITY }
    }

    /// Dispatches of at most so many operations.
    #[must_use]
    pub fn dispatch(dispatch_operations: f64) -> Self {
        Self { binding_bytes: u64::MAX, dispatch_operations }
    }

    /// `limits` made as narrow as this.
    #[must_use]
    pub fn of(&self, limits: Limits) -> Limits {
        Limits {
            binding_bytes: limits.binding_bytes.min(self.binding_bytes),
            dispatch_operations: limits.dispatch_operations.min(self.dispatch_operations),
            ..limits
        }
    }
}

/// One computation to be compared: inputs, and how they are recorded as a graph.
pub struct Case {
    /// Name of the kernel's shader; `engine.…` and `tasks.…` for what is not a kernel.
    pub kernel: &'static str,
    /// Promise that is checked.
    pub tier: Tier,
    /// What is special about the case, in words.
    pub name: String,
    /// Narrower limits, if the case is about division.
    pub narrow: Option<Narrow>,
    /// Whether the results hang on a knife's edge, such as a ray in a voxel face: exact where bits are pinned, but no
    /// tolerance can bound them where they are not.
    pub is_knife_edge: bool,
    setup: Box<dyn Setup>,
}

impl Case {
    /// Case of a kernel from its inputs and a function that records them.
    pub fn new<I: Send + Sync + 'static>(
        shader: &'static Shader,
        name: impl Into<String>,
        inputs: I,
        record: for<'a> fn(&'a I, &mut Graph<'a>),
    ) -> Self {
        Self::named(shader.name, shader.tier, name, inputs, record)
    }

    /// Case of something that is not a single kernel.
    pub fn named<I: Send + Sync + 'static>(
        kernel: &'static str,
        tier: Tier,
        name: impl Into<String>,
        inputs: I,
        record: for<'a> fn(&'a I, &mut Graph<'a>),
    ) -> Self {
        let setup = Box::new(Recipe { inputs, record });
        Self { kernel, tier, name: name.into(), narrow: None, is_knife_edge: false, setup }
    }

    /// The same case under narrower limits.
    #[must_use]
    pub fn narrowed(mut self, narrow: Narrow) -> Self {
        self.narrow = Some(narrow);
        self
    }

    /// The same case, marked as one on a knife's edge.
    #[must_use]
    pub fn on_a_knife_edge(mut self) -> Self {
        self.is_knife_edge = true;
        self
    }

    /// Records the case.
    #[must_use]
    pub fn graph(&self) -> Graph<'_> {
        self.setup.graph()
    }
}

trait Setup: Send + Sync {
    fn graph(&self) -> Graph<'_>;
}

struct Recipe<I> {
    inputs: I,
    record: for<'a> fn(&'a I, &mut Graph<'a>),
}

impl<I: Send + Sync> Setup for Recipe<I> {
    fn graph(&self) -> Graph<'_> {
        let mut graph = Graph::new();
        (self.record)(&self.inputs, &mut graph);
        graph
    }
}
