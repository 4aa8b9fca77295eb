//! What a transaction has read and written, and how far it is.

use std::collections::HashMap;

use aerospike_wire::transaction::RecordVersion;
use aerospike_wire::{Digest, FieldType, Message};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::error::{Code, Failure};

/// How far a transaction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum State {
    /// It takes commands.
    #[default]
    Open = 0,
    /// What it read was verified; it was not committed yet.
    Verified = 1,
    /// It is committed.
    Committed = 2,
    /// It is undone.
    Aborted = 3,
    /// Whether it is committed is not known: the answer to the mark is missing.
    InDoubt = 4,
}

/// A record that was read.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) version: RecordVersion,
    pub(super) set: Bytes,
}

/// What a transaction has read and written.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Given by the first command.
    pub(super) namespace: Option<Bytes>,
    pub(super) reads: HashMap<Digest, Read>,
    /// The set of every record that is locked, or may be.
    pub(super) writes: HashMap<Digest, Bytes>,
    /// Whether a write may yet arrive: only the server knows when that cannot be any more.
    pub(super) write_in_doubt: bool,
}

#[derive(Debug, Default)]
struct Inner {
    state: State,
    /// Whether somebody commits or undoes it: it takes no commands from then on.
    is_ending: bool,
    under_way: usize,
    log: Log,
}

/// How far a transaction is, shared by its commands.
#[derive(Debug, Default)]
pub(super) struct Progress {
    inner: Mutex<Inner>,
    /// Told when no command is under way any more.
    idle: Notify,
}

impl Progress {
    pub(super) fn state(&self) -> State {
        self.inner.lock().state
    }

    pub(super) fn set_state(&self, state: State) {
        self.inner.lock().state = state;
    }

    /// Whether it was given up without having been ended.
    pub(super) fn is_abandoned(&self) -> bool {
        let inner = self.inner.lock();
        let is_open = matches!(inner.state, State::Open | State::Verified) && !inner.is_ending;
        is_open && (!inner.log.writes.is_empty() || inner.under_way > 0)
    }

    /// Registers a command.
    pub(super) fn enter(&self) -> Result<(), Failure> {
        let mut inner = self.inner.lock();
        if inner.is_ending || inner.state != State::Open {
            return Err(Failure::new(Code::PARAM, "the transaction takes no more commands"));
        }
        inner.under_way += 1;
        Ok(())
    }

    pub(super) fn leave(&self) {
        let mut inner = self.inner.lock();
        inner.under_way = inner.under_way.saturating_sub(1);
        if inner.under_way == 0 {
            self.idle.notify_waiters();
        }
    }

    /// Takes no more commands, and waits for those under way.
    pub(super) async fn end(&self) {
        self.inner.lock().is_ending = true;
        loop {
            let idle = self.idle.notified();
            if self.inner.lock().under_way == 0 {
                return;
            }
            idle.await;
        }
    }

    /// The namespace that a command names becomes that of the transaction; any other is refused.
    pub(super) fn claim(&self, namespace: &Bytes) -> Result<(), Failure> {
        let mut inner = self.inner.lock();
        let own = inner.log.namespace.get_or_insert_with(|| namespace.clone());
        if own == namespace {
            return Ok(());
        }
        let own = String::from_utf8_lossy(own);
        Err(Failure::new(Code::PARAM, format!("the transaction is of the namespace \"{own}\"")))
    }

    /// The version that was read of a record.
    pub(super) fn version(&self, digest: &Digest) -> Option<RecordVersion> {
        self.inner.lock().log.reads.get(digest).map(|read| read.version)
    }

    /// Notes what an answer says of its record (protocol-2 section 1.2): with a version it was read, whatever else was
    /// to be done with it; a write without one has locked it.
    pub(super) fn note(
        &self,
        digest: Digest,
        set: &Bytes,
        is_write: bool,
        code: Code,
        message: &[u8],
    ) -> Result<(), Failure> {
        let message = Message::decode(&mut &*message).map_err(Failure::garbage)?;
        let mut inner = self.inner.lock();
        match message.field(FieldType::RECORD_VERSION) {
            Some(version) => match RecordVersion::from_slice(version) {
                Some(version) => _ = inner.log.reads.insert(digest, Read { version, set: set.clone() }),
                None => return Err(Failure::new(Code::CLIENT, "the server sent a version of another size")),
            },
            None if is_write && code == Code::OK => {
                inner.log.reads.remove(&digest);
                inner.log.writes.insert(digest, set.clone());
            }
            None => {}
        }
        Ok(())
    }

