use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use glam::DVec3;

use super::{IoError, error::excerpt, text::read_text};
use crate::geometry::{Source, View};

/// Largest file that is read: 65,536 views take about 15 MB.
const MAX_BYTES: u64 = 64 << 20;
/// Lines that begin so say something to people.
const COMMENT: u8 = b'#';
const TIME: &str = "time_s";
const FORMAT: &str = "trajectory table";

/// Names of the three columns of a vector.
type Columns = [&'static str; 3];
const SOURCE: Columns = ["source_x_mm", "source_y_mm", "source_z_mm"];
const DIRECTION: Columns = ["direction_x", "direction_y", "direction_z"];
const CENTRE: Columns = ["centre_x_mm", "centre_y_mm", "centre_z_mm"];
const U_STEP: Columns = ["u_x_mm", "u_y_mm", "u_z_mm"];
const V_STEP: Columns = ["v_x_mm", "v_y_mm", "v_z_mm"];
const U_AXIS: Columns = ["u_x", "u_y", "u_z"];
const V_AXIS: Columns = ["v_x", "v_y", "v_z"];

/// Reads views from a table of a source's and a detector's way: comma-separated values with a heading, one row a view.
///
/// | columns | hold |
/// |---|---|
/// | `time_s` | time of the view, which grows from row to row |
/// | `source_x_mm`, `source_y_mm`, `source_z_mm` | focal spot; or else the next |
/// | `direction_x`, `direction_y`, `direction_z` | direction of parallel rays towards the detector, of any length |
/// | `centre_x_mm`, `centre_y_mm`, `centre_z_mm` | centre of the detector's pixel array |
/// | `u_x_mm` … `u_z_mm`, `v_x_mm` … `v_z_mm` | from one pixel to the next along u and v; or else the next |
/// | `u_x` … `u_z`, `v_x` … `v_z` | directions of u and v, of any length, for pixels of `pitch_mm` |
///
/// Positions are in kerma's world frame. The columns may come in any order, others are not looked at, and lines that begin with # are
/// comments. The table does not state the detector's size.
///
/// # Errors
/// [`IoError`] naming line and column when the file cannot be read, a column is missing, stated twice or excludes another, a number is none, a
/// direction has no length, or a time does not follow the one before.
pub fn read_trajectory(path: impl AsRef<Path>, pitch_mm: Option<[f64; 2]>) -> Result<Vec<View>, IoError> {
    let path = path.as_ref();
    let text = read_text(path, "table", MAX_BYTES)
        .map_err(|reason| IoError::Corrupt { path: path.to_owned(), reason: excerpt(reason) })?;
    decode_trajectory(path, &text, pitch_mm)
}

/// Reads them from text in memory; `name` stands for the path in messages. See [`read_trajectory`].
///
/// # Errors
/// As for [`read_trajectory`].
pub fn decode_trajectory(name: &Path, text: &str, pitch_mm: Option<[f64; 2]>) -> Result<Vec<View>, IoError> {
    let damaged = |error: csv::Error| IoError::Corrupt { path: name.to_owned(), reason: excerpt(error) };
    let mut reader = ReaderBuilder::new().trim(Trim::All).comment(Some(COMMENT)).from_reader(text.as_bytes());
    let heading = Heading { name, columns: reader.headers().map_err(damaged)?.clone() };
    let time_at = heading.place(TIME)?;
    let (source, is_point) = match heading.either(SOURCE, DIRECTION)? {
        Choice::First(place) => (place, true),
        Choice::Second(place) => (place, false),
    };
    let centre = heading.places(CENTRE)?;
    let steps = match (heading.either(U_STEP, U_AXIS)?, pitch_mm) {
        (Choice::First(u), None) => Steps { places: [u, heading.places(V_STEP)?], pitch_mm: None },
        (Choice::Second(u), Some(_)) => Steps { places: [u, heading.places(V_AXIS)?], pitch_mm },
        (Choice::First(_), Some(_)) => {
            let columns = format!("without {}, whose lengths state the pitch", U_STEP[0]);
            return Err(heading.refused(
                "the heading",
                U_STEP[0].to_owned(),
                format!("{columns}, or read without one"),
            ));
        }
        (Choice::Second(_), None) => {
            return Err(IoError::SpacingMissing {
                path: name.to_owned(),
                needed: "the pitch of the pixels, DUxDV in mm",
            });
        }
    };
    let mut views = Vec::new();
    let mut before: Option<(f64, u64)> = None;
    for record in reader.records() {
        let record = record.map_err(damaged)?;
        let row = Row { heading: &heading, line: record.position().map_or(0, csv::Position::line), record };
        let time = row.number(time_at)?;
        if let Some((earlier, line)) = before.filter(|(earlier, _)| time <= *earlier) {
            return Err(row.refused(time_at, format!("more than {earlier} s, that of line {line}")));
        }
        before = Some((time, row.line));
        let from = row.vector(source)?;
        let source = if is_point { Source::Point(from) } else { Source::Direction(row.unit(source)?) };
        let [u_step, v_step] = steps.of(&row)?;
        views.push(View { source, detector_centre: row.vector(centre)?, u_step, v_step });
    }
    match views.is_empty() {
        true => Err(IoError::Format { path: name.to_owned(), format: FORMAT, reason: "it has no row".to_owned() }),
        false => Ok(views),
    }
}

/// Places of a vector's columns, in the first or in the second way to state it.
enum Choice {
    First([usize; 3]),
    Second([usize; 3]),
}

/// Where the steps from pixel to pixel stand, and the pitch if they are directions alone.
struct Steps {
    places: [[usize; 3]; 2],
    pitch_mm: Option<[f64; 2]>,
}

impl Steps {
    fn of(&self, row: &Row<'_>) -> Result<[DVec3; 2], IoError> {
        let [u, v] = self.places;
        match self.pitch_mm {
            None => Ok([row.vector(u)?, row.vector(v)?]),
            Some([du, dv]) => Ok([du * row.unit(u)?, dv * row.unit(v)?]),
        }
    }
}

/// The first line of a table.
struct Heading<'a> {
    name: &'a Path,
    columns: StringRecord,
}

