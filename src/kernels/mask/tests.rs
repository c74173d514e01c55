//! The twins against brute force: pixels one by one, components by flood fill.

use proptest::prelude::*;

use super::{
    above,
    collimation::{self, Blades},
    combine, components, expand, field, labels,
    morphology::{close, dilate, erode, open},
    rectangle, reduce,
};
use crate::{
    engine::{Buffer, Control, Device, Graph, Plan},
    kernels::{Mask, Pixels},
};

const DENSE: Blades = Blades::Dense { sides: collimation::ALL_SIDES };

/// Mask with one `bool` per pixel.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    size: [usize; 2],
    set: Vec<bool>,
}

impl Plain {
    fn new(size: [usize; 2], is_set: impl Fn(usize, usize) -> bool) -> Self {
        let set = (0..size[0] * size[1]).map(|p| is_set(p % size[0], p / size[0])).collect();
        Self { size, set }
    }

    fn parsed(rows: &[&str]) -> Self {
        Self::new([rows[0].len(), rows.len()], |x, y| rows[y].as_bytes()[x] == b'#')
    }

    fn at(&self, x: usize, y: usize) -> bool {
        self.set[y * self.size[0] + x]
    }

    fn u32_size(&self) -> [u32; 2] {
        self.size.map(|n| n as u32)
    }

    fn words(&self) -> Vec<u32> {
        let row_words = self.size[0].div_ceil(32);
        let mut words = vec![0; row_words * self.size[1]];
        for y in 0..self.size[1] {
            for x in 0..self.size[0] {
                words[y * row_words + x / 32] |= u32::from(self.at(x, y)) << (x % 32);
            }
        }
        words
    }

    fn from_words(size: [u32; 2], words: &[u32]) -> Self {
        let row_words = Mask::row_words(size) as usize;
        let plain = Self::new(size.map(|n| n as usize), |x, y| words[y * row_words + x / 32] >> (x % 32) & 1 == 1);
        assert_eq!(plain.words(), words, "bits beyond the last column");
        plain
    }

    /// Any or all of the pixels of a square that lie in the image.
    fn spread(&self, radius: usize, is_any: bool) -> Self {
        let [columns, rows] = self.size;
        Self::new(self.size, |x, y| {
            let mut near = (y.saturating_sub(radius)..rows.min(y + radius + 1))
                .flat_map(|y| (x.saturating_sub(radius)..columns.min(x + radius + 1)).map(move |x| self.at(x, y)));
            if is_any { near.any(|b| b) } else { near.all(|b| b) }
        })
    }

    fn reduced(&self, factor: usize) -> Self {
        let [columns, rows] = self.size;
        Self::new(self.size.map(|n| n.div_ceil(factor)), |x, y| {
            let (mut set, mut all) = (0, 0);
            for y in y * factor..rows.min((y + 1) * factor) {
                for x in x * factor..columns.min((x + 1) * factor) {
                    set += usize::from(self.at(x, y));
                    all += 1;
                }
            }
            2 * set >= all
        })
    }

    /// Label of every pixel by flood fill in raster order.
    fn labels(&self, value: bool, is_diagonal: bool) -> Vec<u32> {
        let [columns, rows] = self.size.map(|n| n as i64);
        let mut labels = vec![u32::MAX; self.set.len()];
        for start in 0..self.set.len() {
            if self.set[start] != value || labels[start] != u32::MAX {
                continue;
            }
            let mut open = vec![start];
            labels[start] = start as u32;
            while let Some(pixel) = open.pop() {
                let (x, y) = (pixel as i64 % columns, pixel as i64 / columns);
                for (dx, dy) in (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dx, dy))) {
                    let (x, y) = (x + dx, y + dy);
                    let is_neighbour = is_diagonal || dx == 0 || dy == 0;
                    if is_neighbour && (0..columns).contains(&x) && (0..rows).contains(&y) {
                        let next = (y * columns + x) as usize;
                        if self.set[next] == value && labels[next] == u32::MAX {
                            labels[next] = start as u32;
                            open.push(next);
                        }
                    }
                }
            }
        }
        labels
    }

    fn largest(&self) -> Self {
        let labels = self.labels(true, true);
        let area = |label: u32| labels.iter().filter(|&&l| l == label).count();
        let mut candidates: Vec<u32> = labels.iter().copied().filter(|&l| l != u32::MAX).collect();
        candidates.sort_unstable();
        candidates.dedup();
        // The last of the largest by `max_by_key`, so from the back.
        let best = candidates.into_iter().rev().max_by_key(|&l| area(l));
        Self { size: self.size, set: labels.iter().map(|&l| Some(l) == best).collect() }
    }

    fn filled(&self) -> Self {
        let labels = self.labels(false, false);
        let [columns, rows] = self.size;
        let is_border = |p: usize| {
            let (x, y) = (p % columns, p / columns);
            x == 0 || y == 0 || x + 1 == columns || y + 1 == rows
        };
        let outside: Vec<u32> = (0..labels.len()).filter(|&p| is_border(p)).map(|p| labels[p]).collect();
        let set = labels.iter().map(|&l| l == u32::MAX || !outside.contains(&l)).collect();
        Self { size: self.size, set }
    }
}

