//! Arrays: packed numbers in any number of dimensions.

use proptest::prelude::*;

use crate::support::session::Db;

#[test]
fn arrays_print_as_they_are_typed() {
    let mut db = Db::new();
    db.gives("array([1,2,3]);", "ARRAY('i64', [1,2,3])");
    db.gives("array([1,2.5]);", "ARRAY('f64', [1.0,2.5])");
    db.gives("array('f32',[[1.5]]);", "ARRAY('f32', [[1.5]])");
    db.gives("ARRAY('f32', [[1.5]]);", "ARRAY('f32', [[1.5]])");
    db.gives("array('U8',[0,255]);", "ARRAY('u8', [0,255])");
    db.gives("array([]);", "ARRAY('f64', [])");
    db.gives("array([[1,2],[3,4]]);", "ARRAY('i64', [[1,2],[3,4]])");
    db.gives(
        "array([array('f32',[1]),array('i16',[2])]);",
        "ARRAY('f32', [[1.0],[2.0]])",
    );
    db.gives(
        "array('f32',[22.58268]);",
        "ARRAY('f32', [22.582679748535156])",
    );
}

#[test]
fn types_say_the_format() {
    let mut db = Db::of(
        "create function only_f32(Array of F32 a) -> Integer as count(a);
         create function any(Array a) -> Charstring as typesig(a);",
    );
    db.gives("typesig(array([1]));", "\"Array of I64\"");
    db.gives("typesig(array('f32',[1]));", "\"Array of F32\"");
    db.gives("only_f32(array('f32',[1,2]));", "2");
    db.gives("any(array('u16',[1]));", "\"Array of U16\"");
    db.fails(
        "only_f32(array([1.0]));",
        &["'only_f32' wants its argument 'a' to be Array of F32"],
    );
    db.fails(
        "select a from Array of F16 a where a = array([1]);",
        &[
            "an array has elements of a format, which 'F16' is not",
            "F64, F32, I64",
        ],
    );
    db.fails(
        "select a from Array of Vector of Number a where a = array([1]);",
        &["an array has numbers as elements"],
    );
    db.gives(
        "name(allsupertypes(typeof(array([1]))));",
        "\"Array\"\n\"Literal\"\n\"Object\"",
    );
}

#[test]
fn elements_and_parts_by_position() {
    let mut db = Db::of("set :a = array([[1,2,3],[4,5,6]]); set :v = array('f32',[0.5,1.5]);");
    db.gives(":v[2];", "1.5");
    db.gives(":a[2];", "ARRAY('i64', [4,5,6])");
    db.gives(":a[2,3];", "6");
    db.gives(":a[2][3];", "6");
    db.gives(":a[1,*];", "ARRAY('i64', [1,2,3])");
    db.gives(":a[*,2];", "ARRAY('i64', [2,5])");
    db.gives(":a[*,*];", "ARRAY('i64', [[1,2,3],[4,5,6]])");
    db.gives(
        "array([[[1,2],[3,4]],[[5,6],[7,8]]])[*,1,*];",
        "ARRAY('i64', [[1,2],[5,6]])",
    );
    db.gives(
        "array([[[1,2],[3,4]],[[5,6],[7,8]]])[2,*,1];",
        "ARRAY('i64', [5,7])",
    );
    db.gives("[[1,2,3],[4,5,6]][*,2];", "[2,5]");
    db.gives("[[1,2,3],[4,5,6]][1,*];", "[1,2,3]");
    db.gives("in(:v);", "0.5\n1.5");
    db.gives(
        "select x from Number x where x in array([3,1,2]) and x > 1;",
        "3\n2",
    );
    db.gives(
        "length(:a,1); length(:a,2); dim(:a); shape(:a); rank(:a); count(:a);",
        "2\n3\n2\n[2,3]\n2\n6",
    );
    for (wrong, what) in [
        (
            ":v[3];",
            "there is no element 3 in dimension 1 of an array, which has 2",
        ),
        (":v[0];", "there is no element 0 in dimension 1"),
        (":v[1.5];", "there is no element 1.5 in dimension 1"),
        (
            ":a[1,4];",
            "there is no element 4 in dimension 2 of an array, which has 3",
        ),
        (
            ":a[1,2,3];",
            "an array of rank 2 has no elements with 3 positions",
        ),
        (
            "length(:a,3);",
            "there is no dimension 3 of an array of rank 2",
        ),
    ] {
        db.fails(wrong, &[what]);
    }
}

