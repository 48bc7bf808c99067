//! Journals that were left, damaged, planted, and in use.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use super::*;
use crate::mqtt::options::Qos;

fn head() -> Head {
    Head {
        topic: Bytes::from_static(b"t"),
        qos: Qos::ExactlyOnce,
        retain: true,
        properties: None,
    }
}

/// A journal in a folder of its own.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::TempDir::new().expect("a folder"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("c.mqtt")
    }

    fn open(&self) -> Opened {
        PublicationJournal::open(self.path(), false).expect("opened")
    }

    fn journal(&self) -> PublicationJournal {
        self.open().journal.expect("a journal")
    }

    fn refused(&self) -> Error {
        PublicationJournal::open(self.path(), false)
            .err()
            .expect("refused")
    }

    fn content(&self) -> Vec<u8> {
        fs::read(self.path()).expect("there")
    }

    fn write(&self, content: &[u8]) {
        fs::write(self.path(), content).expect("written");
    }
}

/// A payload, and the packet identifier that it was sent under with whether the broker has it.
type FoundMessage<'a> = (&'a [u8], Option<(u16, bool)>);

/// The payloads of what was left, with what became of each.
fn found(opened: &Opened) -> Vec<FoundMessage<'_>> {
    opened
        .left
        .iter()
        .map(|l| (&l.message.payload[..], l.sent))
        .collect()
}

#[test]
fn what_is_open_is_found_again_in_order_with_its_identifiers() {
    let place = Place::new();
    let mut journal = place.journal();
    let numbers: Vec<_> = [b"a", b"b", b"c"]
        .map(|payload| journal.publication(&head(), payload).expect("written"))
        .into();
    journal.sent(&[(numbers[0], 7, false)]).expect("written");
    journal.sent(&[(numbers[1], 8, true)]).expect("written");
    journal.done(&numbers[..1]).expect("written");
    drop(journal);
    let opened = place.open();
    assert_eq!(
        found(&opened),
        [(&b"b"[..], Some((8, true))), (&b"c"[..], None)]
    );
    assert!(opened.left.iter().all(|l| *l.message.head == head()));
    assert_eq!(opened.damage, None);
}

#[test]
fn a_journal_of_which_nothing_is_open_is_emptied_and_goes_on() {
    let place = Place::new();
    let mut journal = place.journal();
    let large = vec![b'x'; CUT_FROM as usize];
    let number = journal.publication(&head(), &large).expect("written");
    journal.done(&[number]).expect("written");
    assert_eq!(place.content().len(), entries::START);
    journal.publication(&head(), b"next").expect("written");
    drop(journal);
    let opened = place.open();
    assert_eq!(found(&opened), [(&b"next"[..], None)]);
    assert_eq!(opened.damage, None);
}

#[test]
fn an_entry_cut_short_at_any_byte_costs_no_other_and_is_told() {
    let place = Place::new();
    let mut journal = place.journal();
    journal.publication(&head(), b"whole").expect("written");
    let whole = journal.length as usize;
    journal.publication(&head(), b"cut").expect("written");
    drop(journal);
    let content = place.content();
    for end in whole..content.len() {
        place.write(&content[..end]);
        let mut opened = place.open();
        assert_eq!(opened.left.len(), 1, "cut at {end}");
        let told = opened.damage.as_ref();
        assert_eq!(told.is_some(), end > whole, "cut at {end}");
        assert!(told.is_none_or(|d| d.contains("incomplete")), "{told:?}");
        let journal = opened.journal.as_mut().expect("a journal");
        journal.publication(&head(), b"next").expect("written");
        drop(opened);
        assert_eq!(place.open().left.len(), 2, "cut at {end}");
    }
}

/// A journal with publications, some of them sent, some settled; gives what is open at its end.
fn filled(place: &Place, payloads: &[Vec<u8>], settled: impl Fn(usize) -> bool) -> Vec<Vec<u8>> {
    let mut journal = place.journal();
    let mut open = Vec::new();
    for (i, payload) in payloads.iter().enumerate() {
        let number = journal.publication(&head(), payload).expect("written");
        journal
            .sent(&[(number, i as u16 + 1, false)])
            .expect("written");
        if settled(i) {
            journal.done(&[number]).expect("written");
        } else {
            open.push(payload.clone());
        }
    }
    open
}

/// What must hold of a journal that was damaged: it opens or is refused; no message comes that was
/// never published; and one that is missing is told.
fn check_damaged(place: &Place, content: &[u8], payloads: &[Vec<u8>], open: &[Vec<u8>]) {
    place.write(content);
    let Ok(opened) = PublicationJournal::open(place.path(), false) else {
        return;
    };
    let known: BTreeSet<_> = payloads.iter().map(|p| &p[..]).collect();
    let left: BTreeSet<_> = found(&opened).into_iter().map(|(p, _)| p).collect();
    assert!(left.is_subset(&known), "a changed message");
    let missing = open.iter().filter(|p| !left.contains(&p[..])).count();
    let again = left.len() + missing - open.len();
    if missing + again > 0 {
        let damage = opened.damage.as_deref().expect("told");
        assert!(missing == 0 || damage.contains("may be lost"), "{damage}");
    }
}