/// What a chain of passes makes of a mask on the CPU.
fn made(plain: &Plain, record: impl FnOnce(&mut Graph<'_>, Mask) -> Mask) -> Plain {
    let words = plain.words();
    let mut graph = Graph::new();
    let size = plain.u32_size();
    let mask = Mask { buffer: graph.upload("test.mask", Mask::extent(size), &words), size };
    let result = record(&mut graph, mask);
    Plain::from_words(result.size, &taken(&mut graph, result.buffer))
}

fn taken(graph: &mut Graph<'_>, buffer: Buffer<u32>) -> Vec<u32> {
    let output = graph.result(buffer);
    let device = Device::cpu();
    let plan = Plan::new(graph, device.limits()).unwrap();
    pollster::block_on(device.run(&plan, &Control::default())).unwrap().take(output).unwrap()
}

fn plain() -> impl Strategy<Value = Plain> {
    (1_usize..110, 1_usize..24, 0_u32..=100).prop_flat_map(|(columns, rows, percent)| {
        proptest::collection::vec((0..100_u32).prop_map(move |n| n < percent), columns * rows)
            .prop_map(move |set| Plain { size: [columns, rows], set })
    })
}

proptest! {
    #[test]
    fn dilation_and_erosion_look_at_the_square(plain in plain(), radius in 0_usize..80) {
        prop_assert_eq!(made(&plain, |g, m| dilate(g, m, radius as u32)), plain.spread(radius, true));
        prop_assert_eq!(made(&plain, |g, m| erode(g, m, radius as u32)), plain.spread(radius, false));
    }

    #[test]
    fn opening_and_closing_are_their_parts(plain in plain(), radius in 0_usize..6) {
        let opened = plain.spread(radius, false).spread(radius, true);
        prop_assert_eq!(made(&plain, |g, m| open(g, m, radius as u32)), opened);
        let closed = plain.spread(radius, true).spread(radius, false);
        prop_assert_eq!(made(&plain, |g, m| close(g, m, radius as u32)), closed);
    }

    #[test]
    fn a_reduced_pixel_is_the_majority_of_its_block(plain in plain(), factor in 1_usize..40) {
        prop_assert_eq!(made(&plain, |g, m| reduce::record(g, m, factor as u32)), plain.reduced(factor));
    }

    #[test]
    fn an_expanded_mask_is_the_nearest_pixel(plain in plain(), factor in 1_usize..40, cut in 0_usize..40) {
        let size = plain.size.map(|n| n * factor - cut.min(factor - 1));
        let wanted = Plain::new(size, |x, y| plain.at(x / factor, y / factor));
        let size = size.map(|n| n as u32);
        prop_assert_eq!(made(&plain, |g, m| expand::record(g, m, factor as u32, size)), wanted);
    }

    #[test]
    fn labels_are_those_of_a_flood_fill(plain in plain()) {
        let (words, size) = (plain.words(), plain.u32_size());
        for (ground, value) in [(labels::Ground::Set, true), (labels::Ground::Unset, false)] {
            let mut graph = Graph::new();
            let mask = Mask { buffer: graph.upload("test.mask", Mask::extent(size), &words), size };
            let labels = labels::record(&mut graph, mask, ground);
            prop_assert_eq!(taken(&mut graph, labels), plain.labels(value, value));
        }
    }

    #[test]
    fn the_largest_component_and_the_holes_are_those_of_a_flood_fill(plain in plain()) {
        prop_assert_eq!(made(&plain, components::largest), plain.largest());
        prop_assert_eq!(made(&plain, components::fill_holes), plain.filled());
    }

    #[test]
    fn operations_combine_pixels(plain in plain(), shift in 1_usize..9) {
        let [columns, rows] = plain.size;
        let other = Plain::new(plain.size, |x, y| plain.at((x + shift) % columns, (y + 1) % rows));
        let (left, right, size) = (plain.words(), other.words(), plain.u32_size());
        type Wanted = fn(bool, bool) -> bool;
        let wanted: [(combine::Operation, Wanted); 4] = [
            (combine::Operation::And, |a, b| a && b),
            (combine::Operation::Or, |a, b| a || b),
            (combine::Operation::AndNot, |a, b| a && !b),
            (combine::Operation::Not, |a, _| !a),
        ];
        for (operation, wanted) in wanted {
            let mut graph = Graph::new();
            let [left, right] = [&left, &right]
                .map(|words| Mask { buffer: graph.upload("test.mask", Mask::extent(size), words), size });
            let mask = combine::record(&mut graph, left, right, operation);
            let got = Plain::from_words(size, &taken(&mut graph, mask.buffer));
            prop_assert_eq!(got, Plain::new(plain.size, |x, y| wanted(plain.at(x, y), other.at(x, y))));
        }
    }

    #[test]
    fn a_rectangle_ends_before_its_right_and_lower_border(
        plain in plain(), borders in proptest::array::uniform4(0_u32..120)
    ) {
        let [left, top, right, bottom] = borders.map(|b| b as usize);
        let got = made(&plain, |graph, mask| {
            let borders = graph.upload_table("test.borders", &borders);
            rectangle::clip(graph, mask, borders)
        });
        let is_inside = |x, y| (left..right).contains(&x) && (top..bottom).contains(&y);
        prop_assert_eq!(got, Plain::new(plain.size, |x, y| plain.at(x, y) && is_inside(x, y)));
    }

    #[test]
    fn above_is_greater(
        size in [1_usize..110, 1_usize..24], threshold in 0_u32..70_000, seed in any::<u32>()
    ) {
        let value = |x: usize, y: usize| noise(seed, x, y) as u16;
        let pixels = packed(size, value);
        let mut graph = Graph::new();
        let pixels = uploaded(&mut graph, size, &pixels);
        let threshold_buffer = graph.upload_table("test.threshold", &[threshold]);
        let mask = above::record(&mut graph, pixels, threshold_buffer);
        let got = Plain::from_words(mask.size, &taken(&mut graph, mask.buffer));
        prop_assert_eq!(got, Plain::new(size, |x, y| u32::from(value(x, y)) > threshold));
    }
}

/// Hash of a pixel (Wellons 2018, the lowbias32 mixing function), as noise.
fn noise(seed: u32, x: usize, y: usize) -> u32 {
    let mut n = seed ^ (x as u32).wrapping_mul(0x9E37_79B9) ^ (y as u32).wrapping_mul(0x85EB_CA6B);
    for (shift, factor) in [(16, 0x7FEB_352D), (15, 0x846C_A68B)] {
        n = (n ^ (n >> shift)).wrapping_mul(factor);
    }
    n ^ (n >> 16)
}

/// Nearly normal noise of standard deviation 1: four uniform numbers.
fn normal(seed: u32, x: usize, y: usize) -> f64 {
    let sum: f64 = (0..4).map(|k| f64::from(noise(seed * 4 + k, x, y)) / f64::from(u32::MAX)).sum();
    (sum - 2.0) * 3.0_f64.sqrt()
}

fn packed(size: [usize; 2], value: impl Fn(usize, usize) -> u16) -> Vec<[u16; 2]> {
    let at = |x, y| if x < size[0] { value(x, y) } else { 0 };
    (0..size[1])
        .flat_map(|y| (0..size[0]).step_by(2).map(move |x| [(x, y), (x + 1, y)]))
        .map(|p| p.map(|(x, y)| at(x, y)))
        .collect()
}

fn uploaded<'a>(graph: &mut Graph<'a>, size: [usize; 2], words: &'a [[u16; 2]]) -> Pixels {
    let size = size.map(|n| n as u32);
    let buffer = graph.upload("test.pixels", Pixels::extent(size), words);
    Pixels::of(graph, buffer, size, 16)
}

