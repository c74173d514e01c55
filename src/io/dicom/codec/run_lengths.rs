use super::{Cells, Fault, damaged};

/// One segment for each byte of a pixel, the highest first.
pub(super) fn decode(frame: &[u8], cells: Cells) -> Result<Vec<u8>, Fault> {
    const HEADER_BYTES: usize = 64;
    let header = frame.get(..HEADER_BYTES).ok_or_else(|| damaged("the header of the run lengths is cut off"))?;
    let mut numbers = header.as_chunks().0.iter().map(|&n| u32::from_le_bytes(n) as usize);
    let segments = numbers.next().unwrap_or(0);
    if segments != cells.bytes {
        let (expected, allocated) = (cells.bytes, 8 * cells.bytes);
        return Err(Fault::Damaged(format!(
            "BitsAllocated is {allocated}, which takes {expected} segments of run lengths, but the frame has {segments}"
        )));
    }
    let mut bounds: Vec<usize> = numbers.take(segments).collect();
    bounds.push(frame.len());
    let mut bytes = vec![0; cells.count() * cells.bytes];
    for (index, bound) in bounds.windows(2).enumerate() {
        let segment = frame.get(bound[0]..bound[1]).filter(|_| bound[0] >= HEADER_BYTES);
        let segment = segment.ok_or_else(|| damaged(format!("segment {} lies outside the frame", index + 1)))?;
        let place = bytes.iter_mut().skip(cells.bytes - 1 - index).step_by(cells.bytes);
        let missing = unpack(segment, place);
        if missing > 0 {
            return Err(Fault::Damaged(format!("segment {} ends {missing} pixels early", index + 1)));
        }
    }
    Ok(bytes)
}

/// Unpacks bytes into their places and tells how many of these stay empty.
fn unpack<'a>(mut packed: &[u8], mut places: impl ExactSizeIterator<Item = &'a mut u8>) -> usize {
    /// Stands for nothing.
    const IDLE: u8 = 128;
    while let Some((&sign, rest)) = packed.split_first() {
        if places.len() == 0 {
            break;
        }
        packed = rest;
        if sign == IDLE {
            continue;
        }
        if sign < IDLE {
            let (literal, rest) = packed.split_at(packed.len().min(usize::from(sign) + 1));
            packed = rest;
            literal.iter().zip(places.by_ref()).for_each(|(&byte, place)| *place = byte);
        } else if let Some((&byte, rest)) = packed.split_first() {
            packed = rest;
            places.by_ref().take(257 - usize::from(sign)).for_each(|place| *place = byte);
        }
    }
    places.len()
}
