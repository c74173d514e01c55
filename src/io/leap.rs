use std::{collections::HashMap, path::Path};

use glam::DMat3;

use super::{IoError, error::excerpt, text::read_text, write_bytes};
use crate::{
    data::Grid,
    geometry::convert::leap::{Beam, CircularBeam, Focus, LeapGeometry, ModularBeam},
};

/// Largest file that is read: 65,536 explicit views take about 20 MB.
const MAX_BYTES: u64 = 64 << 20;
/// Largest number of views, rows or columns.
const MAX_COUNT: usize = 1 << 16;
/// Names in files of LEAP's first versions, beside those it writes now.
const LEGACY: [(&str, &str); 17] = [
    ("geometry", "proj_geometry"),
    ("numAngles", "proj_nangles"),
    ("numRows", "proj_nrows"),
    ("numCols", "proj_ncols"),
    ("pixelHeight", "proj_pheight"),
    ("pixelWidth", "proj_pwidth"),
    ("centerRow", "proj_crow"),
    ("centerCol", "proj_ccol"),
    ("angularRange", "proj_arange"),
    ("phis", "proj_phis"),
    ("sod", "proj_sod"),
    ("sdd", "proj_sdd"),
    ("tau", "proj_tau"),
    ("sourcePositions", "proj_srcpos"),
    ("moduleCenters", "proj_modcenter"),
    ("rowVectors", "proj_rowvec"),
    ("colVectors", "proj_colvec"),
];
/// What bends a named geometry, and is 0 in those that are read.
const BENT: [&str; 4] = ["helicalPitch", "proj_helicalpitch", "tiltAngle", "pitchAngle"];
/// Rotation of a volume that rounding may cause.
const STRAIGHT: f64 = 1e-6;

/// Reads the geometry of a LEAP parameter file, as its `save_parameters` writes it.
///
/// Its volume is not read. Angles come from `phis`, or, where these are missing, from `angularRange` as LEAP's loader has it:
/// k·range/numAngles, from 0.
///
/// # Errors
/// [`IoError`] when the file cannot be read, a line or a number is none, lists differ in length, or the geometry is another than a modular,
/// parallel, fan, or flat circular cone beam.
pub fn read_leap_parameters(path: impl AsRef<Path>) -> Result<LeapGeometry, IoError> {
    let path = path.as_ref();
    let text = read_text(path, "parameter", MAX_BYTES)
        .map_err(|reason| IoError::Corrupt { path: path.to_owned(), reason: excerpt(reason) })?;
    decode_leap_parameters(path, &text)
}

/// Reads it from text in memory; `name` stands for the path in messages. See [`read_leap_parameters`].
///
/// # Errors
/// As for [`read_leap_parameters`].
pub fn decode_leap_parameters(name: &Path, text: &str) -> Result<LeapGeometry, IoError> {
    let file = File::parse(name, text)?;
    let (num_angles, num_rows, num_cols) = (file.count("numAngles")?, file.count("numRows")?, file.count("numCols")?);
    let (pixel_height, pixel_width) = (file.number("pixelHeight")?, file.number("pixelWidth")?);
    let focus = || Ok(Focus { sod: file.number("sod")?, sdd: file.number("sdd")?, tau: file.number_or("tau", 0.0)? });
    let beam = match file.needed("geometry")? {
        "modular" => {
            let vectors = |key| file.vectors(key, num_angles);
            return Ok(LeapGeometry::Modular(ModularBeam {
                num_rows,
                num_cols,
                pixel_height,
                pixel_width,
                source_positions: vectors("sourcePositions")?,
                module_centers: vectors("moduleCenters")?,
                row_vectors: vectors("rowVectors")?,
                col_vectors: vectors("colVectors")?,
            }));
        }
        "cone" => Beam::Cone(focus()?),
        "fan" => Beam::Fan(focus()?),
        "parallel" => Beam::Parallel,
        got => return Err(file.field("geometry", got, "modular, cone, fan or parallel")),
    };
    file.check_straight()?;
    let (center_row, center_col) = (file.number("centerRow")?, file.number("centerCol")?);
    let phis = file.phis(num_angles)?;
    let beam = CircularBeam { beam, num_rows, num_cols, pixel_height, pixel_width, center_row, center_col, phis };
    Ok(LeapGeometry::Circular(beam))
}