/// Borders found in an image of 14 of 16 bits with noise, a body and bones, and a collimator open within `sides`.
fn found(size: [usize; 2], sides: [usize; 4], has_body: bool, shutter: f64, blades: Blades) -> Vec<u32> {
    let [left, top, right, bottom] = sides;
    let [columns, rows] = size.map(|n| n as f64);
    let pixels = packed(size, |x, y| {
        if !((left..right).contains(&x) && (top..bottom).contains(&y)) {
            return (shutter + 20.0 * normal(1, x, y)) as u16;
        }
        let (u, v) = (x as f64 / columns - 0.5, y as f64 / rows - 0.5);
        let mut value = 3000.0;
        if has_body && (u / 0.38).powi(2) + (v / 0.47).powi(2) < 1.0 {
            value += 5000.0;
        }
        // A shaft, inclined by 3°.
        if has_body && (u + 0.05 * v - 0.1).abs() < 0.04 {
            value += 3000.0;
        }
        (value + 80.0 * normal(2, x, y)) as u16
    });
    let mut graph = Graph::new();
    let pixels = uploaded(&mut graph, size, &pixels);
    let borders = collimation::borders(&mut graph, pixels, blades);
    taken(&mut graph, borders)
}

#[test]
fn every_choice_of_blades_is_found_to_the_pixel() {
    let size = [420, 333];
    for blades in 0..16 {
        let is_closed = |side: usize| blades >> side & 1 == 1;
        let open = [0, 0, size[0], size[1]];
        let shut = [61, 37, 301, 290];
        let sides = [0, 1, 2, 3].map(|side| if is_closed(side) { shut[side] } else { open[side] });
        for (has_body, shutter) in [(false, 15_000.0), (true, 15_000.0), (true, 500.0)] {
            let wanted = sides.map(|s| s as u32);
            assert_eq!(
                found(size, sides, has_body, shutter, Blades::Any),
                wanted,
                "body {has_body}, shutter {shutter}"
            );
            // What is darker beyond its edge is no dense blade.
            let dense = if shutter > 3000.0 { wanted } else { [0, 0, 420, 333] };
            assert_eq!(found(size, sides, has_body, shutter, DENSE), dense, "body {has_body}, shutter {shutter}");
        }
    }
}