#[test]
fn an_unbound_index_ranges_over_the_positions() {
    let mut db = Db::of("set :a = array([[1,2],[3,4]]);");
    db.gives("select i, array([7,8])[i] from Integer i;", "[1,7]\n[2,8]");
    db.gives(
        "select i, j, :a[i,j] from Integer i, Integer j;",
        "[1,1,1]\n[1,2,2]\n[2,1,3]\n[2,2,4]",
    );
    db.gives("select i from Integer i where :a[i,*] = array([3,4]);", "2");
    db.gives(
        "select j, :a[*,j] from Integer j;",
        "[1,ARRAY('i64', [1,3])]\n[2,ARRAY('i64', [2,4])]",
    );
    db.gives("sum(select array([1.5,2.5])[i] from Integer i);", "4.0");
}

#[test]
fn arithmetic_keeps_the_format() {
    let mut db = Db::new();
    for (written, result) in [
        ("array([1,2]) + array([3,4]);", "ARRAY('i64', [4,6])"),
        ("array('i8',[1,2]) + 1;", "ARRAY('i8', [2,3])"),
        ("10 - array('f32',[1,2]);", "ARRAY('f32', [9.0,8.0])"),
        ("array([1,2]) .* array([3,4]);", "ARRAY('i64', [3,8])"),
        ("2 .* array('u16',[3,4]);", "ARRAY('u16', [6,8])"),
        ("array([1,2]) ./ array([4,5]);", "ARRAY('f64', [0.25,0.4])"),
        ("array('f32',[1,3]) ./ 2;", "ARRAY('f32', [0.5,1.5])"),
        ("array('f32',[2,3]) .^ 2;", "ARRAY('f32', [4.0,9.0])"),
        ("array([4,9]) .^ 0.5;", "ARRAY('f64', [2.0,3.0])"),
        ("array([1,2]) * 0.5;", "ARRAY('f64', [0.5,1.0])"),
        ("array('f32',[1,2]) * 0.5;", "ARRAY('f32', [0.5,1.0])"),
        ("-array('i16',[1,-2]);", "ARRAY('i16', [-1,2])"),
        ("-array([0.0,1.0]);", "ARRAY('f64', [-0.0,-1.0])"),
        ("sqrt(array('f32',[4,9]));", "ARRAY('f32', [2.0,3.0])"),
        ("sqrt(array([4,9]));", "ARRAY('f64', [2.0,3.0])"),
        ("abs(array('i8',[-1,2]));", "ARRAY('i8', [1,2])"),
        ("abs(array('u8',[1]));", "ARRAY('u8', [1])"),
        (
            "floor(array('f32',[1.5,-1.5]));",
            "ARRAY('f32', [1.0,-2.0])",
        ),
        ("array('u8',[1]) + array('i8',[-1]);", "ARRAY('i16', [0])"),
        (
            "array('i32',[1]) + array('f32',[0.5]);",
            "ARRAY('f64', [1.5])",
        ),
        (
            "array('i16',[1]) + array('f32',[0.5]);",
            "ARRAY('f32', [1.5])",
        ),
        (
            "maximum(array([1,-2]),0); minimum(array([1,5]),array([2,4]));",
            "ARRAY('i64', [1,0])\nARRAY('i64', [1,4])",
        ),
        (
            "sum(array('u8',[200,100])); mean(array([1,2])); max(array([1,3,2])); argmin(array([2,1]));",
            "300\n1.5\n3\n2",
        ),
    ] {
        db.gives(written, result);
    }
    for (wrong, what) in [
        (
            "array([1,2]) + array([1,2,3]);",
            "the arrays must be of one shape, not [2] and [3]",
        ),
        (
            "array('i8',[100]) + array('i8',[100]);",
            "an array of I8 cannot hold 100 + 100",
        ),
        ("array('u8',[1]) - 2;", "an array of U8 cannot hold 1 - 2"),
        ("array('i8',[1]) + 1000;", "an array of I8 cannot hold 1000"),
        (
            "array([1.0,2.0]) ./ array([1.0,0.0]);",
            "division by zero in 2.0 / 0.0",
        ),
        (
            "sqrt(array([4.0,-1.0]));",
            "sqrt(-1.0) is not defined: its argument must be zero or more",
        ),
        ("ln(array([0.0]));", "ln(0.0) is not defined"),
        ("array([-1.0]) .^ 0.5;", "no real number is -1.0 ^ 0.5"),
    ] {
        db.fails(wrong, &[what]);
    }
}

