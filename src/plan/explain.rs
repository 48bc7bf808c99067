//! Plans in readable form: the order of the steps, how each gets at its rows, what each binds, and how
//! many rows there are after it, as [`super::estimate`] guesses.

use std::fmt::Write;

use crate::model::function::FunctionBody;
use crate::model::table::{Access, Table};
use crate::plan::estimate::{self, Estimate, Facts};
use crate::plan::join::Join;
use crate::plan::{
    Group, Lookup, LookupColumn, Pattern, PlanExpr, Query, RowAction, Slot, Step, Target,
};
use crate::syntax::ast::BinaryOp;

/// The plan of a query, one step a line, steps inside others indented.
pub fn explain(query: &Query, facts: &dyn Facts) -> String {
    let mut out = String::new();
    Explainer {
        query,
        facts,
        estimate: Estimate::new(facts),
        depth: 0,
        out: &mut out,
    }
    .query();
    out
}

struct Explainer<'a> {
    query: &'a Query,
    facts: &'a dyn Facts,
    /// How many rows there are by now.
    estimate: Estimate<'a>,
    depth: usize,
    out: &'a mut String,
}

impl Explainer<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(&"  ".repeat(self.depth));
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// A line about an operator after which there are as many rows as are estimated now.
    fn line_with_rows(&mut self, text: &str) {
        match self.estimate.rows {
            Some(rows) => {
                let rows = estimate::shown(rows);
                let unit = if rows == "~1" { "row" } else { "rows" };
                self.line(&format!("{text}  {rows} {unit}"));
            }
            None => self.line(text),
        }
    }

    fn query(&mut self) {
        for (slot, value) in &self.query.constants {
            let text = format!("once {} = {}", self.slot(*slot), self.expr(value));
            self.line(&text);
        }
        let how = match &self.query.window() {
            // What arrives over time falls into its windows one by one.
            Some(window) if window.live => "row by row",
            Some(window) => in_batches(&window.rows.query),
            None => in_batches(self.query),
        };
        for (at, step) in self.query.steps.iter().enumerate() {
            let begin = self.out.len();
            self.step(step);
            self.say_otherwise(at, begin);
        }
        if let Some(group) = &self.query.group {
            if let Some(window) = &group.window {
                self.steps(&window.rows.query.steps);
                let sizes: Vec<_> = window.sizes.iter().map(|size| self.expr(size)).collect();
                let what = if window.gap { "a gap of" } else { "the size" };
                self.line(&format!("in windows by {what} {}", sizes.join(", ")));
            }
            let text = self.group(group, how);
            self.estimate.group(self.query);
            self.line_with_rows(&text);
            self.steps(&group.after);
        }
        // Groups are given one by one.
        let how = if self.query.group.is_some() { "" } else { how };
        self.sort(how);
        if self.query.distinct {
            let how = if self.query.order.is_empty() { how } else { "" };
            self.estimate.distinct(self.query);
            self.line_with_rows(format!("remove duplicates {how}").trim_end());
        }
        if let Some(limit) = &self.query.limit {
            let text = format!("stop after {} rows", self.expr(limit));
            self.estimate.limit(self.query);
            self.line_with_rows(&text);
        }
        if let Some(offset) = &self.query.offset {
            let text = format!("pass over {} rows", self.expr(offset));
            self.line(&text);
        }
        let columns: Vec<_> = self
            .query
            .output
            .columns
            .iter()
            .map(|c| self.expr(c))
            .collect();
        // Of what is collected it has been said.
        let makes_rows = self.query.steps.iter().any(Step::is_many);
        let how = if self.query.is_collected() || self.query.distinct || !makes_rows {
            ""
        } else {
            how
        };
        let text = format!("give {} {how}", columns.join(", "));
        self.estimate.taken_apart(self.query);
        match makes_rows || self.estimate.rows != Some(1.0) {
            true => self.line_with_rows(text.trim_end()),
            false => self.line(text.trim_end()),
        }
    }

    /// Says of a step, which is written from there on, how it runs, where that is not how the results
    /// are made.
    fn say_otherwise(&mut self, at: usize, begin: usize) {
        let Some(program) = &self.query.batch else {
            return;
        };
        let how = match &program.tail {
            _ if program.evaluated.contains(&at) => "row by row",
            Some(tail) if at < tail.step => "in batches",
            _ => return,
        };
        if program.tail.is_some() && how == "row by row" {
            return;
        }
        // The estimate of its rows stands behind.
        let line = &self.out[begin..];
        let line = line.split('\n').next().unwrap_or_default();
        let end = line.rfind("  ~").unwrap_or(line.len());
        self.out.insert_str(begin + end, &format!(", {how}"));
    }

    /// What is collected of rows that are grouped.
    fn group(&self, group: &Group, how: &str) -> String {
        let keys: Vec<_> = group.keys.iter().map(|(key, _)| self.expr(key)).collect();
        let aggregates = group.aggregates.iter().map(|aggregate| {
            let argument = self.expr(&aggregate.argument);
            match &aggregate.running {
                Some(running) => format!("{}({argument})", running.function.name()),
                None => format!("a bag of {argument}"),
            }
        });
        let aggregates: Vec<_> = aggregates.collect();
        let rows = match group.always {
            true => "all rows".to_owned(),
            false => format!("group by {}", keys.join(", ")),
        };
        format!("{rows} {how}, aggregating {}", aggregates.join(", "))
    }

    fn sort(&mut self, how: &str) {
        for (at, order) in self.query.order.iter().enumerate() {
            let direction = if order.descending { " descending" } else { "" };
            let text = match at {
                0 => format!("sort by {}{direction} {how}", self.expr(&order.key)),
                _ => format!("  then by {}{direction}", self.expr(&order.key)),
            };
            self.line(text.trim_end());
        }
        if let Some(limit) = &self.query.limit
            && self.query.is_collected()
            && self.query.keeps_first()
        {
            let text = format!("keep the first {}", self.expr(limit));
            self.line(&text);
        }
    }

    fn steps(&mut self, steps: &[Step]) {
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &Step) {
        let text = match step {
            Step::Filter(condition) => format!("filter {}", self.expr(condition)),
            Step::Let(pattern, value) => {
                format!("let {} = {}", self.pattern(pattern), self.expr(value))
            }
            Step::Iterate {
                pattern,
                over,
                stream,
            } => format!(
                "for each {} in {}{}",
                self.pattern(pattern),
                match (stream, is_live(over)) {
                    (_, true) => "live stream ",
                    (true, false) => "stream ",
                    (false, false) => "",
                },
                self.expr(over)
            ),
            Step::Solve(equation) => {
                let unknown = self.slot(equation.unknown);
                format!("solve {} for {unknown}", self.expr(&equation.condition))
            }
            Step::Index { base, position, .. } => {
                format!(
                    "for each position {} of {}",
                    self.slot(*position),
                    self.expr(base)
                )
            }
            Step::Extent { slot, ty } => {
                format!("for each {} in the extent of {ty}", self.slot(*slot))
            }
            Step::Lookup(lookup) => self.lookup(lookup),
            Step::Join(join) => return self.join(join),
            Step::Act(act) => {
                self.line("do for each row of");
                self.depth += 1;
                self.steps(&act.steps);
                let text = match &act.action {
                    RowAction::Evaluate(expr) => format!("evaluate {}", self.expr(expr)),
                    RowAction::Change(change) => {
                        let args: Vec<_> = change.args.iter().map(|arg| self.expr(arg)).collect();
                        let (name, slot) = (change.function.name(), self.slot(change.slot));
                        format!("{name}({slot},{})", args.join(","))
                    }
                };
                self.line(&text);
                self.depth -= 1;
                return;
            }
            Step::Alternatives { branches, .. } => {
                for (i, branch) in branches.iter().enumerate() {
                    self.line(if i == 0 { "either" } else { "or" });
                    self.inner(branch);
                }
                self.estimate.step(step);
                return;
            }
            Step::Optional { steps, .. } => {
                self.line("left join with");
                self.depth += 1;
                self.steps(steps);
                self.depth -= 1;
                return;
            }
        };
        self.estimate.step(step);
        match step {
            Step::Let(..) | Step::Solve(_) => self.line(&text),
            _ => self.line_with_rows(&text),
        }
    }

    /// Steps within the present one, with the rows that they make of one.
    fn inner(&mut self, steps: &[Step]) {
        let within = self.estimate.inner();
        let around = std::mem::replace(&mut self.estimate, within);
        self.depth += 1;
        self.steps(steps);
        self.depth -= 1;
        self.estimate = around;
    }

    fn join(&mut self, join: &Join) {
        let finding = join.finding();
        let keys: Vec<_> = finding
            .iter()
            .map(|key| self.expr(&join.conditions[key.condition]))
            .collect();
        let keys = keys.join(" and ");
        let text = match (finding, join.is_equation()) {
            ([], _) => "join with".to_owned(),
            (_, true) => format!("hash join on {keys} with"),
            (_, false) => format!("join by comparison on {keys} with"),
        };
        let mut inner = self.estimate.inner();
        inner.steps(&join.inner);
        self.estimate.found_by(join, inner.rows);
        self.line_with_rows(&text);
        self.inner(&join.inner);
        for condition in join.others() {
            let text = format!("filter {}", self.expr(condition));
            self.estimate.filter(condition);
            self.line_with_rows(&text);
        }
    }

    fn lookup(&self, lookup: &Lookup) -> String {
        if let FunctionBody::Stored(table) = &lookup.function.body
            && table.is_table()
        {
            return self.lookup_of_row(lookup, table);
        }
        let known = |c: &LookupColumn| matches!(c, LookupColumn::Known(_));
        let arity = lookup.function.arity();
        let (args, results) = lookup.columns.split_at(arity);
        let access = if args.iter().all(known) && !args.is_empty() {
            "key lookup"
        } else if lookup.columns.iter().any(known) || lookup.narrowing.is_some() {
            "index lookup"
        } else {
            "scan"
        };
        let columns = |list: &[LookupColumn]| {
            let one = |c: &LookupColumn| match c {
                LookupColumn::Known(expr) => self.expr(expr),
                LookupColumn::Bind(pattern) => self.pattern(pattern),
            };
            list.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let name = lookup.function.name();
        let rows = match &lookup.function.body {
            FunctionBody::Stored(table) => rows(table, lookup),
            _ => String::new(),
        };
        let solved = lookup
            .narrowing
            .as_ref()
            .map_or_else(String::new, |narrowing| {
                format!(", solved from {}", self.expr(&narrowing.value))
            });
        format!(
            "{access} {name}({}) -> {}{solved}{rows}",
            columns(args),
            columns(results)
        )
    }

    /// Access to the rows of a table: the columns that are known, and those that are wanted.
    fn lookup_of_row(&self, lookup: &Lookup, table: &Table) -> String {
        let (mut known, mut wanted) = (vec![], vec![]);
        for (column, rule) in lookup.columns.iter().zip(table.rules()) {
            match column {
                LookupColumn::Known(value) => {
                    known.push(format!("{} = {}", rule.name, self.expr(value)))
                }
                LookupColumn::Bind(Pattern::Any) => {}
                LookupColumn::Bind(pattern) => wanted.push(self.pattern(pattern)),
            }
        }
        if let Some(copies) = &lookup.copies {
            wanted = copies.iter().map(|(_, slot)| self.slot(*slot)).collect();
        }
        let access = match (lookup.unique, known.is_empty()) {
            (true, _) => "key lookup",
            (false, false) => "index lookup",
            (false, true) if lookup.narrowing.is_some() => "index lookup",
            (false, true) => "scan",
        };
        let name = lookup.function.name();
        let known = match known.as_slice() {
            [] => String::new(),
            known => format!(" where {}", known.join(" and ")),
        };
        let (wanted, rows) = (wanted.join(", "), rows(table, lookup));
        format!("{access} {name}{known} -> {wanted}{rows}")
    }

    fn slot(&self, slot: Slot) -> String {
        match self.query.names.get(slot) {
            Some(name) if !name.is_empty() => name.to_string(),
            _ => format!("_{slot}"),
        }
    }

    fn pattern(&self, pattern: &Pattern) -> String {
        match pattern {
            Pattern::Bind(slot, _) => self.slot(*slot),
            Pattern::Equal(expr) => self.expr(expr),
            Pattern::Vector(parts) => {
                let parts: Vec<_> = parts.iter().map(|p| self.pattern(p)).collect();
                format!("[{}]", parts.join(","))
            }
            Pattern::Any => "*".into(),
        }
    }

    fn list(&self, exprs: &[PlanExpr], between: &str) -> String {
        exprs
            .iter()
            .map(|e| self.expr(e))
            .collect::<Vec<_>>()
            .join(between)
    }

    fn expr(&self, expr: &PlanExpr) -> String {
        match expr {
            PlanExpr::Const(value) => value.to_string(),
            PlanExpr::Slot(slot) | PlanExpr::Known(slot) => self.slot(*slot),
            PlanExpr::Session(name, _) => format!(":{name}"),
            PlanExpr::Call(call) => {
                format!("{}({})", target(&call.target), self.list(&call.args, ","))
            }
            PlanExpr::Arith(op, call) => match call.args.as_slice() {
                [left, right] => {
                    format!(
                        "({} {} {})",
                        self.expr(left),
                        operator(*op),
                        self.expr(right)
                    )
                }
                args => format!("-{}", self.list(args, "")),
            },
            PlanExpr::Compare(op, sides) => {
                format!(
                    "{} {} {}",
                    self.expr(&sides[0]),
                    operator(*op),
                    self.expr(&sides[1])
                )
            }
            PlanExpr::And(list) => self.list(list, " and "),
            PlanExpr::Or(list) => format!("({})", self.list(list, " or ")),
            PlanExpr::Vector(list) => format!("[{}]", self.list(list, ",")),
            PlanExpr::Bag(list) => format!("bag({})", self.list(list, ",")),
            PlanExpr::Record(fields) => {
                let mut text = String::from("{");
                for (i, (key, value)) in fields.iter().enumerate() {
                    let comma = if i > 0 { "," } else { "" };
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{comma}{}:{}", self.expr(key), self.expr(value));
                }
                text + "}"
            }
            PlanExpr::Case { arms, .. } => format!("case of {} arms", arms.len()),
            PlanExpr::Try(both) => format!("try({}, {})", self.expr(&both[0]), self.expr(&both[1])),
            PlanExpr::Convert(value, ty) => format!("cast({} as {ty})", self.expr(value)),
            PlanExpr::Singleton(value) | PlanExpr::OrNull(value) => self.expr(value),
            PlanExpr::Sub(sub) | PlanExpr::Collect(sub) => {
                let inner = explain(&sub.query, self.facts);
                let indent = "  ".repeat(self.depth + 2);
                let body: String = inner
                    .lines()
                    .map(|line| format!("\n{indent}{line}"))
                    .collect();
                format!("{{{body} }}")
            }
        }
    }
}

