//! Regions of a body that absorbed energy is told apart by.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use glam::DVec3;

use super::{BoxSection, ProtocolError};
use crate::{body::Body, data::Grid, kernels::transport::Tables, tasks::TaskError};

/// Labels of voxels.
#[derive(Clone, Debug, Default)]
pub(super) struct Organs {
    pub(super) names: Vec<String>,
    /// Of each voxel the place of its label's name, counted from 1, or 0; empty where there are no labels.
    pub(super) of_voxels: Vec<u32>,
}

/// What an area of a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AreaKind {
    /// All voxels of a label.
    Label,
    /// All voxels in a box.
    Box,
}

/// A label or a box, and the regions that make it up.
#[derive(Clone, Debug)]
pub(super) struct Area {
    pub(super) kind: AreaKind,
    pub(super) name: String,
    pub(super) regions: Vec<u32>,
}

/// A body and its regions: the distinct combinations of block, label and boxes that its voxels have.
///
/// Blocks are cubes of voxels, of one voxel each where the regions are few enough. Regions of a block follow each other.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) body: Arc<Body>,
    /// Region of each voxel; 0 also where there is nothing, and no photon leaves anything.
    pub(super) regions: Vec<u32>,
    pub(super) mass_g: Vec<f64>,
    /// Where the blocks lie, in the CT's own coordinates, and the regions of each.
    pub(super) grid: Grid,
    pub(super) blocks: Vec<Range<u32>>,
    pub(super) areas: Vec<Area>,
}

impl Target {
    /// Regions of a body whose middle is the isocentre, which lies at `isocentre_mm` of the CT's own coordinates.
    pub(super) fn new(
        body: Arc<Body>,
        organs: &Organs,
        boxes: &[BoxSection],
        isocentre_mm: DVec3,
    ) -> Result<Self, TaskError> {
        let most = Tables::most_regions(&body);
        Self::within(body, organs, boxes, isocentre_mm, most)
    }

    /// The same with at most so many regions.
    fn within(
        body: Arc<Body>,
        organs: &Organs,
        boxes: &[BoxSection],
        isocentre_mm: DVec3,
        most: usize,
    ) -> Result<Self, TaskError> {
        let densities = body.densities_g_cm3();
        let density = |at: usize| densities[body.voxels()[at] as usize];
        let classes = Classes::new(body.grid(), organs, boxes, isocentre_mm);
        let longest = body.grid().size().into_iter().max().unwrap_or(1);
        let found = (1..=longest).find_map(|side| {
            let blocks = Blocks::new(body.grid(), side);
            let keys = distinct(&blocks, &classes, most, |at| density(at) > 0.0)?;
            Some((blocks, keys))
        });
        let Some((blocks, keys)) = found else {
            let allowed = format!("labels and boxes of at most {most} combinations");
            return Err(ProtocolError::value("dose", allowed, "more").into());
        };
        let numbers: HashMap<Key, u32> = keys.iter().copied().zip(0..).collect();
        let mut mass_g = vec![0.0; keys.len().max(1)];
        let voxel_cm3 = body.grid().spacing_mm().element_product() / 1000.0;
        let region = |at: usize| {
            let of_voxel = numbers.get(&(blocks.of(at), classes.of_voxels[at])).copied().unwrap_or(0);
            mass_g[of_voxel as usize] += density(at) * voxel_cm3;
            of_voxel
        };
        let regions = (0..body.voxels().len()).map(region).collect();
        let areas = areas(&keys, &classes, organs, boxes)?;
        let grid = blocks.grid(body.grid(), isocentre_mm)?;
        let blocks = blocks.regions(&keys);
        Ok(Self { body, regions, mass_g, grid, blocks, areas })
    }
}

/// Block and class of a region.
type Key = (u32, u32);

/// Combinations of label and boxes.
struct Classes {
    of_voxels: Vec<u32>,
    /// Label of each class, and its boxes.
    kinds: Vec<(u32, Vec<usize>)>,
}

