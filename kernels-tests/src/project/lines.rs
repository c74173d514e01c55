//! Lines of rays in all directions: along axes, steep, beside the volume, and with ends within it.

use glam::DVec3;
use kerma::{
    data::Grid,
    engine::Graph,
    geometry::{Geometry, Source, Travel},
    kernels::project::lines::{SHADER, record},
};

use crate::{
    Case, Narrow,
    inputs::{cone, grid, known_good, parallel, tilted, tomosynthesis, turned, view, views},
};

/// Scans and grids whose rays have all main axes, in one view or from view to view.
pub(super) fn scenes() -> Vec<(&'static str, Geometry, Grid)> {
    let anisotropic = turned(grid("15x30x17@3x0.8x1.7"), DVec3::new(0.3, 1.0, 2.0), -1.1);
    let near = [
        view(Source::Point(DVec3::new(-30.0, 5.0, 3.0)), [60.0, 5.0, 3.0], [0.0, 4.1, 0.0], [0.0, 0.0, 4.3]),
        view(Source::Point(DVec3::new(2.0, 1.0, 29.6)), [0.0, 0.0, 3.0], [2.0, 0.3, 0.0], [0.1, 2.2, 0.0]),
        // Beside the volume, and behind its source.
        view(Source::Point(DVec3::new(300.0, -200.0, 0.0)), [300.0, 100.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]),
        view(Source::Point(DVec3::new(0.0, 60.0, 0.0)), [0.0, 200.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]),
    ];
    vec![
        ("cone beam", views(&cone(12, [49, 41], [1.9, 2.1])), grid("27x22x25@1.5x2.1x1.7")),
        ("cone beam, anisotropic turned grid", views(&cone(7, [40, 33], [2.0, 2.3])), anisotropic),
        ("parallel beam", views(&parallel(12, 3.0, 180.0, [61, 17], [0.8, 2.0])), grid("23x19x11@2x1.4x3")),
        ("tomosynthesis", views(&tomosynthesis(7, Travel::Z, [45, 47], [1.4, 1.4])), grid("24x9x25@1.3x5x1.1+1,-2,3")),
        ("tilted views", tilted(1, 9, [32, 30], 2.0), grid("21x29x17@1.9x1.3x2.2+4,3,-5")),
        ("one voxel, one pixel", tilted(2, 9, [1, 1], 1.0), grid("1x1x1@9x9x9")),
        ("one slice", views(&cone(5, [33, 17], [1.7, 2.3])), grid("31x33x1@1.5x2x1.1")),
        ("near sources", known_good(Geometry::new([37, 35], near.to_vec())), grid("21x20x19@2x2x2")),
    ]
}

/// Rays along axes and diagonals: no axis is the main one by itself.
pub(super) fn diagonals() -> Vec<(&'static str, Geometry, Grid)> {
    let scan = |views_count, arc| views(&parallel(views_count, 0.0, arc, [41, 39], [1.0, 1.0]));
    vec![
        ("rays along axes", scan(4, 270.0), grid("16x16x16@2x2x2")),
        ("rays along diagonals", scan(8, 315.0), grid("15x13x11@2x2x2")),
    ]
}

pub(crate) fn cases() -> Vec<Case> {
    let case = |(name, geometry, grid): (&str, Geometry, Grid)| {
        Case::new(&SHADER, name, (geometry, grid), |(geometry, grid), graph: &mut Graph<'_>| {
            record(graph, geometry, grid);
        })
    };
    let mut cases: Vec<Case> = scenes().into_iter().map(case).collect();
    cases.extend(diagonals().into_iter().map(|scene| case(scene).on_a_knife_edge()));
    cases.extend(scenes().into_iter().take(1).map(|scene| case(scene).narrowed(Narrow::binding(5 * 49 * 32))));
    cases
}