#[test]
fn products_are_those_of_linear_algebra() {
    let mut db = Db::of("set :m = array([[1.0,2.0],[3.0,4.0],[5.0,6.0]]);");
    db.gives("array([1,2,3]) * array([4,5,6]);", "32");
    db.gives("array('f32',[1,2]) * array('f32',[0.5,0.25]);", "1.0");
    db.gives(":m * array([1.0,10.0]);", "ARRAY('f64', [21.0,43.0,65.0])");
    db.gives(
        "array([1.0,10.0,100.0]) * :m;",
        "ARRAY('f64', [531.0,642.0])",
    );
    db.gives(
        ":m * array([[1.0,0.0],[0.0,2.0]]);",
        "ARRAY('f64', [[1.0,4.0],[3.0,8.0],[5.0,12.0]])",
    );
    db.gives(
        "array('i8',[[1,2]]) * array('i8',[[3],[4]]);",
        "ARRAY('i8', [[11]])",
    );
    db.gives(
        "transpose(:m);",
        "ARRAY('f64', [[1.0,3.0,5.0],[2.0,4.0,6.0]])",
    );
    db.gives(
        "transpose(array([[[1,2],[3,4]]]));",
        "ARRAY('i64', [[[1],[3]],[[2],[4]]])",
    );
    db.fails(
        ":m * array([1.0]);",
        &["there is no product of arrays of shapes [3, 2] and [1]"],
    );
    db.fails(
        "array([[[1]]]) * array([1]);",
        &["arrays of one or two dimensions"],
    );
    db.fails(
        "array('i8',[[100,100]]) * array('i8',[100,100]);",
        &["an array of I8 cannot hold"],
    );
}

#[test]
fn equal_by_value_whatever_the_format() {
    let mut db = Db::new();
    db.gives("array('f32',[1,2]) = array([1,2]);", "true");
    db.gives("array([1,2]) = array([[1,2]]);", "");
    db.gives("array([1,2]) != array([1,3]);", "true");
    db.gives("array([1,2]) = [1,2];", "");
    db.gives(
        "select distinct a from Array a where a in bag(array('i8',[1]),array([1.0]),array([2]));",
        "ARRAY('i8', [1])\nARRAY('i64', [2])",
    );
    db.gives(
        "select a, count(1) from Array a where a in bag(array([2]),array([1]),array([2])) group by a;",
        "[ARRAY('i64', [1]),1]\n[ARRAY('i64', [2]),2]",
    );
}