impl Heading<'_> {
    fn refused(&self, field: &str, got: String, allowed: String) -> IoError {
        IoError::Field { path: self.name.to_owned(), field: field.to_owned(), got: excerpt(got), allowed }
    }

    fn find(&self, name: &str) -> Result<Option<usize>, IoError> {
        let mut places = self.columns.iter().enumerate().filter(|(_, column)| *column == name).map(|(at, _)| at);
        match (places.next(), places.next()) {
            (_, Some(_)) => {
                Err(self.refused("the heading", format!("{name} twice"), "of different columns".to_owned()))
            }
            (place, None) => Ok(place),
        }
    }

    fn place(&self, name: &str) -> Result<usize, IoError> {
        self.find(name)?.ok_or_else(|| {
            let got = self.columns.iter().collect::<Vec<_>>().join(", ");
            self.refused("the heading", got, format!("one with {name}"))
        })
    }

    fn places(&self, [x, y, z]: Columns) -> Result<[usize; 3], IoError> {
        Ok([self.place(x)?, self.place(y)?, self.place(z)?])
    }

    /// A vector that can be stated in two ways, one of which the table takes.
    fn either(&self, first: Columns, second: Columns) -> Result<Choice, IoError> {
        match (self.find(first[0])?, self.find(second[0])?) {
            (Some(_), Some(_)) => {
                let got = format!("{} and {}", first[0], second[0]);
                Err(self.refused("the heading", got, format!("one with either {} or {}", first[0], second[0])))
            }
            (None, Some(_)) => Ok(Choice::Second(self.places(second)?)),
            (Some(_), None) => Ok(Choice::First(self.places(first)?)),
            (None, None) => {
                let got = self.columns.iter().collect::<Vec<_>>().join(", ");
                Err(self.refused("the heading", got, format!("one with {} or {}", first[0], second[0])))
            }
        }
    }
}

/// A view's line.
struct Row<'a> {
    heading: &'a Heading<'a>,
    line: u64,
    record: StringRecord,
}

