use super::Planes;

/// What is convolved: images, or the slices of volumes `[count, channels, depth, rows, columns]`.
///
/// A slice of a volume is an image whose channels are those of the slices around it: channel `3c + k` of slice z is
/// channel c of slice z + k − 1, and zero where there is none. So weights `[out, in, 3, 3, 3]` are those of a 3 × 3
/// convolution as they lie in memory, and nothing of the volume is copied. An image is a volume of one slice that sees
/// itself alone.
#[derive(Clone, Copy, Debug)]
pub(in crate::ops) struct Slices {
    /// All slices as images, with the channels of those around them.
    pub(super) planes: Planes,
    /// Slices of a volume.
    pub(super) depth: usize,
    /// Slices that one sees: 1 or 3.
    pub(super) window: usize,
}

impl Slices {
    pub(in crate::ops) fn images(planes: Planes) -> Self {
        Self { planes, depth: 1, window: 1 }
    }

    /// The volumes `[count, channels, depth, rows, columns]`.
    pub(in crate::ops) fn volumes([count, channels, depth, rows, columns]: [usize; 5]) -> Self {
        Self { planes: Planes { count: count * depth, channels: 3 * channels, rows, columns }, depth, window: 3 }
    }

    /// Slices of zeros before the first and behind the last.
    fn margin(&self) -> usize {
        self.window / 2
    }

    /// Slices of a volume with those of zeros around it.
    pub(super) fn padded_depth(&self) -> usize {
        self.depth + 2 * self.margin()
    }

    /// Planes of all channels, those of zeros counted.
    pub(super) fn padded_count(&self) -> usize {
        self.planes.count / self.depth * (self.planes.channels / self.window) * self.padded_depth()
    }

    /// Which plane of the input a padded one is; none of zeros.
    pub(super) fn unpadded(&self, plane: usize) -> Option<usize> {
        let (channel, slice) = (plane / self.padded_depth(), plane % self.padded_depth());
        let slice = slice.checked_sub(self.margin()).filter(|slice| *slice < self.depth)?;
        Some(channel * self.depth + slice)
    }

    /// The padded plane that an image sees as its channel.
    #[inline(always)]
    pub(super) fn padded(&self, image: usize, channel: usize) -> usize {
        let (volume, slice) = (image / self.depth, image % self.depth);
        let (channel, shift) = (channel / self.window, channel % self.window);
        (volume * (self.planes.channels / self.window) + channel) * self.padded_depth() + slice + shift
    }

    /// The plane of the input that an image sees as its channel; none of zeros.
    #[inline(always)]
    pub(super) fn plane(&self, image: usize, channel: usize) -> Option<usize> {
        self.unpadded(self.padded(image, channel))
    }

