//! NIfTI-2 made of NIfTI-1: each field by its offset in the standard's `nifti2.h`.

/// A file of NIfTI-1 in the fields of NIfTI-2, in one or the other byte order.
pub(crate) fn nifti2(first: &[u8], is_big: bool) -> Vec<u8> {
    let mut header = vec![0; 544];
    let mut put = |at: usize, mut value: Vec<u8>| {
        if is_big {
            value.reverse();
        }
        header[at..at + value.len()].copy_from_slice(&value);
    };
    let word = |at: usize| <[u8; 2]>::try_from(&first[at..at + 2]).unwrap();
    let short = |at: usize| i16::from_le_bytes(word(at));
    let real = |at: usize| f64::from(f32::from_le_bytes(first[at..at + 4].try_into().unwrap()));
    put(0, 540_i32.to_le_bytes().into());
    put(12, word(70).into()); // datatype
    put(14, word(72).into()); // bitpix
    (0..8).for_each(|axis| put(16 + 8 * axis, i64::from(short(40 + 2 * axis)).to_le_bytes().into()));
    (0..8).for_each(|axis| put(104 + 8 * axis, real(76 + 4 * axis).to_le_bytes().into())); // pixdim
    put(168, 544_i64.to_le_bytes().into()); // vox_offset
    put(176, real(112).to_le_bytes().into()); // scl_slope
    put(184, real(116).to_le_bytes().into()); // scl_inter
    put(344, i32::from(short(252)).to_le_bytes().into()); // qform_code
    put(348, i32::from(short(254)).to_le_bytes().into()); // sform_code
    // Quaternion, offsets and the rows of the sform.
    (0..18).for_each(|index| put(352 + 8 * index, real(256 + 4 * index).to_le_bytes().into()));
    put(500, i32::from(first[123]).to_le_bytes().into()); // xyzt_units
    header[4..12].copy_from_slice(b"n+2\0\r\n\x1a\n");
    header[240..320].copy_from_slice(&first[148..228]); // descrip
    let values = first[352..].as_chunks::<4>().0.iter();
    header.extend(values.flat_map(|value| if is_big { [value[3], value[2], value[1], value[0]] } else { *value }));
    header
}
