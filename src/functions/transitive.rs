//! Closures over graphs whose edges a function gives.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use indexmap::IndexSet;

use crate::model::function::FunctionBody;
use crate::model::memory::{HeldMemory, Operator, bytes_of};
use crate::model::native::{CallForm, Native, Natives};
use crate::model::{Args, Cx, Function, Source, Value, nesting};
use crate::run::call;
use crate::text::diagnostic::{Error, Result};

pub const NATIVES: Natives = &[
    Native::new("tclose", tclose).call_form(CallForm::TransitiveClosure {
        nodes: "transition_nodes",
    }),
    Native::new("tclosed", tclosed).call_form(CallForm::TransitiveClosure {
        nodes: "transition_nodes",
    }),
    Native::new("traverse", traverse).call_form(CallForm::TransitiveClosure {
        nodes: "transition_nodes",
    }),
    Native::new("iterate", iterate),
    Native::new("nodes", nodes),
];

/// A node, and what is taken along to it.
type Node = Vec<Value>;

fn tclose(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (function, start) = (args.function(0)?.clone(), args.0[1..].to_vec());
    Ok(Some(Value::bag_from(move |_| {
        Ok(Box::new(Closure {
            function: function.clone(),
            waiting: vec![start.clone()],
            seen: HashSet::new(),
            held: 0,
            memory: HeldMemory::default(),
        }))
    })))
}

/// Visits each node once; the last found is visited first.
struct Closure {
    function: Arc<Function>,
    waiting: Vec<Node>,
    seen: HashSet<Value>,
    /// How many bytes the nodes take that wait or were seen.
    held: usize,
    memory: HeldMemory,
}

impl Source for Closure {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        while let Some(node) = self.waiting.pop() {
            cx.token.check()?;
            if self.seen.insert(node[0].clone()) {
                let next = neighbours(&self.function, &node, cx)?;
                self.held += seen_bytes(&node[0]) + waiting_bytes(&next);
                let closure = Operator::named("a transitive closure");
                self.memory.set(self.held, closure, &cx.memory)?;
                self.waiting.extend(next);
                return Ok(Some(tuple(node)));
            }
        }
        Ok(None)
    }
}

fn traverse(_: &Cx, args: Args) -> Result<Option<Value>> {
    let (function, start) = (args.function(0)?.clone(), args.0[1..].to_vec());
    Ok(Some(Value::bag_from(move |_| {
        Ok(Box::new(Traversal {
            function: function.clone(),
            waiting: vec![start.clone()],
            held: 0,
            memory: HeldMemory::default(),
        }))
    })))
}

/// How many bytes a node takes that has been seen, with what growing takes.
fn seen_bytes(node: &Value) -> usize {
    3 * size_of::<Value>() + node.heap_bytes()
}

fn waiting_bytes(nodes: &[Node]) -> usize {
    size_of_val(nodes) + nodes.iter().map(|node| bytes_of(node)).sum::<usize>()
}

/// Visits a tree, each node before those below it.
struct Traversal {
    function: Arc<Function>,
    waiting: Vec<Node>,
    /// How many bytes those take that wait.
    held: usize,
    memory: HeldMemory,
}

impl Source for Traversal {
    fn next(&mut self, cx: &Cx) -> Result<Option<Value>> {
        cx.token.check()?;
        let Some(node) = self.waiting.pop() else {
            return Ok(None);
        };
        let below = neighbours(&self.function, &node, cx)?;
        let gone = waiting_bytes(std::slice::from_ref(&node));
        self.held = (self.held + waiting_bytes(&below)).saturating_sub(gone);
        let traversal = Operator::named("what is to be visited");
        self.memory.set(self.held, traversal, &cx.memory)?;
        self.waiting.extend(below.into_iter().rev());
        Ok(Some(tuple(node)))
    }
}

/// Breadth first, so that each node is found by the shortest way.
fn tclosed(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (function, deepest) = (args.function(0)?, args.int(2)?);
    let start = args.value(1).clone();
    let mut seen = HashSet::from([start.clone()]);
    let mut waiting = VecDeque::from([(start, 0)]);
    let mut found = Vec::new();
    let (mut held, mut memory) = (0, HeldMemory::default());
    while let Some((node, depth)) = waiting.pop_front() {
        cx.token.check()?;
        if depth < deepest {
            for next in neighbours(function, std::slice::from_ref(&node), cx)? {
                let next = tuple(next);
                if seen.insert(next.clone()) {
                    // It waits as well, and is found with its depth.
                    held += 2 * seen_bytes(&next);
                    let closure = Operator::named("a transitive closure");
                    memory.set(held, closure, &cx.memory)?;
                    waiting.push_back((next, depth + 1));
                }
            }
        }
        found.push(Value::vector([node, Value::Int(depth)]));
    }
    Ok(Some(Value::bag(found)))
}

/// What a function gives for a node, as nodes.
fn neighbours(function: &Arc<Function>, node: &[Value], cx: &Cx) -> Result<Vec<Node>> {
    let Some(result) = call::function(function, node.to_vec(), cx)? else {
        return Ok(vec![]);
    };
    let results = if result.is_collection() {
        Args(&[result]).collect(0, cx)?
    } else {
        vec![result]
    };
    results.iter().try_for_each(nesting::check)?;
    results
        .into_iter()
        .map(|result| match result {
            Value::Vector(columns) if node.len() > 1 && columns.len() == node.len() => {
                Ok(columns.to_vec())
            }
            single if node.len() == 1 => Ok(vec![single]),
            other => Err(Error::run(format!(
                "'{}' takes {} values, but gives {other}",
                function.name(),
                node.len()
            ))
            .help("its results must be like its arguments")),
        })
        .collect()
}

fn tuple(mut node: Node) -> Value {
    match node.len() {
        1 => node.remove(0),
        _ => Value::vector(node),
    }
}

fn iterate(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let (function, most) = (args.function(0)?, args.int(1)?);
    let mut now = args.0[2..].to_vec();
    let pairs = now.len() > 1 && function.signature.columns.len() == now.len();
    for _ in 0..most {
        cx.token.check()?;
        let next = match call::function(function, now.clone(), cx)? {
            Some(many) if many.is_collection() => many.elements(cx)?.next(cx)?,
            other => other,
        };
        let next = match next {
            None | Some(Value::Null) => break,
            Some(Value::Vector(pair)) if pairs => pair.to_vec(),
            Some(value) => {
                let mut next = now.clone();
                next[0] = value;
                next
            }
        };
        next.iter().try_for_each(nesting::check)?;
        if next == now {
            break;
        }
        now = next;
    }
    now.truncate(if pairs { now.len() } else { 1 });
    Ok(Some(tuple(now)))
}

fn nodes(cx: &Cx, args: Args) -> Result<Option<Value>> {
    let function = args.function(0)?;
    let FunctionBody::Stored(table) = &function.body else {
        return Err(Error::run(format!("{} is not stored", function.signature)));
    };
    let rows = table.all(&cx.token)?;
    let nodes: IndexSet<Value> = rows.iter().flat_map(|row| row.iter().cloned()).collect();
    Ok(Some(Value::bag(nodes.into_iter().collect())))
}
