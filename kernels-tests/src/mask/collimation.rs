use kerma::kernels::mask::{
    borders,
    collimation::{self, Blades},
    step_down, step_right,
};

use super::masks::{Picture, SIZES, name};
use crate::{Case, Narrow};

/// Field within `borders`, a smooth object in it, noise everywhere.
fn field(size: [u32; 2], [left, top, right, bottom]: [u32; 4]) -> Picture {
    Picture::new(size, 12, |x, y, random| {
        let is_exposed = (left..right).contains(&x) && (top..bottom).contains(&y);
        let value = if is_exposed { 900.0 + f64::from(x + y) } else { 3900.0 };
        (value + 60.0 * random) as u16
    })
}

fn whole([columns, rows]: [u32; 2]) -> [u32; 4] {
    [0, 0, columns, rows]
}

fn found(size: [u32; 2], sides: [u32; 4]) -> Case {
    of(size, sides, Blades::Any)
}

fn of(size: [u32; 2], sides: [u32; 4], blades: Blades) -> Case {
    let name = format!("{}, field {sides:?}, {blades:?}", name(size));
    Case::new(&borders::SHADER, name, (field(size, sides), blades), |(picture, blades), graph| {
        let pixels = picture.upload(graph);
        collimation::record(graph, pixels, *blades);
    })
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = SIZES.map(|size| found(size, whole(size))).into();
    let size = [131, 97];
    for sides in [[20, 11, 100, 80], [20, 0, 131, 97], [0, 0, 131, 60], whole(size)] {
        cases.push(found(size, sides));
    }
    for looked_at in [collimation::ALL_SIDES, 0b0110, 0b1001] {
        cases.push(of(size, [20, 11, 100, 80], Blades::Dense { sides: looked_at }));
    }
    for size in [[1, 1], [333, 70], [17, 200]] {
        for blades in [Blades::Any, Blades::Dense { sides: collimation::ALL_SIDES }] {
            let inputs = || (field(size, [3, 3, 15, 60]), blades);
            let name = format!("{}, {blades:?}", name(size));
            cases.push(Case::new(&step_right::SHADER, name.clone(), inputs(), |(picture, blades), graph| {
                let pixels = picture.upload(graph);
                step_right::record(graph, pixels, *blades);
            }));
            cases.push(Case::new(&step_down::SHADER, name, inputs(), |(picture, blades), graph| {
                let pixels = picture.upload(graph);
                step_down::record(graph, pixels, *blades);
            }));
        }
    }
    cases.push(found(size, [20, 11, 100, 80]).narrowed(Narrow::dispatch(5000.0)));
    cases
}
