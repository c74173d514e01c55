use kerma::metrics::{Bootstrap, Estimate};
use serde::Serialize;

use super::{Figures, Method};
use crate::{
    Error, Statement,
    statement::{shown, table, word_below},
};

/// Draws of the intervals.
const DRAWS: usize = 2000;
const COLUMNS: [&str; 4] = ["method", "RMSE in the body, HU", "SSIM", "RMSE less that of the network, HU"];

/// A number and its interval of 95 % over bodies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Mean over bodies.
    pub mean: f64,
    /// From the 2.5th to the 97.5th percentile of the draws.
    pub interval: Option<[f64; 2]>,
}

/// One method.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Root mean square error within the body.
    pub rmse_hu: Cell,
    /// Structural similarity.
    pub ssim: Cell,
    /// How much more the error is than the network's, body by body.
    pub excess_hu: Option<Cell>,
}

/// The result of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Bodies.
    pub bodies: usize,
    /// The best window, the best weight, the networks.
    pub rows: Vec<Row>,
    /// Mean errors of everything that was tried, in HU.
    pub tried: Vec<(String, f64)>,
    /// Bars.
    pub statements: Vec<Statement>,
    /// Places of the rows' methods among all methods.
    #[serde(skip)]
    pub shown: Vec<usize>,
}

impl From<Estimate> for Cell {
    fn from(Estimate { value: mean, interval }: Estimate) -> Self {
        Self { mean, interval }
    }
}

impl Cell {
    fn text(&self, digits: usize) -> String {
        shown(Estimate { value: self.mean, interval: self.interval }, digits)
    }
}

impl Row {
    /// Its cells as they are shown.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        let excess = self.excess_hu.map_or_else(|| "–".to_owned(), |cell| cell.text(1));
        vec![self.name.clone(), self.rmse_hu.text(1), self.ssim.text(3), excess]
    }
}

impl Outcome {
    /// Names of the columns.
    #[must_use]
    pub fn columns() -> [&'static str; 4] {
        COLUMNS
    }

    /// Means, intervals and bars from what was measured, `[body][method]`.
    ///
    /// # Errors
    /// [`Error::Image`] when there is no body, or a number is not finite.
    pub fn new(methods: &[Method], bodies: &[Vec<Figures>], seed: u64) -> Result<Self, Error> {
        let bootstrap = Bootstrap { seed, draws: DRAWS };
        let of = |method: usize, value: fn(&Figures) -> f64| -> Vec<f64> {
            bodies.iter().map(|figures| value(&figures[method])).collect()
        };
        let difference = |one: &[f64], other: &[f64]| -> Result<Estimate, Error> {
            Ok(bootstrap.compare(one, other).map_err(|e| Error::Image(e.to_string()))?.difference)
        };
        let none = vec![0.0; bodies.len()];
        let errors: Vec<Vec<f64>> = (0..methods.len()).map(|method| of(method, |f| f.rmse_hu)).collect();
        let means: Vec<f64> = errors.iter().map(|all| all.iter().sum::<f64>() / all.len().max(1) as f64).collect();
        let best = |is: fn(&Method) -> bool| {
            let all = (0..methods.len()).filter(|&method| is(&methods[method]));
            all.min_by(|a, b| means[*a].total_cmp(&means[*b]))
        };
        let kinds: [fn(&Method) -> bool; 4] = [
            |method| matches!(method, Method::Fdk { .. }),
            |method| matches!(method, Method::FistaTv { .. }),
            |method| *method == Method::Network,
            |method| *method == Method::Control,
        ];
        let chosen: Option<Vec<usize>> = kinds.into_iter().map(best).collect();
        let chosen = chosen.ok_or_else(|| Error::Image("a method is missing".to_owned()))?;
        let network = chosen[2];
        let (mut rows, mut statements) = (Vec::new(), Vec::new());
        for &method in &chosen {
            let name = methods[method].name();
            let excess = difference(&errors[method], &errors[network])?;
            if method != network {
                statements.push(Statement {
                    text: format!("Learned Primal-Dual errs by less than {name}"),
                    verdict: word_below(difference(&errors[network], &errors[method])?.against(0.0)),
                    found: format!("by {} HU", shown(excess, 1)),
                    is_bar: true,
                });
            }
            rows.push(Row {
                name,
                rmse_hu: difference(&errors[method], &none)?.into(),
                ssim: difference(&of(method, |f| f.ssim), &none)?.into(),
                excess_hu: (method != network).then(|| excess.into()),
            });
        }
        let tried = methods.iter().map(Method::name).zip(means).collect();
        Ok(Self { bodies: bodies.len(), rows, tried, statements, shown: chosen })
    }

    /// The tables.
    #[must_use]
    pub fn markdown(&self) -> String {
        let heading = format!("Means over {} bodies, and intervals of 95 % over bodies.\n\n", self.bodies);
        let tried = self.tried.iter().map(|(name, mean)| vec![name.clone(), format!("{mean:.1}")]);
        let tried = table(&["everything that was tried", "RMSE, HU"], tried);
        let rows = table(&COLUMNS, self.rows.iter().map(Row::texts));
        format!("{heading}{rows}\n{}\n{tried}", Statement::table(&self.statements))
    }
}
