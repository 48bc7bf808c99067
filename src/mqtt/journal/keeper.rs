//! Writes what a connection has to note in its client's journal, on a thread of its own: a disk may be
//! slow, and the thread that all connections share must not wait for it.
//!
//! Publications are written by the threads of the queries, which wait for the disk as they should. The
//! connection hands its notes over, in order, and goes on. Two promises hold all the same: no publication
//! goes out under an identifier that is not noted, as the connection writes nothing behind a note that
//! is not [`JournalKeeper::noted`]; and none counts as delivered before its end is noted, as the books are
//! kept here.

use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, Thread};

use super::super::client::Shared;
use super::super::outbox::Settled;
use super::super::wire::Head;
use super::PublicationJournal;
use crate::text::diagnostic::{Error, Result};
use crate::text::wait::{Token, lock};

/// Something that a connection notes.
pub enum Note {
    /// Publications by their numbers go out under packet identifiers; `true`: the broker has it.
    Sent(Vec<(u64, u16, bool)>),
    /// What has become of publications, which is to be booked then.
    Settled(Vec<Settled>),
}

/// The journal of a client, and what is to be written into it.
pub struct JournalKeeper {
    /// `None` once the client has ended.
    journal: Mutex<Option<PublicationJournal>>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    waiting: Vec<Note>,
    /// How many were handed over, and how many of these have been written.
    handed: u64,
    noted: u64,
    /// Why a publication could not be noted before it goes out.
    fault: Option<Error>,
    /// Why the journal does not have the end of all that was delivered.
    unnoted: Option<Error>,
    thread: Option<Thread>,
    /// No more will come.
    ending: bool,
    ended: bool,
}

impl JournalKeeper {
    pub fn new(journal: PublicationJournal) -> Arc<JournalKeeper> {
        Arc::new(JournalKeeper {
            journal: Mutex::new(Some(journal)),
            notes: Mutex::default(),
        })
    }

