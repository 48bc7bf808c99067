//! Topic names and topic filters: what is legal, and which filter takes which topic
//! (MQTT 3.1.1 and 5, section 4.7).

use crate::text::diagnostic::{Error, Result};

/// The longest string that MQTT can carry, in bytes (section 1.5.4).
const LONGEST: usize = 65_535;

/// Checks a topic that messages are published to: not empty, no wildcards.
pub fn check_topic(topic: &str) -> Result<()> {
    check_text(topic, "topic")?;
    match topic.find(['+', '#']) {
        Some(at) => Err(Error::run(format!(
            "cannot publish to `{topic}`: `{}` is a wildcard, which only subscriptions may use",
            &topic[at..=at]
        ))
        .help("publish to one topic by its full name")),
        None => Ok(()),
    }
}

/// Checks a filter that a subscription is made with, `$share/group/filter` included.
pub fn check_filter(filter: &str) -> Result<()> {
    check_text(filter, "topic filter")?;
    if let Some(shared) = filter.strip_prefix("$share/") {
        return match shared.split_once('/') {
            Some((group, inner)) if !group.is_empty() && !group.contains(['+', '#']) => {
                check_text(inner, "topic filter")?;
                check_wildcards(filter, inner)
            }
            _ => Err(Error::run(format!(
                "`{filter}` is not a shared subscription: a group and a filter are wanted"
            ))
            .help("write $share/group/filter, such as $share/workers/plant/#")),
        };
    }
    check_wildcards(filter, filter)
}

/// Why MQTT has no form for a text, if it has none (section 1.5.4).
pub fn unfit(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST {
        return Some("it is longer than 65535 bytes");
    }
    text.contains('\0')
        .then_some("it contains a null character")
}

fn check_text(text: &str, what: &str) -> Result<()> {
    let fault = match unfit(text) {
        Some(fault) => fault,
        None if text.is_empty() => "it is empty",
        None => return Ok(()),
    };
    let shown: String = text.chars().take(60).collect();
    Err(Error::run(format!(
        "`{}` is not a legal {what}: {fault}",
        shown.escape_debug()
    )))
}

fn check_wildcards(shown: &str, filter: &str) -> Result<()> {
    let levels: Vec<_> = filter.split('/').collect();
    for (i, level) in levels.iter().enumerate() {
        if level.contains('#') && (*level != "#" || i + 1 < levels.len()) {
            return Err(Error::run(format!(
                "`{shown}` is not a legal topic filter: `#` must be the whole last level"
            ))
            .help("plant/# takes everything below plant"));
        }
        if level.contains('+') && *level != "+" {
            return Err(Error::run(format!(
                "`{shown}` is not a legal topic filter: `+` must be a whole level"
            ))
            .help("plant/+/temperature takes any one level in the middle"));
        }
    }
    Ok(())
}

/// The filter that decides which topics match: without the `$share/group/` before it.
pub fn matching_part(filter: &str) -> &str {
    filter
        .strip_prefix("$share/")
        .and_then(|shared| shared.split_once('/'))
        .map_or(filter, |(_, inner)| inner)
}

/// Whether `filter` takes `topic`. Wildcards at the start do not take topics that begin with `$`
/// (section 4.7.2).
pub fn matches(filter: &str, topic: &str) -> bool {
    let filter = matching_part(filter);
    if filter == topic {
        return true;
    }
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        if wanted == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if wanted == "+" || wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_take_the_topics_that_the_standard_says() {
        for (filter, topic, taken) in [
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            (
                "sport/tennis/player1/#",
                "sport/tennis/player1/score/wimbledon",
                true,
            ),
            ("sport/#", "sport", true),
            ("#", "a/b/c", true),
            ("sport/tennis/+", "sport/tennis/player1", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+", "/finance", false),
            ("#", "$SYS/broker", false),
            ("+/broker", "$SYS/broker", false),
            ("$SYS/#", "$SYS/broker", true),
            ("$share/workers/plant/#", "plant/a", true),
            ("$share/workers/plant/#", "other/a", false),
        ] {
            assert_eq!(matches(filter, topic), taken, "{filter} {topic}");
        }
    }

    #[test]
    fn illegal_topics_and_filters_are_refused() {
        for topic in ["", "a/+/b", "a/#", "a\0b"] {
            assert!(check_topic(topic).is_err(), "{topic}");
        }
        assert!(check_topic(&"x".repeat(65_536)).is_err());
        assert!(check_topic("/a//b $SYS é").is_ok());
        for filter in [
            "",
            "a/#/b",
            "a#",
            "a/b+",
            "$share/g",
            "$share//a",
            "$share/g/",
            "$share/+/a",
        ] {
            assert!(check_filter(filter).is_err(), "{filter}");
        }
        for filter in ["#", "+/+", "a/+/#", "$share/g/a/#", "$SYS/#", "/"] {
            assert!(check_filter(filter).is_ok(), "{filter}");
        }
    }
}
