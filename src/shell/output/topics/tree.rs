//! Topics as a tree that fits into so many lines: what does not fit stays folded.

use std::collections::{BTreeMap, VecDeque};

use super::TopicState;

/// A line of the tree.
pub struct TreeLine {
    /// How many levels it stands below the first.
    pub depth: usize,
    /// One or several levels of a topic.
    pub label: String,
    /// Which of the topics it is; `None` where it only stands above others.
    pub topic: Option<usize>,
    /// What is folded below it.
    pub folded: Option<Folded>,
}

/// Topics that have no line of their own.
pub struct Folded {
    pub topics: usize,
    /// How many messages have come on them and on the topic that stands there itself.
    pub count: i64,
    pub rate: f64,
}

/// The lines of as much of the tree as has room, level after level, and how many topics have none at all.
pub fn tree_lines(topics: &[TopicState], room: usize) -> (Vec<TreeLine>, usize) {
    let mut tree = Tree::of(topics);
    let first = tree.nodes[ROOT].below.clone();
    if first.len() > room {
        let (shown, left_out) = first.split_at(room.saturating_sub(1));
        let left_out = left_out.iter().map(|node| tree.nodes[*node].topics());
        let left_out = left_out.sum();
        let mut lines = Vec::new();
        for node in shown {
            tree.add_lines(*node, 0, &mut lines);
        }
        return (lines, left_out);
    }
    tree.unfold(first, room);
    let mut lines = Vec::new();
    for node in tree.nodes[ROOT].below.clone() {
        tree.add_lines(node, 0, &mut lines);
    }
    (lines, 0)
}

const ROOT: usize = 0;

struct Tree {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    label: String,
    topic: Option<usize>,
    below: Vec<usize>,
    unfolded: bool,
    /// Of all topics below it.
    below_topics: usize,
    /// Of these and its own.
    count: i64,
    rate: f64,
}

impl Node {
    fn topics(&self) -> usize {
        self.below_topics + usize::from(self.topic.is_some())
    }
}

/// The topics by their levels, before levels without a branch are joined.
#[derive(Default)]
struct Levels<'t> {
    topic: Option<usize>,
    below: BTreeMap<&'t str, Levels<'t>>,
}

impl Tree {
    fn of(topics: &[TopicState]) -> Tree {
        let mut root = Levels::default();
        for (number, topic) in topics.iter().enumerate() {
            let mut at = &mut root;
            for level in topic.name.splitn(MOST_LEVELS, '/') {
                at = at.below.entry(level).or_default();
            }
            at.topic = Some(number);
        }
        let mut tree = Tree { nodes: Vec::new() };
        tree.add(String::new(), root, topics);
        tree
    }

    /// Adds the node and what is below it; gives its number.
    fn add(&mut self, label: String, levels: Levels, topics: &[TopicState]) -> usize {
        let number = self.nodes.len();
        self.nodes.push(Node {
            label,
            topic: levels.topic,
            ..Node::default()
        });
        for (level, mut levels) in levels.below {
            let mut label = level.to_owned();
            // Levels that lead to one place only stand in one line.
            while levels.topic.is_none() && levels.below.len() == 1 {
                let Some((level, only)) = levels.below.pop_first() else {
                    break;
                };
                label = format!("{label}/{level}");
                levels = only;
            }
            let below = self.add(label, levels, topics);
            let (count, rate) = (self.nodes[below].count, self.nodes[below].rate);
            let below_topics = self.nodes[below].topics();
            let node = &mut self.nodes[number];
            node.below.push(below);
            node.count += count;
            node.rate += rate;
            node.below_topics += below_topics;
        }
        let node = &mut self.nodes[number];
        if let Some(topic) = node.topic.and_then(|topic| topics.get(topic)) {
            node.count += topic.count;
            node.rate += topic.rate;
        }
        number
    }

    /// Unfolds level after level as long as there is room for all that is below a node.
    fn unfold(&mut self, first: Vec<usize>, room: usize) {
        let mut taken = first.len();
        let mut next = VecDeque::from(first);
        while let Some(number) = next.pop_front() {
            let node = &mut self.nodes[number];
            if taken + node.below.len() <= room {
                taken += node.below.len();
                node.unfolded = true;
                next.extend(node.below.iter().copied());
            }
        }
    }

    fn add_lines(&self, number: usize, depth: usize, lines: &mut Vec<TreeLine>) {
        let node = &self.nodes[number];
        let is_folded = !node.unfolded && !node.below.is_empty();
        lines.push(TreeLine {
            depth,
            label: match node.topic {
                Some(_) => node.label.clone(),
                None => format!("{}/", node.label),
            },
            topic: node.topic,
            folded: is_folded.then_some(Folded {
                topics: node.below_topics,
                count: node.count,
                rate: node.rate,
            }),
        });
        if node.unfolded {
            for below in &node.below {
                self.add_lines(*below, depth + 1, lines);
            }
        }
    }
}

/// Topics of more levels are taken as if the last held the rest: nobody could read them, and a topic of
/// 65,000 slashes would be a tree of such a depth.
const MOST_LEVELS: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(names: &[&str]) -> Vec<TopicState> {
        names
            .iter()
            .map(|name| TopicState {
                name: (*name).to_owned(),
                count: 2,
                rate: 0.5,
                ..TopicState::default()
            })
            .collect()
    }

    fn drawn(names: &[&str], room: usize) -> String {
        let (lines, left_out) = tree_lines(&topics(names), room);
        assert!(lines.len() + usize::from(left_out > 0) <= room);
        let lines = lines.iter().map(|line| {
            let mark = if line.topic.is_some() { "*" } else { "" };
            let folded = line.folded.as_ref();
            let folded = folded.map(|f| format!(" +{} {} {}", f.topics, f.count, f.rate));
            format!(
                "{}{}{mark}{}\n",
                "  ".repeat(line.depth),
                line.label,
                folded.unwrap_or_default()
            )
        });
        let text: String = lines.collect();
        match left_out {
            0 => text,
            n => format!("{text}{n} left out\n"),
        }
    }

    #[test]
    fn levels_without_a_branch_stand_in_one_line() {
        let names = ["plant/a/t", "plant/a/h", "plant/b/x/y", "one", "plant/a-b"];
        assert_eq!(
            drawn(&names, 20),
            "one*\nplant/\n  a/\n    h*\n    t*\n  a-b*\n  b/x/y*\n"
        );
        assert_eq!(drawn(&["/a", "/b/", "//"], 20), "/\n  /*\n  a*\n  b/*\n");
        assert_eq!(drawn(&["a", "a/b", "a/b/c"], 20), "a*\n  b*\n    c*\n");
    }

    #[test]
    fn what_has_no_room_is_folded() {
        let names = ["p/a/t", "p/a/h", "p/b/x", "p/b", "q"];
        assert_eq!(drawn(&names, 5), "p/\n  a/ +2 4 1\n  b*\n    x*\nq*\n");
        assert_eq!(drawn(&names, 4), "p/\n  a/ +2 4 1\n  b* +1 4 1\nq*\n");
        assert_eq!(drawn(&names, 3), "p/ +4 8 2\nq*\n");
        assert_eq!(drawn(&["a", "b", "c", "d/e"], 3), "a*\nb*\n2 left out\n");
    }

    #[test]
    fn a_topic_of_slashes_is_no_deep_tree() {
        let name = "/".repeat(65_000);
        let (lines, _) = tree_lines(&topics(&[&name, "x"]), 10);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].label, name);
    }
}