    /// Starts the thread, which books for `shared`.
    pub fn start(self: &Arc<Self>, shared: &Arc<Shared>) -> Result<()> {
        let (keeper, shared) = (self.clone(), Arc::downgrade(shared));
        let started = thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || keeper.run(&shared));
        let started = started
            .map_err(|e| Error::run(format!("cannot start the thread for persistence: {e}")))?;
        lock(&self.notes).thread = Some(started.thread().clone());
        Ok(())
    }

    /// Writes a publication down; gives its number. It is with the operating system then, and with the
    /// option `durable` on the disk. `None` if the client has ended.
    pub fn publication(&self, head: &Head, payload: &[u8]) -> Result<Option<u64>> {
        let (number, to_sync) = {
            let mut journal = lock(&self.journal);
            let Some(journal) = &mut *journal else {
                return Ok(None);
            };
            (journal.publication(head, payload)?, journal.to_sync())
        };
        if let Some(Err(error)) = to_sync.map(|file| file.sync_data()) {
            self.take_back(number);
            return Err(PublicationJournal::not_synced(error));
        }
        Ok(Some(number))
    }

    /// A publication that was written down is not sent after all.
    pub fn take_back(&self, number: u64) {
        if let Some(journal) = &mut *lock(&self.journal) {
            // Where that fails the next process sends it.
            let _ = journal.done(&[number]);
        }
    }

    /// Hands a note over; gives its number, from 1.
    pub fn note(&self, note: Note) -> u64 {
        let mut notes = lock(&self.notes);
        notes.waiting.push(note);
        notes.handed += 1;
        if let Some(thread) = &notes.thread {
            thread.unpark();
        }
        notes.handed
    }

    /// How many notes have been written.
    ///
    /// # Errors
    ///
    /// A publication cannot be noted, so that it must not go out.
    pub fn noted(&self) -> Result<u64> {
        let notes = lock(&self.notes);
        match &notes.fault {
            Some(fault) => Err(fault.clone()),
            None => Ok(notes.noted),
        }
    }

    /// An error if the journal does not have the end of all that was delivered, even after another try.
    pub fn check_ends(&self) -> Result<()> {
        if lock(&self.notes).unnoted.is_some() {
            // There may be room on the disk by now.
            self.note_ends(&[]);
        }
        lock(&self.notes).unnoted.clone().map_or(Ok(()), Err)
    }

    /// No more will come: the journal is closed, for another client to have, when all is written.
    pub fn end(&self) {
        let mut notes = lock(&self.notes);
        notes.ending = true;
        match &notes.thread {
            Some(thread) => thread.unpark(),
            None => notes.ended = true,
        }
    }

    /// Whether it is closed.
    pub fn has_ended(&self) -> bool {
        lock(&self.notes).ended
    }

    fn run(&self, shared: &Weak<Shared>) {
        let forever = Token::new();
        let next = || {
            let mut notes = lock(&self.notes);
            let ready = !notes.waiting.is_empty() || notes.ending;
            ready.then(|| std::mem::take(&mut notes.waiting))
        };
        while let Ok(Some(notes)) = forever.wait(None, next) {
            let shared = shared.upgrade();
            if notes.is_empty() {
                *lock(&self.journal) = None;
                lock(&self.notes).ended = true;
                if let Some(shared) = shared {
                    shared.wake.notify_one();
                }
                return;
            }
            for note in notes {
                self.write(note, shared.as_deref());
            }
            if let Some(shared) = shared {
                shared.wake.notify_one();
            }
        }
    }

    fn write(&self, note: Note, shared: Option<&Shared>) {
        match note {
            Note::Sent(sent) => self.note_sent(&sent, shared),
            Note::Settled(settled) => {
                let records: Vec<_> = settled.iter().filter_map(Settled::record).collect();
                self.note_ends(&records);
                if let Some(shared) = shared {
                    shared.book(settled);
                }
            }
        }
        lock(&self.notes).noted += 1;
    }

    fn note_sent(&self, sent: &[(u64, u16, bool)], shared: Option<&Shared>) {
        let noted = match &mut *lock(&self.journal) {
            Some(journal) => journal.sent(sent),
            None => Ok(()),
        };
        let Err(error) = noted else {
            return;
        };
        // That the broker has it may be missing: the next process asks it again.
        if sent.iter().any(|(_, _, released)| !released) {
            lock(&self.notes).fault = Some(error);
        } else if let Some(shared) = shared {
            lock(&shared.outbox).counts.last_error = Some(error.to_string());
        }
    }

    /// Notes that publications of these numbers are settled, and whatever could not be noted before.
    fn note_ends(&self, records: &[u64]) {
        let noted = match &mut *lock(&self.journal) {
            Some(journal) => journal.done(records),
            None => return,
        };
        lock(&self.notes).unnoted = noted.err().map(|error| {
            error
                .context("what was delivered cannot be noted in the journal")
                .help("the next run with this clientid sends it again")
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tempfile::TempDir;

    use super::super::super::client::ClientSurroundings;
    use super::super::super::in_flight::Outgoing;
    use super::super::super::options::{ClientOptions, Qos};
    use super::super::super::settings::Settings;
    use super::super::open;
    use super::*;

    fn wait_until(what: &str, done: impl Fn() -> bool) {
        let late = Instant::now() + Duration::from_secs(60);
        while !done() {
            assert!(Instant::now() < late, "{what}");
            thread::yield_now();
        }
    }

    /// A client with a journal in that folder, and its keeper.
    fn client(folder: &TempDir) -> (Arc<Shared>, Arc<JournalKeeper>) {
        let settings = Settings::from_iter([
            ("persistence", folder.path().display().to_string().into()),
            ("clientid", "c".into()),
        ]);
        let options = ClientOptions::read(&settings).expect("good options");
        let journal = open(&options).expect("can be opened").journal;
        let nobody = ClientSurroundings {
            notice: Arc::new(|_| {}),
            verbose: Arc::default(),
            remembers_topics: Arc::default(),
            receipts: Arc::default(),
        };
        let shared = Shared::new("m", options, None, nobody, journal);
        let keeper = shared.keeper.clone().expect("a journal");
        keeper.start(&shared).expect("a thread");
        (shared, keeper)
    }

    fn left(folder: &TempDir) -> usize {
        let settings = Settings::from_iter([
            ("persistence", folder.path().display().to_string().into()),
            ("clientid", "c".into()),
        ]);
        let options = ClientOptions::read(&settings).expect("good options");
        open(&options).expect("free again").left.len()
    }

    #[test]
    fn notes_do_not_keep_the_connection_waiting_and_are_booked_when_they_are_written() {
        let folder = TempDir::new().expect("a folder");
        let (shared, keeper) = client(&folder);
        let head = Arc::new(Head {
            topic: "t".into(),
            qos: Qos::AtLeastOnce,
            retain: false,
            properties: None,
        });
        let account = {
            let mut out = lock(&shared.outbox);
            let account = out.open_account();
            out.account(account).expect("open").sent = 2;
            out.counts.owed = 2;
            account
        };
        let messages: Vec<_> = (0..2)
            .map(|_| Outgoing {
                account,
                head: head.clone(),
                payload: "x".into(),
                record: keeper
                    .publication(&head, b"x")
                    .expect("written")
                    .expect("open"),
                falls: 0,
            })
            .collect();
        let settled = || lock(&shared.outbox).account(account).expect("open").settled;
        // The disk is slow: whoever writes holds the journal.
        let disk = lock(&keeper.journal);
        let sent = messages.iter().map(|m| (m.record, 1, false)).collect();
        assert_eq!(keeper.note(Note::Sent(sent)), 1);
        let mut messages = messages.into_iter().map(|m| Settled::new(m, None));
        assert_eq!(
            keeper.note(Note::Settled(messages.by_ref().take(1).collect())),
            2
        );
        assert_eq!((keeper.noted().ok(), settled()), (Some(0), 0));
        drop(disk);
        wait_until("all is noted", || keeper.noted().ok() == Some(2));
        assert_eq!(settled(), 1);
        assert!(keeper.check_ends().is_ok());
        keeper.note(Note::Settled(messages.collect()));
        keeper.end();
        wait_until("it ends", || keeper.has_ended());
        // What was handed over before the end is noted, and the file is free.
        assert_eq!((settled(), left(&folder)), (2, 0));
        assert!(
            keeper
                .publication(&head, b"x")
                .is_ok_and(|number| number.is_none())
        );
    }
}
