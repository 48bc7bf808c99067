//! Points in time as they are written.

use jiff::Timestamp;

/// The microseconds from 1970-01-01T00:00:00Z to the ISO 8601 time `text`; one without an offset is
/// UTC. `None` if it is no such time.
pub fn microseconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let with_offset: Option<Timestamp> = text.parse().ok();
    let point = with_offset.or_else(|| format!("{text}Z").parse().ok())?;
    Some(point.as_microsecond())
}
