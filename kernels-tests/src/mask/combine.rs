use kerma::kernels::mask::combine::{Operation, SHADER, complement, record};

use super::masks::{Bits, Pattern, SIZES, name};
use crate::{Case, Narrow};

struct Inputs {
    left: Bits,
    right: Bits,
    operation: Operation,
}

fn case(size: [u32; 2], operation: Operation) -> Case {
    let [left, right] = [Pattern::Random(50), Pattern::Rings].map(|pattern| Bits::new(size, pattern));
    let inputs = Inputs { left, right, operation };
    Case::new(&SHADER, format!("{} {operation:?}", name(size)), inputs, |inputs, graph| {
        let (left, right) = (inputs.left.upload(graph), inputs.right.upload(graph));
        record(graph, left, right, inputs.operation);
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for operation in [Operation::And, Operation::Or, Operation::AndNot, Operation::Not] {
        cases.extend(SIZES.map(|size| case(size, operation)));
    }
    cases.push(Case::new(&SHADER, "complement", Bits::new([77, 50], Pattern::Rings), |mask, graph| {
        let mask = mask.upload(graph);
        complement(graph, mask);
    }));
    cases.push(case([77, 50], Operation::Not).narrowed(Narrow::binding(3 * 4 * 7)));
    cases
}
