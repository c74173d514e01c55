//! Exact path through each material of voxels of mixtures.
//!
//! ```text
//! t_m(view, j, i) = Σ_n f_m[c[n]] · l_n          f without a unit, l_n and t_m in mm
//! ```
//! where n runs over the voxels that the ray from the source to the centre of pixel (i, j) crosses, as in [`siddon`](super::siddon),
//! whose rules hold here too, l_n is the length of the crossing, `c[n]` the number of the voxel's composition and `f_m[c]` the
//! fraction of material m in composition c ([`Body`]). The bits of a material's sum are those of
//! [`siddon`](super::siddon) in the volume of its fractions: they do not depend on what other materials there are.
//!
//! Materials are summed in fours, in one walk for each four on a GPU, and for every eight on the CPU.
//!
//! Shapes: `[view][row][material · column]` ← fours of materials × compositions × 4, `[z][y][x]`. Tier P.

use super::rays::{Affine, ViewRays, view_rays};
use super::walk::{Setting, Summand, Sums, ray_operations, walk_rows};
use crate::kernels::prelude::*;
use crate::{body::Body, data::Grid, geometry::Geometry, vectorised::Vectors};

kernel! {
    /// Paths through materials along rays.
    struct Thickness {
        /// Voxels along x, y and z; columns and rows of the detector; views.
        nx, ny, nz, columns, rows, view_count: u32,
        /// Materials, and compositions of them.
        materials, composition_count: u32,
        /// Distances between voxels along x, y and z, in mm.
        spacing_x, spacing_y, spacing_z: f32,
        /// Half the number of gaps between columns, and between rows.
        half_columns, half_rows: f32,
    }
    shader project/thickness + project/walk + project/course + project/axis, Pinned, [16, 4];
    structs Affine, ViewRays;
    reads
        views[1, view_count]: whole of ViewRays,
        compositions[1, (materials.div_ceil(FOUR as u32) * composition_count)]: whole of Four,
        volume[ny, nx]: inputs of u32;
    writes thickness[rows, (columns * materials)]: f32;
    domain |output| {
        let operations = ray_operations([nx, ny, nz], STEP_OPERATIONS + 2.0 * f64::from(materials));
        Domain::rows(Extent { columns, ..output }, f64::from(columns) * operations).over(nz, Order::BothWays)
    };
}

/// Materials that are summed together on a GPU, and whose fractions lie side by side.
const FOUR: usize = 4;
/// Materials that are summed together on the CPU.
const EIGHT: usize = 8;
/// Fractions of four materials.
type Four = [f32; FOUR];

/// Arithmetic operations of one step from plane to plane, those of materials apart.
const STEP_OPERATIONS: f64 = 18.0;

/// A body ready for the paths through its materials: its voxels and compositions, uploaded once for all views.
pub struct Thicknesses {
    grid: Grid,
    materials: u32,
    composition_count: u32,
    compositions: Buffer<Four>,
    volume: Buffer<u32>,
}

impl Thicknesses {
    /// Records the upload of a body.
    pub fn new<'a>(graph: &mut Graph<'a>, body: &'a Body) -> Self {
        let [nx, ny, nz] = body.grid().size();
        let materials = body.materials().len();
        let rows = || body.compositions().chunks_exact(materials);
        let fraction = |row: &[f32], material: usize| row.get(material).copied().unwrap_or(0.0);
        let table: Vec<Four> = (0..materials)
            .step_by(FOUR)
            .flat_map(|first| rows().map(move |row| std::array::from_fn(|m| fraction(row, first + m))))
            .collect();
        Self {
            grid: *body.grid(),
            materials: materials as u32,
            composition_count: rows().len() as u32,
            compositions: graph.upload_table("thickness.compositions", &table),
            volume: graph.upload("thickness.body", Extent::new(nz, ny, nx), body.voxels()),
        }
    }

    /// Extent of the paths along the rays of `geometry`: views × rows × materials · columns.
    #[must_use]
    pub fn extent(&self, geometry: &Geometry) -> Extent {
        let [columns, rows] = geometry.detector();
        Extent::new(geometry.views().len(), rows, self.materials as usize * columns)
    }

    /// Records the paths in mm along the rays of `geometry`, all views of a scan or some, into `thickness`.
    pub fn record(&self, graph: &mut Graph<'_>, geometry: &Geometry, thickness: Write) {
        let views = graph.upload_table("thickness.views", &view_rays(geometry, &self.grid));
        let kernel = Thickness::of(geometry, self);
        kernel.compute(graph, "thickness", views, self.compositions, self.volume, thickness);
    }
}

