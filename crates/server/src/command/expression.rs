//! What expressions see of the record that a command is on, and the parts of a command that evaluate them.

use std::cell::OnceCell;
use std::sync::Arc;

use aerospike_wire::{Digest, Op, ParticleType, ResultCode};

use super::Context;
use super::request::Request;
use crate::clock::Moment;
use crate::exp::{self, BinOutcome, Expression, RecordView};
use crate::store::{Bins, Namespace, Record, RecordMeta};

/// A record apart from its bins, or the record that a command is about to make.
pub(super) struct About<'c> {
    namespace: &'c Namespace,
    now: Moment,
    digest: &'c Digest,
    found: Option<&'c Record>,
    meta: RecordMeta,
    set_name: OnceCell<Arc<[u8]>>,
}

impl<'c> About<'c> {
    /// A record as it is stored.
    pub(super) fn stored(request: &'c Request<'_>, record: &'c Record, context: &Context<'c>) -> Self {
        Self::new(request, Some(record), record.meta, OnceCell::new(), context)
    }

    /// A record that is being written: its times are those it will have, its key and size those it had.
    pub(super) fn written(
        request: &'c Request<'_>,
        found: Option<&'c Record>,
        void_time: u32,
        context: &Context<'c>,
    ) -> Self {
        let before = found.map(|record| record.meta).unwrap_or_default();
        let meta = RecordMeta { void_time, last_update: context.now, ..before };
        // a new set has no number before the first record in it
        let set_name = if found.is_none() { OnceCell::from(Arc::from(request.set)) } else { OnceCell::new() };
        Self::new(request, found, meta, set_name, context)
    }

    fn new(
        request: &'c Request<'_>,
        found: Option<&'c Record>,
        meta: RecordMeta,
        set_name: OnceCell<Arc<[u8]>>,
        context: &Context<'c>,
    ) -> Self {
        Self { namespace: context.namespace, now: context.now, digest: &request.digest, found, meta, set_name }
    }
}

/// Where bins are looked up.
#[derive(Clone, Copy)]
enum Source<'v> {
    /// Nowhere yet.
    Unread,
    Stored(&'v Record),
    Changing(&'v Bins<'v>),
}

/// A record as expressions see it.
struct View<'v> {
    about: &'v About<'v>,
    bins: Source<'v>,
}

impl<'v> View<'v> {
    /// With the bins that are stored.
    fn stored(about: &'v About<'v>, record: &'v Record) -> Self {
        Self { about, bins: Source::Stored(record) }
    }

    /// With the bins as the operations so far left them.
    fn changing(about: &'v About<'v>, bins: &'v Bins<'v>) -> Self {
        Self { about, bins: Source::Changing(bins) }
    }
}

impl RecordView for View<'_> {
    fn bin(&self, name: &[u8]) -> Option<(ParticleType, &[u8])> {
        let bin = match self.bins {
            Source::Unread => None,
            Source::Stored(record) => record.bin(name),
            Source::Changing(bins) => bins.get(name),
        };
        bin.map(|bin| (bin.particle, bin.value))
    }

    fn has_bins(&self) -> bool {
        !matches!(self.bins, Source::Unread)
    }

    fn key(&self) -> Option<&[u8]> {
        self.about.found.and_then(Record::key)
    }

    fn set_name(&self) -> &[u8] {
        self.about.set_name.get_or_init(|| self.about.namespace.set_name(self.about.meta.set))
    }

    fn digest(&self) -> &[u8; Digest::SIZE] {
        &self.about.digest.0
    }

    fn last_update_millis(&self) -> u64 {
        self.about.meta.last_update.0
    }

    fn void_time(&self) -> u32 {
        self.about.meta.void_time
    }

    fn now_millis(&self) -> u64 {
        self.about.now.0
    }

    fn stored_size(&self) -> u64 {
        /// What is not stored yet counts as one block.
        const NEW: u64 = 16;
        self.about.found.map_or(NEW, |record| record.flat_size(self.set_name().len()) as u64)
    }
}

/// Whether a record passes a filter that is parsed already.
pub(super) fn passes(filter: &Expression<'_>, about: &About<'_>, record: &Record) -> bool {
    filter.matches(&View::stored(about, record)) == Some(true)
}

/// Whether a filter fails already by what is known of a record before it is read.
pub(super) fn fails_unread(filter: &Expression<'_>, about: &About<'_>) -> bool {
    filter.matches(&View { about, bins: Source::Unread }) == Some(false)
}

/// The same for a record that is there.
pub(crate) fn is_excluded_unread(
    filter: &Expression<'_>,
    digest: &Digest,
    record: &Record,
    namespace: &Namespace,
    now: Moment,
) -> bool {
    let about = About { namespace, now, digest, found: Some(record), meta: record.meta, set_name: OnceCell::new() };
    fails_unread(filter, &about)
}

/// Shows a stored record to something that looks at it as expressions do.
pub(crate) fn view<R>(
    digest: &Digest,
    record: &Record,
    namespace: &Namespace,
    now: Moment,
    look: impl FnOnce(&dyn RecordView) -> R,
) -> R {
    let about = About { namespace, now, digest, found: Some(record), meta: record.meta, set_name: OnceCell::new() };
    look(&View::stored(&about, record))
}

/// Whether a record passes a filter.
pub(super) fn filter(request: &Request<'_>, record: &Record, context: &Context<'_>) -> Result<(), ResultCode> {
    let Some(filter) = request.filter else { return Ok(()) };
    let about = About::stored(request, record, context);
    let view = View::stored(&about, record);
    match Expression::parse_filter(filter)?.matches(&view) {
        Some(true) => Ok(()),
        _ => Err(ResultCode::FILTERED_OUT),
    }
}

/// Evaluates an expression on a stored record.
pub(super) fn read(op: &Op<'_>, about: &About<'_>, record: &Record) -> Result<Option<exp::Particle>, ResultCode> {
    exp::exp_read(op.value, &View::stored(about, record))
}

/// Evaluates an expression on a record as the operations before this one left it.
pub(super) fn read_changing(
    op: &Op<'_>,
    about: &About<'_>,
    bins: &Bins<'_>,
) -> Result<Option<exp::Particle>, ResultCode> {
    exp::exp_read(op.value, &View::changing(about, bins))
}

/// Evaluates an expression for a bin.
pub(super) fn modify(op: &Op<'_>, about: &About<'_>, bins: &Bins<'_>) -> Result<BinOutcome, ResultCode> {
    exp::exp_modify(op.value, op.name, &View::changing(about, bins))
}