#[test]
fn casts_json_and_select_array_of() {
    let mut db = Db::new();
    db.gives("cast([1,2] as array of f32);", "ARRAY('f32', [1.0,2.0])");
    db.gives(
        "cast(array([1.0,2.0]) as Array of U8);",
        "ARRAY('u8', [1,2])",
    );
    db.gives(
        "cast(json:unstringify('[[1,2],[3,4.5]]') as array);",
        "ARRAY('f64', [[1.0,2.0],[3.0,4.5]])",
    );
    db.gives("vectorof(array([[1,2],[3,4]]));", "[[1,2],[3,4]]");
    db.gives("cast(array([1,2]) as Vector);", "[1,2]");
    db.gives("json:stringify(array('f32',[[1,2.5]]));", "\"[[1.0,2.5]]\"");
    db.gives(
        "select array of i*i from Integer i where i in range(3);",
        "ARRAY('i64', [1,4,9])",
    );
    db.gives(
        "sum(select array of i from Integer i where i in range(4));",
        "10",
    );
    db.fails(
        "cast([1,300] as array of u8);",
        &["an array of U8 cannot hold 300", "array of f64"],
    );
    db.fails(
        "cast(array([0.5]) as array of i64);",
        &["an array of I64 cannot hold 0.5"],
    );
    db.fails(
        "array('f32',[1e39]);",
        &["an array of F32 cannot hold 1e39"],
    );
    db.fails("array([[1,2],[3]]);", &["must be of one size, not 2 and 1"]);
    db.fails("array([[1],2]);", &["nested equally deep"]);
    db.fails("array([1,'a']);", &["an array holds numbers, not \"a\""]);
    db.fails("array('f16',[1]);", &["there is no format of arrays 'f16'"]);
    db.fails(
        "new_array('f64',[1000000,1000000]);",
        &["an array cannot have more than"],
    );
    db.fails(
        "reshape(array([1,2,3]),[2,2]);",
        &["an array of 3 elements cannot have the shape [2, 2]"],
    );
}

#[test]
fn elements_are_set_in_the_variable_alone() {
    let mut db = Db::of("set :a = array('f32',[1,2,3]); set :b = :a;");
    db.gives(
        "setf(:a,2,7.5); :a; :b;",
        "7.5\nARRAY('f32', [1.0,7.5,3.0])\nARRAY('f32', [1.0,2.0,3.0])",
    );
    db.gives(
        "set :m = array([[1,2],[3,4]]); setf(:m,2,1,9); setf(:m,[1,2],8); :m;",
        "9\n8\nARRAY('i64', [[1,8],[9,4]])",
    );
    db.does(
        "create function squares(Integer n) -> Array as {
           declare Array a, Integer i;
           set a = new_array('i64',[n]);
           set i = 1;
           while i <= n do setf(a,i,i*i); set i = i + 1; end while;
           return a;
         };",
    );
    db.gives("squares(4);", "ARRAY('i64', [1,4,9,16])");
    db.gives("put_array(array([1,2]),[1],5);", "ARRAY('i64', [5,2])");
    db.fails("setf(:a,4,1);", &["there is no element 4 in dimension 1"]);
    db.fails(
        "setf(:m,1,1);",
        &["an element of an array of rank 2 has 2 positions, not 1"],
    );
    db.fails("setf(:m,1,1,0.5);", &["an array of I64 cannot hold 0.5"]);
    db.fails(
        "setf(array([1]),1,2);",
        &["changes the value in a variable"],
    );
    db.gives(":m;", "ARRAY('i64', [[1,8],[9,4]])");
}

#[test]
fn queries_make_arrays_by_assign_and_do() {
    let mut db = Db::of(
        "create function max_of(Array of F32 x, Real scalar) -> Array of F32
           as select out
                from Array out, Integer i
               where _assign(out, new_array_from_template(x))
                 and _do(setf(out,i,max(x[i], scalar)));
         create function normalize(Array of f32 data, Array of f32 mean, Array of f32 variance) -> array of f32
           as (data - mean) ./ sqrt(max_of(variance,0.0001));",
    );
    db.gives(
        "max_of(array('f32',[1,2,3,4,5,6]),3);",
        "ARRAY('f32', [3.0,3.0,3.0,4.0,5.0,6.0])",
    );
    db.gives(
        "normalize(array('f32',[5]),array('f32',[1]),array('f32',[1]));",
        "ARRAY('f32', [4.0])",
    );
    // Each row has an array of its own, and each `_do` goes through positions of its own.
    db.gives(
        "select a from Integer n, Array a, Integer i where n in range(2)
            and _assign(a, new_array('i64',[3])) and _do(setf(a,i,n)) and _do(setf(a,i,a[i]*10+i));",
        "ARRAY('i64', [11,12,13])\nARRAY('i64', [21,22,23])",
    );
    db.gives(
        "select m from Array m, Integer i, Integer j where _assign(m, new_array('i64',[2,2])) and _do(setf(m,i,j,10*m[i,j]+i-j));",
        "ARRAY('i64', [[0,-1],[1,0]])",
    );
    db.fails(
        "select i from Array a, Integer i where _assign(a, array([1])) and _do(setf(a,i,2));",
        &["nothing gives 'i' a value"],
    );
    db.fails("_assign(1,2);", &["is a condition of a where clause"]);
}

