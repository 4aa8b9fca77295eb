//! Commands of a transaction that come in one tick and travel together: as one message for each node, where each command
//! would need one of its own. A transaction that writes 100 records costs a handful of round trips so.

use std::collections::HashSet;
use std::sync::Arc;

use aerospike_wire::batch::BatchFlags;
use aerospike_wire::{Digest, Message};
use bytes::{Buf, Bytes};
use tokio::time::Instant;

use super::turns::Places;
use super::{Shared, UnderWay};
use crate::batch::{Batch, BatchReply, BatchRow, Keyspace, RowOutcome};
use crate::command::{Command, Reply, Timing};
use crate::error::{Code, Error};

/// Operations above this travel alone: others would wait for them.
const LARGE_OPS: usize = 32 * 1024;

/// The commands of one tick, and which of them travel together. `T` is whatever the caller tells them apart by.
#[derive(Debug)]
pub struct Tick<T> {
    groups: Vec<Group<T>>,
    touched: HashSet<(u64, Digest)>,
}

/// Commands of one transaction that travel together.
#[derive(Debug)]
pub struct Group<T> {
    shared: Arc<Shared>,
    members: Vec<(UnderWay, Command, T)>,
}

impl<T> Default for Tick<T> {
    fn default() -> Self {
        Self { groups: Vec::new(), touched: HashSet::new() }
    }
}

impl<T> Tick<T> {
    /// Announces a command, and takes it in if it can travel with others; gives it back otherwise.
    pub fn add(&mut self, mut under_way: UnderWay, command: Command, tag: T) -> Option<(UnderWay, Command, T)> {
        under_way.announce(&command);
        // a group waits for its turn as a whole: none of its records may be one that another command of the tick has
        // before it, which may wait for the group in turn
        let is_first = self.touch(&under_way);
        if !is_first || !can_join(&command) {
            return Some((under_way, command, tag));
        }
        match self.groups.iter_mut().find(|group| group.fits(&under_way, &command)) {
            Some(group) => group.members.push((under_way, command, tag)),
            None => {
                let shared = under_way.shared.clone();
                self.groups.push(Group { shared, members: vec![(under_way, command, tag)] });
            }
        }
        None
    }

    /// Announces a command that travels alone in any case.
    pub fn add_alone(&mut self, under_way: &mut UnderWay, command: &Command) {
        under_way.announce(command);
        self.touch(under_way);
    }

    /// Announces a batch.
    pub fn add_batch(&mut self, under_way: &mut UnderWay, batch: &Batch) {
        under_way.announce_batch(batch);
        self.touch(under_way);
    }

    /// Those that travel together.
    pub fn into_groups(self) -> Vec<Group<T>> {
        self.groups
    }

    /// Notes the records of a command; whether it is the first of the tick for all of them.
    fn touch(&mut self, under_way: &UnderWay) -> bool {
        let id = under_way.shared.id;
        let mut is_first = true;
        for digest in under_way.places.iter().flat_map(Places::digests) {
            is_first &= self.touched.insert((id, *digest));
        }
        is_first
    }
}

/// Whether a row of a batch can say all that a command says, and is as quick as others.
fn can_join(command: &Command) -> bool {
    let spec = &command.spec;
    let is_plain = spec.fields.is_empty() && !spec.exclusive && spec.ops.len() <= LARGE_OPS;
    is_plain && u16::try_from(spec.generation).is_ok() && command.sent.is_none()
}

impl<T> Group<T> {
    /// Whether a command may wait for the same and has the same limits. Reads do not wait for the list of writes.
    fn fits(&self, under_way: &UnderWay, command: &Command) -> bool {
        let is_alike = |(_, member, _): &(UnderWay, Command, T)| {
            member.spec.is_write() == command.spec.is_write() && member.policy == command.policy
        };
        Arc::ptr_eq(&self.shared, &under_way.shared) && self.members.first().is_some_and(is_alike)
    }

    /// Tells its commands apart by something else.
    pub fn map<U>(self, mut tag: impl FnMut(T) -> U) -> Group<U> {
        let members = self.members.into_iter().map(|(under_way, command, t)| (under_way, command, tag(t)));
        Group { shared: self.shared, members: members.collect() }
    }

