//! Numbers as people read them: a true minus sign, few digits, units.

/// Magnitudes printed without a power of ten.
const PLAIN: std::ops::Range<f64> = 1e-4..1e7;

/// A number with `digits` significant digits and no idle zeros: `0.0213`, `−1000`, `3.1 × 10⁻⁶`.
pub(crate) fn significant(value: f64, digits: usize) -> String {
    match value {
        0.0 => return "0".into(),
        v if v.is_nan() => return "not a number".into(),
        v if v.is_infinite() => return if v > 0.0 { "∞".into() } else { "−∞".into() },
        _ => {}
    }
    let digits = digits.max(1);
    // Rust rounds while printing; the exponent is that after rounding (9.99 → 10.0).
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if PLAIN.contains(&value.abs()) {
        let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
        return true_minus(without_idle_zeros(&format!("{value:.decimals$}")));
    }
    format!("{} × 10{}", true_minus(without_idle_zeros(mantissa)), superscript(exponent))
}

/// A number with a fixed number of decimals and a true minus sign, for ticks.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    // −0.0 and what rounds to it would read "−0".
    if text.trim_start_matches(['-', '0', '.']).is_empty() {
        text.trim_start_matches('-').into()
    } else {
        true_minus(&text)
    }
}

/// A count with commas between thousands: `1,905,324`.
#[cfg(feature = "nn")]
pub(crate) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration: `312 µs`, `4.21 ms`, `1.73 s`, `2 min 5 s`.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        s if !s.is_finite() || s < 0.0 => "unknown".into(),
        s if s < 1e-3 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{} ms", significant(s * 1e3, 3)),
        s if s < 100.0 => format!("{} s", significant(s, 3)),
        s => format!("{} min {:.0} s", (s.round() / 60.0).floor(), s.round() % 60.0),
    }
}

/// A size in memory, in binary units.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let power = (bytes.ilog2() / 10).min(4);
    format!("{} {}", significant(bytes as f64 / f64::from(power * 10).exp2(), 3), UNITS[power as usize - 1])
}

fn without_idle_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

fn true_minus(text: &str) -> String {
    text.replace('-', "−")
}

fn superscript(exponent: i32) -> String {
    let raised = |c| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' | '4'..='9' => char::from_u32(u32::from(c) - u32::from('0') + u32::from('⁰')).unwrap_or(c),
        other => other,
    };
    exponent.to_string().chars().map(raised).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_print() {
        let shown = [0.0, -0.0, 0.02134, -1000.0, 12.0, 999.6, 3.14e-6, -2.5e9].map(|v| significant(v, 3));
        assert_eq!(shown, ["0", "0", "0.0213", "−1000", "12", "1000", "3.14 × 10⁻⁶", "−2.5 × 10⁹"]);
        assert_eq!(significant(123_456.0, 3), "123456");
        assert_eq!(significant(f64::NAN, 3), "not a number");
        assert_eq!([fixed(-0.001, 2), fixed(-1.5, 1)], ["0.00", "−1.5"]);
    }

    #[cfg(feature = "nn")]
    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_905_324].map(grouped), ["0", "999", "1,000", "1,905,324"]);
    }

    #[test]
    fn durations_and_sizes_choose_their_unit() {
        assert_eq!([3e-5, 0.00421, 1.731, 125.2].map(seconds), ["30 µs", "4.21 ms", "1.73 s", "2 min 5 s"]);
        assert_eq!([12, 2048, 3 << 20, 5 << 29].map(bytes), ["12 bytes", "2 KiB", "3 MiB", "2.5 GiB"]);
    }
}