impl Classes {
    fn new(grid: &Grid, organs: &Organs, boxes: &[BoxSection], isocentre_mm: DVec3) -> Self {
        let mut of_voxels = organs.of_voxels.clone();
        of_voxels.resize(grid.voxel_count(), 0);
        let mut kinds: Vec<(u32, Vec<usize>)> = (0..=organs.names.len() as u32).map(|label| (label, vec![])).collect();
        let [nx, ny, _] = grid.size();
        for (place, BoxSection { from_mm, to_mm, .. }) in boxes.iter().enumerate() {
            let [from_mm, to_mm] = [from_mm, to_mm].map(|corner| DVec3::from_array(*corner) - isocentre_mm);
            let mut inside = vec![None; kinds.len()];
            for (at, class) in of_voxels.iter_mut().enumerate() {
                let [x, y, z] = [at % nx, at / nx % ny, at / nx / ny].map(|n| n as f64);
                let centre_mm = grid.world_mm(DVec3::new(x, y, z));
                if centre_mm.cmpge(from_mm).all() && centre_mm.cmplt(to_mm).all() {
                    let outside = *class as usize;
                    *class = *inside[outside].get_or_insert_with(|| {
                        let (label, mut boxes) = kinds[outside].clone();
                        boxes.push(place);
                        kinds.push((label, boxes));
                        kinds.len() as u32 - 1
                    });
                }
            }
        }
        Self { of_voxels, kinds }
    }
}

/// Cubes of voxels.
struct Blocks {
    side: usize,
    /// Voxels, and blocks, along the axes.
    size: [usize; 3],
    count: [usize; 3],
}

impl Blocks {
    fn new(grid: &Grid, side: usize) -> Self {
        Self { side, size: grid.size(), count: grid.size().map(|n| n.div_ceil(side)) }
    }

    /// Block of a voxel.
    fn of(&self, at: usize) -> u32 {
        let [nx, ny, _] = self.size;
        let [x, y, z] = [at % nx, at / nx % ny, at / nx / ny].map(|n| n / self.side);
        ((z * self.count[1] + y) * self.count[0] + x) as u32
    }

    /// Where they lie, in the CT's own coordinates.
    fn grid(&self, of: &Grid, isocentre_mm: DVec3) -> Result<Grid, TaskError> {
        let spacing_mm = of.spacing_mm() * self.side as f64;
        let first_mm = of.world_mm(DVec3::splat((self.side as f64 - 1.0) / 2.0)) + isocentre_mm;
        Ok(Grid::new(self.count, spacing_mm.to_array(), first_mm.to_array(), of.orientation())?)
    }

    /// Regions of each block.
    fn regions(&self, keys: &[Key]) -> Vec<Range<u32>> {
        let mut blocks = vec![0..0; self.count.iter().product()];
        for (region, (block, _)) in (0..).zip(keys) {
            let of_block = &mut blocks[*block as usize];
            let first = if of_block.start == of_block.end { region } else { of_block.start };
            *of_block = first..region + 1;
        }
        blocks
    }
}

/// What voxels that are something have, in order; nothing where that is more than `most`.
fn distinct(blocks: &Blocks, classes: &Classes, most: usize, is_matter: impl Fn(usize) -> bool) -> Option<Vec<Key>> {
    let mut keys = HashSet::new();
    for (at, class) in classes.of_voxels.iter().enumerate().filter(|(at, _)| is_matter(*at)) {
        if keys.insert((blocks.of(at), *class)) && keys.len() > most {
            return None;
        }
    }
    let mut keys: Vec<Key> = keys.into_iter().collect();
    keys.sort_unstable();
    Some(keys)
}

