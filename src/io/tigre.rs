use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{IoError, error::excerpt, text::read_text, write_bytes};
use crate::{
    data::Grid,
    geometry::convert::tigre::{TigreGeometry, TigreView},
};

/// Largest file that is read: 65,536 views take about 20 MB.
const MAX_BYTES: u64 = 64 << 20;
const FORMAT: &str = "TIGRE geometry";
/// Samples a voxel of TIGRE's interpolating projector, its own default.
const ACCURACY: f64 = 0.5;

/// TIGRE's fields as Python has them: axes backwards, angles in radians, lengths in millimetres.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(default = "cone")]
    mode: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    n_detector: [usize; 2],
    d_detector: [f64; 2],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    s_detector: Option<[f64; 2]>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    volume: Option<Voxels>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    off_origin: Option<PerView<[f64; 3]>>,
    angles: Vec<f64>,
    #[serde(rename = "DSO")]
    dso: PerView<f64>,
    #[serde(rename = "DSD")]
    dsd: PerView<f64>,
    #[serde(default)]
    off_detector: PerView<[f64; 2]>,
    #[serde(default)]
    rot_detector: PerView<[f64; 3]>,
    #[serde(rename = "COR", default)]
    cor: PerView<f64>,
}

/// TIGRE's volume.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Voxels {
    n_voxel: [usize; 3],
    d_voxel: [f64; 3],
    s_voxel: [f64; 3],
}

/// One value for all views, or one for each.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum PerView<T> {
    One(T),
    Each(Vec<T>),
}

impl<T: Default> Default for PerView<T> {
    fn default() -> Self {
        Self::One(T::default())
    }
}

fn cone() -> String {
    "cone".to_owned()
}

/// Reads a TIGRE geometry from JSON whose names and values are the fields of its Python object, and `angles`.
///
/// `DSO`, `DSD`, `offDetector`, `rotDetector` and `COR` hold one value for all views or one for each. Fields that say nothing of the scan are
/// not looked at.
///
/// # Errors
/// [`IoError`] when the file cannot be read, is no such JSON, a field is missing or of another length, the beam is parallel, or `offOrigin` moves
/// the volume.
pub fn read_tigre_geometry(path: impl AsRef<Path>) -> Result<TigreGeometry, IoError> {
    let path = path.as_ref();
    let text = read_text(path, "geometry", MAX_BYTES)
        .map_err(|reason| IoError::Corrupt { path: path.to_owned(), reason: excerpt(reason) })?;
    decode_tigre_geometry(path, &text)
}

/// Reads it from text in memory; `name` stands for the path in messages. See [`read_tigre_geometry`].
///
/// # Errors
/// As for [`read_tigre_geometry`].
pub fn decode_tigre_geometry(name: &Path, text: &str) -> Result<TigreGeometry, IoError> {
    let fields: Fields = serde_json::from_str(text).map_err(|error| {
        let reason = excerpt(error);
        IoError::Format { path: name.to_owned(), format: FORMAT, reason }
    })?;
    let unsupported =
        |what: String, remedy| Err(IoError::Unsupported { path: name.to_owned(), what: excerpt(what), remedy });
    if fields.mode != "cone" {
        return unsupported(format!("mode = {}", fields.mode), "cone beams are read");
    }
    let moved = match &fields.off_origin {
        None => false,
        Some(PerView::One(offset)) => *offset != [0.0; 3],
        Some(PerView::Each(offsets)) => offsets.iter().any(|offset| *offset != [0.0; 3]),
    };
    if moved {
        return unsupported("an offOrigin other than 0".to_owned(), "give the place of the volume with its grid");
    }
    let count = fields.angles.len();
    let dso = fields.dso.each(name, "DSO", count)?;
    let dsd = fields.dsd.each(name, "DSD", count)?;
    let offsets = fields.off_detector.each(name, "offDetector", count)?;
    let rotations = fields.rot_detector.each(name, "rotDetector", count)?;
    let cor = fields.cor.each(name, "COR", count)?;
    let view = |k: usize| TigreView {
        dso: dso(k),
        dsd: dsd(k),
        alpha: fields.angles[k],
        off_detector_u: offsets(k)[1],
        off_detector_v: offsets(k)[0],
        rot_detector: rotations(k),
        cor: cor(k),
    };
    let backwards = |[v, u]: [f64; 2]| [u, v];
    let [rows, columns] = fields.n_detector;
    Ok(TigreGeometry {
        detector: [columns, rows],
        pitch_mm: backwards(fields.d_detector),
        views: (0..count).map(view).collect(),
    })
}

