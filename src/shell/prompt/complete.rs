//! Completion of what is in scope, and the signature of the function being typed.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustyline::Result;
use rustyline::completion::{FilenameCompleter, Pair};
use unicode_width::UnicodeWidthStr;

use super::place::{CursorPlace, StringPlace, open_call, place, variables};
use crate::catalog::signature::BUILT_IN;
use crate::host::profiles::Profiles;
use crate::model::Function;
use crate::session::World;
use crate::shell::output::cut;
use crate::shell::seen::{SeenFields, fields_of_payloads};
use crate::shell::window_width;
use crate::syntax::keywords::KEYWORDS;
use crate::text::shown::shown_on_a_line;

/// More candidates help nobody.
const MOST_CANDIDATES: usize = 2000;

/// What can be completed: what the session knows, and what it has seen.
pub struct KnownNames {
    world: Arc<World>,
    fields: SeenFields,
    files: FilenameCompleter,
}

/// Something that a word may become.
struct Candidate {
    text: String,
    /// What is said beside it.
    about: String,
}

impl Candidate {
    fn new(text: impl Into<String>, about: impl Into<String>) -> Candidate {
        Candidate {
            text: text.into(),
            about: about.into(),
        }
    }
}

impl KnownNames {
    pub fn new(world: &Arc<World>, fields: &SeenFields) -> KnownNames {
        KnownNames {
            world: world.clone(),
            fields: fields.clone(),
            files: FilenameCompleter::new(),
        }
    }

    /// What the word before `at` may become: where it starts, and the candidates. `earlier` is what stands
    /// before the line in the same statement.
    pub fn complete(&self, earlier: &str, line: &str, at: usize) -> Result<(usize, Vec<Pair>)> {
        let whole = format!("{earlier}{line}");
        let before = whole.get(..earlier.len() + at).unwrap_or(&whole);
        let place = place(before);
        let (CursorPlace::Name(start) | CursorPlace::Text(start, _)) = place else {
            return Ok((at, Vec::new()));
        };
        // What began in an earlier line cannot be changed any more.
        let Some(start_in_line) = start.checked_sub(earlier.len()) else {
            return Ok((at, Vec::new()));
        };
        let word = &before[start..];
        let candidates = match place {
            CursorPlace::Text(_, what) => match self.texts(&what, word) {
                Some(texts) => insertable(texts, before[..start].chars().last()),
                None => return self.files.complete_path(line, at),
            },
            _ => self.names(&whole),
        };
        let lower = word.to_lowercase();
        let candidates = candidates
            .into_iter()
            .filter(|candidate| candidate.text.to_lowercase().starts_with(&lower))
            .take(MOST_CANDIDATES);
        Ok((start_in_line, self.pairs(candidates.collect())))
    }

    /// Whether the user has made a type of that name.
    pub fn is_user_type(&self, name: &str) -> bool {
        self.world.catalog.types.get(name).is_some()
    }

    /// The names that can stand in this statement: its own variables first.
    fn names(&self, statement: &str) -> Vec<Candidate> {
        let catalog = &self.world.catalog;
        let mut own: Vec<_> = variables(statement)
            .into_iter()
            .map(|(name, of)| Candidate::new(name, of))
            .collect();
        let session = catalog.variables.names();
        let session = session.iter().map(|name| format!(":{name}"));
        let keywords = KEYWORDS.iter().map(|keyword| keyword.text.to_owned());
        let functions = catalog.functions.names();
        let types = catalog.types.names();
        let types = types
            .into_iter()
            .chain(BUILT_IN.iter().map(|ty| capitalized(ty)));
        let mut columns = Vec::new();
        for function in catalog.functions.user_functions() {
            if function.arity() == 0 {
                let named = function.signature.columns.iter();
                columns.extend(named.filter_map(|column| column.name.as_ref()?.to_string().into()));
            }
        }
        let mut names: BTreeSet<String> = functions.iter().map(|name| name.to_string()).collect();
        names.extend(session.chain(keywords).chain(columns));
        // A type that is a keyword as well, such as `vector`, is offered as it is mostly written.
        for name in types {
            names.remove(&name.to_lowercase());
            names.insert(name);
        }
        for Candidate { text, .. } in &own {
            names.remove(text);
        }
        own.extend(names.into_iter().map(|name| Candidate::new(name, "")));
        own
    }