    /// A write may have locked its record, now or later.
    pub(super) fn note_doubt(&self, digest: Digest, set: &Bytes) {
        let mut inner = self.inner.lock();
        inner.log.write_in_doubt = true;
        inner.log.reads.remove(&digest);
        inner.log.writes.insert(digest, set.clone());
    }

    /// Looks at what was read and written.
    pub(super) fn look<R>(&self, look: impl FnOnce(&Log) -> R) -> R {
        look(&self.inner.lock().log)
    }

    /// Forgets what was read and written: it is over.
    pub(super) fn clear(&self) {
        self.inner.lock().log = Log::default();
    }
}

#[cfg(test)]
mod tests {
    use aerospike_wire::field::write_field;
    use aerospike_wire::{MessageHeader, ResultCode};
    use bytes::BytesMut;

    use super::*;

    const DIGEST: Digest = Digest([7; Digest::SIZE]);

    fn answer(version: Option<&[u8]>) -> BytesMut {
        let mut out = BytesMut::new();
        let field_count = u16::from(version.is_some());
        MessageHeader { result: ResultCode::OK, field_count, ..MessageHeader::default() }.encode(&mut out);
        if let Some(version) = version {
            write_field(&mut out, FieldType::RECORD_VERSION, version);
        }
        out
    }

    fn noted(steps: &[(bool, Code, Option<&[u8]>)]) -> (Option<RecordVersion>, bool) {
        let progress = Progress::default();
        for (is_write, code, version) in steps {
            progress.note(DIGEST, &Bytes::new(), *is_write, *code, &answer(*version)).unwrap();
        }
        (progress.version(&DIGEST), progress.look(|log| log.writes.contains_key(&DIGEST)))
    }

    #[test]
    fn an_answer_with_a_version_was_a_read_and_a_write_without_one_a_lock() {
        const GONE: Code = Code(2);
        let version = RecordVersion::new(5, 3);
        let (some, none) = (Some(&version.as_bytes()[..]), None);
        assert_eq!(noted(&[(false, Code::OK, some)]), (Some(version), false));
        assert_eq!(noted(&[(false, GONE, Some(&[0; 7]))]), (Some(RecordVersion::ABSENT), false));
        assert_eq!(noted(&[(false, Code::OK, none)]), (None, false));
        assert_eq!(noted(&[(true, Code(5), some)]), (Some(version), false), "a write that did not lock");
        assert_eq!(noted(&[(false, Code::OK, some), (true, Code::OK, none)]), (None, true));
        assert_eq!(noted(&[(true, Code(5), none)]), (None, false), "a write that failed on a record it holds");
    }

    #[test]
    fn a_version_of_another_size_is_refused() {
        let progress = Progress::default();
        assert!(progress.note(DIGEST, &Bytes::new(), false, Code::OK, &answer(Some(&[0; 8]))).is_err());
        assert!(progress.note(DIGEST, &Bytes::new(), false, Code::OK, &[1, 2, 3]).is_err());
    }

    #[test]
    fn a_write_in_doubt_may_have_locked_its_record() {
        let progress = Progress::default();
        progress.note(DIGEST, &Bytes::new(), false, Code::OK, &answer(Some(&[0; 7]))).unwrap();
        progress.note_doubt(DIGEST, &Bytes::new());
        assert!(progress.look(|log| log.write_in_doubt && log.reads.is_empty() && log.writes.len() == 1));
    }

    #[test]
    fn the_first_command_chooses_the_namespace() {
        let progress = Progress::default();
        assert!(progress.claim(&Bytes::from_static(b"sc")).is_ok());
        assert!(progress.claim(&Bytes::from_static(b"sc")).is_ok());
        assert_eq!(progress.claim(&Bytes::from_static(b"test")).unwrap_err().code, Code::PARAM);
    }

    #[tokio::test]
    async fn an_end_waits_for_the_commands_under_way() {
        let progress = std::sync::Arc::new(Progress::default());
        progress.enter().unwrap();
        let ending = tokio::spawn({
            let progress = progress.clone();
            async move { progress.end().await }
        });
        tokio::task::yield_now().await;
        assert!(!ending.is_finished());
        assert!(progress.enter().is_err(), "and others are turned away");
        progress.leave();
        ending.await.unwrap();
    }
}
