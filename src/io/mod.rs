//! Readers and writers for volumes, projection stacks and images.
