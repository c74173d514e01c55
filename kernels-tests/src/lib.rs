//! Conformance suite: every kernel on a device against its CPU twin.
