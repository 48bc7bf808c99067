//! Random and extreme values of every type, as they are written in statements.

use crate::support::random::Random;

/// What they need: types, objects, functions, and session variables for values that are large or have
/// no literal.
pub const SCRIPT: &str = r#"
create type Thing;
create type Part under Thing;
create function name_of(Thing t) -> Charstring as stored;
create function size_of(Thing t) -> Integer as stored;
create function kids(Thing t) -> Bag of Thing as stored;
create function pairs(Integer i) -> Bag of (Integer, Charstring) as stored;
create Thing(name_of,size_of) instances :t1('a',1), :t2('b',2);
create Part(name_of,size_of) instances :p1('c',3);
add kids(:t1) = :t2;
add kids(:t2) = :p1;
add pairs(1) = (1,'x');
add pairs(1) = (2,'y');
create function twice(Number x) -> Number as 2*x;
create function many(Object x) -> Bag of Object as bag(x,x);
create function nothing(Object x) -> Object as select y from Object y where y in bag();
create function inside(Object x) -> Object as [x];
create function fails(Object x) -> Object as select x where error('failed');
create function stepwise(Object x) -> Object as { declare Object y; set y = x; return [y,x]; };
create function second(Object x, Object y) -> Object as y;
create function without_end(Integer i) -> Object as without_end(i+1);
create function nested(Integer n) -> Object as { declare Object v, Integer i; set v = 1; set i = 0; while i < n do set v = [v]; set i = i+1; end while; return v; };
create function longer(Charstring s, Integer n) -> Charstring as { declare Charstring t, Integer i; set t = s; set i = 0; while i < n do set t = t + t; set i = i+1; end while; return t; };
set :nan = exp(1000)-exp(1000);
set :inf = exp(1000);
set :integers = vectorof(iota(1,300000));
set :reals = vectorof(select sin(x) from Integer x where x in iota(1,300000));
set :strings = vectorof(select ntoa(x) from Integer x where x in iota(1,30000));
set :matrix = vectorof(select vectorof(iota(x,x+99)) from Integer x where x in iota(1,100));
set :records = vectorof(select {'a':x,'b':[x]} from Integer x where x in iota(1,10000));
set :deep = nested(990);
set :long = longer('ab%_*?[ ,"x', 17);
set :same = longer('a', 20);
set :digits = longer('12', 8);
set :brackets = longer('[', 16);
set :json = json:stringify(:records);
set :zeros = make_binary(1000000);
set :bytes = binary([0,1,127,128,255]);
"#;

const INTEGERS: &[&str] = &[
    "0",
    "1",
    "-1",
    "2",
    "3",
    "5",
    "8",
    "63",
    "64",
    "65",
    "100",
    "1000",
    "65536",
    "1000000",
    "16777216",
    "16777217",
    "2147483648",
    "-2147483649",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775807",
    "(-9223372036854775807-1)",
];

const REALS: &[&str] = &[
    "0.0",
    "-0.0",
    "0.1",
    "0.5",
    "1.5",
    "-2.5",
    "2.0",
    "1e-5",
    "1e16",
    "1e19",
    "-1e300",
    "1e308",
    "1.7976931348623157e308",
    "5e-324",
    "1e-300",
    ":nan",
    ":inf",
    "(0-:inf)",
];

const STRINGS: &[&str] = &[
    "''",
    "' '",
    "'a'",
    "'abc'",
    "'ABC def'",
    "'å🙂\\n'",
    "'%'",
    "'*a?[b-c]*'",
    "'[!]'",
    "'\\\\'",
    "'1'",
    "'-1.5e3'",
    "'0x1f'",
    "'01ff'",
    "'{\"a\":[1,null]}'",
    "'[1,2'",
    "'1,\"2\n3\",'",
    "'|2024-01-01T00:00:00Z|'",
    "'2024-01-01T00:00:00Z'",
    "'9999-12-31'",
    "'%Y-%m-%dT%H:%M:%S'",
    "'%9999Y%'",
    "'Europe/Stockholm'",
    "'sin'",
    "'plus'",
    "'many'",
    "'thing'",
    "'Integer'",
    "'name_of'",
    "'number.sin->real'",
    "'u8U16i24z8'",
    "'bf'",
    "'select x from Integer x where x in iota(1,3)'",
    "'data.csv'",
    "'data.json'",
    "'text.txt'",
    "'nowhere'",
    "'.'",
    ":long",
    ":same",
    ":digits",
    ":brackets",
    ":json",
];

const TIMES: &[&str] = &[
    "|2024-02-29T23:59:59.999Z|",
    "|1970-01-01T00:00:00Z|",
    "|9999-12-31T23:59:59Z|",
    "|0001-01-01T00:00:00Z|",
    "timestamp(1.5)",
    "ts(:t1)",
    "ts([1,2])",
    "timestamp(-1e11)",
];

const FUNCTIONS: &[&str] = &[
    "#'sin'",
    "#'sqrt'",
    "#'plus'",
    "#'upper'",
    "#'twice'",
    "#'many'",
    "#'nothing'",
    "#'inside'",
    "#'fails'",
    "#'stepwise'",
    "#'second'",
    "#'without_end'",
    "#'kids'",
    "#'name_of'",
    "#'pairs'",
    "#'sum'",
    "#'bag.sum->number'",
    "#'vector.mean->real'",
    "#'count'",
    "#'iota'",
    "#'natural_numbers'",
    "#'number.number.plus->number'",
];

