use std::{fmt::Write as _, path::Path};

use roxmltree::{Document, Node, ParsingOptions};

use super::{IoError, error::excerpt, text::read_text, write_bytes};
use crate::geometry::convert::rtk::RtkProjection;

/// Largest file that is read: 65,536 projections take about 50 MB.
const MAX_BYTES: u64 = 128 << 20;
/// Version of the format that is read; others name or sign their parameters otherwise.
const VERSION: &str = "3";
/// Largest difference of a matrix from what the parameters give, over the largest of its numbers.
const MATRIX_TOLERANCE: f64 = 1e-4;

/// Reads the projections of an RTK geometry file, `RTKThreeDCircularGeometry` of version 3.
///
/// A parameter that is the same for all projections stands once, before them; one that is missing is 0. Where a projection states its matrix
/// it is held against the parameters.
///
/// # Errors
/// [`IoError`] when the file cannot be read, is no such XML or of another version, a parameter is no number, a matrix is not that of its
/// parameters, the detector is curved, or there is no projection.
pub fn read_rtk_geometry(path: impl AsRef<Path>) -> Result<Vec<RtkProjection>, IoError> {
    let path = path.as_ref();
    let text = read_text(path, "geometry", MAX_BYTES).map_err(|reason| corrupt(path, reason))?;
    decode_rtk_geometry(path, &text)
}

/// Reads them from text in memory; `name` stands for the path in messages. See [`read_rtk_geometry`].
///
/// # Errors
/// As for [`read_rtk_geometry`].
pub fn decode_rtk_geometry(name: &Path, text: &str) -> Result<Vec<RtkProjection>, IoError> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| corrupt(name, error.to_string()))?;
    let root = document.root_element();
    if root.tag_name().name() != "RTKThreeDCircularGeometry" {
        let reason = format!("its root is {}", excerpt(root.tag_name().name()));
        return Err(IoError::Format { path: name.to_owned(), format: "RTK geometry", reason });
    }
    match root.attribute("version") {
        Some(VERSION) => {}
        version => {
            let got = version.map_or_else(|| "none".to_owned(), excerpt);
            return Err(field(name, "version", got, VERSION));
        }
    }
    let file = File { name, root };
    let projections: Vec<_> = root.children().filter(|node| node.has_tag_name("Projection")).collect();
    if projections.is_empty() {
        return Err(field(name, "Projection", "none".to_owned(), "one or more"));
    }
    projections.into_iter().enumerate().map(|(index, node)| file.projection(index, node)).collect()
}

/// Writes projections as an RTK geometry file of version 3, each with all of its parameters and its matrix.
///
/// The file states neither the detector's size nor its pitch; RTK takes them from the image of the projections.
///
/// # Errors
/// [`IoError`] when the file cannot be written.
pub fn write_rtk_geometry(path: impl AsRef<Path>, projections: &[RtkProjection]) -> Result<(), IoError> {
    write_bytes(path, encode_rtk_geometry(projections).as_bytes())
}

/// The text of such a file.
#[must_use]
pub fn encode_rtk_geometry(projections: &[RtkProjection]) -> String {
    let mut text =
        format!("<?xml version=\"1.0\"?>\n<!DOCTYPE RTKGEOMETRY>\n<RTKThreeDCircularGeometry version=\"{VERSION}\">\n");
    for projection in projections {
        text += "  <Projection>\n";
        for (tag, value) in [
            ("SourceToIsocenterDistance", projection.source_to_isocenter_distance),
            ("SourceToDetectorDistance", projection.source_to_detector_distance),
            ("GantryAngle", projection.gantry_angle),
            ("OutOfPlaneAngle", projection.out_of_plane_angle),
            ("InPlaneAngle", projection.in_plane_angle),
            ("SourceOffsetX", projection.source_offset_x),
            ("SourceOffsetY", projection.source_offset_y),
            ("ProjectionOffsetX", projection.projection_offset_x),
            ("ProjectionOffsetY", projection.projection_offset_y),
        ] {
            let _ = writeln!(text, "    <{tag}>{value:?}</{tag}>");
        }
        text += "    <Matrix>\n";
        for row in projection.matrix() {
            let _ = writeln!(text, "      {}", row.map(|value| format!("{value:?}")).join(" "));
        }
        text += "    </Matrix>\n  </Projection>\n";
    }
    text + "</RTKThreeDCircularGeometry>\n"
}

struct File<'a> {
    name: &'a Path,
    root: Node<'a, 'a>,
}