#[test]
fn windows_over_arrays_are_arrays() {
    let mut db = Db::new();
    db.gives(
        "awinagg(streamof(bag(array([1,2,3]),array([4,5,6,7]),array([8]))),3,2);",
        "ARRAY('i64', [1,2,3])\nARRAY('i64', [3,4,5])\nARRAY('i64', [5,6,7])",
    );
    db.gives(
        "awinagg(streamof(bag(array([[1,2],[3,4]]),array([[5,6]]))),1,2);",
        "ARRAY('i64', [[1,2]])\nARRAY('i64', [[5,6]])",
    );
    db.fails(
        "awinagg(streamof(bag(array([1]),array([1.5]))),2,1);",
        &["must be of one format and equal parts"],
    );
}

fn shown(numbers: &[f64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(|n| format!("{n:?}")).collect();
    format!("[{}]", numbers.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// A product is that of the same matrices as vectors of vectors.
    #[test]
    fn products_of_arrays_are_those_of_vectors(
        (height, inner, width) in (1_usize..9, 1_usize..40, 1_usize..9),
        seed in 1_u64..1_000_000,
    ) {
        let number = |i: usize| ((seed.wrapping_mul(i as u64 + 7) % 1009) as f64 - 500.0) / 4.0 + 0.125;
        let matrix = |rows: usize, columns: usize, from: usize| {
            let row = |r: usize| shown(&(0..columns).map(|c| number(from + r * columns + c)).collect::<Vec<_>>());
            format!("[{}]", (0..rows).map(row).collect::<Vec<_>>().join(","))
        };
        let (left, right) = (matrix(height, inner, 0), matrix(inner, width, 3000));
        let mut db = Db::new();
        // Eighths add up without rounding, and none is a zero, whose sign differs.
        let as_arrays = db.run(&format!("vectorof(array({left}) * array({right}));"));
        let as_vectors = db.run(&format!("{left} * {right};"));
        prop_assert_eq!(as_arrays, as_vectors);
    }

    /// Whatever a shape, a part is that of the vectors.
    #[test]
    fn parts_of_arrays_are_those_of_vectors(a in 1_usize..4, b in 1_usize..4, c in 1_usize..4, pick in 0_usize..8) {
        let element = |i: usize, j: usize, k: usize| i * 100 + j * 10 + k;
        let cube = (0..a).map(|i| {
            let rows = (0..b).map(|j| format!("[{}]", (0..c).map(|k| element(i, j, k).to_string()).collect::<Vec<_>>().join(",")));
            format!("[{}]", rows.collect::<Vec<_>>().join(","))
        });
        let cube = format!("[{}]", cube.collect::<Vec<_>>().join(","));
        let index = |bit: usize, length: usize| if pick >> bit & 1 == 1 { "*".to_owned() } else { length.to_string() };
        let at = format!("[{},{},{}]", index(0, a), index(1, b), index(2, c));
        let mut db = Db::new();
        let part = db.run(&format!("json:stringify(array({cube}){at});"));
        let same = db.run(&format!("json:stringify({cube}{at});"));
        prop_assert_eq!(part, same);
    }
}
