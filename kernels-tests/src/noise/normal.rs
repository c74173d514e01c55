use kerma::{
    engine::{Extent, Graph},
    kernels::noise::{
        Stream,
        normal::{SHADER, record},
    },
};

use crate::{Case, Narrow};

fn recorded<'a>((extent, stream): &'a (Extent, Stream), graph: &mut Graph<'a>) {
    record(graph, *extent, stream);
}

fn case(name: &str, [slices, rows, columns]: [usize; 3], stream: Stream) -> Case {
    let extent = Extent::new(slices, rows, columns);
    Case::new(&SHADER, format!("{columns}x{rows}x{slices}{name}"), (extent, stream), recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    let stream = Stream::new(0x0123_4567_89ab_cdef, 7);
    vec![
        case("", [1, 1, 1], stream),
        case("", [1, 1, 1003], Stream::new(0, 0)),
        case("", [1, 517, 1], Stream::new(u64::MAX, u32::MAX)),
        case("", [3, 67, 129], stream),
        // Enough for dozens of numbers beyond 4.5, and for the far polynomial.
        case("", [1, 1021, 1019], stream),
        case(", elsewhere", [2, 33, 65], stream.at([17, 40_000, 3])),
        case(", over the end of the counter", [2, 5, 65], stream.at([u32::MAX - 7, u32::MAX - 2, u32::MAX])),
        case(", parts", [5, 67, 129], stream).narrowed(Narrow::binding(20 * 129 * 4)),
        case(", dispatches", [2, 67, 129], stream).narrowed(Narrow::dispatch(1e6)),
    ]
}
