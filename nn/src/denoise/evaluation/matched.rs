use kerma::{kernels::noise::Stream, metrics::psnr};

use super::{
    Condition, Interval, MatchedDose, MatchedOptions, NoiseKind,
    bench::{Bench, Kind},
    ready::{Given, RANGE, ReadyMethod},
    scene::{noisy, truth},
};
use crate::Error;

/// Where the noise of the search lies among the streams of a seed: behind that of all cells.
const STREAMS: u32 = 1 << 24;

impl MatchedOptions {
    /// Factors that are tried: equal steps of the logarithm, and 1.
    pub(super) fn strengths(&self) -> Vec<f64> {
        let mut all = spread(self.strengths, self.strength_count);
        // A step of the logarithm that should be 1 need not be so to the last bit.
        all.retain(|strength| (strength - 1.0).abs() > 1e-9);
        all.push(1.0);
        all.sort_by(f64::total_cmp);
        all
    }

    pub(super) fn doses(&self) -> Vec<f64> {
        let mut all = spread(self.doses, self.dose_count);
        all.reverse();
        all
    }
}

/// `count` numbers at equal steps of the logarithm.
fn spread([least, most]: [f64; 2], count: usize) -> Vec<f64> {
    let step = (most / least).ln() / count.saturating_sub(1).max(1) as f64;
    (0..count).map(|i| least * (step * i as f64).exp()).collect()
}

/// PSNR of a method at all factors, over doses and kinds of noise.
pub(super) async fn search(
    options: &MatchedOptions,
    kinds: &[NoiseKind],
    way: &ReadyMethod<'_>,
    bench: &mut Bench<'_>,
) -> Result<Vec<MatchedDose>, Error> {
    let strengths = options.strengths();
    let mut found = Vec::new();
    for (index, (quanta, noise)) in
        options.doses().into_iter().flat_map(|quanta| kinds.iter().map(move |kind| (quanta, *kind))).enumerate()
    {
        let condition = Condition { dose: String::new(), quanta, noise };
        let mut starts = Vec::new();
        // [factor][image]
        let mut values = vec![Vec::new(); strengths.len()];
        for (image, scene) in bench.scenes.iter().take(options.images).enumerate() {
            let stream = Stream::new(bench.seed, STREAMS + (index * options.images + image) as u32);
            let noisy = noisy(&scene.clean, &condition, stream, bench.engine).await?;
            for (strength, values) in strengths.iter().zip(&mut values) {
                bench.tell(Kind::Matched, &format!("start of the chain, {quanta:.0} quanta"))?;
                let given = Given { truth: truth(&condition), seed: bench.seed, strength: *strength, tile: None };
                let made = way.run(&noisy, given, bench.control).await?;
                values.push(psnr(&scene.clean, &made.image, RANGE).map_err(|e| Error::Image(e.to_string()))?);
                if *strength == 1.0 {
                    starts.extend(made.start.map(|start| start as f64));
                }
            }
        }
        found.extend(judged(&condition, &strengths, &values, &starts));
    }
    Ok(found)
}

/// The matched start against the factor whose mean over the images is best.
fn judged(condition: &Condition, strengths: &[f64], values: &[Vec<f64>], starts: &[f64]) -> Option<MatchedDose> {
    let means: Vec<f64> = values.iter().map(|v| v.iter().sum::<f64>() / v.len().max(1) as f64).collect();
    let matched = strengths.iter().position(|strength| *strength == 1.0)?;
    let best = (0..means.len()).max_by(|a, b| means[*a].total_cmp(&means[*b]))?;
    Some(MatchedDose {
        quanta: condition.quanta,
        noise: condition.noise,
        start: Interval::of(starts).map_or(0.0, |start| start.mean),
        psnr: Interval::of(&values[matched])?,
        curve: strengths.iter().zip(&means).map(|(strength, mean)| [*strength, *mean]).collect(),
        best: strengths[best],
        gap: Interval::of_differences(&values[best], &values[matched])?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_that_of_the_best_factor_over_all_images() {
        let condition = Condition { dose: String::new(), quanta: 100.0, noise: NoiseKind::Gaussian };
        let values = [vec![30.0, 31.0], vec![30.2, 31.4], vec![30.1, 31.0]];
        let found = judged(&condition, &[0.5, 0.8, 1.0], &values, &[40.0, 50.0]).unwrap();
        assert_eq!((found.best, found.start), (0.8, 45.0));
        assert!((found.gap.mean - 0.25).abs() < 1e-9, "{found:?}");
        // The control: a matched start that is best has no gap.
        let found = judged(&condition, &[0.5, 1.0, 2.0], &values, &[]).unwrap();
        assert_eq!((found.best, found.gap.mean), (1.0, 0.0));
    }

    #[test]
    fn factors_are_even_in_the_logarithm_and_hold_1() {
        let options = |strength_count| MatchedOptions {
            method: String::new(),
            images: 1,
            doses: [100.0, 1000.0],
            dose_count: 3,
            strengths: [0.5, 2.0],
            strength_count,
        };
        let strengths = options(9).strengths();
        assert_eq!((strengths.len(), strengths[4]), (9, 1.0));
        assert!((strengths[1] / strengths[0] - 2.0_f64.powf(0.25)).abs() < 1e-12);
        assert_eq!(options(2).strengths().len(), 3);
        assert!((options(9).doses()[1] - 316.2277).abs() < 1e-3);
    }
}