/// Writes a modular beam and a volume as a LEAP parameter file, for its `load_parameters`.
///
/// # Errors
/// [`IoError`] when LEAP cannot hold the volume (its axes are the world's, its voxels square in x and y) or the file cannot be written.
pub fn write_leap_parameters(path: impl AsRef<Path>, beam: &ModularBeam, grid: &Grid) -> Result<(), IoError> {
    let path = path.as_ref();
    let spacing = grid.spacing_mm();
    let refused = |what: String| {
        let remedy = "give a grid along the world axes with voxels as long in x as in y";
        Err(IoError::Unsupported { path: path.to_owned(), what, remedy })
    };
    if !grid.orientation().abs_diff_eq(DMat3::IDENTITY, STRAIGHT) {
        return refused("a turned volume".to_owned());
    }
    if spacing.x != spacing.y {
        return refused(format!("a volume of voxels of {} x {} mm", spacing.x, spacing.y));
    }
    write_bytes(path, encode(beam, grid).as_bytes())
}

fn encode(beam: &ModularBeam, grid: &Grid) -> String {
    let ([nx, ny, nz], spacing, centre) = (grid.size(), grid.spacing_mm(), grid.centre_mm());
    let centre_of = |count: usize| (count as f64 - 1.0) / 2.0;
    let list = |vectors: &[[f64; 3]]| {
        vectors.as_flattened().iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(", ")
    };
    let number = |value: f64| format!("{value:?}");
    let lines = [
        ("numX", nx.to_string()),
        ("numY", ny.to_string()),
        ("numZ", nz.to_string()),
        ("voxelWidth", number(spacing.x)),
        ("voxelHeight", number(spacing.z)),
        ("offsetX", number(centre.x)),
        ("offsetY", number(centre.y)),
        ("offsetZ", number(centre.z)),
        ("geometry", "modular".to_owned()),
        ("numAngles", beam.source_positions.len().to_string()),
        ("numRows", beam.num_rows.to_string()),
        ("numCols", beam.num_cols.to_string()),
        ("pixelHeight", number(beam.pixel_height)),
        ("pixelWidth", number(beam.pixel_width)),
        ("centerRow", number(centre_of(beam.num_rows))),
        ("centerCol", number(centre_of(beam.num_cols))),
        ("sourcePositions", list(&beam.source_positions)),
        ("moduleCenters", list(&beam.module_centers)),
        ("rowVectors", list(&beam.row_vectors)),
        ("colVectors", list(&beam.col_vectors)),
    ];
    lines.map(|(key, value)| format!("{key} = {value}\n")).concat()
}

/// The lines of a file, by the name before the equals sign.
struct File<'a> {
    name: &'a Path,
    lines: HashMap<&'a str, &'a str>,
}

