//! The plant in `models/plant`: objects joined with live readings, alarms published back.

use std::path::Path;

use crate::support::mosquitto::Mosquitto;
use crate::support::mqtt::{Connection, text};
use crate::support::osql::{Osql, osql};

fn plant() -> Osql {
    osql().current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("models/plant"))
}

/// The model, then `statements`; without what loading it prints.
fn asked(statements: &str) -> String {
    let script = format!("load_osql('plant.osql'); 'loaded'; {statements}");
    let run = plant().stdin(script).run();
    assert_eq!(run.stderr, "");
    let (_, answers) = run.stdout.split_once("\"loaded\"\n").expect("it is loaded");
    answers.to_owned()
}

#[test]
fn the_plant_answers_questions() {
    assert_eq!(
        asked("name(sensors(:mill));"),
        "\"temperature\"\n\"speed\"\n"
    );
    assert_eq!(
        asked(
            "select name(s), count(m) from Site s, Machine m where site(m) = s group by name(s) order by name(s);"
        ),
        "[\"harbour\",2]\n[\"hill\",1]\n"
    );
    assert_eq!(
        asked(
            "select topic(s) from Sensor s, Number low, Number high where (low,high) = limits(s) and high > 2000;"
        ),
        "\"plant/hill/fan/speed\"\n"
    );
    assert_eq!(
        asked("name(site(sensor_at('plant/hill/fan/speed')));"),
        "\"hill\"\n"
    );
}

#[test]
fn limits_decide_what_is_an_alarm() {
    assert_eq!(asked("alarm('plant/harbour/mill/temperature', 50);"), "");
    assert_eq!(
        asked("alarm('plant/harbour/mill/temperature', 120)['value'];"),
        "120\n"
    );
    assert_eq!(
        asked(
            "set limits(sensor_at('plant/hill/fan/speed')) = (100, 2500);
               alarm('plant/hill/fan/speed', 50)['low'];"
        ),
        "100\n"
    );
    assert_eq!(asked("alarm('plant/nowhere', 50);"), "");
}

#[test]
fn readings_become_alarms_on_the_broker() {
    let broker = Mosquitto::start("");
    let url = broker.url("tcp");
    let client = Connection::to(&broker, []);
    let mut alarms = client.listen("plant/alarms");
    for (topic, reading) in [
        ("plant/harbour/mill/temperature", "95.5"),
        ("plant/harbour/mill/speed", "900"),
        ("plant/harbour/pump/pressure", "\"broken\""),
        ("plant/hill/fan/speed", "-1"),
        ("plant/hill/fan/unknown", "7"),
    ] {
        // Retained: they are there whenever the plant begins to watch.
        broker.publish(topic, reading, &["-r"]);
    }
    let script = format!(
        "load_osql('plant.osql'); set broker() = {{'connection':'{url}'}}; connect(); 'watching';
         select a['machine'], a['value'] from Record a where a in watch() limit 2;"
    );
    let run = plant().stdin(script).run();
    assert_eq!(run.stderr, "");
    let (_, seen) = run
        .stdout
        .split_once("\"watching\"\n")
        .expect("it is watching");
    let mut seen: Vec<_> = seen.lines().collect();
    seen.sort_unstable();
    assert_eq!(seen, ["[\"fan\",-1]", "[\"mill\",95.5]"]);
    let mut published = [text(&mut alarms), text(&mut alarms)];
    published.sort();
    assert_eq!(
        published,
        [
            r#"{"site":"harbour","machine":"mill","sensor":"temperature","value":95.5,"unit":"C","low":10,"high":90}"#,
            r#"{"site":"hill","machine":"fan","sensor":"speed","value":-1,"unit":"rpm","low":0,"high":3000}"#,
        ]
    );
    drop(alarms);
    client.close();
}
