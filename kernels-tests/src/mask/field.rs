use kerma::kernels::mask::{
    combine::SHADER,
    field::{Cleaning, record},
};

use super::masks::{Bits, Pattern, name};
use crate::Case;

struct Inputs {
    bits: Bits,
    cleaning: Cleaning,
}

fn case(size: [u32; 2], cleaning: Cleaning) -> Case {
    let inputs = Inputs { bits: Bits::new(size, Pattern::Disc), cleaning };
    Case::new(&SHADER, format!("{} cleaned at {}", name(size), cleaning.longest), inputs, |inputs, graph| {
        let mask = inputs.bits.upload(graph);
        record(graph, mask, &inputs.cleaning);
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let cleaning = Cleaning { opening: 1, closing: 1, ..Cleaning::default() };
    vec![
        case([1, 1], cleaning),
        case([131, 97], cleaning),
        case([131, 97], Cleaning { longest: 50, ..cleaning }),
        case([300, 65], Cleaning { longest: 75, largest: false, ..cleaning }),
    ]
}