#[test]
fn small_fields_between_wide_blades_are_found() {
    // A side that is not looked at has none.
    let but_left = Blades::Dense { sides: 0b1110 };
    assert_eq!(found([400, 300], [150, 100, 250, 200], true, 15_000.0, but_left), [0, 100, 250, 200]);
    for blades in [Blades::Any, DENSE] {
        assert_eq!(found([400, 300], [150, 100, 250, 200], true, 15_000.0, blades), [150, 100, 250, 200]);
    }
}

#[test]
fn noise_and_flat_images_have_no_borders() {
    for size in [[1, 1], [5, 300], [32, 32], [33, 65], [300, 200]] {
        for (seed, spread) in [(1, 0), (2, 1), (3, 1000), (4, u32::from(u16::MAX))] {
            let pixels = packed(size, |x, y| (noise(seed, x, y) % (spread + 1)) as u16);
            let mut graph = Graph::new();
            let pixels = uploaded(&mut graph, size, &pixels);
            for blades in [Blades::Any, DENSE] {
                let borders = collimation::borders(&mut graph, pixels, blades);
                assert_eq!(taken(&mut graph, borders), [0, 0, size[0] as u32, size[1] as u32], "{size:?} {spread}");
            }
        }
    }
}

#[test]
fn holes_touch_by_corners_and_the_first_of_equal_components_is_largest() {
    let plain = Plain::parsed(&[".##...", "#..#..", ".##..#", "....##", "#....."]);
    // The ring of six is one by its corners; its hole is closed to four neighbours.
    assert_eq!(made(&plain, components::largest), Plain::parsed(&[".##...", "#..#..", ".##...", "......", "......"]));
    let filled = Plain::parsed(&[".##...", "####..", ".##..#", "....##", "#....."]);
    assert_eq!(made(&plain, components::fill_holes), filled);
    let twins = Plain::parsed(&["...##", "##...", "....#"]);
    assert_eq!(made(&twins, components::largest), Plain::parsed(&["...##", ".....", "....."]));
}

#[test]
fn a_cleaned_disc_keeps_its_edge_and_loses_noise_outside_the_seam() {
    let size = [300, 260];
    let is_inside = |x: usize, y: usize| (x as f64 - 150.0).hypot(y as f64 - 130.0) < 100.0;
    let is_seam = |x: usize, y: usize| ((x as f64 - 150.0).hypot(y as f64 - 130.0) - 100.0).abs() < 15.0;
    let noisy = Plain::new(size, |x, y| is_inside(x, y) != (!is_seam(x, y) && noise(9, x, y).is_multiple_of(20)));
    let cleaning = field::Cleaning { longest: 100, ..field::Cleaning::default() };
    assert_eq!(made(&noisy, |g, m| field::record(g, m, &cleaning)), Plain::new(size, is_inside));
    // Without reduction the opening alone shapes the edge.
    let cleaning = field::Cleaning { longest: 300, opening: 0, ..cleaning };
    assert_eq!(made(&noisy, |g, m| field::record(g, m, &cleaning)), noisy.largest().filled());
}