    /// What a string may become; `None`: the name of a file.
    fn texts(&self, what: &StringPlace, word: &str) -> Option<Vec<Candidate>> {
        match what {
            StringPlace::Field => Some(self.seen_fields()),
            StringPlace::KeyOfArgument(function, argument) => {
                let options = self.options(function, *argument);
                Some(match options.is_empty() {
                    true => self.seen_fields(),
                    false => options,
                })
            }
            StringPlace::Argument(function, argument) => self.arguments(function, *argument, word),
            StringPlace::Other => None,
        }
    }

    /// The names of the options in the record that is an argument of a function.
    fn options(&self, function: &str, argument: usize) -> Vec<Candidate> {
        let resolvents = self.resolvents(function);
        let natives = resolvents.iter().filter_map(|resolvent| {
            let parameter = resolvent.signature.params.get(argument)?;
            let is_record = parameter.name.as_deref() == Some("options");
            resolvent.native().filter(|_| is_record)
        });
        let names: Vec<_> = natives.flat_map(|native| native.options).collect();
        let mut known = BTreeSet::new();
        let names = names.into_iter().filter(|name| known.insert(**name));
        names.map(|name| Candidate::new(*name, "")).collect()
    }

    /// What a string that is an argument of a function may be: what its parameter is called says that.
    fn arguments(&self, function: &str, argument: usize, word: &str) -> Option<Vec<Candidate>> {
        let resolvents = self.resolvents(function);
        let mut names = resolvents
            .iter()
            .filter_map(|resolvent| resolvent.signature.params.get(argument)?.name.as_deref());
        names.find_map(|parameter| match parameter {
            "flow" | "flows" => Some(self.flows(word)),
            "client" => Some(self.clients()),
            "profile" => Some(profiles()),
            "topic" | "filter" => Some(self.topics(word)),
            "fn" | "fns" => Some(self.functions()),
            "keys" => Some(self.seen_fields()),
            _ => None,
        })
    }

    fn resolvents(&self, name: &str) -> Vec<Arc<Function>> {
        // A built-in declaration that cannot be read is found by the tests.
        let found = self
            .world
            .catalog
            .functions
            .resolvents(&name.to_lowercase());
        found.map(|found| found.to_vec()).unwrap_or_default()
    }

    fn functions(&self) -> Vec<Candidate> {
        let names = self.world.catalog.functions.names();
        names
            .iter()
            .map(|name| Candidate::new(&**name, ""))
            .collect()
    }

    fn clients(&self) -> Vec<Candidate> {
        let names = self.world.host.clients.names();
        names
            .into_iter()
            .map(|name| Candidate::new(name, "client"))
            .collect()
    }

    /// Flows inside the program, clients, and behind a client's name the topics that it has seen, down to
    /// the next level.
    fn flows(&self, word: &str) -> Vec<Candidate> {
        let flows = self.world.host.flows.all();
        let mut found: Vec<_> = flows
            .iter()
            .map(|flow| Candidate::new(&*flow.name, "flow"))
            .collect();
        for (client, seen) in self.world.host.clients.seen_topics() {
            let prefix = format!("{client}:");
            match word.strip_prefix(&prefix) {
                None => found.push(Candidate::new(prefix, "client")),
                Some(typed) => {
                    let topics = seen.iter().map(|seen| &*seen.topic);
                    let levels = next_levels(topics, typed);
                    let flow = |level| Candidate::new(format!("{prefix}{level}"), "");
                    found.extend(levels.into_iter().map(flow));
                }
            }
        }
        found
    }

    /// The topics that clients have seen, down to the next level.
    fn topics(&self, word: &str) -> Vec<Candidate> {
        let clients = self.world.host.clients.seen_topics();
        let seen = clients.iter().flat_map(|(_, seen)| seen);
        let levels = next_levels(seen.map(|seen| &*seen.topic), word);
        levels
            .into_iter()
            .map(|level| Candidate::new(level, ""))
            .collect()
    }

    /// Fields of results, the latest first, and of messages.
    fn seen_fields(&self) -> Vec<Candidate> {
        let mut names = self.fields.names();
        names.reverse();
        for (_, seen) in self.world.host.clients.seen_topics() {
            names.extend(fields_of_payloads(&seen));
        }
        let mut known = BTreeSet::new();
        names.retain(|name| known.insert(name.clone()));
        names
            .into_iter()
            .map(|name| Candidate::new(name, ""))
            .collect()
    }

