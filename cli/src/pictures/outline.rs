use super::Slice;

/// Longest side of the grid on which a mask is traced: finer steps than a page shows cost points and show nothing.
const MAX_SIDE: usize = 800;
/// Outlines kept, longest first: a mask of specks would otherwise fill a page with their rims.
const MAX_LOOPS: usize = 400;

/// Closed outlines of what is not zero, as shares of the picture's width and height, longest first.
///
/// Traced along pixel edges with the foreground on the right and drawn through the middles of those edges, so that a
/// slanting rim is a slanting line and not a staircase. Where two foreground pixels touch at a corner only, they belong
/// to different outlines. Large masks are sampled at no more than 800 pixels a side.
pub(crate) fn outlines(mask: &Slice) -> Vec<Vec<[f64; 2]>> {
    let grid = Grid::sampled(mask);
    let mut todo = grid.rims();
    let mut loops = Vec::new();
    for start in 0..todo.len() {
        if todo[start] == 0 {
            continue;
        }
        let way = todo[start].trailing_zeros() as usize;
        loops.push(grid.follow(&mut todo, start, way));
    }
    loops.sort_by_key(|points| std::cmp::Reverse(points.len()));
    loops.truncate(MAX_LOOPS);
    let [columns, rows] = grid.size.map(|n| n as f64);
    let share = |[x, y]: [i64; 2]| [x as f64 / (2.0 * columns), y as f64 / (2.0 * rows)];
    loops.into_iter().map(|points| straightened(&points).into_iter().map(share).collect()).collect()
}

/// Steps to the right, down, left and up.
const STEPS: [[i64; 2]; 4] = [[1, 0], [0, 1], [-1, 0], [0, -1]];

/// A mask, and the corners of its pixels numbered row by row.
struct Grid {
    size: [usize; 2],
    inside: Vec<bool>,
}

impl Grid {
    fn sampled(mask: &Slice) -> Self {
        let stored = mask.size();
        let step = stored[0].max(stored[1]).div_ceil(MAX_SIDE);
        let size = stored.map(|n| n.div_ceil(step));
        // The middle of each block, as far as the picture reaches.
        let at = |i: usize, axis: usize| (i * step + step / 2).min(stored[axis] - 1);
        let values = mask.values();
        let rows = (0..size[1]).map(|j| &values[at(j, 1) * stored[0]..][..stored[0]]);
        let inside = rows.flat_map(|row| (0..size[0]).map(|i| row[at(i, 0)] != 0.0)).collect();
        Self { size, inside }
    }

    fn is_inside(&self, x: i64, y: i64) -> bool {
        let [columns, rows] = self.size.map(|n| n as i64);
        (0..columns).contains(&x) && (0..rows).contains(&y) && self.inside[(y * columns + x) as usize]
    }

    /// For every corner the steps that leave it along a rim: bit k stands for `STEPS[k]`.
    fn rims(&self) -> Vec<u8> {
        let [columns, rows] = self.size.map(|n| n as i64);
        let mut rims = Vec::with_capacity(((columns + 1) * (rows + 1)) as usize);
        for y in 0..=rows {
            for x in 0..=columns {
                // The four pixels around a corner, from above left, clockwise.
                let [a, b, c, d] = [(x - 1, y - 1), (x, y - 1), (x, y), (x - 1, y)].map(|(x, y)| self.is_inside(x, y));
                rims.push(u8::from(c && !b) | u8::from(d && !c) << 1 | u8::from(a && !d) << 2 | u8::from(b && !a) << 3);
            }
        }
        rims
    }

    /// Takes one closed rim out of `todo` and gives the middles of its edges, in half pixels.
    fn follow(&self, todo: &mut [u8], start: usize, first: usize) -> Vec<[i64; 2]> {
        let stride = self.size[0] as i64 + 1;
        let (mut corner, mut way) = (start as i64, first);
        let mut middles = Vec::new();
        loop {
            let [dx, dy] = STEPS[way];
            todo[corner as usize] &= !(1 << way);
            middles.push([2 * (corner % stride) + dx, 2 * (corner / stride) + dy]);
            corner += dx + dy * stride;
            // The sharpest turn towards the foreground first keeps pixels that share a corner apart.
            let Some(next) =
                [1, 0, 3].into_iter().map(|turn| (way + turn) % 4).find(|w| todo[corner as usize] >> w & 1 == 1)
            else {
                return middles;
            };
            way = next;
        }
    }
}

/// The corners of a closed line: points between two equal steps go.
fn straightened(points: &[[i64; 2]]) -> Vec<[i64; 2]> {
    let count = points.len();
    let step = |from: usize, to: usize| [0, 1].map(|axis| points[to % count][axis] - points[from % count][axis]);
    (0..count).filter(|&i| step(i + count - 1, i) != step(i, i + 1)).map(|i| points[i]).collect()
}

#[cfg(test)]
mod tests {
    use kerma::data::{Image, Sample, Unit};

    use super::*;

    fn traced(rows: &[&str]) -> Vec<Vec<[f64; 2]>> {
        let values: Vec<f32> = rows.concat().chars().map(|c| f32::from(u8::from(c == '#'))).collect();
        let size = [rows[0].len(), rows.len()];
        outlines(&Slice::of_image(&Image::new(size, None, Sample::Float, Unit::Arbitrary, values).unwrap()))
    }

    #[test]
    fn a_pixel_has_one_outline_of_four_points() {
        let [outline] = traced(&["....", ".#..", "....", "...."]).try_into().unwrap();
        assert_eq!(outline, [[0.375, 0.25], [0.5, 0.375], [0.375, 0.5], [0.25, 0.375]]);
    }

    #[test]
    fn holes_and_pixels_that_touch_at_corners_have_outlines_of_their_own() {
        assert_eq!(traced(&["###", "#.#", "###"]).len(), 2);
        assert_eq!(traced(&["#.", ".#"]).len(), 2);
        assert_eq!(traced(&[".#", "#."]).len(), 2);
        assert_eq!(traced(&["..", ".."]).len(), 0);
    }

    #[test]
    fn a_mask_that_fills_the_picture_is_outlined_along_its_rim() {
        let [outline] = traced(&["####", "####"]).try_into().unwrap();
        assert!(outline.iter().all(|p| p.iter().all(|c| (0.0..=1.0).contains(c))));
        // Four sides, each with the corners cut off.
        assert_eq!(outline.len(), 8);
    }

    #[test]
    fn a_large_mask_is_traced_on_a_coarse_grid() {
        let side = 2000;
        let disc = |i: usize| {
            let [x, y] = [i % side, i / side].map(|c| c as f64 - 999.5);
            f32::from(u8::from(x.hypot(y) < 700.0))
        };
        let image = Image::new([side; 2], None, Sample::Float, Unit::Arbitrary, (0..side * side).map(disc).collect());
        let [outline] = outlines(&Slice::of_image(&image.unwrap())).try_into().unwrap();
        assert!(outline.len() < 4 * MAX_SIDE);
        let radius = |p: &[f64; 2]| (p[0] - 0.5).hypot(p[1] - 0.5) * side as f64;
        assert!(outline.iter().all(|p| (radius(p) - 700.0).abs() < 5.0));
    }
}