impl<T: Copy> PerView<T> {
    /// The value of each view.
    fn each(&self, name: &Path, field: &str, count: usize) -> Result<impl Fn(usize) -> T, IoError> {
        match self {
            Self::Each(values) if values.len() != count => Err(IoError::Field {
                path: name.to_owned(),
                field: field.to_owned(),
                got: values.len().to_string(),
                allowed: format!("one value or as many as angles ({count})"),
            }),
            _ => Ok(|k: usize| match self {
                Self::One(value) => *value,
                Self::Each(values) => values[k],
            }),
        }
    }
}

/// Writes a geometry, and a volume if there is one, as JSON under the names of TIGRE's Python object, and `angles`.
///
/// # Errors
/// [`IoError`] when the volume is turned or lies off the origin, or the file cannot be written.
pub fn write_tigre_geometry(
    path: impl AsRef<Path>,
    geometry: &TigreGeometry,
    grid: Option<&Grid>,
) -> Result<(), IoError> {
    let path = path.as_ref();
    if let Some(grid) = grid {
        let centred = Grid::centred(grid.size(), grid.spacing_mm().to_array());
        if !centred.is_ok_and(|centred| grid.coincides_with(&centred)) {
            return Err(IoError::Unsupported {
                path: path.to_owned(),
                what: "a volume that is turned or lies off the origin".to_owned(),
                remedy: "give a grid without a place of its own",
            });
        }
    }
    write_bytes(path, encode(geometry, grid).as_bytes())
}