impl Thickness {
    fn of(geometry: &Geometry, body: &Thicknesses) -> Self {
        let Setting { voxels, spacing, detector, half, view_count } = Setting::of(geometry, &body.grid);
        let ([nx, ny, nz], [columns, rows]) = (voxels, detector);
        let ([spacing_x, spacing_y, spacing_z], [half_columns, half_rows]) = (spacing, half);
        let Thicknesses { materials, composition_count, .. } = *body;
        Self {
            nx,
            ny,
            nz,
            columns,
            rows,
            view_count,
            materials,
            composition_count,
            spacing_x,
            spacing_y,
            spacing_z,
            half_columns,
            half_rows,
        }
    }

    fn setting(&self) -> Setting {
        Setting {
            voxels: [self.nx, self.ny, self.nz],
            spacing: [self.spacing_x, self.spacing_y, self.spacing_z],
            detector: [self.columns, self.rows],
            half: [self.half_columns, self.half_rows],
            view_count: self.view_count,
        }
    }
}

vectorised! {
    fn twin(
        kernel: &Thickness,
        block: &Block,
        views: &[ViewRays],
        compositions: &[Four],
        volume: &[u32],
        thickness: &mut [f32],
    ) {
        if volume.is_empty() {
            return;
        }
        let (columns, materials) = (kernel.columns as usize, kernel.materials as usize);
        let fours = compositions.chunks(EIGHT / FOUR * kernel.composition_count as usize);
        for (first, compositions) in (0..materials).step_by(EIGHT).zip(fours) {
            let mixtures = Mixtures { volume: bytemuck::cast_slice(volume), compositions, count: kernel.composition_count };
            let (pitch, count) = (columns * materials, EIGHT.min(materials - first));
            let mut sums = Sums { values: &mut thickness[first * columns..], pitch, count };
            // SAFETY: the volume is not empty, and the processor has the instruction set of `V`.
            unsafe {
                if count > FOUR {
                    walk_rows::<V, EIGHT>(&kernel.setting(), block, views, &mixtures, &mut sums);
                } else {
                    walk_rows::<V, FOUR>(&kernel.setting(), block, views, &mixtures, &mut sums);
                }
            }
        }
    }
}

/// Voxels of compositions of one or two fours of materials.
struct Mixtures<'a> {
    /// Bits of the numbers of compositions.
    volume: &'a [f32],
    compositions: &'a [Four],
    count: u32,
}

impl<V: Vectors, const N: usize> Summand<V, N> for Mixtures<'_> {
    #[inline(always)]
    unsafe fn add(&self, sums: &mut [V::Floats; N], length: V::Floats, voxel: V::Integers) {
        // SAFETY: as of the trait's function.
        unsafe {
            let numbers = V::bits(V::gather(self.volume, voxel));
            // Empty space, of which there is much, adds nothing.
            if !V::any(V::below(V::splat_integer(0), numbers)) {
                return;
            }
            let numbers = V::integer_lanes(numbers);
            for (sums, compositions) in
                sums.chunks_exact_mut(FOUR).zip(self.compositions.chunks_exact(self.count as usize))
            {
                for (sum, fraction) in sums.iter_mut().zip(fractions::<V>(compositions, &numbers)) {
                    *sum = V::add(*sum, V::mul(length, fraction));
                }
            }
        }
    }
}

/// Fractions of four materials in sixteen compositions.
///
/// # Safety
/// The processor has the instruction set.
#[inline(always)]
unsafe fn fractions<V: Vectors>(compositions: &[Four], numbers: &[i32; LANES]) -> [V::Floats; FOUR] {
    // Four compositions to a register. Halves in turns turn the bits of a fraction's place by one: four times, from composition
    // and material to material and composition.
    // SAFETY: as of this function.
    unsafe {
        let mut turned: [V::Floats; FOUR] = std::array::from_fn(|part| {
            let mut rows = [[0.0; FOUR]; LANES / FOUR];
            for (row, number) in rows.iter_mut().zip(&numbers[part * FOUR..]) {
                *row = compositions[*number as usize];
            }
            V::floats(bytemuck::cast_ref(&rows))
        });
        for _ in 0..LANES.ilog2() {
            let [a, b, c, d] = turned;
            let ([a, b], [c, d]) = (V::interleave(a, c), V::interleave(b, d));
            turned = [a, b, c, d];
        }
        turned
    }
}
