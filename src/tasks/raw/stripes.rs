use std::{fmt, str::FromStr};

use ndarray::Array2;

use super::wavelet;
use crate::{data::Projections, parallel::*, tasks::TaskError};

/// A way to take off the stripes that columns of unlike gain leave in a sinogram, which become rings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stripes {
    /// The sorting of Vo, Atwood and Drakopoulos (Opt. Express 26 (2018) 28396, algorithm 3), written `sorting:COLUMNS` or `COLUMNS`.
    ///
    /// The values of each column are sorted over the views; neighbouring columns then differ little but for their gains, and a median over
    /// so many columns takes those away. Each value goes back to the view where it was.
    Sorting {
        /// Columns of the median: an odd number from 3 to the detector's.
        columns: usize,
    },
    /// The Fourier–wavelet filter of Münch, Trtik, Marone and Stampanoni (Opt. Express 17 (2009) 8567), written `wavelet:LEVELS,SIGMA`.
    ///
    /// Stripes are smooth along the views and sharp across the columns: they lie in the vertical details of the sinogram's wavelet transform,
    /// at low frequencies along the views. In each of the levels these details are multiplied by 1 − exp(−k²/2σ²), k in cycles along the views.
    /// What is constant along the views, k = 0, goes whatever σ. The wavelet is Daubechies' of five vanishing moments. The sinogram is mirrored at
    /// its ends, which are repeated, and so are the details along the views: nothing wraps around.
    Wavelet {
        /// Levels, each of stripes twice as wide as those of the one before: 1 or more, with 9·2^levels views and columns or more.
        levels: usize,
        /// σ in cycles along the views, above 0.
        sigma: f64,
    },
}

impl Stripes {
    const FORMS: &str = "COLUMNS, sorting:COLUMNS, wavelet:LEVELS,SIGMA";

    fn check(self, views: usize, columns: usize) -> Result<(), TaskError> {
        let range = |field, allowed, got| Err(TaskError::Range { field, allowed, got });
        match self {
            Self::Sorting { columns: width } if width.is_multiple_of(2) || width < 3 || width > columns => {
                range("width of stripes", "an odd number from 3 to the detector's columns", width as f64)
            }
            Self::Wavelet { levels, .. } if levels == 0 || levels > wavelet::most_levels(views.min(columns)) => {
                range("levels of stripes", "1 or more, with 9·2^levels views and columns or more", levels as f64)
            }
            Self::Wavelet { sigma, .. } if !(sigma > 0.0 && sigma.is_finite()) => {
                range("sigma of stripes", "above 0", sigma)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Stripes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sorting { columns } => write!(f, "sorting:{columns}"),
            Self::Wavelet { levels, sigma } => write!(f, "wavelet:{levels},{sigma}"),
        }
    }
}

impl FromStr for Stripes {
    type Err = TaskError;

