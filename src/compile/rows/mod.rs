//! Rows of tables in queries, and the rules of SQL where there are such.
//!
//! **A table is a stored function** without arguments that gives a bag of rows with named columns
//! ([`crate::catalog::tables`]); a view is a derived one. So storage, indexes, undo, scans, lookups,
//! hash joins and batches are those of stored functions, and `doc`, `sourcecode` and completion know
//! tables by their names. What is more about a table, what its columns take, stands with its rows
//! ([`crate::model::table::ColumnRule`]).
//!
//! **A row in `from` is one condition.** `from T t` declares a variable for each column of `T`, called
//! `t.a`, `t.b` and so on, which no one else can declare because of the dot, and adds a condition that
//! binds them all: a row of `T` has these values. The planner chooses it among the others by the
//! columns that have values by then ([`sources`]): `t.a = 1`, like any equality, binds `t.a` first, and
//! the condition becomes a lookup by an index; `t.a = s.a` binds one by the other; what is not bound is
//! scanned. Columns that nothing uses are not fetched. A view or a select in `from` is the same over its
//! results, and a hash join where columns are bound.
//!
//! **Names** are put right before anything is compiled ([`prepare`]): `a` becomes `t.a` where `t` is the
//! only row here that has such a column, `t` itself a record of its columns, `*` all of them. What is
//! declared with a type, in the query, around it or as a parameter, is meant first; then columns, from
//! inside out; then rows.
//!
//! **Null.** A column that is null has no value, as a call without a result has none: no comparison of
//! it holds, `=` and `<>` neither; a function of it has no result; aggregates pass it by; a join does not
//! meet it. Only where a select over rows gives something, in its results, keys of groups and keys of
//! order, is that which has no value null ([`crate::plan::PlanExpr::OrNull`]). So conditions have SQL's
//! three truths, as long as `not` does not stand around what has no value: it is moved inwards, to
//! comparisons ([`conditions`]), and `x is null` asks whether there is a value. As data, null is a value
//! like others everywhere else, as it always was.
//!
//! **SQL's rules** hold in a select that has a row in `from`, counts with `count(*)` or has `having`: a
//! condition holds or does not, however often (`in` does not count); an aggregate without `group by` is
//! about all rows, also none; a select inside an expression is its first result, or null.

mod aggregates;
mod anti_join;
mod changes;
mod combine;
mod conditions;
mod forms;
mod prepare;
mod resolve;
mod sources;

pub use conditions::{binary, literal};
pub use prepare::{
    call, column_titles, columns_of, needs_preparation, output_names, plain_name, prepared,
    prepared_statement, rows_of,
};
pub use sources::RowSource;