impl Row<'_> {
    fn refused(&self, column: usize, allowed: String) -> IoError {
        let field = format!("line {}, {}", self.line, &self.heading.columns[column]);
        self.heading.refused(&field, format!("\"{}\"", &self.record[column]), allowed)
    }

    fn number(&self, column: usize) -> Result<f64, IoError> {
        let number = self.record[column].parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.refused(column, "a finite number".to_owned()))
    }

    fn vector(&self, [x, y, z]: [usize; 3]) -> Result<DVec3, IoError> {
        Ok(DVec3::new(self.number(x)?, self.number(y)?, self.number(z)?))
    }

    /// A vector that states a direction, at length 1.
    fn unit(&self, columns: [usize; 3]) -> Result<DVec3, IoError> {
        let unit = self.vector(columns)?.try_normalize();
        unit.ok_or_else(|| self.refused(columns[0], "part of a vector that is not zero".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# from the tracker\ntime_s, source_x_mm, source_y_mm, source_z_mm, centre_x_mm, centre_y_mm, centre_z_mm, \
        u_x_mm, u_y_mm, u_z_mm, v_x_mm, v_y_mm, v_z_mm, note\n\
        0.0, 0, -1000, 0, 0, 500, 0, 2, 0, 0, 0, 0, 1.5, first\n\
        0.5, 1000, 0, 3e1, -500, 0, -0.5, 0, 2, 0, 0, 0, 1.5,\n";

    fn decoded(text: &str, pitch_mm: Option<[f64; 2]>) -> Result<Vec<View>, String> {
        decode_trajectory(Path::new("way.csv"), text, pitch_mm).map_err(|error| error.to_string())
    }

    #[test]
    fn rows_are_views() {
        let views = decoded(TABLE, None).unwrap();
        let expected = View {
            source: Source::Point(DVec3::new(1000.0, 0.0, 30.0)),
            detector_centre: DVec3::new(-500.0, 0.0, -0.5),
            u_step: 2.0 * DVec3::Y,
            v_step: 1.5 * DVec3::Z,
        };
        assert_eq!((views.len(), views[1]), (2, expected));
    }

    #[test]
    fn directions_take_the_pitch_that_is_given() {
        let axes = (TABLE.replace("u_x_mm, u_y_mm, u_z_mm", "u_x, u_y, u_z"))
            .replace("v_x_mm, v_y_mm, v_z_mm", "v_x, v_y, v_z")
            .replace("source_x_mm, source_y_mm, source_z_mm", "direction_x, direction_y, direction_z");
        let views = decoded(&axes, Some([0.25, 4.0])).unwrap();
        assert_eq!((views[0].u_step, views[0].v_step), (0.25 * DVec3::X, 4.0 * DVec3::Z));
        assert_eq!(views[0].source, Source::Direction(-DVec3::Y));
        assert_eq!(
            decoded(&axes, None).unwrap_err(),
            "way.csv: carries no spacing; give the pitch of the pixels, DUxDV in mm"
        );
        let flat = axes.replace("0.5, 1000, 0, 3e1", "0.5, 0, 0, 0");
        let expected = "way.csv: line 4, direction_x must be part of a vector that is not zero, got \"0\"";
        assert_eq!(decoded(&flat, Some([1.0, 1.0])).unwrap_err(), expected);
        let error = decoded(TABLE, Some([1.0, 1.0])).unwrap_err();
        assert!(error.contains("the heading must be without u_x_mm, whose lengths state the pitch"), "{error}");
    }

    #[test]
    fn faults_are_named_with_line_and_column() {
        for (from, to, words) in [
            ("0.5, 1000", "0.0, 1000", "line 4, time_s must be more than 0 s, that of line 3, got \"0.0\""),
            ("0.5, 1000", "-1, 1000", "line 4, time_s must be more than 0 s, that of line 3, got \"-1\""),
            ("0.5, 1000", "soon, 1000", "line 4, time_s must be a finite number, got \"soon\""),
            ("3e1", "NaN", "line 4, source_z_mm must be a finite number, got \"NaN\""),
            ("3e1", "", "line 4, source_z_mm must be a finite number, got \"\""),
            ("3e1, ", "", "found record with 13 fields"),
            ("v_y_mm", "w_y_mm", "the heading must be one with v_y_mm, got time_s, source_x_mm"),
            ("time_s", "time", "the heading must be one with time_s, got time, source_x_mm"),
            ("source_x_mm", "x", "the heading must be one with source_x_mm or direction_x, got time_s, x"),
            ("note", "direction_x", "one with either source_x_mm or direction_x, got source_x_mm and direction_x"),
            ("note", "centre_y_mm", "the heading must be of different columns, got centre_y_mm twice"),
        ] {
            let error = decoded(&TABLE.replace(from, to), None).unwrap_err();
            assert!(error.contains(words) && error.starts_with("way.csv: "), "{error}");
        }
        let heading: String = TABLE.lines().take(2).map(|line| format!("{line}\n")).collect();
        assert_eq!(decoded(&heading, None).unwrap_err(), "way.csv: is not a trajectory table file: it has no row");
        assert!(decoded("", None).unwrap_err().contains("the heading must be one with time_s"));
    }
}