    fn from_str(text: &str) -> Result<Self, TaskError> {
        let wavelet = || {
            let (levels, sigma) = text.strip_prefix("wavelet:")?.split_once(',')?;
            Some(Self::Wavelet { levels: levels.parse().ok()?, sigma: sigma.parse().ok()? })
        };
        let sorting = || Some(Self::Sorting { columns: text.strip_prefix("sorting:").unwrap_or(text).parse().ok()? });
        let name = || TaskError::Name { what: "stripes", allowed: Self::FORMS.to_owned(), got: text.to_owned() };
        wavelet().or_else(sorting).ok_or_else(name)
    }
}

/// Line integrals without stripes: each row of the detector by itself.
///
/// # Errors
/// [`TaskError`] when a parameter of the way is outside its range for these views and columns, or a value is not finite.
pub fn remove_stripes(projections: &Projections, stripes: Stripes) -> Result<Projections, TaskError> {
    let ([columns, rows], views) = (projections.detector(), projections.views());
    stripes.check(views, columns)?;
    projections.check_finite()?;
    let sinograms: Vec<Array2<f32>> = (0..rows)
        .into_par_iter()
        .map(|row| {
            let value = |(view, column)| projections.values()[(view * rows + row) * columns + column];
            let sinogram = Array2::from_shape_fn((views, columns), value);
            match stripes {
                Stripes::Sorting { columns } => sorted(&sinogram, columns),
                Stripes::Wavelet { levels, sigma } => {
                    let taken = wavelet::slow_details(sinogram.mapv(f64::from), levels, sigma);
                    Array2::from_shape_fn(sinogram.dim(), |at| (f64::from(sinogram[at]) - taken[at]) as f32)
                }
            }
        })
        .collect();
    let value = |index: usize| sinograms[index / columns % rows][[index / columns / rows, index % columns]];
    let values = (0..views * rows * columns).map(value).collect();
    Ok(Projections::new(views, [columns, rows], projections.pitch_mm(), projections.unit(), values)?)
}

/// Medians over `width` columns of values that are sorted over the views.
fn sorted(sinogram: &Array2<f32>, width: usize) -> Array2<f32> {
    let (views, columns) = sinogram.dim();
    // Views of each column in the order of their values, and the values, `[rank][column]`.
    let mut order = Array2::<usize>::zeros((views, columns));
    let mut values = Array2::<f32>::zeros((views, columns));
    let mut ranks: Vec<usize> = (0..views).collect();
    for column in 0..columns {
        let value = |view: usize| sinogram[[view, column]];
        ranks.sort_by(|a, b| value(*a).total_cmp(&value(*b)).then(a.cmp(b)));
        for (rank, view) in ranks.iter().enumerate() {
            order[[rank, column]] = *view;
            values[[rank, column]] = value(*view);
        }
    }
    let mut result = Array2::zeros((views, columns));
    let mut window = Vec::with_capacity(width);
    for rank in 0..views {
        for column in 0..columns {
            window.clear();
            window.extend((0..width).map(|i| values[[rank, mirrored(column + i, width / 2, columns)]]));
            window.sort_by(f32::total_cmp);
            result[[order[[rank, column]], column]] = window[width / 2];
        }
    }
    result
}

/// Place `place − reach`, mirrored at the first and the last of `count`.
fn mirrored(place: usize, reach: usize, count: usize) -> usize {
    let place = place.abs_diff(reach);
    place.min((2 * count - 2).saturating_sub(place)).min(count - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::Unit, geometry::Scan, phantom::shepp_logan};

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
        let mended = remove_stripes(&striped, Stripes::Sorting { columns: 9 }).unwrap();
        let untouched = remove_stripes(&sinogram(0.0), Stripes::Sorting { columns: 9 }).unwrap();
        println!("{} {} {}", rms(&striped), rms(&mended), rms(&untouched));
        assert!(rms(&mended) < 0.4 * rms(&striped), "{} of {}", rms(&mended), rms(&striped));
        assert!(rms(&untouched) < 0.4 * rms(&striped));
        for columns in [1, 8, 81] {
            assert!(remove_stripes(&striped, Stripes::Sorting { columns }).is_err());
        }
    }