    /// Candidates as they are shown: functions with their signatures.
    fn pairs(&self, candidates: Vec<Candidate>) -> Vec<Pair> {
        let told = candidates.iter().filter(|one| !one.about.is_empty());
        let names = told.map(|candidate| candidate.text.width());
        let widest = names.max().unwrap_or(0).min(24);
        let width = window_width().saturating_sub(3);
        let pair = |candidate: Candidate| {
            let shown = match self.signature(&candidate.text) {
                Some(signature) if candidate.about.is_empty() => signature,
                _ if candidate.about.is_empty() => candidate.text.clone(),
                _ => format!("{:widest$}  {}", candidate.text, candidate.about),
            };
            Pair {
                display: cut(&shown, width),
                replacement: candidate.text,
            }
        };
        candidates.into_iter().map(pair).collect()
    }

    /// The signature of a function; of one with others of its name, how many there are.
    fn signature(&self, name: &str) -> Option<String> {
        let resolvents = self.resolvents(name);
        let is_user = |function: &&Arc<Function>| function.is_user();
        let first = resolvents.iter().find(is_user).or(resolvents.first())?;
        Some(match resolvents.len() {
            1 => first.signature.to_string(),
            several => format!("{}  and {} more", first.signature, several - 1),
        })
    }

    /// The signature of the function whose arguments are being typed at the end of a statement.
    pub fn signature_at(&self, statement: &str) -> Option<String> {
        self.signature(open_call(statement)?)
    }
}

/// The candidates that can be put into a string with that quote as they are, and be shown.
fn insertable(mut candidates: Vec<Candidate>, quote: Option<char>) -> Vec<Candidate> {
    let quote = quote.unwrap_or('"');
    candidates.retain(|Candidate { text, .. }| {
        !text.contains(['\n', '\\', quote]) && shown_on_a_line(text) == *text
    });
    candidates
}

/// The connection profiles of the user. What is wrong with their file is said where one is used.
fn profiles() -> Vec<Candidate> {
    let names = Profiles::read().and_then(|profiles| profiles.names());
    let names = names.unwrap_or_default().into_iter();
    names.map(|name| Candidate::new(name, "profile")).collect()
}