/// Labels that the body has, and all boxes.
fn areas(keys: &[Key], classes: &Classes, organs: &Organs, boxes: &[BoxSection]) -> Result<Vec<Area>, TaskError> {
    let mut of_labels: Vec<Vec<u32>> = vec![Vec::new(); organs.names.len() + 1];
    let mut of_boxes: Vec<Vec<u32>> = vec![Vec::new(); boxes.len()];
    for (region, (_, class)) in (0..).zip(keys) {
        let (label, boxes) = &classes.kinds[*class as usize];
        of_labels[*label as usize].push(region);
        boxes.iter().for_each(|place| of_boxes[*place].push(region));
    }
    if let Some(place) = of_boxes.iter().position(Vec::is_empty) {
        let BoxSection { name, from_mm, to_mm } = &boxes[place];
        let got = format!("{from_mm:?} to {to_mm:?} mm for {name}");
        return Err(ProtocolError::value("dose.boxes", "around the centre of a voxel of the body", got).into());
    }
    let of = |kind, name: &String, regions| Area { kind, name: name.clone(), regions };
    let labels = organs.names.iter().zip(of_labels.drain(1..)).filter(|(_, regions)| !regions.is_empty());
    let labels = labels.map(|(name, regions)| of(AreaKind::Label, name, regions));
    let boxes = boxes.iter().zip(of_boxes).map(|(section, regions)| of(AreaKind::Box, &section.name, regions));
    Ok(labels.chain(boxes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::physics::Material;

    /// A row of eight voxels of 10 mm of water, the first of which is nothing, and another row behind it.
    fn target(boxes: &[(&str, [f64; 3], [f64; 3])], most: usize) -> Result<Target, TaskError> {
        let grid = Grid::centred([8, 2, 1], [10.0; 3]).unwrap();
        let mut voxels = vec![1; 16];
        voxels[0] = 0;
        let body = Body::new(grid, vec![Material::by_name("water").unwrap()], vec![0.0, 1.0], voxels).unwrap();
        let of_voxels = vec![1, 1, 1, 2, 2, 2, 0, 0, 1, 1, 1, 2, 2, 2, 0, 0];
        let organs = Organs { names: ["left", "right", "none"].map(String::from).to_vec(), of_voxels };
        let section = |(name, from_mm, to_mm): &(&str, _, _)| BoxSection {
            name: (*name).to_owned(),
            from_mm: *from_mm,
            to_mm: *to_mm,
        };
        let boxes: Vec<BoxSection> = boxes.iter().map(section).collect();
        Target::within(Arc::new(body), &organs, &boxes, DVec3::new(100.0, 0.0, 0.0), most)
    }

    #[test]
    fn regions_are_single_voxels_where_there_are_few_and_blocks_divided_by_labels_and_boxes_beyond() {
        let single = target(&[], 15).unwrap();
        assert_eq!(single.regions, (0..16).map(|at| u32::max(at, 1) - 1).collect::<Vec<_>>());
        assert_eq!(single.mass_g, [1.0; 15]);
        assert_eq!((single.grid.size(), single.grid.spacing_mm().x), ([8, 2, 1], 10.0));
        assert_eq!((single.blocks[0].clone(), single.blocks[15].clone()), (0..0, 14..15));
        let blocks = target(&[], 14).unwrap();
        assert_eq!(blocks.regions, [0, 0, 1, 2, 3, 3, 4, 4, 0, 0, 1, 2, 3, 3, 4, 4]);
        assert_eq!(blocks.mass_g, [3.0, 2.0, 2.0, 4.0, 4.0]);
        assert_eq!(blocks.blocks, [0..1, 1..3, 3..4, 4..5]);
        // In the CT's own coordinates, of which the isocentre is at x = 100.
        assert_eq!(blocks.grid.origin_mm(), DVec3::new(70.0, 0.0, 5.0));
        assert!(target(&[], 2).unwrap_err().to_string().contains("at most 2 combinations"));
    }

    #[test]
    fn areas_are_made_of_regions_that_they_share() {
        let all = [f64::NEG_INFINITY, f64::INFINITY];
        let along = |from: f64, to: f64| ([from, all[0], all[0]], [to, all[1], all[1]]);
        let ((a, b), (c, d)) = (along(80.0, 110.0), along(95.0, 200.0));
        let target = target(&[("middle", a, b), ("end", c, d)], 100).unwrap();
        let mass = |area: &Area| area.regions.iter().map(|region| target.mass_g[*region as usize]).sum::<f64>();
        let found: Vec<(AreaKind, &str, f64)> =
            target.areas.iter().map(|area| (area.kind, area.name.as_str(), mass(area))).collect();
        // Centres lie at 65, 75 … 135 mm: 85, 95 and 105 in the one box, 95 and all beyond in the other.
        let (label, boxed) = (AreaKind::Label, AreaKind::Box);
        assert_eq!(found, [(label, "left", 5.0), (label, "right", 6.0), (boxed, "middle", 6.0), (boxed, "end", 10.0)]);
        let (far, beyond) = along(200.0, 300.0);
        let message = self::target(&[("elsewhere", far, beyond)], 100).unwrap_err().to_string();
        assert!(message.starts_with("dose.boxes must be around the centre of a voxel"), "{message}");
    }
}