const VECTORS: &[&str] = &[
    "[]",
    "[1]",
    "[1,2,3]",
    "[1.5,-2,0]",
    "[null,1]",
    "[:nan,:inf]",
    "[9223372036854775807,1]",
    "[1e308,1e308]",
    "['a','b','']",
    "[[1,2],[3,4]]",
    "[[1,2],[3]]",
    "[[1.0,2.0],[3.0,4.0]]",
    "[{'a':1},{'b':2}]",
    "[0,10,4]",
    "[complex(1,2),1]",
    "[#'sin',:t1]",
    "[[[]]]",
    ":integers",
    ":reals",
    ":strings",
    ":matrix",
    ":records",
    ":deep",
];

/// An expression of this type, as declarations name it.
pub fn of_type(random: &mut Random, ty: &str) -> String {
    let lower = ty.to_lowercase();
    let (outer, of) = lower.split_once(" of ").unwrap_or((&lower, ""));
    if random.once_in(40) {
        return "null".to_owned();
    }
    match outer {
        "integer" => (*random.of(INTEGERS)).to_owned(),
        "real" => one_of(random, &[REALS, REALS, INTEGERS]),
        "number" => one_of(random, &[REALS, INTEGERS]),
        "boolean" => (*random.of(&["true", "false"])).to_owned(),
        "charstring" => (*random.of(STRINGS)).to_owned(),
        "literal" => one_of(random, &[INTEGERS, REALS, STRINGS, &["true", "false"]]),
        "binary" => {
            (*random.of(&[":zeros", ":bytes", "make_binary(0)", "binary('ff')"])).to_owned()
        }
        "timeval" => (*random.of(TIMES)).to_owned(),
        "function" => (*random.of(FUNCTIONS)).to_owned(),
        "type" => {
            (*random.of(&["typenamed('Thing')", "typenamed('Integer')", "typeof([1])"])).to_owned()
        }
        "complex" => {
            let (re, im) = (*random.of(REALS), *random.of(REALS));
            format!("complex({re},{im})")
        }
        "topic" => "typeof(1)".to_owned(),
        "record" => record(random),
        "vector" => vector(random, of),
        "bag" => many(random, "bag", of),
        "stream" => many(random, "stream", of),
        "object" | "userobject" if random.once_in(3) => {
            (*random.of(&[":t1", ":t2", ":p1"])).to_owned()
        }
        "userobject" => "null".to_owned(),
        _ => any(random),
    }
}

fn one_of(random: &mut Random, lists: &[&[&str]]) -> String {
    let list = *random.of(lists);
    (*random.of(list)).to_owned()
}

/// An expression of any type.
pub fn any(random: &mut Random) -> String {
    const TYPES: &[&str] = &[
        "integer",
        "real",
        "charstring",
        "boolean",
        "binary",
        "timeval",
        "function",
        "type",
        "complex",
        "record",
        "vector",
        "vector of number",
        "bag",
        "stream",
        "object",
    ];
    let ty = *random.of(TYPES);
    of_type(random, ty)
}

fn record(random: &mut Random) -> String {
    if random.once_in(3) {
        return (*random.of(&[
            "{}",
            "{'a':1,'b':[{'a':2}]}",
            "{'':null}",
            "{'deep'::deep}",
            "{'qos':2,'retain':true}",
        ]))
        .to_owned();
    }
    format!("{{'a':{},'b':{}}}", any(random), any(random))
}

fn vector(random: &mut Random, of: &str) -> String {
    if of == "number" || of == "integer" || of == "real" {
        let numbers = &VECTORS[..7];
        return match random.below(4) {
            0 => (*random.of(&[":integers", ":reals"])).to_owned(),
            1 => {
                let count = random.below(6);
                let numbers: Vec<_> = (0..count).map(|_| of_type(random, of)).collect();
                format!("[{}]", numbers.join(","))
            }
            _ => (*random.of(numbers)).to_owned(),
        };
    }
    if random.once_in(3) {
        let count = random.below(4);
        let elements: Vec<_> = (0..count).map(|_| any(random)).collect();
        return format!("[{}]", elements.join(","));
    }
    (*random.of(VECTORS)).to_owned()
}

/// A bag or stream of values of the type `of`, of any where that is empty.
fn many(random: &mut Random, kind: &str, of: &str) -> String {
    let bag = match random.below(8) {
        0 => "iota(1,3)".to_owned(),
        1 => "iota(1,1000000)".to_owned(),
        2 => "natural_numbers()".to_owned(),
        3 => format!("in({})", vector(random, of)),
        4 => "(select stream of x from Integer x where x in siota(1,100))".to_owned(),
        5 => "(select sin(x) from Integer x where x in iota(1,100000))".to_owned(),
        _ => {
            let count = random.below(4);
            let element = |random: &mut Random| match of {
                "" => any(random),
                of => of_type(random, of),
            };
            let elements: Vec<_> = (0..count).map(|_| element(random)).collect();
            format!("bag({})", elements.join(","))
        }
    };
    match (kind, bag.starts_with("(select stream")) {
        ("stream", false) => format!("streamof({bag})"),
        ("bag", true) => format!("extract({bag})"),
        _ => bag,
    }
}

/// Extreme literals of every kind.
pub fn extreme(random: &mut Random) -> String {
    one_of(random, &[INTEGERS, REALS, STRINGS, TIMES, VECTORS])
}
