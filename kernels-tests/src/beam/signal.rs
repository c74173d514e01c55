//! Beams of one and of several energies behind one and several materials, from nothing to more than anything passes.

use kerma::{
    engine::{Extent, Graph},
    kernels::beam::signal::{SHADER, record},
    physics::{Material, Quadrature, Spectrum},
};

use crate::{Case, Narrow, Seeded, inputs::known_good};

struct Inputs {
    quadrature: Quadrature,
    extent: Extent,
    thickness: Vec<f32>,
}

fn recorded<'a>(inputs: &'a Inputs, graph: &mut Graph<'a>) {
    let thickness = graph.upload("case.thickness", inputs.extent, &inputs.thickness);
    record(graph, &inputs.quadrature, thickness);
}

fn case(name: &str, energies: &[f64], materials: &[&str], [slices, rows, columns]: [usize; 3]) -> Case {
    let materials: Vec<Material> = materials.iter().map(|name| known_good(Material::by_name(name))).collect();
    let spectrum = known_good(Spectrum::new(energies.to_vec(), energies.to_vec()));
    let quadrature = known_good(Quadrature::of_bins(&spectrum, energies, &materials));
    let extent = Extent::new(slices, rows, columns * materials.len());
    // Up to 300 mm; every seventh pixel has nothing before it, others have a hundred times as much, or less than nothing.
    let mut thickness = Seeded::new(extent.elements()).values(extent.elements() as usize, -1.0, 300.0);
    thickness.iter_mut().step_by(7).for_each(|mm| *mm = 0.0);
    thickness.iter_mut().skip(3).step_by(11).for_each(|mm| *mm *= 100.0);
    Case::new(&SHADER, name, Inputs { quadrature, extent, thickness }, recorded)
}

pub(crate) fn cases() -> Vec<Case> {
    const FEW: [f64; 3] = [33.3, 60.0, 110.0];
    const MANY: [f64; 9] = [15.0, 22.0, 30.5, 38.0, 47.0, 58.0, 72.0, 93.0, 117.0];
    const TISSUES: [&str; 6] = ["air", "lung", "adipose", "water", "cortical-bone", "I"];
    vec![
        case("one energy, one material", &[60.0], &["water"], [1, 1, 1000]),
        case("few energies, two materials", &FEW, &["water", "cortical-bone"], [3, 17, 65]),
        case("one pixel", &FEW, &TISSUES, [1, 1, 1]),
        case("nine energies, six materials", &MANY, &TISSUES, [2, 31, 83]),
        case("slices in parts", &MANY, &TISSUES, [3, 40, 65]).narrowed(Narrow::binding(6 * 37 * 65 * 4)),
        case("short dispatches", &MANY, &TISSUES, [2, 30, 33]).narrowed(Narrow::dispatch(100_000.0)),
    ]
}
