//! What a node tells of its queries: those that run, and the last that ran.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use aerospike_wire::ResultCode;
use aerospike_wire::limits::PARTITIONS;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Queries that run at once.
const MAX_ACTIVE: usize = 128;
/// Finished queries that are remembered.
const MAX_FINISHED: usize = 100;

/// What kind of query a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JobKind {
    /// It answers with records; so many partitions were asked for, so many of these to be resumed.
    Basic { partitions: usize, resumed: usize },
    /// It writes records in the background.
    Operations,
    /// It answers with what a function makes of records.
    Aggregation,
    /// It calls a function of a module on records in the background.
    Calls { module: String, function: String },
}

/// Why a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It did what it was to do.
    Done,
    /// Somebody wanted it to end.
    Aborted,
    /// Its connection is gone.
    ConnectionLost,
    /// Its client did not read in time.
    ResponseTimeout,
    /// What it called failed.
    Failed,
}

impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Aborted => "user-aborted",
            Self::ConnectionLost => "abandoned-response-error",
            Self::ResponseTimeout => "abandoned-response-timeout",
            Self::Failed => "abandoned-unknown",
        }
    }
}

/// What a job is, apart from how far it is.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) id: u64,
    pub(crate) namespace: String,
    pub(crate) set: String,
    pub(crate) index: Option<String>,
    pub(crate) kind: JobKind,
    pub(crate) per_second: u32,
    pub(crate) socket_timeout: Duration,
    pub(crate) from: SocketAddr,
}

/// A query as others see it.
#[derive(Debug)]
pub(crate) struct Job {
    about: About,
    started: Instant,
    ended: Mutex<Option<(Instant, End)>>,
    aborted: AtomicBool,
    /// Partitions visited.
    pub(crate) visited: AtomicUsize,
    pub(crate) throttled: AtomicU64,
    /// Records that a filter did not want: those that were read, and others.
    pub(crate) filtered: AtomicU64,
    pub(crate) filtered_unread: AtomicU64,
    pub(crate) succeeded: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Bytes answered.
    pub(crate) bytes: AtomicU64,
}

impl Job {
    fn new(about: About) -> Self {
        Self {
            about,
            started: Instant::now(),
            ended: Mutex::default(),
            aborted: AtomicBool::new(false),
            visited: AtomicUsize::new(0),
            throttled: AtomicU64::new(0),
            filtered: AtomicU64::new(0),
            filtered_unread: AtomicU64::new(0),
            succeeded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// Whether somebody wants it to end.
    pub(crate) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let now = Instant::now();
        let ended = *self.ended.lock();
        let active = usize::from(ended.is_none());
        let about = &self.about;
        let to_visit = match about.kind {
            JobKind::Basic { partitions, .. } => partitions,
            _ => PARTITIONS,
        };
        let progress = match ended {
            Some(_) => 100.0,
            None => 100.0 * self.visited.load(Ordering::Relaxed) as f64 / to_visit.max(1) as f64,
        };
        write!(f, "trid={}:ns={}", about.id, about.namespace)?;
        if !about.set.is_empty() {
            write!(f, ":set={}", about.set)?;
        }
        if let Some(index) = &about.index {
            write!(f, ":sindex-name={index}")?;
        }
        if let JobKind::Basic { partitions, resumed } = about.kind {
            write!(f, ":n-pids-requested={partitions}:n-keyds-requested={resumed}")?;
        }
        write!(f, ":rps={}:active-threads={active}:status=", about.per_second)?;
        match ended {
            None => f.write_str("active(ok)")?,
            Some((_, end)) => write!(f, "done({})", end.name())?,
        }
        write!(
            f,
            ":job-progress={progress:.2}:run-time={}:time-since-done={}:recs-throttled={}:recs-filtered-meta={}:\
             recs-filtered-bins={}:recs-succeeded={}:recs-failed={}:from={}+{}",
            ended.map_or(now, |(at, _)| at).duration_since(self.started).as_millis(),
            ended.map_or(0, |(at, _)| now.duration_since(at).as_millis()),
            count(&self.throttled),
            count(&self.filtered_unread),
            count(&self.filtered),
            count(&self.succeeded),
            count(&self.failed),
            about.from.ip(),
            about.from.port(),
        )?;
        let timeout = about.socket_timeout.as_millis();
        let bytes = count(&self.bytes);
        match &about.kind {
            JobKind::Basic { .. } => {
                write!(f, ":job-type=basic:net-io-bytes={bytes}:net-io-time=0:socket-timeout={timeout}")
            }
            JobKind::Operations => {
                write!(f, ":job-type=background-ops:net-io-bytes={bytes}:socket-timeout={timeout}:ops-active=0")
            }
            JobKind::Aggregation => {
                write!(f, ":job-type=aggregation:net-io-bytes={bytes}:net-io-time=0:socket-timeout={timeout}")
            }
            JobKind::Calls { module, function } => write!(
                f,
                ":job-type=background-udf:net-io-bytes={bytes}:socket-timeout={timeout}:udf-filename={module}\
                 :udf-function={function}:udf-active=0"
            ),
        }
    }
}

#[derive(Debug, Default)]
struct Lists {
    active: Vec<Arc<Job>>,
    /// The last one first.
    finished: VecDeque<Arc<Job>>,
}

/// The jobs of a node.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<Lists>);

impl Jobs {
    /// Takes a job in; its id must be a new one.
    pub(crate) fn start(&self, about: About) -> Result<Arc<Job>, ResultCode> {
        let mut lists = self.0.lock();
        if lists.active.iter().chain(&lists.finished).any(|other| other.about.id == about.id) {
            return Err(ResultCode::PARAMETER);
        }
        if lists.active.len() >= MAX_ACTIVE {
            return Err(ResultCode::FORBIDDEN);
        }
        let job = Arc::new(Job::new(about));
        lists.active.push(Arc::clone(&job));
        Ok(job)
    }

    /// Ends a job, unless it has ended.
    pub(crate) fn finish(&self, job: &Job, end: End) {
        let mut lists = self.0.lock();
        let Some(place) = lists.active.iter().position(|other| other.about.id == job.about.id) else { return };
        let job = lists.active.remove(place);
        *job.ended.lock() = Some((Instant::now(), end));
        lists.finished.push_front(job);
        lists.finished.truncate(MAX_FINISHED);
    }

    /// Forgets everything, as a process that ends.
    pub(crate) fn clear(&self) {
        *self.0.lock() = Lists::default();
    }

    /// Every job as a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lists = self.0.lock();
        lists.active.iter().chain(&lists.finished).map(ToString::to_string).collect()
    }

    /// The line of a job.
    pub(crate) fn line(&self, id: u64) -> Option<String> {
        let lists = self.0.lock();
        lists.active.iter().chain(&lists.finished).find(|job| job.about.id == id).map(ToString::to_string)
    }

    /// Asks a job to end; `false` when it does not run.
    pub(crate) fn abort(&self, id: u64) -> bool {
        let lists = self.0.lock();
        let job = lists.active.iter().find(|job| job.about.id == id);
        job.inspect(|job| job.aborted.store(true, Ordering::Relaxed)).is_some()
    }

    /// Asks every job to end and says how many run.
    pub(crate) fn abort_all(&self) -> usize {
        let lists = self.0.lock();
        lists.active.iter().for_each(|job| job.aborted.store(true, Ordering::Relaxed));
        lists.active.len()
    }
}
