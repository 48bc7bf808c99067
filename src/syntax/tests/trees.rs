//! Statements and the trees they become. Trees are compared in a short form with full parentheses.

use crate::syntax::ast::*;
use crate::syntax::statement;
use crate::text::diagnostic::SourceText;

pub fn parse(text: &str) -> StatementKind {
    match statement(&SourceText::new("test", text)) {
        Ok(Some(statement)) => statement.kind,
        Ok(None) => panic!("{text} is empty"),
        Err(error) => panic!("{text}\n{}", error.render(false)),
    }
}

pub fn query(text: &str) -> Expr {
    match parse(text) {
        StatementKind::Query(expr) => expr,
        other => panic!("{text} is {other:?}"),
    }
}

fn list(exprs: &[Expr]) -> String {
    exprs.iter().map(short).collect::<Vec<_>>().join(",")
}

fn literal_text(literal: &Literal) -> String {
    match literal {
        Literal::Null => "null".to_owned(),
        Literal::Bool(truth) => truth.to_string(),
        Literal::Int(i) => i.to_string(),
        Literal::Real(r) => format!("{r:?}"),
        Literal::Str(text) => format!("{text:?}"),
        Literal::Time(micros) => format!("|{micros}|"),
    }
}

/// `expr` in a short form that shows how it is grouped.
pub fn short(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Literal(literal) => literal_text(literal),
        ExprKind::Variable(Variable::Local(name)) => name.text.to_string(),
        ExprKind::Variable(Variable::Session(name)) => format!(":{}", name.text),
        ExprKind::Call { function, args } => format!("{}({})", function.name.text, list(args)),
        ExprKind::Unary {
            op: UnaryOp::Minus,
            arg,
        } => format!("-({})", short(arg)),
        ExprKind::Unary { op, arg } => format!("{op:?}({})", short(arg)),
        ExprKind::Combined(both) => {
            format!(
                "{:?}<{} {}>",
                both.operator,
                short(&both.left),
                short(&both.right)
            )
        }
        ExprKind::AllColumns(row) => row
            .as_ref()
            .map_or("*".to_owned(), |row| format!("{}.*", row.text)),
        ExprKind::Binary {
            op_span,
            left,
            right,
            ..
        } => format!("({} {} {})", short(left), op_span.text(), short(right)),
        ExprKind::Vector(elements) => format!("[{}]", list(elements)),
        ExprKind::Bag(elements) => format!("bag({})", list(elements)),
        ExprKind::Record(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(k, v)| format!("{}:{}", short(k), short(v)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        ExprKind::Tuple(elements) => format!("({})", list(elements)),
        ExprKind::Index { base, indices } => format!("{}[{}]", short(base), list(indices)),
        ExprKind::Case { arms, otherwise } => {
            let arms: Vec<_> = arms
                .iter()
                .map(|(c, e)| format!("{}->{}", short(c), short(e)))
                .collect();
            let otherwise = otherwise.as_ref().map_or(String::new(), |e| short(e));
            format!("case<{};{otherwise}>", arms.join(","))
        }
        ExprKind::Cast { value, ty } => format!("cast<{}:{}>", short(value), ty.span.text()),
        ExprKind::Select(select) => format!("select<{}>", list(&select.items)),
        ExprKind::Functional(name) => format!("#{}", name.text),
    }
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (text, tree) in [
        ("1+2*3", "(1 + (2 * 3))"),
        ("1-2-3", "((1 - 2) - 3)"),
        ("2^3^2", "(2 ^ (3 ^ 2))"),
        ("-2^2", "-((2 ^ 2))"),
        ("-x^2", "-((x ^ 2))"),
        ("-x*y", "(-(x) * y)"),
        ("2^-1", "(2 ^ -1)"),
        ("1 -2", "(1 - 2)"),
        ("1- -2", "(1 - -2)"),
        ("- -x", "-(-(x))"),
        ("1 --2", "1"),
        ("a <> b", "(a <> b)"),
        (
            "not a = 1 and b is not null",
            "(Not((a = 1)) and IsNotNull(b))",
        ),
        ("not (a = 1)", "Not((a = 1))"),
        ("not(a)", "not(a)"),
        ("t.a not in (1, 2)", "Not((t.a not in (1,2)))"),
        ("a like 'x%'", r#"(a like "x%")"#),
        ("count(distinct a)", "count(Distinct(a))"),
        ("count(*)", "count(*)"),
        (
            "select t.*, * from T t union all select 1",
            "Union<select<t.*,*> select<1>>",
        ),
        ("a || b || c = d", "(((a || b) || c) = d)"),
        ("-v[1]", "-(v[1])"),
        ("a or b and c", "(a or (b and c))"),
        (
            "a=1 and b in c or d<2",
            "(((a = 1) and (b in c)) or (d < 2))",
        ),
        ("1+y <= sqrt(5.2)", "((1 + y) <= sqrt(5.2))"),
        ("(v-w).^2", "((v - w) .^ 2)"),
        ("2.*v", "(2 .* v)"),
        ("2.+v./3", "(2 .+ (v ./ 3))"),
        ("v.*.5", "(v .* 0.5)"),
        ("2. * v", "(2.0 * v)"),
        ("value(t)[1][2,3]", "value(t)[1][2,3]"),
        ("[1,2][1]", "[1,2][1]"),
        ("(1,2) = f(x)", "((1,2) = f(x))"),
        ("(a=b)=c", "((a = b) = c)"),
        ("a AND NOT_A", "(a AND not_a)"),
    ] {
        assert_eq!(short(&query(text)), tree, "{text}");
    }
}

#[test]
fn literals_have_their_values() {
    use Literal::{Bool, Int, Null, Real, Str, Time};
    let cases = [
        ("123", Int(123)),
        ("-9223372036854775808", Int(i64::MIN)),
        ("0x7f", Int(127)),
        ("1.2", Real(1.2)),
        ("2.3E2", Real(230.0)),
        ("-2.4e-21", Real(-2.4e-21)),
        ("10e16", Real(10e16)),
        ("1.e320", Real(f64::INFINITY)),
        ("inf", Real(f64::INFINITY)),
        ("-Inf", Real(f64::NEG_INFINITY)),
        (".02", Real(0.02)),
        ("TRUE", Bool(true)),
        ("false", Bool(false)),
        ("null", Null),
        (
            r#""a\"b\\\n\u00e5\ud83d\ude00\q""#,
            Str("a\"b\\\nå😀q".into()),
        ),
        (r#"'a\n"b'"#, Str("a\\n\"b".into())),
        ("'';", Str("".into())),
        ("|2022-05-12T00:00:00.3Z|", Time(1_652_313_600_300_000)),
    ];
    for (text, expected) in cases {
        match query(text).kind {
            ExprKind::Literal(literal) => assert_eq!(literal, expected, "{text}"),
            other => panic!("{text} is {other:?}"),
        }
    }
    assert_eq!(short(&query("nan")), "NaN");
}

#[test]
fn expressions_of_every_kind() {
    for (text, tree) in [
        (
            "mqtt:register_client('m', :o)",
            "mqtt:register_client(\"m\",:o)",
        ),
        ("{'a': 1, \"b\"::x, k: [2]}", "{\"a\":1,\"b\"::x,k:[2]}"),
        ("{}", "{}"),
        ("[]", "[]"),
        ("now()", "now()"),
        ("in(:b)", "in(:b)"),
        (
            "#'Number.number.PLUS->number'",
            "#number.number.plus->number",
        ),
        ("cast(:p as Vector of Number)", "cast<:p:Vector of Number>"),
        (
            "case when x > 0 then 1 when x = 0 then 0 else -1 end",
            "case<(x > 0)->1,(x = 0)->0;-1>",
        ),
        (
            "sum(select income(p) from Person p) + 10",
            "(sum(select<income(p)>) + 10)",
        ),
        (
            "value + key * type - name / order",
            "((value + (key * type)) - (name / order))",
        ),
        (
            "limit(1) + set(2) + add(3,4)",
            "((limit(1) + set(2)) + add(3,4))",
        ),
        ("f(select x from T x, U u, 3)", "f(select<x>,3)"),
        ("1 /* one */ + // plus\n 2", "(1 + 2)"),
    ] {
        assert_eq!(short(&query(text)), tree, "{text}");
    }
    match query("person.name->charstring(:p)").kind {
        ExprKind::Call { function, .. } => {
            assert_eq!(&*function.name.text, "name");
            assert_eq!(&*function.argument_types[0].text, "person");
            let result = &function.result_types.expect("a resolvent")[0];
            assert_eq!(
                (&*result.text, result.span.text()),
                ("charstring", "charstring")
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn select_has_all_its_clauses() {
    let text = "select distinct a, b into :x from Integer a, Vector of Number b where a > 1 \
                group by a, b order by a desc, b limit :k+1;";
    let ExprKind::Select(select) = query(text).kind else {
        panic!("not a select")
    };
    assert!(select.distinct);
    assert_eq!(list(&select.items), "a,b");
    assert_eq!((select.into.len(), select.from.len()), (1, 2));
    let FromSource::Named(ty) = &select.from[1].source else {
        panic!("not a type")
    };
    assert_eq!(ty.span.text(), "Vector of Number");
    assert_eq!(list(&select.group_by), "a,b");
    let descending: Vec<_> = select.order_by.iter().map(|k| k.descending).collect();
    assert_eq!(descending, [true, false]);
    assert_eq!(short(&select.limit.expect("a limit")), "(:k + 1)");
    for (text, kind) in [
        (
            "select stream of x from Number x where x in s",
            SelectKind::Stream,
        ),
        ("select Vector of x from Vector x", SelectKind::Vector),
        ("select vector from Vector vector", SelectKind::Bag),
    ] {
        match query(text).kind {
            ExprKind::Select(select) => assert_eq!(select.kind, kind, "{text}"),
            other => panic!("{text} is {other:?}"),
        }
    }
}

#[test]
fn statements_of_every_kind() {
    use StatementKind::*;
    macro_rules! is {
        ($text:expr, $pattern:pat $(if $guard:expr)?) => {
            let kind = parse($text);
            assert!(matches!(&kind, $pattern $(if $guard)?), "{} is {kind:?}", $text);
        };
    }
    is!("set :x = 1", Assign { targets, .. } if targets.len() == 1);
    is!("set (:m, :f) = parents(:p)", Assign { targets, .. } if targets.len() == 2);
    is!("declare Integer :i, Real :x", DeclareSession(d) if d.len() == 2);
    is!("create type TA under Student, Employee", CreateType { supertypes, .. } if supertypes.len() == 2);
    is!("delete type TA", DeleteType(n) if &*n.text == "ta");
    is!("create P (f,g) instances :a (1,2), (3,4), :b", CreateObjects(c) if c.instances.len() == 3);
    is!("delete :p", DeleteObject(Variable::Session(_)));
    is!("delete function a.f->b", DeleteFunction(f) if f.argument_types.len() == 1);
    is!("delete function f", DeleteFunction(f) if f.result_types.is_none());
    is!("set name(:p) = 'x'", Update(u) if u.op == UpdateOp::Set);
    is!("add f(:p) = h from Charstring h where h != 'x'", Update(u) if u.filter.is_some());
    is!("remove f(1) = 2", Update(u) if u.op == UpdateOp::Remove);
    is!("for each P p where f(p) > 1 set f(p) = 1", ForEach(f) if f.filter.is_some());
    is!("commit", Commit);
    is!("ROLLBACK;", Rollback);
    is!("validate 'v' check 1 = 1 => true check f(2) => bag(1)", Validate(v) if v.checks.len() == 2);
    is!("quit;", Quit);
    is!("Exit", Quit);
    is!("< 'file.osql'", Load(_));
    is!("{ declare Integer i; set i = 1; return i; }", Block(b) if b.body.len() == 2);
    is!("return", Return(None));
    is!("case when x then set y = 1 else return 2 end", Case { arms, otherwise: Some(_) } if arms.len() == 1);
    is!("while i < 3 do set i = i+1; f(i); end while", While { body, .. } if body.len() == 2);
    is!("loop leave; end loop", Loop(body) if matches!(body[0].kind, Leave));
    is!("open c for select x from T x", OpenCursor { .. });
    is!("fetch c into x, y", FetchCursor { into, .. } if into.len() == 2);
    is!("close c", CloseCursor(_));
    is!("{'sa_plot': 'Line plot'};", Query(_));
}

fn function(text: &str) -> CreateFunction {
    match parse(text) {
        StatementKind::CreateFunction(function) => *function,
        other => panic!("{text} is {other:?}"),
    }
}

#[test]
fn functions_have_signature_documentation_and_body() {
    let f = function(
        "create function Area(Number r, Charstring key) -> Real a\n  /* The area\n     of a disc. */\n  as 3.14*r^2;",
    );
    assert_eq!(
        (&*f.name.text, f.signature.text()),
        ("area", "Area(Number r, Charstring key) -> Real a")
    );
    assert_eq!(f.comment.as_deref(), Some("The area\nof a disc."));
    assert_eq!(&*f.parameters[1].name.as_ref().expect("a name").text, "key");
    assert!(matches!(f.body, Body::Query(_)));

    let f = function("create function name(Person) -> Charstring key as stored");
    assert!(f.result.columns[0].key && f.result.columns[0].name.is_none());
    let f = function("create function g() -> Bag of (Charstring nm, Number inc) /* doc */");
    assert_eq!((f.result.many, f.result.columns.len()), (Many::Bag, 2));
    assert_eq!(f.comment.as_deref(), Some("doc"));
    assert!(matches!(f.body, Body::Stored));
    let f = function("create function g(Bag of (Vector of Number, Object) b) -> Stream");
    assert_eq!(f.result.many, Many::Stream);
    let f = function("create function up(Charstring s) -> Charstring as foreign 'string:upper'");
    assert!(matches!(f.body, Body::Foreign(name) if &*name == "string:upper"));
    let f = function("create function d(Charstring s) -> D as inverse of name");
    assert!(matches!(f.body, Body::InverseOf(_)));
    for body in [
        "{ return 1; }",
        "for each P p f(p)",
        "case when x then return 1 end",
    ] {
        let f = function(&format!("create function p(Object x) -> Object as {body}"));
        assert!(matches!(f.body, Body::Procedure(_)), "{body}");
    }
}

#[test]
fn spans_are_exact() {
    let source = SourceText::new(
        "test",
        " select a /* x */ , f( b )  from Integer a ; // end",
    );
    let parsed = statement(&source).expect("it parses").expect("it is there");
    assert_eq!(
        parsed.span.text(),
        "select a /* x */ , f( b )  from Integer a"
    );
    let StatementKind::Query(Expr {
        kind: ExprKind::Select(select),
        ..
    }) = parsed.kind
    else {
        panic!("not a select")
    };
    assert_eq!(select.items[0].span.text(), "a");
    assert_eq!(select.items[1].span.text(), "f( b )");
    assert_eq!(query(" ( 1 + 2 ) * 3 ").span.text(), "( 1 + 2 ) * 3");
    assert!(matches!(
        statement(&SourceText::new("test", " /* */ ;")),
        Ok(None)
    ));
}
