//! What functions are about.

use crate::support::session::Db;

#[test]
fn built_in_functions_have_the_topics_of_the_library() {
    let mut db = Db::new();
    db.gives("topics(#'upper');", "#[Topic String]");
    db.gives(
        "name(topics(functionnamed('section')));",
        "\"Binary_data\"\n\"Set_and_bag\"\n\"Stream\"\n\"String\"\n\"Vector\"",
    );
    db.gives("name(topic_named('BINARY data'));", "\"Binary_data\"");
    db.gives(
        "select name(t) from Topic t where #'sin' in functions(t);",
        "\"Math\"",
    );
    db.gives(
        "count(select f from Function f where f in functions(topic_named('Math'))) > 20;",
        "true",
    );
    db.gives(
        "select f from Function f where f in functions(topic_named('MQTT')) and generic_name(f) = 'mqtt:clients';",
        "#'mqtt:clients->charstring'",
    );
    db.gives(
        "count(alltopics()) = count(select t from Topic t); 'Time' in name(alltopics());",
        "true\ntrue",
    );
    db.gives(
        "like(doc(topic_named('Update')), '*setfunction(Charstring fn, Vector args, Vector res)->Boolean*');",
        "true",
    );
    db.fails(
        "topic_named('Maths');",
        &["there is no topic 'Maths'", "did you mean 'Math'?"],
    );
}

#[test]
fn users_say_what_their_functions_are_about() {
    let mut db = Db::of(
        "create function rpm(Integer pump) -> Real /* Turns per minute. */ as stored;
         create function power(Integer pump) -> Real as rpm(pump) * 0.5;",
    );
    db.gives("topics(#'rpm');", "");
    db.gives(
        "add_topic(#'rpm', 'Pumps'); topics(#'rpm'); name(functions(topic_named('pumps')));",
        "#[Topic Pumps]
         #[Topic Pumps]
         \"rpm\"",
    );
    db.gives(
        "doc(topic_named('Pumps'));",
        r#""rpm(Integer pump)->Real\nTurns per minute.""#,
    );
    db.gives(
        "create_topic('pumps'); create_topic('Valves'); functions(topic_named('Valves'));",
        "#[Topic Pumps]\n#[Topic Valves]",
    );
    // A built-in function can have further topics.
    db.gives(
        "add_topic(#'sqrt', 'Pumps'); topics(#'sqrt');",
        "#[Topic Pumps]\n#[Topic Math]\n#[Topic Pumps]",
    );
    db.gives("current_topics(['Valves']);", "#[Topic Valves]");
    db.does("create function open_valve(Integer v) -> Boolean as v > 0;");
    db.gives("current_topics([]);", "");
    db.does("create function shut_valve(Integer v) -> Boolean as v = 0;");
    db.gives("name(functions(topic_named('Valves')));", "\"open_valve\"");
    db.does("delete function open_valve;");
    db.gives("functions(topic_named('Valves'));", "");
    db.fails("create_topic(' ');", &["a topic needs a name"]);
}

#[test]
fn topics_are_values() {
    let mut db = Db::of("create function owner(Topic t) -> Charstring as stored;");
    db.does("set owner(topic_named('Math')) = 'Ada';");
    db.gives("owner(topic_named('math'));", "\"Ada\"");
    db.gives(
        "typeof(topic_named('Math')); json:stringify([topic_named('Math')]);",
        r#"#[Type Topic]
           "[\"Math\"]""#,
    );
}