#[test]
fn no_flipped_bit_loses_or_changes_a_message_silently() {
    let place = Place::new();
    let payloads: Vec<Vec<u8>> = (0..4).map(|i| vec![b'a' + i; 9]).collect();
    let open = filled(&place, &payloads, |i| i == 1);
    let content = place.content();
    for at in 0..content.len() {
        for bit in 0..8 {
            let mut damaged = content.clone();
            damaged[at] ^= 1 << bit;
            check_damaged(&place, &damaged, &payloads, &open);
            let damage = place.0.path().join("c.damaged");
            assert_eq!(fs::read(&damage).expect("kept"), damaged);
            fs::remove_file(damage).expect("removed");
        }
    }
}

#[test]
fn a_damaged_entry_is_counted_and_the_others_are_there() {
    let place = Place::new();
    let payloads: Vec<Vec<u8>> = (0..4).map(|i| vec![b'a' + i; 9]).collect();
    filled(&place, &payloads, |_| false);
    let mut content = place.content();
    let at = content
        .windows(9)
        .position(|w| w == b"bbbbbbbbb")
        .expect("there");
    content[at] = b'x';
    place.write(&content);
    let opened = place.open();
    let left: Vec<_> = found(&opened).iter().map(|(p, _)| p[0]).collect();
    assert_eq!(left, *b"acd");
    let damage = opened.damage.as_deref().expect("told");
    assert!(
        damage.contains("damaged in one place") && damage.contains("one message may be lost"),
        "{damage}"
    );
    drop(opened);
    assert_eq!(place.open().damage, None, "told once");
}

#[test]
fn a_damaged_length_of_the_last_entry_is_not_taken_for_a_cut() {
    let place = Place::new();
    let payloads = [vec![0; 25]];
    let mut journal = place.journal();
    journal.publication(&head(), &payloads[0]).expect("written");
    drop(journal);
    let whole = place.content();
    let length = entries::START + size_of::<entries::Marker>();
    for at in length..length + 4 {
        let mut content = whole.clone();
        content[at] ^= 0x40;
        check_damaged(&place, &content, &payloads, &payloads);
    }
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    // Each is another one, so that a changed message cannot look like its neighbour.
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 1..12).prop_map(|all| {
        let numbered = all.into_iter().enumerate();
        numbered.map(|(i, p)| [vec![i as u8], p].concat()).collect()
    })
}

/// Changes of a file: bytes that are flipped, a piece that is cut out, an end that is cut off.
type Changes = (
    Vec<(prop::sample::Index, u8)>,
    Option<[prop::sample::Index; 2]>,
    Option<prop::sample::Index>,
);

fn changes() -> impl Strategy<Value = Changes> {
    let index = any::<prop::sample::Index>;
    (
        prop::collection::vec((index(), 1..=255u8), 0..6),
        prop::option::of([index(), index()]),
        prop::option::weighted(0.2, index()),
    )
}

fn changed(mut content: Vec<u8>, (flips, hole, _): &Changes) -> Vec<u8> {
    for (at, with) in flips {
        let at = at.index(content.len());
        content[at] ^= with;
    }
    if let Some(ends) = hole {
        let mut ends = ends.map(|end| end.index(content.len()));
        ends.sort_unstable();
        content.drain(ends[0]..ends[1]);
    }
    content
}

/// One round of damage: whatever is done to a journal, nothing is silently lost. An end that is cut
/// off between two entries cannot be seen; for that only foreign messages are looked for.
fn damage_round(payloads: &[Vec<u8>], settled: u16, changes: &Changes) {
    let place = Place::new();
    let open = filled(&place, payloads, |i| settled >> i & 1 == 1);
    let content = changed(place.content(), changes);
    match changes.2 {
        None => check_damaged_inside(&place, &content, payloads, &open, changes),
        Some(end) => {
            let end = end.index(content.len() + 1);
            check_known(&place, &content[..end], payloads);
        }
    }
}

fn check_damaged_inside(
    place: &Place,
    content: &[u8],
    payloads: &[Vec<u8>],
    open: &[Vec<u8>],
    (flips, hole, _): &Changes,
) {
    match (flips.is_empty(), hole) {
        // A hole may be whole entries at the end.
        (_, Some(_)) => check_known(place, content, payloads),
        (_, None) => check_damaged(place, content, payloads, open),
    }
}

