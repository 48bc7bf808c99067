//! What has become of the rows of a statement so far, for a person who waits for its results.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::text::diagnostic::{Span, shortened};
use crate::text::wait::lock;

/// A condition is named by as many characters of its text.
const MOST_CHARACTERS: usize = 40;

/// How many rows a statement has given, and how many each condition has left out.
#[derive(Default)]
pub struct RowCounts {
    given: AtomicU64,
    dropped: Mutex<Vec<Dropped>>,
}

struct Dropped {
    condition: Span,
    rows: u64,
}

impl RowCounts {
    /// A row has been given.
    pub fn give(&self) {
        self.given.fetch_add(1, Ordering::Relaxed);
    }

    /// The condition that is written there has left so many rows out.
    pub fn drop_rows(&self, condition: &Span, rows: u64) {
        let mut dropped = lock(&self.dropped);
        let same = dropped
            .iter_mut()
            .find(|d| same_place(&d.condition, condition));
        match same {
            Some(known) => known.rows += rows,
            None => dropped.push(Dropped {
                condition: condition.clone(),
                rows,
            }),
        }
    }

    /// How many rows have been given.
    pub fn given(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }

    /// The text of each condition on one line, shortened, with how many rows it has left out, the most
    /// first.
    pub fn dropped(&self) -> Vec<(String, u64)> {
        let dropped = lock(&self.dropped);
        let mut counts: Vec<_> = dropped
            .iter()
            .map(|d| (text(&d.condition), d.rows))
            .collect();
        counts.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        counts
    }
}

fn same_place(a: &Span, b: &Span) -> bool {
    (a.start, a.end) == (b.start, b.end) && Arc::ptr_eq(&a.source, &b.source)
}

fn text(condition: &Span) -> String {
    let words: Vec<_> = condition.text().split_whitespace().collect();
    shortened(words.join(" "), MOST_CHARACTERS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::diagnostic::SourceText;

    #[test]
    fn rows_are_counted_by_the_place_of_their_condition() {
        let source = SourceText::new("test", "x > 1 and y\n   < 2");
        let (first, second) = (Span::new(&source, 0, 5), Span::new(&source, 10, 18));
        let counts = RowCounts::default();
        counts.drop_rows(&first, 1);
        counts.drop_rows(&second, 5);
        counts.drop_rows(&first.clone(), 2);
        counts.give();
        assert_eq!(counts.given(), 1);
        let expected = [("y < 2".to_owned(), 5), ("x > 1".to_owned(), 3)];
        assert_eq!(counts.dropped(), expected);
    }
}
