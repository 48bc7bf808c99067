//! Statements other than `create function`.

use pest::iterators::Pair;

use super::Builder;
use crate::syntax::ast::{
    Block, CreateObjects, ForEach, Instance, Statement, StatementKind, Update, UpdateOp, Validate,
};
use crate::syntax::grammar::Rule;
use crate::text::diagnostic::Result;

impl Builder<'_> {
    /// Any statement.
    pub(super) fn command(&self, pair: Pair<'_, Rule>) -> Result<Statement> {
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::query_step => StatementKind::Query(self.only_query(pair)?),
            Rule::create_function => {
                StatementKind::CreateFunction(Box::new(self.create_function(pair)?))
            }
            Rule::create_type => self.create_type(pair)?,
            Rule::create_objects => StatementKind::CreateObjects(self.create_objects(pair)?),
            Rule::delete_type => {
                StatementKind::DeleteType(self.name(&self.parts(pair).need(self.source)?))
            }
            Rule::delete_function => StatementKind::DeleteFunction(
                self.function_name(self.parts(pair).need(self.source)?),
            ),
            Rule::delete_object => {
                StatementKind::DeleteObject(self.variable(&self.parts(pair).need(self.source)?))
            }
            Rule::declare => StatementKind::DeclareSession(self.declarations(pair)?),
            Rule::update => StatementKind::Update(Box::new(self.update(pair)?)),
            Rule::validate => StatementKind::Validate(self.validate(pair)?),
            Rule::load => StatementKind::Load(self.only_query(pair)?),
            Rule::bare_word => self.bare_word(pair)?,
            Rule::block => StatementKind::Block(self.block(pair)?),
            Rule::create_table
            | Rule::create_view
            | Rule::create_index
            | Rule::drop_table
            | Rule::drop_index
            | Rule::attach
            | Rule::detach
            | Rule::insert
            | Rule::delete_rows
            | Rule::update_rows => self.of_table(pair)?,
            _ => self.step(pair)?,
        };
        Ok(Statement { kind, span })
    }

    /// The statements that are used mostly in procedures.
    fn step(&self, pair: Pair<'_, Rule>) -> Result<StatementKind> {
        Ok(match pair.as_rule() {
            Rule::assign => self.assign(pair)?,
            Rule::for_each => StatementKind::ForEach(Box::new(self.for_each(pair)?)),
            Rule::while_loop => {
                let mut parts = self.parts(pair);
                StatementKind::While {
                    condition: self.query(parts.need(self.source)?)?,
                    body: self.steps(parts.need(self.source)?)?,
                }
            }
            Rule::endless_loop => {
                StatementKind::Loop(self.steps(self.parts(pair).need(self.source)?)?)
            }
            Rule::leave => StatementKind::Leave,
            Rule::give_back => {
                StatementKind::Return(self.parts(pair).next().map(|p| self.query(p)).transpose()?)
            }
            Rule::case_step => self.case_step(pair)?,
            Rule::open_cursor => {
                let mut parts = self.parts(pair);
                StatementKind::OpenCursor {
                    cursor: self.variable(&parts.need(self.source)?),
                    query: self.query(parts.need(self.source)?)?,
                }
            }
            Rule::fetch_cursor => {
                let mut parts = self.parts(pair);
                StatementKind::FetchCursor {
                    cursor: self.variable(&parts.need(self.source)?),
                    into: parts.map(|p| self.variable(&p)).collect(),
                }
            }
            _ => StatementKind::CloseCursor(self.variable(&self.parts(pair).need(self.source)?)),
        })
    }

    fn bare_word(&self, pair: Pair<'_, Rule>) -> Result<StatementKind> {
        let word = self.parts(pair).need(self.source)?;
        Ok(match word.as_rule() {
            Rule::COMMIT => StatementKind::Commit,
            Rule::ROLLBACK => StatementKind::Rollback,
            _ => StatementKind::Quit,
        })
    }

    fn assign(&self, pair: Pair<'_, Rule>) -> Result<StatementKind> {
        let mut parts = self.parts(pair);
        let mut targets = Vec::new();
        while let Some(Rule::variable | Rule::session_variable) = parts.peek() {
            targets.push(self.variable(&parts.need(self.source)?));
        }
        let value = self.query(parts.need(self.source)?)?;
        Ok(StatementKind::Assign { targets, value })
    }

    fn create_type(&self, pair: Pair<'_, Rule>) -> Result<StatementKind> {
        let mut parts = self.parts(pair);
        Ok(StatementKind::CreateType {
            name: self.name(&parts.need(self.source)?),
            supertypes: parts.map(|p| self.name(&p)).collect(),
        })
    }

    fn create_objects(&self, pair: Pair<'_, Rule>) -> Result<CreateObjects> {
        let mut parts = self.parts(pair);
        let ty = self.name(&parts.need(self.source)?);
        let attributes = match parts.next_if(Rule::attributes) {
            Some(names) => self.parts(names).map(|p| self.function_name(p)).collect(),
            None => Vec::new(),
        };
        Ok(CreateObjects {
            ty,
            attributes,
            instances: parts.map(|p| self.instance(p)).collect::<Result<_>>()?,
        })
    }

    fn instance(&self, pair: Pair<'_, Rule>) -> Result<Instance> {
        let span = self.span(&pair);
        let mut parts = self.parts(pair);
        let variable = parts
            .next_if(Rule::variable)
            .or_else(|| parts.next_if(Rule::session_variable));
        Ok(Instance {
            variable: variable.map(|p| self.variable(&p)),
            values: match parts.next() {
                Some(values) => self.queries(values)?,
                None => Vec::new(),
            },
            span,
        })
    }

    fn update(&self, pair: Pair<'_, Rule>) -> Result<Update> {
        let mut parts = self.parts(pair);
        let op = parts.need(self.source)?;
        Ok(Update {
            op: match op.as_str().to_ascii_lowercase().as_str() {
                "set" => UpdateOp::Set,
                "add" => UpdateOp::Add,
                _ => UpdateOp::Remove,
            },
            function: self.function_name(parts.need(self.source)?),
            args: self.queries(parts.need(self.source)?)?,
            value: self.query(parts.need(self.source)?)?,
            from: match parts.next_if(Rule::from) {
                Some(from) => self.from(from)?,
                None => Vec::new(),
            },
            filter: match parts.next_if(Rule::where_clause) {
                Some(filter) => Some(self.only_query(filter)?),
                None => None,
            },
        })
    }

    fn validate(&self, pair: Pair<'_, Rule>) -> Result<Validate> {
        let mut parts = self.parts(pair);
        let name = self.string(&parts.need(self.source)?)?;
        let checks = parts
            .map(|check| {
                let mut parts = self.parts(check);
                let actual = self.query(parts.need(self.source)?)?;
                Ok((actual, self.query(parts.need(self.source)?)?))
            })
            .collect::<Result<_>>()?;
        Ok(Validate { name, checks })
    }

    fn block(&self, pair: Pair<'_, Rule>) -> Result<Block> {
        let mut parts = self.parts(pair);
        let mut declarations = Vec::new();
        while let Some(part) = parts.next_if(Rule::local_declarations) {
            declarations.extend(self.declarations(part)?);
        }
        let body = self.steps(parts.need(self.source)?)?;
        Ok(Block { declarations, body })
    }

    fn steps(&self, pair: Pair<'_, Rule>) -> Result<Vec<Statement>> {
        self.parts(pair).map(|p| self.command(p)).collect()
    }

    fn for_each(&self, pair: Pair<'_, Rule>) -> Result<ForEach> {
        let mut parts = self.parts(pair);
        let mut from = Vec::new();
        while let Some(part) = parts.next_if(Rule::declaration) {
            from.push(self.declaration(part)?);
        }
        let filter = match parts.next_if(Rule::where_clause) {
            Some(filter) => Some(self.only_query(filter)?),
            None => None,
        };
        let body = self.command(parts.need(self.source)?)?;
        Ok(ForEach { from, filter, body })
    }

    fn case_step(&self, pair: Pair<'_, Rule>) -> Result<StatementKind> {
        let mut arms = Vec::new();
        let mut otherwise = None;
        for part in self.parts(pair) {
            let is_arm = part.as_rule() == Rule::step_arm;
            let mut parts = self.parts(part);
            if is_arm {
                let condition = self.query(parts.need(self.source)?)?;
                arms.push((condition, self.command(parts.need(self.source)?)?));
            } else {
                otherwise = Some(Box::new(self.command(parts.need(self.source)?)?));
            }
        }
        Ok(StatementKind::Case { arms, otherwise })
    }
}
