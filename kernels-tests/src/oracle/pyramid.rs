//! Pyramids by full 5×5 convolutions in `f64`, mirrored place by place.

/// Row of weights; a blur is their product both ways.
const WEIGHTS: [f64; 5] = [1.0 / 16.0, 4.0 / 16.0, 6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0];

/// Image of `f64` with its rows and columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Rows and columns.
    pub size: [usize; 2],
    /// Values, row by row.
    pub values: Vec<f64>,
}

impl Level {
    /// From single precision.
    #[must_use]
    pub fn new(size: [usize; 2], values: &[f32]) -> Self {
        Self { size, values: values.iter().map(|v| f64::from(*v)).collect() }
    }

    fn at(&self, row: i64, column: i64) -> f64 {
        self.values[mirrored(row, self.size[0]) * self.size[1] + mirrored(column, self.size[1])]
    }

    fn of(size: [usize; 2], value: impl Fn(i64, i64) -> f64) -> Self {
        let places = (0..size[0] * size[1]).map(|i| ((i / size[1]) as i64, (i % size[1]) as i64));
        Self { size, values: places.map(|(row, column)| value(row, column)).collect() }
    }

    fn blurred(&self, row: i64, column: i64) -> f64 {
        let mut sum = 0.0;
        for (i, vertical) in WEIGHTS.iter().enumerate() {
            for (j, horizontal) in WEIGHTS.iter().enumerate() {
                sum += vertical * horizontal * self.at(row + i as i64 - 2, column + j as i64 - 2);
            }
        }
        sum
    }

    /// Blurred, every other row and column kept.
    #[must_use]
    pub fn reduced(&self) -> Self {
        Self::of(self.size.map(|n| n.div_ceil(2)), |row, column| self.blurred(2 * row, 2 * column))
    }

    /// Spread over a level of `size` with zeros between, blurred, and doubled along each side that got zeros.
    #[must_use]
    pub fn expanded(&self, size: [usize; 2]) -> Self {
        let spread = Self::of(size, |row, column| match (row % 2, column % 2) {
            (0, 0) => self.values[row as usize / 2 * self.size[1] + column as usize / 2],
            _ => 0.0,
        });
        let gain: f64 = size.map(|n| if n > 1 { 2.0 } else { 1.0 }).iter().product();
        Self::of(size, |row, column| gain * spread.blurred(row, column))
    }

    /// Every value through a function.
    #[must_use]
    pub fn map(&self, function: impl Fn(f64) -> f64) -> Self {
        Self { size: self.size, values: self.values.iter().map(|v| function(*v)).collect() }
    }

    /// Value by value with another of the same size.
    #[must_use]
    pub fn with(&self, other: &Self, function: impl Fn(f64, f64) -> f64) -> Self {
        let pairs = self.values.iter().zip(&other.values);
        Self { size: self.size, values: pairs.map(|(a, b)| function(*a, *b)).collect() }
    }
}

/// Place among 0..count, mirrored at the ends without repeating them, as often as it takes.
fn mirrored(place: i64, count: usize) -> usize {
    if count == 1 {
        return 0;
    }
    let period = 2 * (count as i64 - 1);
    let place = place.rem_euclid(period);
    place.min(period - place) as usize
}