fn encode(geometry: &TigreGeometry, grid: Option<&Grid>) -> String {
    let ([columns, rows], [du, dv]) = (geometry.detector, geometry.pitch_mm);
    let reversed = |[x, y, z]: [f64; 3]| [z, y, x];
    let volume = grid.map(|grid| {
        let [nx, ny, nz] = grid.size();
        let (d_voxel, s_voxel) = (reversed(grid.spacing_mm().to_array()), reversed(grid.extent_mm().to_array()));
        Voxels { n_voxel: [nz, ny, nx], d_voxel, s_voxel }
    });
    let views = &geometry.views;
    fn each<T>(views: &[TigreView], value: impl Fn(&TigreView) -> T) -> PerView<T> {
        PerView::Each(views.iter().map(value).collect())
    }
    let fields = Fields {
        mode: cone(),
        accuracy: Some(ACCURACY),
        n_detector: [rows, columns],
        d_detector: [dv, du],
        s_detector: Some([rows as f64 * dv, columns as f64 * du]),
        volume,
        off_origin: Some(PerView::One([0.0; 3])),
        angles: views.iter().map(|view| view.alpha).collect(),
        dso: each(views, |view| view.dso),
        dsd: each(views, |view| view.dsd),
        off_detector: each(views, |view| [view.off_detector_v, view.off_detector_u]),
        rot_detector: each(views, |view| view.rot_detector),
        cor: each(views, |view| view.cor),
    };
    // A struct of numbers and names has a JSON form: nothing in it can fail.
    serde_json::to_string(&fields).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use std::f64::consts::FRAC_PI_2;

    use super::*;
    use crate::geometry::{
        Scan,
        convert::tigre::{from_tigre, to_tigre},
    };

    /// TIGRE's first demonstration, `d01_CreateGeometry.py`, with three angles and fields that say nothing of the scan.
    const TEXT: &str = "{\"DSD\": 1536, \"DSO\": 1000.0, \"nDetector\": [512, 384], \"dDetector\": [0.8, 0.9],\
        \"sDetector\": [409.6, 345.6], \"nVoxel\": [256, 256, 256], \"sVoxel\": [256.0, 256, 256],\
        \"dVoxel\": [1, 1, 1], \"offOrigin\": [0, 0, 0], \"offDetector\": [3, 7], \"accuracy\": 0.5, \"COR\": 0,\
        \"rotDetector\": [0, 0, 0], \"mode\": \"cone\", \"filter\": null, \"angles\": [0, 1.5707963267948966, 2]}";

    fn decoded(text: &str) -> Result<TigreGeometry, String> {
        decode_tigre_geometry(Path::new("geo.json"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_fields_of_a_demonstration_are_read_backwards() {
        let read = decoded(TEXT).unwrap();
        assert_eq!((read.detector, read.pitch_mm, read.views.len()), ([384, 512], [0.9, 0.8], 3));
        let expected = TigreView {
            dso: 1000.0,
            dsd: 1536.0,
            alpha: FRAC_PI_2,
            off_detector_u: 7.0,
            off_detector_v: 3.0,
            rot_detector: [0.0; 3],
            cor: 0.0,
        };
        assert_eq!(read.views[1], expected);
        let turned = TEXT.replace("[0, 0, 0], \"mode\"", "[[0, 0, 1], [0, 1, 0], [1, 0, 0]], \"mode\"");
        assert_eq!(decoded(&turned).unwrap().views[0].rot_detector, [0.0, 0.0, 1.0]);
    }

    #[test]
    fn what_is_written_is_read_back_to_the_bit() {
        let scan = Scan::from_toml(Scan::example("cone-circular").unwrap()).unwrap().build().unwrap();
        let views = to_tigre(&scan).unwrap();
        let geometry = TigreGeometry { detector: scan.detector(), pitch_mm: scan.pitch_mm(), views };
        let grid = Grid::centred([4, 5, 6], [1.0, 2.0, 3.0]).unwrap();
        for grid in [None, Some(&grid)] {
            let text = encode(&geometry, grid);
            assert_eq!(text.contains("\"nVoxel\":[6,5,4],\"dVoxel\":[3.0,2.0,1.0]"), grid.is_some(), "{text}");
            let read = decoded(&text).unwrap();
            assert_eq!(read, geometry);
            assert_eq!(from_tigre(read.detector, read.pitch_mm, &read.views).unwrap().views().len(), 180);
        }
        let off = Grid::new([4; 3], [1.0; 3], [0.0; 3], glam::DMat3::IDENTITY).unwrap();
        let error = write_tigre_geometry("a.json", &geometry, Some(&off)).unwrap_err().to_string();
        assert!(
            error.starts_with("a.json: a volume that is turned or lies off the origin is not supported"),
            "{error}"
        );
    }

    #[test]
    fn what_is_another_file_is_refused_in_a_line() {
        for (from, to, words) in [
            ("\"DSD\": 1536, ", "", "is not a TIGRE geometry file: missing field `DSD`"),
            ("1536", "[1536, 1536]", "DSD must be one value or as many as angles (3), got 2"),
            ("1536", "NaN", "is not a TIGRE geometry file"),
            ("[512, 384]", "[512, 384, 1]", "is not a TIGRE geometry file"),
            ("\"cone\"", "\"parallel\"", "mode = parallel is not supported; cone beams are read"),
            ("\"offOrigin\": [0, 0, 0]", "\"offOrigin\": [0, 0, 5]", "an offOrigin other than 0 is not supported"),
            ("[0, 1.5707963267948966, 2]", "[[0, 0, 0]]", "is not a TIGRE geometry file"),
            ("{", "", "is not a TIGRE geometry file"),
        ] {
            let error = decoded(&TEXT.replace(from, to)).unwrap_err();
            assert!(error.contains(words) && error.starts_with("geo.json: "), "{error}");
        }
    }
}
