use kerma::kernels::histogram::{Tiles, merge::SHADER};

use super::{Inputs, recorded};
use crate::{Case, Narrow};

pub(crate) fn cases() -> Vec<Case> {
    let case = |size: [u32; 2], bits: u8, count: [u32; 2]| {
        let name = format!("{}x{} in {}x{}, {bits} bits", size[0], size[1], count[0], count[1]);
        Case::new(&SHADER, name, Inputs::new(size, bits, Tiles::even(size, count)), recorded)
    };
    vec![
        case([50, 300], 8, [1, 1]),
        case([50, 301], 16, [2, 3]),
        case([50, 301], 13, [3, 7]),
        case([50, 301], 10, [3, 7]).narrowed(Narrow::dispatch(2e4)),
    ]
}