/// The topics that begin with what is typed, each up to its next slash.
fn next_levels<'t>(topics: impl Iterator<Item = &'t str>, typed: &str) -> BTreeSet<&'t str> {
    let matching = topics.filter(|topic| topic.starts_with(typed));
    let level = |topic: &'t str| match topic[typed.len()..].find('/') {
        Some(slash) => &topic[..typed.len() + slash + 1],
        None => topic,
    };
    matching.map(level).collect()
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::table::BUILT_INS;
    use crate::model::memory::MemoryLimit;
    use crate::run::statement::Outcome;
    use crate::session::{Config, Session};
    use crate::text::console::Console;
    use crate::text::diagnostic::SourceText;

    /// A session in which these statements were run.
    fn session(statements: &[&str]) -> Session {
        let mut session = Session::new(Config {
            home: "/".into(),
            timeout: None,
            console: Console::new(Box::new(std::io::sink()), Box::new(std::io::sink())),
            bail: true,
            memory: MemoryLimit::Bytes(1 << 24),
        });
        for statement in statements {
            let source = SourceText::new("test", *statement);
            if let Outcome::Results(rows) = session.execute(&source).expect("runs") {
                rows.for_each(|row| drop(row.expect("runs")));
            }
        }
        session
    }

    fn names(session: &Session) -> KnownNames {
        KnownNames::new(session.world(), &SeenFields::default())
    }

    fn offered(known: &KnownNames, line: &str) -> (usize, Vec<String>) {
        let (start, pairs) = known.complete("", line, line.len()).expect("no files");
        (start, pairs.into_iter().map(|p| p.replacement).collect())
    }

    #[test]
    fn every_keyword_and_every_function_is_offered() {
        let session = session(&[]);
        let known = names(&session);
        let all = known.names("");
        let all: BTreeSet<_> = all.iter().map(|one| one.text.to_lowercase()).collect();
        for keyword in &KEYWORDS {
            assert!(all.contains(keyword.text), "{}", keyword.text);
        }
        for function in BUILT_INS.declarations {
            assert!(all.contains(function.name), "{}", function.name);
        }
    }

    #[test]
    fn names_in_scope_come_first_wherever_they_are_declared() {
        let session = session(&["set :temperature = 1;"]);
        let known = names(&session);
        let line = "select te from Number temp, Real term";
        let (start, pairs) = known.complete("", line, 9).expect("no files");
        let shown: Vec<_> = pairs.iter().map(|pair| &*pair.display).collect();
        assert_eq!(
            (start, &shown[..2]),
            (7, &["temp  Number", "term  Real"][..])
        );
        let (_, pairs) = known
            .complete("select x\nfrom Number temp\n", "where te", 8)
            .expect("no files");
        assert_eq!(pairs[0].replacement, "temp");
        assert_eq!(offered(&known, "1 + :te").1, [":temperature"]);
        assert_eq!(
            offered(&known, "create type pub").1,
            ["publish", "publish:define"]
        );
        assert_eq!(offered(&known, "f(Chars").1, ["Charstring"]);
    }

    #[test]
    fn functions_stand_with_their_signatures() {
        let session =
            session(&["create function fahrenheit(Number c) -> Number as c * 9 / 5 + 32;"]);
        let known = names(&session);
        let (start, pairs) = known.complete("", "f(fahr", 6).expect("no files");
        assert_eq!((start, pairs.len()), (2, 1));
        assert_eq!(pairs[0].display, "fahrenheit(Number c)->Number");
        assert_eq!(pairs[0].replacement, "fahrenheit");
        let (start, words) = offered(&known, "f(mqtt:regi");
        assert_eq!((start, words), (2, vec!["mqtt:register_client".to_owned()]));
    }

    #[test]
    fn options_are_those_that_the_function_takes() {
        let session = session(&[]);
        let known = names(&session);
        let first = "mqtt:register_client('plant', {'";
        assert_eq!(offered(&known, &format!("{first}ho")).1, ["host"]);
        assert_eq!(
            offered(&known, &format!("{first}host': 'h', 'ke")).1.len(),
            3
        );
        assert_eq!(offered(&known, "publish(s, 'c:t', {\"ret").1, ["retained"]);
        assert_eq!(offered(&known, "open_database('f', {'ro").1, ["rows"]);
        #[cfg(feature = "broker")]
        assert_eq!(
            offered(&known, "mqtt:start_broker({'").1,
            ["port", "tls", "folder"]
        );
    }

    #[test]
    fn fields_that_were_seen_are_offered_as_keys() {
        use crate::model::{Record, Value};
        let session = session(&[]);
        let seen = SeenFields::default();
        let fields = ["temperature", "te\"xt", "te\u{1b}st", "humidity"];
        let fields = fields.map(|name| (name, Value::Null));
        seen.note(&Value::record(Record::from_iter(fields)));
        let known = KnownNames::new(session.world(), &seen);
        let (start, words) = offered(&known, "select r[\"te");
        assert_eq!((start, words), (10, vec!["temperature".to_owned()]));
        assert_eq!(offered(&known, ":r['te").1, ["te\"xt", "temperature"]);
        assert_eq!(offered(&known, "{'hu").1, ["humidity"]);
        let keys = "json:unstringify(s, ['humidity', 'tem";
        assert_eq!(offered(&known, keys).1, ["temperature"]);
    }

    #[test]
    fn flows_and_functions_are_offered_where_they_stand() {
        let session = session(&["publish:define('alarms');"]);
        let known = names(&session);
        assert_eq!(offered(&known, "subscribe('al").1, ["alarms"]);
        assert_eq!(offered(&known, "publish(s, \"al").1, ["alarms"]);
        assert_eq!(offered(&known, "doc('json:uns").1.len(), 2);
    }

    #[test]
    fn topics_are_completed_level_by_level() {
        let topics = ["a/b", "a/bc/d", "a/bc/e", "b", "/x"];
        let levels = |typed| {
            next_levels(topics.into_iter(), typed)
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(levels(""), ["/", "a/", "b"]);
        assert_eq!(levels("a/"), ["a/b", "a/bc/"]);
        assert_eq!(levels("a/bc/"), ["a/bc/d", "a/bc/e"]);
    }

    #[test]
    fn completion_is_quick() {
        let session = session(&[]);
        let known = names(&session);
        known.complete("", "s", 1).expect("no files");
        let begun = std::time::Instant::now();
        let (_, pairs) = known.complete("", "s", 1).expect("no files");
        assert!(pairs.len() > 50);
        // Without optimization, on a machine that does other things as well.
        assert!(begun.elapsed().as_millis() < 500, "{:?}", begun.elapsed());
    }
}
