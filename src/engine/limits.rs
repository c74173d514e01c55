/// What a plan must respect; comes from a device, or is chosen freely in tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Largest part of a buffer that can be bound at once, in bytes.
    pub binding_bytes: u64,
    /// Largest sum of all live buffers, in bytes.
    pub memory_bytes: u64,
    /// Workgroups per dispatch and dimension.
    pub workgroups: u32,
    /// Arithmetic operations of one dispatch, so that no watchdog is woken.
    pub dispatch_operations: f64,
    /// Whether buffers live in host memory, so that uploads are borrowed and downloads are moved.
    pub host_memory: bool,
}

impl Limits {
    /// Share of a device's binding limit that one buffer part may take.
    const BINDING_SHARE: u64 = 2;
    /// Largest buffer part on any device: 1 GiB.
    const MAX_BINDING_BYTES: u64 = 1 << 30;
    /// Operations that the slowest hardware worth supporting does in 100 ms (200 Gop/s, about a sixth of what a
    /// small integrated GPU reaches on paper).
    const DISPATCH_OPERATIONS: f64 = 2e10;
    /// Input slices that a twin sums at a time: 4 GiB, so that numbers of voxels fit an `i32`.
    const HOST_BINDING_BYTES: u64 = 1 << 32;
    /// The same for computing on the CPU, where no watchdog waits but progress and cancelling should be prompt.
    const HOST_DISPATCH_OPERATIONS: f64 = 2e9;

    /// Limits that every WebGPU device meets: 128 MiB bindings, 65,535 workgroups.
    #[must_use]
    pub fn portable() -> Self {
        Self::of_device(128 << 20, 65_535)
    }

    /// Limits of a device from its binding limit and its workgroup limit; its memory cannot be asked for.
    #[must_use]
    pub fn of_device(binding_limit_bytes: u64, workgroups: u32) -> Self {
        Self {
            binding_bytes: (binding_limit_bytes / Self::BINDING_SHARE).min(Self::MAX_BINDING_BYTES),
            memory_bytes: u64::MAX,
            workgroups,
            dispatch_operations: Self::DISPATCH_OPERATIONS,
            host_memory: false,
        }
    }

    /// The same limits for a driver that computes on the CPU.
    #[must_use]
    pub fn in_software(self) -> Self {
        Self { dispatch_operations: Self::HOST_DISPATCH_OPERATIONS, ..self }
    }

    /// Limits of the CPU backend: memory, and pieces of inputs small enough for 32-bit indices.
    #[must_use]
    pub fn host(memory_bytes: u64) -> Self {
        Self {
            binding_bytes: Self::HOST_BINDING_BYTES,
            memory_bytes,
            workgroups: u32::MAX,
            dispatch_operations: Self::HOST_DISPATCH_OPERATIONS,
            host_memory: true,
        }
    }

    /// Whether a plan that respects these limits also respects `device`'s.
    #[must_use]
    pub fn within(&self, device: &Self) -> bool {
        self.binding_bytes <= device.binding_bytes
            && self.memory_bytes <= device.memory_bytes
            && self.workgroups <= device.workgroups
            && self.dispatch_operations <= device.dispatch_operations
            && self.host_memory == device.host_memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrower_limits_are_within_wider_ones_only() {
        let wide = Limits::portable();
        let narrow = [
            Limits { binding_bytes: 4096, ..wide },
            Limits { memory_bytes: 4096, ..wide },
            Limits { workgroups: 7, ..wide },
            Limits { dispatch_operations: 1e3, ..wide },
        ];
        assert!(wide.within(&wide));
        for narrow in narrow {
            assert!(narrow.within(&wide) && !wide.within(&narrow), "{narrow:?}");
        }
        assert!(!Limits { host_memory: true, ..wide }.within(&wide));
    }
}
