//! The self-contained page that shows a run: pictures, charts, tables and honest notes.
//!
//! ```text
//! Report   title · Summary · Section…            → to_html()
//! Section  heading · text · Figure · Table · notes
//! Figure   caption · Panel…                       side by side, at one scale
//! Panel    slice in grey · error map · before and after · Chart · Histogram · scanner drawing
//! ```
//! Nothing is fetched when the page is opened: pictures are PNG or SVG within it, and its content policy forbids the rest.

mod chart;
mod compare;
mod figure;
mod histogram;
mod number;
mod page;
mod panel;
#[cfg(test)]
mod sample;
mod scale;
mod scanner;
mod space;
mod svg;
mod table;

pub(crate) use chart::Chart;
pub(crate) use compare::Side;
pub(crate) use figure::Figure;
pub(crate) use histogram::Histogram;
#[cfg(feature = "nn")]
pub(crate) use number::grouped;
pub(crate) use number::{bytes, seconds, significant};
pub(crate) use page::{Report, Section, Summary};
pub(crate) use panel::{MAX_STORED_PX, Panel};
pub(crate) use table::{Accuracy, Table};