/// How many rows there are, and how the wanted ones are found among them.
fn rows(table: &Table, lookup: &Lookup) -> String {
    let count = table.len();
    let solved = lookup.narrowing.iter().map(|narrowing| narrowing.column);
    let known: Vec<usize> = lookup.known.iter().copied().chain(solved).collect();
    if known.is_empty() {
        return format!(" ({count} rows)");
    }
    let found = match table.access(&known) {
        Access::Indexed => "indexed",
        Access::LookedThrough => "so few that they are looked through",
        Access::Unindexed => "indexed when first used",
    };
    format!(" ({count} rows, {found})")
}

fn target(target: &Target) -> String {
    match target {
        Target::One(function) => function.name().to_string(),
        Target::Late(functions) => {
            let name = functions.first().map_or("?", |f| f.name());
            format!("{name} (1 of {})", functions.len())
        }
    }
}

fn operator(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Plus => "+",
        BinaryOp::Minus => "-",
        BinaryOp::Times => "*",
        BinaryOp::Div => "/",
        BinaryOp::Power => "^",
        other => other.function_name(),
    }
}

/// Whether the expression calls a built-in function whose elements arrive over time.
fn is_live(expr: &PlanExpr) -> bool {
    matches!(expr, PlanExpr::Call(call) if matches!(
        &call.target,
        Target::One(function) if function.native().is_some_and(|native| native.live)
    ))
}

/// How what comes of the rows of a query is made.
fn in_batches(query: &Query) -> &'static str {
    match &query.batch {
        Some(program) if program.tail.is_none() => "in batches",
        _ => "row by row",
    }
}
