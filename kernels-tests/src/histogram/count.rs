use kerma::kernels::histogram::{Tiles, count::SHADER};

use super::{Inputs, fixed, recorded};
use crate::{
    Case, Narrow,
    pixels::{HostMask, HostPixels},
};

pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, inputs| Case::new(&SHADER, name, inputs, recorded);
    let mut cases = Vec::new();
    for bits in [1, 8, 10, 11, 12, 14, 16] {
        for size in [[1, 1], [1, 67], [129, 1], [97, 83]] {
            let name = format!("{}x{}, {bits} bits", size[0], size[1]);
            cases.push(case(&name, Inputs::new(size, bits, Tiles::even(size, [3, 5]))));
        }
    }
    for bits in [8, 12, 16] {
        let size = [97, 83];
        let name = |what: &str| format!("{what}, {bits} bits");
        let whole = || Inputs::new(size, bits, Tiles::whole(size));
        cases.push(case(&name("whole, patches"), whole().with_mask(HostMask::patches(size))));
        cases.push(case(&name("whole, nothing"), whole().with_mask(HostMask::new(size, |_, _| false))));
        let tiled = || Inputs::new(size, bits, Tiles::even(size, [7, 4])).with_mask(HostMask::patches(size));
        cases.push(case(&name("tiles, patches"), tiled()));
        cases.push(case(&name("tiles, patches, dispatches"), tiled()).narrowed(Narrow::dispatch(3000.0)));
    }
    let around = Tiles { axes: [fixed(-7, 20, 6, 97), fixed(-9, 25, 5, 83)] };
    cases.push(case("beyond all edges", Inputs::new([97, 83], 8, around)));
    cases.push(case("beyond all edges, patches", {
        Inputs::new([97, 83], 12, around).with_mask(HostMask::patches([97, 83]))
    }));
    let nine = Tiles { axes: [fixed(0, 2, 8, 11), fixed(0, 2, 8, 9)] };
    cases.push(case("9 rows in 8 tiles of 2", Inputs::new([11, 9], 8, nine)));
    let tiny = Tiles { axes: [fixed(-40, 30, 4, 3), fixed(-11, 7, 4, 1)] };
    cases.push(case("3x1 mirrored many times", Inputs::new([3, 1], 16, tiny)));
    cases.push(case("one tile of a constant", {
        let size = [300, 200];
        Inputs { pixels: HostPixels::new(size, 8, |_, _| 200), mask: None, tiles: Tiles::whole(size) }
    }));
    // Four parts of an image, as wide as the strips of one tile that are merged.
    let size = [600, 400];
    for (name, tiles) in [("whole image in parts", [1, 1]), ("tiles of an image in parts", [3, 5])] {
        let inputs = Inputs::new(size, 8, Tiles::even(size, tiles)).with_mask(HostMask::patches(size));
        cases.push(case(name, inputs).narrowed(Narrow::binding(140_000)));
    }
    // Narrower than the results of all tiles, wider than the image.
    let size = [130, 90];
    let tiled = Inputs::new(size, 10, Tiles::even(size, [16, 9]));
    cases.push(case("results in parts", tiled).narrowed(Narrow::binding(2 * 16 * 1024 * 4)));
    cases
}