impl File<'_> {
    fn projection(&self, index: usize, node: Node<'_, '_>) -> Result<RtkProjection, IoError> {
        let number = |tag: &str| self.number(index, node, tag);
        if number("RadiusCylindricalDetector")?.is_some_and(|radius| radius != 0.0) {
            let what = format!("projection {index}: a cylindrical detector");
            return Err(IoError::Unsupported { path: self.name.to_owned(), what, remedy: "flat ones are read" });
        }
        let needed = |tag: &str| {
            number(tag)?.ok_or_else(|| {
                field(self.name, &format!("projection {index}: {tag}"), "nothing".to_owned(), "a number")
            })
        };
        let or_zero = |tag: &str| Ok::<f64, IoError>(number(tag)?.unwrap_or(0.0));
        let projection = RtkProjection {
            source_to_isocenter_distance: needed("SourceToIsocenterDistance")?,
            source_to_detector_distance: needed("SourceToDetectorDistance")?,
            gantry_angle: needed("GantryAngle")?,
            out_of_plane_angle: or_zero("OutOfPlaneAngle")?,
            in_plane_angle: or_zero("InPlaneAngle")?,
            source_offset_x: or_zero("SourceOffsetX")?,
            source_offset_y: or_zero("SourceOffsetY")?,
            projection_offset_x: or_zero("ProjectionOffsetX")?,
            projection_offset_y: or_zero("ProjectionOffsetY")?,
        };
        if projection.source_to_detector_distance == 0.0 {
            let what = format!("projection {index}: a parallel beam (SourceToDetectorDistance of 0)");
            return Err(IoError::Unsupported { path: self.name.to_owned(), what, remedy: "cone beams are read" });
        }
        if let Some(matrix) = node.children().find(|child| child.has_tag_name("Matrix")) {
            self.check_matrix(index, matrix.text().unwrap_or_default(), &projection)?;
        }
        Ok(projection)
    }

    /// A parameter of a projection, or of all.
    fn number(&self, index: usize, node: Node<'_, '_>, tag: &str) -> Result<Option<f64>, IoError> {
        let own = node.children().find(|child| child.has_tag_name(tag));
        let Some(stated) = own.or_else(|| self.root.children().find(|child| child.has_tag_name(tag))) else {
            return Ok(None);
        };
        let text = stated.text().unwrap_or_default().trim();
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => Err(field(self.name, &format!("projection {index}: {tag}"), excerpt(text), "a number")),
        }
    }

    fn check_matrix(&self, index: usize, text: &str, projection: &RtkProjection) -> Result<(), IoError> {
        let stated: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let expected = projection.matrix().concat();
        let largest = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let agrees = stated.len() == expected.len()
            && stated.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= MATRIX_TOLERANCE * largest);
        match agrees {
            true => Ok(()),
            false => Err(corrupt(self.name, format!("the matrix of projection {index} is not that of its parameters"))),
        }
    }
}

fn field(name: &Path, field: &str, got: String, allowed: &str) -> IoError {
    IoError::Field { path: name.to_owned(), field: field.to_owned(), got, allowed: allowed.to_owned() }
}

fn corrupt(name: &Path, reason: String) -> IoError {
    IoError::Corrupt { path: name.to_owned(), reason: excerpt(reason) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As RTK's writer has it: what all projections share stands before them.
    const TEXT: &str = "<?xml version=\"1.0\"?>\n<!DOCTYPE RTKGEOMETRY>\n<RTKThreeDCircularGeometry version=\"3\">\n\
        <SourceToDetectorDistance>1536</SourceToDetectorDistance>\n<SourceOffsetX>0.5</SourceOffsetX>\n\
        <SourceOffsetY>-0.25</SourceOffsetY>\n<ProjectionOffsetY>-3</ProjectionOffsetY>\n<InPlaneAngle>1.5</InPlaneAngle>\n\
        <Projection>\n<GantryAngle>37</GantryAngle>\n<SourceToIsocenterDistance>1001</SourceToIsocenterDistance>\n\
        <ProjectionOffsetX>6</ProjectionOffsetX>\n<OutOfPlaneAngle>2</OutOfPlaneAngle>\n<Matrix>\n\
        -1230.4362347689   -39.9913518681551    918.560620723251              6273.5\n\
        1.51573740080844   -1534.63425571721   -64.7994307028924            -3136.75\n\
        0.601448413700442  -0.034899496702501   0.798149002872981               -1001\n\
        </Matrix>\n</Projection>\n</RTKThreeDCircularGeometry>\n";

    fn decoded(text: &str) -> Result<Vec<RtkProjection>, String> {
        decode_rtk_geometry(Path::new("scan.xml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_of_rtks_writer_is_read_and_its_matrix_held_against_the_parameters() {
        let projections = decoded(TEXT).unwrap();
        let expected = RtkProjection {
            source_to_isocenter_distance: 1001.0,
            source_to_detector_distance: 1536.0,
            gantry_angle: 37.0,
            out_of_plane_angle: 2.0,
            in_plane_angle: 1.5,
            source_offset_x: 0.5,
            source_offset_y: -0.25,
            projection_offset_x: 6.0,
            projection_offset_y: -3.0,
        };
        assert_eq!(projections, [expected]);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let first = decoded(TEXT).unwrap()[0];
        let second = RtkProjection { gantry_angle: 359.999_999_999, in_plane_angle: 1e-17, ..first };
        let text = encode_rtk_geometry(&[first, second]);
        assert_eq!(decoded(&text).unwrap(), [first, second]);
        assert!(decoded(&text.replace("<GantryAngle>37.0", "<GantryAngle>37.1")).is_err(), "the matrix is not held");
    }

    #[test]
    fn what_is_another_file_is_refused_in_a_line() {
        for (from, to, words) in [
            ("version=\"3\"", "version=\"2\"", "version must be 3, got 2"),
            ("RTKThreeDCircularGeometry", "Other", "is not a RTK geometry file"),
            ("<GantryAngle>37</GantryAngle>", "", "GantryAngle"),
            ("<GantryAngle>37", "<GantryAngle>east", "got east"),
            ("<GantryAngle>37", "<GantryAngle>38", "matrix of projection 0"),
            ("</Projection>", "", "is damaged"),
            (
                "<OutOfPlaneAngle>2",
                "<RadiusCylindricalDetector>9</RadiusCylindricalDetector><OutOfPlaneAngle>2",
                "cylindrical",
            ),
            (">1536<", ">0<", "parallel beam"),
        ] {
            let error = decoded(&TEXT.replace(from, to)).unwrap_err();
            assert!(error.contains(words) && error.starts_with("scan.xml: "), "{error}");
        }
        let none = "<RTKThreeDCircularGeometry version=\"3\"></RTKThreeDCircularGeometry>";
        assert!(decoded(none).unwrap_err().contains("Projection must be one or more"));
    }
}
