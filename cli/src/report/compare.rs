//! Two pictures of one size in one frame, with a line between them that the reader moves.
//!
//! The page runs no scripts, so the line is moved by style alone: the frame is covered by narrow radio buttons that are
//! not seen. The one under the pointer, or else the chosen one, says where the line is. Radio buttons of one name are
//! one stop for the Tab key and are walked through with the arrow keys, which is what a slider does.

use super::svg::{SharedPicture, escape};

/// Positions of the line; one stands for each of them, the ends included.
const POSITIONS: usize = 51;
/// Where the line is at first.
const FIRST: usize = 25;

/// One of the two pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Before,
    After,
}

impl Side {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// The name under which a picture of the frame can be shown again on the page.
pub(super) fn picture(title: &str, side: Side) -> SharedPicture {
    let word: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    SharedPicture(format!("{word}-{}", side.name()))
}

/// The rules that tie the line to the radio buttons. Pointing comes last and wins over choosing.
pub(super) fn style() -> String {
    let rules = |state: &str| -> String {
        (0..POSITIONS)
            .map(|n| format!(".compare input:nth-of-type({}):{state}~*{{--cut:{}}}", n + 1, percent(n)))
            .collect()
    };
    format!("{}\n@media (hover:hover){{{}}}\n", rules("checked"), rules("hover"))
}

/// The frame; `before` and `after` are drawings of one size, `title` is unique among the frames of a page.
pub(super) fn html(title: &str, before: &str, after: &str, width: f64) -> String {
    let title = escape(title);
    let buttons: String = (0..POSITIONS)
        .map(|n| {
            let checked = if n == FIRST { " checked" } else { "" };
            let position = percent(n);
            format!("<input type=\"radio\" name=\"{title}\" aria-label=\"before up to {position}\"{checked}>")
        })
        .collect();
    format!(
        "<fieldset class=\"compare\" style=\"max-width:{width:.0}px\">\
         <legend>{title}: where before ends and after begins</legend>\
         <div class=\"after\">{after}</div>{buttons}<div class=\"before\">{before}</div>\
         <span class=\"cut\" aria-hidden=\"true\"></span>\
         <span class=\"side\" aria-hidden=\"true\">before</span>\
         <span class=\"side right\" aria-hidden=\"true\">after</span></fieldset>"
    )
}

fn percent(position: usize) -> String {
    format!("{}%", 100 * position / (POSITIONS - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_has_a_button_and_two_rules() {
        let (style, html) = (style(), html("a \"b\"", "<svg></svg>", "<svg></svg>", 700.0));
        assert_eq!(html.matches("type=\"radio\" name=\"a &quot;b&quot;\"").count(), POSITIONS);
        assert_eq!(html.matches(" checked>").count(), 1);
        for state in ["checked", "hover"] {
            assert_eq!(style.matches(&format!("):{state}~*")).count(), POSITIONS);
        }
        assert!(style.contains("nth-of-type(1):checked~*{--cut:0%}") && style.contains("(51):hover~*{--cut:100%}"));
    }
}