    /// The Shepp–Logan phantom with gains of the columns that differ by `gain` at random, by `drift` more at the end than at the start,
    /// and without; the root mean square difference of a stack from the latter.
    fn phantom(gain: f32, drift: f32) -> (Projections, impl Fn(&Projections) -> f32) {
        let text = "kind = 'parallel'\nviews = 180\narc_deg = 180\ndetector = [192, 2]\npitch_mm = [1.0, 2.0]";
        let scan = Scan::from_toml(text).unwrap().build().unwrap();
        let clean = shepp_logan(80.0).unwrap().project(&scan).unwrap();
        let (views, [columns, rows]) = (clean.views(), clean.detector());
        let values = clean.values().iter().enumerate().map(|(i, value)| {
            let (view, pixel) = (i / (columns * rows), i % (columns * rows));
            let random = ((pixel as u32 + 1).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.5;
            value + random * (gain + drift * view as f32 / views as f32)
        });
        let striped =
            Projections::new(views, [columns, rows], clean.pitch_mm(), clean.unit(), values.collect()).unwrap();
        let rmse = move |stack: &Projections| {
            let sum: f32 = stack.values().iter().zip(clean.values()).map(|(a, b)| (a - b).powi(2)).sum();
            (sum / clean.values().len() as f32).sqrt()
        };
        (striped, rmse)
    }

    #[test]
    fn stripes_of_a_phantom_go_by_either_way() {
        let (clean, _) = phantom(0.0, 0.0);
        // What is left of the stripes, and of the error that the way makes where there are none, as a share of the stripes.
        let left = |gain, drift, stripes: Stripes| {
            let (striped, rmse) = phantom(gain, drift);
            let left = [&striped, &clean].map(|of| rmse(&remove_stripes(of, stripes).unwrap()) / rmse(&striped));
            println!("gain {gain}, drift {drift}, {stripes}: {left:?} of {}", rmse(&striped));
            left
        };
        let wavelet = |levels, sigma| Stripes::Wavelet { levels, sigma };
        let below = |most: f32, [striped, untouched]: [f32; 2]| striped < most && untouched < most;
        assert!(below(0.45, left(6.0, 0.0, Stripes::Sorting { columns: 5 })));
        assert!(below(0.4, left(6.0, 0.0, wavelet(2, 1.0))));
        assert!(below(0.5, left(6.0, 0.0, wavelet(3, 1.0))));
        assert!(below(0.4, left(6.0, 0.0, wavelet(2, 0.01))), "what is constant goes whatever σ");
        // Gains that grow during the scan need a wider damping; one level leaves wide stripes.
        assert!(below(0.4, left(0.0, 12.0, wavelet(2, 1.0))));
        assert!(left(0.0, 12.0, wavelet(2, 0.01))[0] > 0.5, "a control");
        assert!(left(6.0, 0.0, wavelet(1, 1.0))[0] > 0.45, "a control");
    }

    #[test]
    fn ways_are_read_and_checked() {
        let wavelet = |levels, sigma| Stripes::Wavelet { levels, sigma };
        for stripes in [Stripes::Sorting { columns: 21 }, wavelet(3, 1.5)] {
            assert_eq!(stripes.to_string().parse::<Stripes>(), Ok(stripes));
        }
        assert_eq!("21".parse::<Stripes>(), Ok(Stripes::Sorting { columns: 21 }));
        for text in ["", "wavelet", "wavelet:3", "wavelet:3,a", "wavelet:-1,1", "sorting:2.5", "haar:1,2", "3,1"] {
            let message = text.parse::<Stripes>().unwrap_err().to_string();
            assert!(
                message.starts_with("stripes must be one of COLUMNS, ")
                    && message.ends_with(&format!("got \"{text}\""))
            );
        }
        let stack = Projections::new(36, [40, 1], [1.0; 2], Unit::LineIntegral, vec![1.0; 36 * 40]).unwrap();
        let refused = |stripes| remove_stripes(&stack, stripes).unwrap_err().to_string();
        for levels in [0, 3] {
            assert!(refused(wavelet(levels, 1.0)).starts_with("levels of stripes must be 1 or more, with 9·2^levels"));
        }
        for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(refused(wavelet(2, sigma)).starts_with("sigma of stripes must be above 0"));
        }
        // A constant has no details.
        assert_eq!(remove_stripes(&stack, wavelet(2, 1.0)).unwrap(), stack);
    }

    #[test]
    fn places_beyond_an_end_are_mirrored() {
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(|i| mirrored(i, 2, 3)), [2, 1, 0, 1, 2, 1, 0]);
    }
}
