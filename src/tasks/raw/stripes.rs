use crate::{data::Projections, parallel::*, tasks::TaskError};

/// Line integrals without the stripes that columns of unlike gain leave in a sinogram, which become rings: the sorting of Vo,
/// Atwood and Drakopoulos (Opt. Express 26 (2018) 28396, algorithm 3).
///
/// The values of each column are sorted over the views; neighbouring columns then differ little but for their gains, and a median over
/// `width` columns, an odd number, takes those away. Each value goes back to the view where it was.
///
/// # Errors
/// [`TaskError::Range`] when the width is even, below 3 or beyond the detector.
pub fn remove_stripes(projections: &Projections, width: usize) -> Result<Projections, TaskError> {
    let ([columns, rows], views) = (projections.detector(), projections.views());
    if width.is_multiple_of(2) || width < 3 || width > columns {
        let allowed = "an odd number from 3 to the detector's columns";
        return Err(TaskError::Range { field: "width of stripes", allowed, got: width as f64 });
    }
    let sinograms: Vec<Vec<f32>> = (0..rows)
        .into_par_iter()
        .map(|row| {
            let value = |view: usize, column: usize| projections.values()[(view * rows + row) * columns + column];
            // Views of each column in the order of their values, `[rank][column]`.
            let mut order = vec![0_u32; views * columns];
            let mut sorted = vec![0.0; views * columns];
            let mut ranks: Vec<u32> = (0..views as u32).collect();
            for column in 0..columns {
                ranks.sort_by(|a, b| value(*a as usize, column).total_cmp(&value(*b as usize, column)).then(a.cmp(b)));
                for (rank, view) in ranks.iter().enumerate() {
                    order[rank * columns + column] = *view;
                    sorted[rank * columns + column] = value(*view as usize, column);
                }
            }
            let mut result = vec![0.0; views * columns];
            let mut window = Vec::with_capacity(width);
            for (order, sorted) in order.chunks(columns).zip(sorted.chunks(columns)) {
                for column in 0..columns {
                    window.clear();
                    window.extend((0..width).map(|i| sorted[mirrored(column + i, width / 2, columns)]));
                    window.sort_by(f32::total_cmp);
                    result[order[column] as usize * columns + column] = window[width / 2];
                }
            }
            result
        })
        .collect();
    let mut values = vec![0.0; views * rows * columns];
    for (line, values) in values.chunks_mut(columns).enumerate() {
        let (view, row) = (line / rows, line % rows);
        values.copy_from_slice(&sinograms[row][view * columns..][..columns]);
    }
    Ok(Projections::new(views, [columns, rows], projections.pitch_mm(), projections.unit(), values)?)
}

/// Place `place − reach`, mirrored at the first and the last of `count`.
fn mirrored(place: usize, reach: usize, count: usize) -> usize {
    let place = place.abs_diff(reach);
    place.min((2 * count - 2).saturating_sub(place)).min(count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Unit;

    #[test]
    fn a_stripe_goes_and_what_moves_stays() {
        let (views, columns) = (60, 80);
        let clean = |view: usize, column: usize| {
            // A disc, and a part of it that goes to and fro.
            let disc = (1.0 - ((column as f32 - 40.0) / 35.0).powi(2)).max(0.0).sqrt();
            let middle = 40.0 + 15.0 * (view as f32 * 0.1).sin();
            disc + 0.3 * (-((column as f32 - middle) / 8.0).powi(2)).exp()
        };
        let sinogram = |stripe: f32| {
            let values = (0..views * columns)
                .map(|i| clean(i / columns, i % columns) + if i % columns == 33 { stripe } else { 0.0 });
            Projections::new(views, [columns, 1], [1.0; 2], Unit::LineIntegral, values.collect()).unwrap()
        };
        let rms = |a: &Projections| {
            let sum: f32 =
                a.values().iter().enumerate().map(|(i, v)| (v - clean(i / columns, i % columns)).powi(2)).sum();
            (sum / a.values().len() as f32).sqrt()
        };
        let striped = sinogram(0.2);
        let mended = remove_stripes(&striped, 9).unwrap();
        let untouched = remove_stripes(&sinogram(0.0), 9).unwrap();
        println!("{} {} {}", rms(&striped), rms(&mended), rms(&untouched));
        assert!(rms(&mended) < 0.4 * rms(&striped), "{} of {}", rms(&mended), rms(&striped));
        assert!(rms(&untouched) < 0.4 * rms(&striped));
        assert!(remove_stripes(&striped, 8).is_err() && remove_stripes(&striped, 81).is_err());
    }

    #[test]
    fn places_beyond_an_end_are_mirrored() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(|i| mirrored(i, 2, 3)), [2, 1, 0, 1, 2, 1, 0]);
    }
}
