//! What validation says of answers: a line for values, a margin for classes.

/// Share of the answers that err by less than what is called the error.
const ERROR_SHARE: f64 = 0.9;
/// The class that is right, to whose logit a margin is added.
const RIGHT: usize = 1;

/// truth = gain · answer + offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    pub(super) gain: f64,
    pub(super) offset: f64,
}

impl Line {
    /// By least squares; through the origin where mirror images have the opposite value. Equal answers tell nothing.
    pub(super) fn fitted(answers: &[f64], truths: &[f64], is_odd: bool) -> Self {
        let count = answers.len().max(1) as f64;
        let mean = |values: &[f64]| if is_odd { 0.0 } else { values.iter().sum::<f64>() / count };
        let (answer, truth) = (mean(answers), mean(truths));
        let pairs = || answers.iter().zip(truths).map(|(a, t)| (a - answer, t - truth));
        let square: f64 = pairs().map(|(a, _)| a * a).sum();
        if square == 0.0 {
            return Self { gain: 1.0, offset: truth - answer };
        }
        let gain = pairs().map(|(a, t)| a * t).sum::<f64>() / square;
        Self { gain, offset: truth - gain * answer }
    }

    /// What nine of ten answers err less by.
    pub(super) fn error(self, answers: &[f64], truths: &[f64]) -> f64 {
        let error = |(answer, truth): (&f64, &f64)| (self.gain * answer + self.offset - truth).abs();
        let mut errors: Vec<f64> = answers.iter().zip(truths).map(error).collect();
        errors.sort_unstable_by(f64::total_cmp);
        errors.get((errors.len() as f64 * ERROR_SHARE) as usize).copied().unwrap_or(f64::INFINITY)
    }
}

/// The class with the largest logit, once a margin is added to the right one's.
pub(super) fn class_of(logits: &[f64], margin: f64) -> usize {
    let raised = |class: usize| logits[class] + if class == RIGHT { margin } else { 0.0 };
    (0..logits.len()).max_by(|a, b| raised(*a).total_cmp(&raised(*b))).unwrap_or(RIGHT)
}

/// Mean over the classes that occur of the share that is recognised.
pub(super) fn balanced_accuracy(pairs: &[(usize, usize)]) -> Option<f64> {
    let most = pairs.iter().map(|(_, truth)| truth + 1).max()?;
    let recall = |class: usize| {
        let of_class: Vec<_> = pairs.iter().filter(|(_, truth)| *truth == class).collect();
        let found = of_class.iter().filter(|(told, _)| *told == class).count();
        (!of_class.is_empty()).then(|| found as f64 / of_class.len() as f64)
    };
    let recalls: Vec<f64> = (0..most).filter_map(recall).collect();
    Some(recalls.iter().sum::<f64>() / recalls.len() as f64)
}

/// The margin of the largest balanced accuracy; of several, the one in their middle.
pub(super) fn margin(logits: &[Vec<f64>], truths: &[usize]) -> f64 {
    let lead = |logits: &Vec<f64>| {
        let others = logits.iter().enumerate().filter(|(class, _)| *class != RIGHT).map(|(_, logit)| *logit);
        others.fold(f64::NEG_INFINITY, f64::max) - logits[RIGHT]
    };
    let mut leads: Vec<f64> = logits.iter().map(lead).collect();
    leads.sort_unstable_by(f64::total_cmp);
    let accuracy = |margin: f64| {
        let pairs: Vec<_> = logits.iter().zip(truths).map(|(l, truth)| (class_of(l, margin), *truth)).collect();
        balanced_accuracy(&pairs).unwrap_or(0.0)
    };
    let candidates = leads.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
    let judged: Vec<(f64, f64)> = candidates.map(|margin| (margin, accuracy(margin))).collect();
    let best = judged.iter().map(|(_, accuracy)| *accuracy).fold(0.0, f64::max);
    let best: Vec<f64> =
        judged.into_iter().filter(|(_, accuracy)| *accuracy == best).map(|(margin, _)| margin).collect();
    best.get(best.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_undo_what_was_done_to_the_truth() {
        let truths: Vec<f64> = (0..20).map(|i| f64::from(i) - 5.0).collect();
        let answers: Vec<f64> = truths.iter().map(|t| 0.5 * t + 2.0).collect();
        let line = Line::fitted(&answers, &truths, false);
        assert!((line.gain - 2.0).abs() < 1e-12 && (line.offset + 4.0).abs() < 1e-12);
        assert!(line.error(&answers, &truths) < 1e-12);
        let odd = Line::fitted(&answers, &truths, true);
        assert!(odd.offset == 0.0 && odd.error(&answers, &truths) > 1.0);
        assert_eq!(Line::fitted(&[1.0, 1.0], &[2.0, 4.0], false), Line { gain: 1.0, offset: 2.0 });
    }

    #[test]
    fn margins_make_up_for_classes_that_were_rare() {
        // Class 1 is told too late by 3 in its logit.
        let place = |i: usize| i as f64 / 10.0 - 2.0;
        let logits: Vec<Vec<f64>> = (0..40).map(|i| vec![-2.0 * place(i), -2.0, 2.0 * place(i)]).collect();
        let truths: Vec<usize> =
            (0..40).map(|i| usize::from(place(i) > -1.05) + usize::from(place(i) > 1.05)).collect();
        let accuracy = |margin: f64| {
            let pairs: Vec<_> = logits.iter().zip(&truths).map(|(l, t)| (class_of(l, margin), *t)).collect();
            balanced_accuracy(&pairs).unwrap()
        };
        let found = margin(&logits, &truths);
        assert!(accuracy(0.0) < 0.8 && accuracy(found) == 1.0, "{found}");
        assert!((found - 4.1).abs() < 0.11, "{found}");
    }

    #[test]
    fn balanced_accuracy_counts_classes_alike() {
        let pairs = [(0, 0), (0, 0), (0, 0), (0, 1)];
        assert_eq!(balanced_accuracy(&pairs), Some(0.5));
        assert_eq!(balanced_accuracy(&[]), None);
    }
}
