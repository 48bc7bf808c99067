//! The filters of a client, found by their text and number at once, and which of them cover others:
//! with ten thousand of them nothing may look at each pair.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::inbox::Filter;

/// All filters, in the order in which they were asked for.
#[derive(Default)]
pub struct Filters {
    all: BTreeMap<u64, Filter>,
    next: u64,
    by_text: HashMap<Arc<str>, u64>,
    by_number: HashMap<u32, u64>,
}

impl Filters {
    /// Adds one; its text and its number are new.
    pub fn push(&mut self, filter: Filter) {
        self.by_text.insert(filter.text.clone(), self.next);
        self.by_number.insert(filter.number, self.next);
        self.all.insert(self.next, filter);
        self.next += 1;
    }

    pub fn remove(&mut self, text: &str) -> Option<Filter> {
        let place = self.by_text.remove(text)?;
        let filter = self.all.remove(&place)?;
        self.by_number.remove(&filter.number);
        Some(filter)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Filter> {
        self.all.values()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Filter> {
        self.all.values_mut()
    }

    pub fn with_text_mut(&mut self, text: &str) -> Option<&mut Filter> {
        self.all.get_mut(self.by_text.get(text)?)
    }

    pub fn get(&self, number: u32) -> Option<&Filter> {
        self.all.get(self.by_number.get(&number)?)
    }

    pub fn get_mut(&mut self, number: u32) -> Option<&mut Filter> {
        self.all.get_mut(self.by_number.get(&number)?)
    }
}

/// Filters level by level. A shared one covers nothing and is not covered: it stays out.
#[derive(Default)]
pub struct FilterTree {
    root: Node,
}

#[derive(Default)]
struct Node {
    /// The number of the filter that ends here.
    here: Option<u32>,
    below: HashMap<Box<str>, Node>,
}

impl FilterTree {
    pub fn insert(&mut self, filter: &str, number: u32) {
        if is_shared(filter) {
            return;
        }
        let mut node = &mut self.root;
        for level in filter.split('/') {
            node = node.below.entry(level.into()).or_default();
        }
        node.here = Some(number);
    }

    pub fn remove(&mut self, filter: &str) {
        if !is_shared(filter) {
            let levels: Vec<&str> = filter.split('/').collect();
            self.root.remove(&levels);
        }
    }

    /// Whether one of them takes all that `filter` takes, and is another one.
    pub fn covers(&self, filter: &str) -> bool {
        let levels: Vec<&str> = filter.split('/').collect();
        !is_shared(filter) && self.root.covers(&levels, true, true)
    }

    /// The numbers of those of which `filter` takes all, and which are others.
    pub fn covered_by(&self, filter: &str) -> Vec<u32> {
        let mut found = Vec::new();
        let levels: Vec<&str> = filter.split('/').collect();
        if !is_shared(filter) {
            self.root.covered_by(&levels, true, true, &mut found);
        }
        found
    }
}

fn is_shared(filter: &str) -> bool {
    filter.starts_with("$share/")
}

impl Node {
    fn remove(&mut self, levels: &[&str]) {
        let Some((level, rest)) = levels.split_first() else {
            self.here = None;
            return;
        };
        if let Some(node) = self.below.get_mut(*level) {
            node.remove(rest);
            if node.here.is_none() && node.below.is_empty() {
                self.below.remove(*level);
            }
        }
    }

    /// `same`: the levels that led here are those of the filter itself.
    fn covers(&self, levels: &[&str], first: bool, same: bool) -> bool {
        let rest = levels.split_first();
        // Wildcards at the start do not take what begins with `$`.
        let wild = !(first && rest.is_some_and(|(level, _)| level.starts_with('$')));
        let is_itself = same && levels == ["#"];
        if wild && !is_itself && self.below.get("#").is_some_and(|n| n.here.is_some()) {
            return true;
        }
        let Some((level, rest)) = rest else {
            return self.here.is_some() && !same;
        };
        if *level == "#" {
            return false;
        }
        let by_name = self.below.get(*level);
        if by_name.is_some_and(|node| node.covers(rest, false, same)) {
            return true;
        }
        let by_plus = self.below.get("+").filter(|_| wild && *level != "+");
        by_plus.is_some_and(|node| node.covers(rest, false, false))
    }

    /// `same`: the levels that led here are those of the filter itself.
    fn covered_by(&self, levels: &[&str], first: bool, same: bool, found: &mut Vec<u32>) {
        let Some((level, rest)) = levels.split_first() else {
            if !same {
                found.extend(self.here);
            }
            return;
        };
        match *level {
            "#" => self.collect(first, same, found),
            "+" => {
                for (name, node) in &self.below {
                    if &**name != "#" && !(first && name.starts_with('$')) {
                        node.covered_by(rest, false, same && &**name == "+", found);
                    }
                }
            }
            level => {
                if let Some(node) = self.below.get(level) {
                    node.covered_by(rest, false, same, found);
                }
            }
        }
    }

    /// All from here on; but for the one that ends with `#` here, where it is `itself`.
    fn collect(&self, first: bool, itself: bool, found: &mut Vec<u32>) {
        found.extend(self.here);
        for (name, node) in &self.below {
            let passed_over = (first && name.starts_with('$')) || (itself && &**name == "#");
            if !passed_over {
                node.collect(false, false, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    // What the tree is held to: the same by comparing two filters.
    /// Whether every topic that `narrow` takes is taken by `wide` as well.
    fn covers(wide: &str, narrow: &str) -> bool {
        if wide == narrow {
            return true;
        }
        // A shared subscription gets only a part of its topics.
        if wide.starts_with("$share/") || narrow.starts_with("$share/") {
            return false;
        }
        if narrow.starts_with('$') && wide.starts_with(['+', '#']) {
            return false;
        }
        let mut levels = narrow.split('/');
        for wanted in wide.split('/') {
            if wanted == "#" {
                return true;
            }
            match levels.next() {
                Some("#") => return false,
                Some(level) if wanted == "+" || wanted == level => {}
                _ => return false,
            }
        }
        levels.next().is_none()
    }

    #[test]
    fn wider_filters_cover_narrower_ones() {
        for (wide, narrow, covered) in [
            ("a/#", "a/b", true),
            ("a/#", "a/+/c", true),
            ("a/#", "a/#", true),
            ("#", "a/#", true),
            ("a/+", "a/b", true),
            ("a/+", "a/#", false),
            ("a/b", "a/+", false),
            ("#", "$SYS/#", false),
            ("#", "$share/g/a", false),
        ] {
            assert_eq!(covers(wide, narrow), covered, "{wide} {narrow}");
        }
    }

    fn filter() -> impl Strategy<Value = String> {
        let level = || prop::sample::select(vec!["a", "b", "", "+", "$s"]);
        (
            prop::collection::vec(level(), 1..4),
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(|(levels, hash, shared)| {
                let mut text = levels.join("/");
                if hash {
                    text = if text == "+" { "#".into() } else { text + "/#" };
                }
                if shared {
                    format!("$share/g/{text}")
                } else {
                    text
                }
            })
    }

    proptest! {
        #[test]
        fn the_tree_says_what_comparing_all_pairs_says(
            filters in prop::collection::btree_set(filter(), 1..12),
            gone in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        ) {
            let mut all: Vec<String> = filters.into_iter().collect();
            let mut tree = FilterTree::default();
            let mut numbers = HashMap::new();
            for (filter, number) in all.iter().zip(1..) {
                tree.insert(filter, number);
                numbers.insert(filter.clone(), number);
            }
            for index in gone {
                if all.len() > 1 {
                    let filter = all.remove(index.index(all.len()));
                    tree.remove(&filter);
                }
            }
            for filter in &all {
                let others = || all.iter().filter(|other| *other != filter);
                let covered = others().any(|other| covers(other, filter));
                prop_assert_eq!(tree.covers(filter), covered, "{} in {:?}", filter, &all);
                let expected: BTreeSet<u32> = others()
                    .filter(|other| covers(filter, other))
                    .map(|other| numbers[other])
                    .collect();
                let found: BTreeSet<u32> = tree.covered_by(filter).into_iter().collect();
                prop_assert_eq!(found, expected, "{} in {:?}", filter, &all);
            }
        }
    }
}
