//! What is wrong with sizes that several networks have.

/// Channels that enter and leave: 1 to 64.
pub(super) fn of_channels(inputs: usize, outputs: usize) -> Option<String> {
    let (name, channels) =
        [("inputs", inputs), ("outputs", outputs)].into_iter().find(|(_, channels)| !(1..=64).contains(channels))?;
    Some(format!("{name} must be 1 to 64, got {channels}"))
}

/// Channels of the levels.
pub(super) fn of_levels(base: usize, multipliers: &[usize], groups: usize) -> Option<String> {
    if multipliers.is_empty() || multipliers.len() > 6 || multipliers.iter().any(|m| !(1..=16).contains(m)) {
        return Some(format!("multipliers must be 1 to 6 numbers of 1 to 16, got {multipliers:?}"));
    }
    (groups == 0 || base == 0 || !base.is_multiple_of(groups) || base > 1024)
        .then(|| format!("base must be a multiple of groups up to 1024, got {base} and {groups}"))
}

/// Side of the blocks that enter as channels, and blocks of a level.
pub(super) fn of_blocks(fold: usize, blocks: usize) -> Option<String> {
    if !(1..=4).contains(&fold) {
        return Some(format!("fold must be 1 to 4, got {fold}"));
    }
    (!(1..=8).contains(&blocks)).then(|| format!("blocks must be 1 to 8, got {blocks}"))
}