    /// Carries the commands out and hands over what becomes of each, as soon as it is known.
    pub async fn run(mut self, mut settle: impl FnMut(T, Result<Reply, Error>) + Send)
    where
        T: Send,
    {
        if self.members.len() <= 1 {
            if let Some((under_way, command, tag)) = self.members.pop() {
                settle(tag, under_way.execute(command).await);
            }
            return;
        }
        let begun = Instant::now();
        let mut places = self.shared.turns.line_up(Vec::new());
        let mut batch = Batch { flags: BatchFlags::INLINE | BatchFlags::RESPOND_ALL_KEYS, ..Batch::default() };
        let mut waiting = Vec::with_capacity(self.members.len());
        // they are under way until all are done
        let mut under_way = Vec::with_capacity(self.members.len());
        for (mut member, command, tag) in self.members {
            if let Some(own) = member.places.take() {
                places.join(own);
            }
            waiting.push(Some((tag, command.timed)));
            add_row(&mut batch, command);
            under_way.push(member);
        }
        let mut hand_over = |reply: BatchReply| {
            for (row, tag) in reply.rows.iter().zip(&mut waiting).filter(|(row, _)| !row.is_elsewhere) {
                if let Some((tag, timed)) = tag.take() {
                    settle(tag, outcome_of(row, &reply, timed.then_some(begun)));
                }
            }
        };
        match self.shared.batch(batch, &places, Some(&mut hand_over)).await {
            Ok(reply) => hand_over(reply),
            Err(error) => {
                let error = error.at(None, 0, begun.elapsed());
                waiting.into_iter().flatten().for_each(|(tag, _)| settle(tag, Err(error.clone())));
            }
        }
        drop(places);
        drop(under_way);
    }
}

fn add_row(batch: &mut Batch, command: Command) {
    let Command { namespace, set, key, send_key, spec, policy, .. } = command;
    batch.policy = policy;
    let keyspace = Keyspace { namespace, set };
    if batch.keyspaces.last() != Some(&keyspace) {
        batch.keyspaces.push(keyspace);
    }
    batch.specs.push(spec);
    let place = |len: usize| len.saturating_sub(1) as u32;
    let (keyspace, spec) = (place(batch.keyspaces.len()), place(batch.specs.len()));
    batch.rows.push(BatchRow { keyspace, spec, send_key, key });
}

/// What became of a row, as if it had been a command of its own. `begun` is given for one whose times are wanted; when its
/// message went out is not known, as several rows share one.
fn outcome_of(row: &RowOutcome, reply: &BatchReply, begun: Option<Instant>) -> Result<Reply, Error> {
    let node = reply.nodes.get(usize::from(row.node));
    let name = node.map(|node| node.name.clone());
    let page = reply.pages.get(usize::from(row.page));
    let message = page.and_then(|page| message_at(page, row.offset as usize));
    let bytes_in = message.as_ref().map_or(0, Bytes::len) as u64;
    let timing = begun.map(|begun| {
        let (begun, ended) = (begun.into_std(), Instant::now().into_std());
        Box::new(Timing { begun, sent: None, ended, bytes_out: 0, bytes_in })
    });
    match (row.code, message, name) {
        (Code::OK, Some(message), Some(node)) => Ok(Reply { message, node, attempts: row.attempts.into(), timing }),
        (Code::OK, ..) => Err(Error::new(Code::CLIENT, "the answer of the row is lost").in_doubt_if(row.in_doubt)),
        (code, message, name) => {
            let last_error = node.and_then(|node| node.last_error.as_ref());
            let detail = last_error.filter(|error| error.code == code).map(|error| error.detail.clone());
            let error = Error::new(code, detail.unwrap_or_default()).at(name, row.attempts.into(), reply.elapsed);
            Err(error.in_doubt_if(row.in_doubt).with_message(message).with_timing(timing))
        }
    }
}

/// The message that begins at a place of a page.
fn message_at(page: &Bytes, offset: usize) -> Option<Bytes> {
    let mut message = page.clone();
    if offset > message.len() {
        return None;
    }
    message.advance(offset);
    let mut rest = &message[..];
    Message::decode(&mut rest).ok()?;
    let size = message.len() - rest.len();
    Some(message.split_to(size))
}