    /// The plane of the output, of `out` channels, that is an image's channel.
    #[inline(always)]
    pub(super) fn output(&self, image: usize, channel: usize, out: usize) -> usize {
        (image / self.depth * out + channel) * self.depth + image % self.depth
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Added, TAPS, bias_gradient, forward, input_gradient, tests::values, weight_gradient},
        *,
    };

    /// One slice and one voxel, odd sizes, several volumes, and enough channels for minimal filtering.
    const SHAPES: [([usize; 5], usize); 6] = [
        ([1, 1, 1, 1, 1], 1),
        ([2, 3, 4, 5, 7], 9),
        ([1, 8, 3, 16, 16], 8),
        ([3, 2, 2, 9, 4], 5),
        ([2, 16, 5, 6, 7], 33),
        ([1, 32, 1, 8, 11], 35),
    ];

    /// Straight from the formula, in f64.
    fn oracle(x: &[f32], [count, channels, depth, rows, columns]: [usize; 5], weight: &[f32], out: usize) -> Vec<f64> {
        let at = |plane: usize, [z, y, x_]: [usize; 3], tap: usize| {
            let place = [z + tap / 9, y + tap / 3 % 3, x_ + tap % 3];
            let inside = place.iter().zip([depth, rows, columns]).all(|(p, size)| (1..=size).contains(p));
            let [z, y, x_] = place.map(|p| p.wrapping_sub(1));
            if inside { f64::from(x[((plane * depth + z) * rows + y) * columns + x_]) } else { 0.0 }
        };
        let voxels = depth * rows * columns;
        let one = |index: usize| {
            let (n, o, voxel) = (index / voxels / out, index / voxels % out, index % voxels);
            let place = [voxel / (rows * columns), voxel / columns % rows, voxel % columns];
            let products = (0..channels * 27)
                .map(|i| f64::from(weight[o * channels * 27 + i]) * at(n * channels + i / 27, place, i % 27));
            products.sum::<f64>()
        };
        (0..count * out * voxels).map(one).collect()
    }

    fn given(shape: [usize; 5], out: usize) -> [Vec<f32>; 2] {
        [values(shape.iter().product(), 1), values(out * shape[1] * 3 * TAPS, 2)]
    }

    #[test]
    fn outputs_are_those_of_the_formula() {
        for (shape, out) in SHAPES {
            let ([x, mut weight], bias) = (given(shape, out), values(out, 3));
            let voxels: usize = shape[2..].iter().product();
            let onto = values(shape[0] * out * voxels, 4);
            let added = Added { bias: Some(&bias), onto: Some(&onto) };
            let want: Vec<f64> = oracle(&x, shape, &weight, out)
                .iter()
                .enumerate()
                .map(|(i, want)| want + f64::from(bias[i / voxels % out]) + f64::from(onto[i]))
                .collect();
            let error = |weight: &[f32]| {
                let got = forward(&x, Slices::volumes(shape), weight, added, out);
                assert_eq!(got.len(), want.len());
                got.iter().zip(&want).map(|(got, want)| (f64::from(*got) - want).abs()).fold(0.0, f64::max)
            };
            let bound = 1e-5 * (3.0 * shape[1] as f64 / 8.0).sqrt().max(1.0);
            assert!(error(&weight) < bound, "{shape:?}: {:e}", error(&weight));
            // The control: the middle tap of one weight.
            weight[out / 2 * shape[1] * 27 + 13] += 1e-3;
            assert!(error(&weight) > bound, "{shape:?}: {:e}", error(&weight));
        }
    }

    #[test]
    fn gradients_are_the_adjoints() {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        for (shape, out) in SHAPES {
            let ([x, weight], slices) = (given(shape, out), Slices::volumes(shape));
            let [count, channels, depth, rows, columns] = shape;
            let grad = values(count * out * depth * rows * columns, 6);
            let truth = oracle(&x, shape, &weight, out);
            let product = truth.iter().zip(&grad).map(|(v, g)| v * f64::from(*g)).sum::<f64>();
            let to = Slices::volumes([count, out, depth, rows, columns]);
            let by_input = dot(&x, &input_gradient(&grad, to, &weight, channels));
            let by_weight = dot(&weight, &weight_gradient(&x, slices, &grad, out));
            // Errors of the terms, each about 1e-6, add up at random.
            let bound = 1e-5 * (grad.len() as f64).sqrt() * (channels as f64).sqrt();
            assert!((product - by_input).abs() < bound, "{shape:?}: {product} {by_input}");
            assert!((product - by_weight).abs() < bound, "{shape:?}: {product} {by_weight}");
            let ones = vec![1.0; out];
            let by_bias = dot(&ones, &bias_gradient(&grad, Planes::new([count, out, depth * rows, columns])));
            assert!((by_bias - grad.iter().map(|g| f64::from(*g)).sum::<f64>()).abs() < bound);
        }
    }

    #[test]
    fn results_do_not_depend_on_the_number_of_threads() {
        for (shape, out) in SHAPES {
            let ([x, weight], slices) = (given(shape, out), Slices::volumes(shape));
            let grad = values(shape.iter().product::<usize>() / shape[1] * out, 6);
            let [one, two, nine] = [1, 2, 9].map(|count| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
                pool.install(|| {
                    (forward(&x, slices, &weight, Added::default(), out), weight_gradient(&x, slices, &grad, out))
                })
            });
            assert!(one == two && one == nine, "{shape:?}");
        }
    }
}