fn check_known(place: &Place, content: &[u8], payloads: &[Vec<u8>]) {
    place.write(content);
    if let Ok(opened) = PublicationJournal::open(place.path(), false) {
        for (payload, _) in found(&opened) {
            assert!(payloads.iter().any(|p| p == payload), "a changed message");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        // Cases that failed once stand beside this file.
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]
    #[test]
    fn damage_is_never_silent(payloads in payloads(), settled: u16, changes in changes()) {
        damage_round(&payloads, settled, &changes);
    }

    #[test]
    fn what_is_no_journal_is_refused_or_read_but_never_a_panic(
        content in prop::collection::vec(any::<u8>(), 1..400),
        begun: bool,
    ) {
        let mut file = Vec::new();
        if begun {
            entries::push_start(&mut file, *b"markmark");
        }
        file.extend(content);
        entries::replay(&file);
    }
}

/// The long form of the two above: `OSQL_FUZZ_SECONDS=600 cargo test --lib journal`.
#[test]
fn damage_is_never_silent_for_long() {
    let seconds = std::env::var("OSQL_FUZZ_SECONDS").ok();
    let Some(seconds) = seconds.and_then(|s| s.parse().ok()) else {
        return;
    };
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut rounds: u64 = 0;
    while Instant::now() < until {
        // A runner that has tried its cases tries no more.
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 1000,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        runner
            .run(&(payloads(), any::<u16>(), changes()), |(p, settled, c)| {
                damage_round(&p, settled, &c);
                Ok(())
            })
            .expect("nothing is silently lost");
        rounds += 1000;
    }
    println!("{rounds} damaged journals");
}

#[test]
fn a_journal_in_use_or_of_another_kind_is_refused() {
    let place = Place::new();
    let journal = place.journal();
    assert!(place.refused().message().contains("in use"));
    drop(journal);
    for content in ["something else", "osql mqtt journal 2\nP"] {
        place.write(content.as_bytes());
        assert!(place.refused().message().contains("not a journal"));
    }
    place.write(&[0; 4096]);
    assert!(place.refused().message().contains("not a journal"));
}

#[test]
fn one_at_a_time_has_a_journal_however_often_it_is_replaced() {
    let place = Place::new();
    let held = std::sync::atomic::AtomicUsize::new(0);
    let opened = std::sync::atomic::AtomicUsize::new(0);
    // Many enough; the limit is for a machine that is busy.
    const ENOUGH: usize = 100;
    let until = Instant::now() + Duration::from_secs(60);
    use std::sync::atomic::Ordering::SeqCst;
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while opened.load(SeqCst) < ENOUGH && Instant::now() < until {
                    if let Ok(mine) = PublicationJournal::open(place.path(), false) {
                        assert_eq!(held.fetch_add(1, SeqCst), 0, "two have it");
                        opened.fetch_add(1, SeqCst);
                        held.fetch_sub(1, SeqCst);
                        drop(mine);
                    }
                }
            });
        }
    });
    assert!(opened.into_inner() >= ENOUGH);
}

#[test]
fn an_end_that_cannot_be_noted_is_an_error_until_it_can() {
    let place = Place::new();
    let mut journal = place.journal();
    let number = journal.publication(&head(), b"a").expect("written");
    let writable = journal.file.clone();
    journal.file = Arc::new(File::open(place.path()).expect("readable"));
    let error = journal.done(&[number]).expect_err("cannot be written");
    assert!(error.message().contains("cannot write"), "{error}");
    assert!(journal.done(&[]).is_err());
    journal.file = writable;
    journal.done(&[]).expect("written");
    drop(journal);
    assert_eq!(place.open().left.len(), 0);
}

#[test]
fn identifiers_that_begin_alike_have_journals_of_their_own() {
    let long = "x".repeat(300);
    let ids = [
        long.clone(),
        format!("{long}y"),
        "a/b".into(),
        "a%2fb".into(),
        "ä".repeat(100),
        "ä".repeat(101),
    ];
    let names: BTreeSet<_> = ids.iter().map(|id| file_name(id)).collect();
    assert_eq!(names.len(), ids.len());
    assert!(names.iter().all(|name| name.len() <= 200), "{names:?}");
}

#[cfg(unix)]
mod rights {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn nobody_else_reads_what_was_published() {
        let place = Place::new();
        let folder = place.0.path().join("new/own");
        files::make_folder(&folder).expect("made");
        assert_eq!(mode(&folder), 0o700);
        let path = folder.join("c.mqtt");
        let opened = PublicationJournal::open(path.clone(), false).expect("opened");
        assert_eq!(mode(&path), 0o600);
        drop(opened);
        // One that others could read is closed to them.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        PublicationJournal::open(path.clone(), false).expect("opened");
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_planted_link_is_not_followed() {
        let place = Place::new();
        let victim = place.0.path().join("victim");
        for content in [Some("precious"), None] {
            let _ = fs::remove_file(&victim);
            if let Some(content) = content {
                fs::write(&victim, content).expect("written");
            }
            symlink(&victim, place.path()).expect("planted");
            assert!(place.refused().message().contains("not an ordinary file"));
            assert_eq!(fs::read_to_string(&victim).ok().as_deref(), content);
            fs::remove_file(place.path()).expect("removed");
        }
        // Nor where the next file is made.
        fs::write(&victim, "precious").expect("written");
        symlink(&victim, place.0.path().join("c.new")).expect("planted");
        drop(place.open());
        assert_eq!(fs::read_to_string(&victim).expect("there"), "precious");
    }
}
