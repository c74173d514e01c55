//! Numbers of a case that a physicist asks for.

use super::{
    Case, Exposed, Part, ScatterMap,
    case::{Object, source_detector_mm},
};
use crate::{geometry::Source, tasks::TaskError};

/// A measured quantity.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Its name, with its unit.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// Unit in print.
    pub unit: &'static str,
    /// What it is.
    pub meaning: &'static str,
}

impl Case {
    /// What was measured of the first view, on the central ray unless said; `scatter` is what the images were made with.
    ///
    /// # Errors
    /// [`TaskError`]; none for images of this case.
    pub fn results(&self, exposed: &Exposed, scatter: Option<&ScatterMap>) -> Result<Vec<Measured>, TaskError> {
        let Object::Irradiated(irradiated) = &self.object else { return Ok(Vec::new()) };
        let view = &self.room().views()[0];
        let distance_mm = source_detector_mm(view)?;
        let open = &irradiated.open;
        let spectrum = open.central_spectrum(distance_mm)?;
        let [first, second] = spectrum.half_value_layers_mm_al()?;
        let mut results = vec![
            Measured {
                name: "mean_energy_kev",
                value: spectrum.mean_energy_kev(),
                unit: "keV",
                meaning: "of the photons at the detector, without patient and grid",
            },
            Measured { name: "half_value_layer_mm_al", value: first, unit: "mm Al", meaning: "first, there" },
            Measured { name: "second_half_value_layer_mm_al", value: second, unit: "mm Al", meaning: "second, there" },
            Measured {
                name: "photons_per_mm2",
                value: spectrum.total_per_mm2(),
                unit: "per mm²",
                meaning: "at the detector, without patient and grid",
            },
            Measured {
                name: "detector_air_kerma_mgy",
                value: spectrum.air_kerma_mgy()?,
                unit: "mGy",
                meaning: "at the detector, without patient and grid",
            },
        ];
        if let Source::Point(source) = view.source {
            let axis = (view.detector_centre - source) / distance_mm;
            let skin = source + self.entrance_mm() * axis;
            results.push(Measured {
                name: "entrance_air_kerma_mgy",
                value: open.air_kerma_mgy(view, skin)?,
                unit: "mGy",
                meaning: "where the central ray meets the body's box, without backscatter",
            });
        }
        if let Some(followed) = scatter.and_then(|map| map.followed.as_ref()) {
            let measured = |name, value, meaning| Measured { name, value, unit: "", meaning };
            let [compton, rayleigh, multiple] = followed.shares;
            results.extend([
                measured("scatter_error", followed.error, "standard error of a pixel of the scatter map over the mean"),
                measured(
                    "scatter_compton_once",
                    compton,
                    "of the scattered signal before the grid: photons scattered once, incoherently",
                ),
                measured("scatter_rayleigh_once", rayleigh, "of the same: photons scattered once, coherently"),
                measured("scatter_multiple", multiple, "of the same: photons scattered more than once"),
            ]);
        }
        let sum = |part: Part| {
            let values = exposed.stack(part)?.view_values(0);
            Some(values.iter().map(|value| f64::from(*value)).sum::<f64>())
        };
        if let Some([primary, scattered]) = sum(Part::Primary).zip(sum(Part::Scatter)).map(<[f64; 2]>::from)
            && primary + scattered > 0.0
        {
            results.push(Measured {
                name: "scatter_fraction",
                value: scattered / (primary + scattered),
                unit: "",
                meaning: "of the signal, mean over the detector, behind the grid",
            });
            if let Some(grid) = scatter.and_then(|map| map.grid) {
                let [primary, scattered] = [primary / grid.primary, scattered / grid.scatter];
                let fraction = scattered / (primary + scattered);
                results.extend([
                    Measured {
                        name: "scatter_fraction_without_grid",
                        value: fraction,
                        unit: "",
                        meaning: "of the signal, mean over the detector, before the grid",
                    },
                    Measured {
                        name: "grid_primary_transmission",
                        value: grid.primary,
                        unit: "",
                        meaning: "share of the primary signal that passes the grid",
                    },
                    Measured {
                        name: "grid_scatter_transmission",
                        value: grid.scatter,
                        unit: "",
                        meaning: "share of the scattered signal that passes the grid",
                    },
                    Measured {
                        name: "bucky_factor",
                        value: grid.bucky_factor(fraction)?,
                        unit: "",
                        meaning: "exposure with the grid over that without, for the same signal",
                    },
                ]);
            }
        }
        Ok(results)
    }
}