impl<'a> File<'a> {
    fn parse(name: &'a Path, text: &'a str) -> Result<Self, IoError> {
        let mut file = Self { name, lines: HashMap::new() };
        for (at, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
                return Err(file.field(&format!("line {}", at + 1), line, "key = value"));
            };
            if file.lines.insert(key, value).is_some() {
                return Err(file.field(key, "two of them", "stated once"));
            }
        }
        Ok(file)
    }

    fn field(&self, field: &str, got: impl ToString, allowed: impl Into<String>) -> IoError {
        let (path, field) = (self.name.to_owned(), excerpt(field));
        IoError::Field { path, field, got: excerpt(got), allowed: allowed.into() }
    }

    /// Value under the name of today or, else, of the first versions; an empty one counts as none.
    fn value(&self, key: &str) -> Option<&'a str> {
        let legacy = LEGACY.iter().find(|(name, _)| *name == key).map(|(_, legacy)| *legacy);
        let stated = [Some(key), legacy].into_iter().flatten().find_map(|name| self.lines.get(name).copied());
        stated.filter(|value| !value.is_empty())
    }

    fn needed(&self, key: &str) -> Result<&'a str, IoError> {
        self.value(key).ok_or_else(|| self.field(key, "nothing", "stated"))
    }

    fn parsed(&self, key: &str, text: &str) -> Result<f64, IoError> {
        let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.field(key, text.trim(), "a finite number"))
    }

    fn number(&self, key: &str) -> Result<f64, IoError> {
        self.parsed(key, self.needed(key)?)
    }

    fn number_or(&self, key: &str, default: f64) -> Result<f64, IoError> {
        self.value(key).map_or(Ok(default), |text| self.parsed(key, text))
    }

    /// LEAP writes counts as whole numbers and reads any number.
    fn count(&self, key: &str) -> Result<usize, IoError> {
        let number = self.number(key)?;
        match number.fract() == 0.0 && (1.0..=MAX_COUNT as f64).contains(&number) {
            true => Ok(number as usize),
            false => Err(self.field(key, number, format!("a whole number from 1 to {MAX_COUNT}"))),
        }
    }

    fn list(&self, key: &str) -> Result<Vec<f64>, IoError> {
        self.needed(key)?.split(',').map(|text| self.parsed(key, text)).collect()
    }

    fn vectors(&self, key: &str, count: usize) -> Result<Vec<[f64; 3]>, IoError> {
        let values = self.list(key)?;
        match values.len() == 3 * count {
            true => Ok(values.as_chunks().0.to_vec()),
            false => Err(self.field(key, values.len(), format!("{} numbers, 3 for each of numAngles", 3 * count))),
        }
    }

    fn phis(&self, count: usize) -> Result<Vec<f64>, IoError> {
        if self.value("phis").is_some() {
            let phis = self.list("phis")?;
            return match phis.len() == count {
                true => Ok(phis),
                false => Err(self.field("phis", phis.len(), format!("as many as numAngles ({count})"))),
            };
        }
        let range = self.number("angularRange")?;
        Ok((0..count).map(|k| k as f64 * range / count as f64).collect())
    }

    /// Refuses what turns, bends or lifts the detector of a named geometry: files do not state all that it depends on.
    fn check_straight(&self) -> Result<(), IoError> {
        let unsupported = |what: String| {
            let remedy = "call LEAP's convert_to_modularbeam before saving";
            Err(IoError::Unsupported { path: self.name.to_owned(), what, remedy })
        };
        for key in BENT {
            let value = self.number_or(key, 0.0)?;
            if value != 0.0 {
                return unsupported(format!("{key} = {value}"));
            }
        }
        match self.value("detectorType") {
            None | Some("flat") => Ok(()),
            Some(other) => unsupported(format!("detectorType = {}", excerpt(other))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::{
        Scan,
        convert::leap::{from_leap, from_modular_beam, to_modular_beam},
    };

    /// LEAP's example of its file input and output (512 columns of 0.65 mm, 1100 and 1400 mm), with four views, in its writer's words.
    const CONE: &str = "# CT volume parameters\nnumX = 512\nnumY = 512\nnumZ = 1\nvoxelWidth = 5.107143e-01\n\
        voxelHeight = 5.107143e-01\noffsetX = 0.000000e+00\noffsetY = 0.000000e+00\noffsetZ = 0.000000e+00\n\n\
        # CT geometry parameters\ngeometry = cone\nnumAngles = 4\nnumRows = 1\nnumCols = 512\npixelHeight = 6.500000e-01\n\
        pixelWidth = 6.500000e-01\ncenterRow = 0.000000e+00\ncenterCol = 2.555000e+02\nangularRange = 3.600000e+02\n\
        sod = 1.100000e+03\nsdd = 1.400000e+03\ntau = 0.000000e+00\nhelicalPitch = 0.000000e+00\n";

    fn decoded(text: &str) -> Result<LeapGeometry, String> {
        decode_leap_parameters(Path::new("scan.cfg"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_of_leaps_writer_is_read() {
        let expected = CircularBeam {
            beam: Beam::Cone(Focus { sod: 1100.0, sdd: 1400.0, tau: 0.0 }),
            num_rows: 1,
            num_cols: 512,
            pixel_height: 0.65,
            pixel_width: 0.65,
            center_row: 0.0,
            center_col: 255.5,
            phis: vec![0.0, 90.0, 180.0, 270.0],
        };
        assert_eq!(decoded(CONE).unwrap(), LeapGeometry::Circular(expected.clone()));
        let stated = CONE.replace("angularRange = 3.600000e+02", "phis =  0.000000e+00, 1.000000e+00, 4.5, 9e1");
        let phis = vec![0.0, 1.0, 4.5, 90.0];
        assert_eq!(decoded(&stated).unwrap(), LeapGeometry::Circular(CircularBeam { phis, ..expected }));
    }

    #[test]
    fn a_file_of_the_first_versions_is_read() {
        // The names and numbers of LEAP's sample data, param_parallel64.cfg.
        let text = "img_dimx = 64\nproj_geometry = parallel\nproj_arange = 180\nproj_nangles = 90\nproj_nrows = 1\n\
                    proj_ncols = 64\nproj_pheight = 4.26667\nproj_pwidth = 4.26667\nproj_crow = 0\nproj_ccol = 31.5\n\
                    proj_phis = \nproj_sod = 0\nproj_sdd = 0\n";
        let geometry = from_leap(&decoded(text).unwrap()).unwrap();
        assert_eq!((geometry.views().len(), geometry.detector()), (90, [64, 1]));
        assert!((geometry.views()[89].u_step.y - 4.26667 * 178_f64.to_radians().sin()).abs() < 1e-12);
    }

    #[test]
    fn modular_beams_survive_the_file_to_the_bit() {
        let Ok(geometry) = Scan::from_toml(Scan::example("helical").unwrap()).unwrap().build() else { panic!() };
        let beam = to_modular_beam(&geometry).unwrap();
        let grid = Grid::new([4, 5, 6], [0.1, 0.1, 0.3], [1.0, 2.0, 3.0], DMat3::IDENTITY).unwrap();
        let text = encode(&beam, &grid);
        assert!(text.contains("voxelWidth = 0.1\n") && text.contains("offsetZ = 3.75\n"), "{}", &text[..200]);
        let LeapGeometry::Modular(read) = decoded(&text).unwrap() else { panic!() };
        assert_eq!(read, beam);
        assert_eq!(from_modular_beam(&read).unwrap().views().len(), geometry.views().len());
    }

    #[test]
    fn volumes_that_leap_cannot_hold_are_refused() {
        let Ok(geometry) = Scan::from_toml(Scan::example("vectors").unwrap()).unwrap().build() else { panic!() };
        let beam = to_modular_beam(&geometry).unwrap();
        let write = |grid: &Grid| write_leap_parameters("a.cfg", &beam, grid).unwrap_err().to_string();
        let oblong = Grid::centred([4, 4, 4], [1.0, 2.0, 1.0]).unwrap();
        assert!(write(&oblong).starts_with("a.cfg: a volume of voxels of 1 x 2 mm is not supported; give a grid"));
        let turned = Grid::new([4; 3], [1.0; 3], [0.0; 3], DMat3::from_rotation_z(0.1)).unwrap();
        assert!(write(&turned).starts_with("a.cfg: a turned volume is not supported"));
    }

    #[test]
    fn what_is_another_file_is_refused_in_a_line() {
        for (from, to, words) in [
            ("numAngles = 4", "numAngles = 4.5", "numAngles must be a whole number from 1 to 65536, got 4.5"),
            ("numAngles = 4", "numAngles = four", "numAngles must be a finite number, got four"),
            ("numAngles = 4\n", "", "numAngles must be stated, got nothing"),
            ("sod = 1.1", "sod = nan #", "sod must be a finite number, got nan"),
            ("sod = 1.1", "sdd = 1.1", "sdd must be stated once, got two of them"),
            ("geometry = cone", "geometry = cone_parallel", "geometry must be modular, cone, fan or parallel"),
            ("geometry = cone", "geometry cone", "line 12 must be key = value, got geometry cone"),
            ("helicalPitch = 0", "helicalPitch = 2", "helicalPitch = 2 is not supported; call LEAP's convert_to"),
            ("geometry = cone", "detectorType = curved\ngeometry = cone", "detectorType = curved is not supported"),
            ("angularRange = 3.6", "phis = 1, 2 #", "phis must be"),
            ("angularRange = 3.600000e+02", "phis = 1, 2", "phis must be as many as numAngles (4), got 2"),
            ("geometry = cone", "geometry = modular", "sourcePositions must be stated, got nothing"),
            (
                "geometry = cone",
                "sourcePositions = 1, 2, 3\ngeometry = modular",
                "sourcePositions must be 12 numbers, 3 for each of numAngles, got 3",
            ),
        ] {
            let error = decoded(&CONE.replace(from, to)).unwrap_err();
            assert!(error.contains(words) && error.starts_with("scan.cfg: "), "{error}");
        }
    }
}
