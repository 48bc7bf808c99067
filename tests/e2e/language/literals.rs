//! Values that can be typed read back from their printed text as themselves.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::session::Db;
use osql::model::{Record, Value};

fn single() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<f64>().prop_map(Value::Real),
        prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, f64::NAN])
            .prop_map(Value::Real),
        any::<String>().prop_map(Value::str),
        "[ -~åß\"'\\\\\n]{0,12}".prop_map(Value::str),
        vec(any::<u8>(), 0..8).prop_map(Value::binary),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    single().prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::vector),
            vec((any::<String>(), inner), 0..4).prop_map(|fields| {
                let mut record = Record::new();
                fields.into_iter().for_each(|(k, v)| record.put(k, v));
                Value::record(record)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn printed_values_read_back(values in vec(value(), 20)) {
        let mut db = Db::new();
        for value in values {
            let text = value.to_string();
            prop_assert_eq!(db.run(&format!("[{text}];")), format!("[{text}]\n"));
            let read = db.first(&format!("{text};"));
            prop_assert_eq!(&read, &value, "from {}", text);
            prop_assert_eq!(read.type_of(), value.type_of());
        }
    }

    #[test]
    fn printed_times_read_back(nanos in -60_000_000_000_000_000_i64..250_000_000_000_000_000_i64) {
        let mut db = Db::new();
        let time = db.run(&format!("timeval({});", nanos as f64 / 1e6));
        let time = time.trim_end();
        let read = db.run(&format!("{time};"));
        prop_assert_eq!(read.trim_end(), time);
    }
}

#[test]
fn what_is_no_finite_number_can_be_typed() {
    let mut db = Db::new();
    db.gives("1e999; -1e999; 1e999 - 1e999;", "inf\n-inf\nnan");
    db.gives(
        "inf; -inf; nan; inf - 1; [1,-inf]; {'a': nan}; -inf^2;",
        "inf\n-inf\nnan\ninf\n[1,-inf]\n{\"a\":nan}\n-inf",
    );
    db.gives("inf = 1e999; inf > 9223372036854775807;", "true\ntrue");
    db.gives("json:stringify([inf,nan]);", "\"[null,null]\"");
    // They are words like `null`: names may begin with them.
    db.gives("select info from Integer info where info = 3;", "3");
    db.fails(
        "select inf from Real inf where inf = 3;",
        &["expected a variable"],
    );
}
