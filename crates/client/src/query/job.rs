//! Background jobs: work on the records of a query that the servers do by themselves (protocol section 8.8).

use std::sync::Arc;
use std::time::Duration;

use aerospike_wire::message::Message;
use aerospike_wire::{Info2, ResultCode};
use bytes::{Bytes, BytesMut};
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::concurrent::join_all;
use crate::deadline::Deadline;
use crate::error::{Code, Error, Failure, SubError};
use crate::metrics::Kind;
use crate::node::Node;
use crate::policy::CommandPolicy;
use crate::retry::COMMAND;

/// A background job. What it looks for and what it does arrives encoded.
#[derive(Debug, Clone)]
pub struct Job {
    /// The namespace.
    pub namespace: Bytes,
    /// The set; empty for the whole namespace.
    pub set: Bytes,
    /// How many fields `fields` holds.
    pub field_count: u16,
    /// Index range, filter, function: fields in wire form.
    pub fields: Bytes,
    /// How many operations `ops` holds.
    pub op_count: u16,
    /// Write operations in wire form.
    pub ops: Bytes,
    /// Write flags.
    pub info2: Info2,
    /// The TTL directive of the writes.
    pub ttl: u32,
    /// Records per second on each node; 0 for the server's limit.
    pub records_per_second: u32,
    /// What servers are to know it by; random when absent.
    pub task_id: Option<u64>,
    /// What starting it may cost.
    pub policy: CommandPolicy,
}

/// What became of the start of a job.
#[derive(Debug, Clone)]
pub struct JobReply {
    /// What servers know it by.
    pub task_id: u64,
    /// Why nodes did not take it on. Others may have.
    pub outcome: Result<(), Error>,
}

/// A node's answer, and how often it was asked.
struct Answer {
    node: Arc<Node>,
    outcome: Result<(), Failure>,
    attempts: u32,
    was_sent: bool,
}

/// Starts a job on every active node.
pub(crate) async fn start(cluster: &Arc<Cluster>, job: Job) -> JobReply {
    let start = Instant::now();
    let task_id = job.task_id.unwrap_or_else(|| fastrand::u64(1..));
    let outcome = match cluster.enter() {
        Ok(_guard) => start_everywhere(cluster, &job, task_id, start).await,
        Err(failure) => Err(Error::new(failure.code, failure.detail)),
    };
    cluster.metrics.called(Kind::Job, start.elapsed(), &outcome);
    JobReply { task_id, outcome }
}

async fn start_everywhere(cluster: &Cluster, job: &Job, task_id: u64, start: Instant) -> Result<(), Error> {
    let deadline = Deadline::after(start, job.policy.total_timeout);
    if !cluster.first_look.is_over() {
        let _ = deadline.bound(cluster.first_look.wait()).await;
    }
    let routing = cluster.routing.load_full();
    let nodes: Vec<_> = routing.nodes.iter().filter(|node| node.is_active()).cloned().collect();
    if nodes.is_empty() {
        return Err(Error::new(Code::INVALID_NODE, "the cluster has no active node"));
    }
    let request = job.encode(task_id, deadline.server_timeout(start, 0));
    let answers = join_all(nodes.into_iter().map(|node| ask(node, &request, job.policy, deadline))).await;
    judge(answers, start)
}

/// One node: it is asked again only while it is certain that it was not asked before, since it takes an id on once.
async fn ask(node: Arc<Node>, request: &BytesMut, policy: CommandPolicy, deadline: Deadline) -> Answer {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let (outcome, was_sent) = attempt(&node, request, policy, deadline).await;
        if let Err(failure) = &outcome
            && failure.code.is_session_over()
            && attempts == 1
        {
            continue; // refused, and another connection begins another session
        }
        let may_repeat = |failure: &Failure| {
            !was_sent
                && failure.code.is_retryable()
                && node.is_active()
                && attempts <= u32::from(policy.max_retries)
                && !deadline.has_passed(Instant::now())
        };
        match outcome {
            Err(failure) if may_repeat(&failure) => {
                tokio::time::sleep(COMMAND.pause_at_least(policy.pause(), attempts)).await;
            }
            outcome => return Answer { node, outcome, attempts, was_sent },
        }
    }
}

/// One attempt, and whether it may have reached the node.
async fn attempt(
    node: &Node,
    request: &BytesMut,
    policy: CommandPolicy,
    deadline: Deadline,
) -> (Result<(), Failure>, bool) {
    let begun = Instant::now();
    let limit = Deadline::after(begun, policy.socket_timeout).earlier(deadline);
    let mut lease = match node.pool.lease(limit).await {
        Ok(lease) => lease,
        Err(failure) => return (Err(failure), false),
    };
    let exchange = async {
        let connection = lease.connection()?;
        connection.send(request).await?;
        connection.receive().await?.into_message()
    };
    let answer = limit.bound(node.pool.unless_closed(exchange)).await;
    match answer.unwrap_or_else(|_| Err(Failure::timeout("the node did not answer in time"))) {
        Ok(message) => {
            lease.done();
            let result = Message::decode_exact(&message).map_or(ResultCode::OK, |m| m.header.result);
            if let Some(series) = node.metrics().of(Kind::Job) {
                series.took(begun.elapsed());
                series.bytes(request.len() as u64, message.len() as u64);
                if !result.is_ok() {
                    series.result(result.into(), 1);
                }
            }
            if Code::from(result).is_session_over() {
                node.pool.renounce(begun);
            }
            (if result.is_ok() { Ok(()) } else { Err(Failure::answer(result, message)) }, true)
        }
        Err(failure) => {
            node.health.record_connection_error();
            node.metrics().failed(Kind::Job, begun.elapsed(), failure.code);
            (Err(failure), true)
        }
    }
}

/// All nodes must have taken it on; one that does not know the set has nothing to do, unless none does.
fn judge(answers: Vec<Answer>, start: Instant) -> Result<(), Error> {
    let names = |so: fn(&Answer) -> bool| {
        let names: Vec<&str> = answers.iter().filter(|a| so(a)).map(|a| &*a.node.name).collect();
        names.join(", ")
    };
    let accepted = names(|a| a.outcome.is_ok());
    let is_absence = |failure: &Failure| failure.code == ResultCode::NOT_FOUND.into() && !accepted.is_empty();
    let mut failed = answers.iter().filter_map(|answer| match &answer.outcome {
        Err(failure) if !is_absence(failure) => Some((answer, failure)),
        _ => None,
    });
    let Some((first, failure)) = failed.clone().next() else { return Ok(()) };
    let sub_errors: Vec<SubError> = failed
        .clone()
        .map(|(answer, failure)| SubError {
            code: failure.code,
            detail: failure.detail.clone(),
            node: Some(answer.node.name.clone()),
            attempt: answer.attempts,
            in_doubt: answer.was_sent && failure.code.leaves_doubt(),
            elapsed: Duration::ZERO,
        })
        .collect();
    let in_doubt = !accepted.is_empty() || failed.any(|(a, f)| a.was_sent && f.code.leaves_doubt());
    let detail = match accepted.as_str() {
        "" => failure.detail.to_string(),
        accepted => format!("{failure}; the job runs on {accepted} all the same"),
    };
    Err(Error::new(failure.code, detail)
        .at(Some(first.node.name.clone()), first.attempts, start.elapsed())
        .in_doubt_if(in_doubt)
        .with_sub_errors(sub_errors)
        .with_message(if accepted.is_empty() { failure.message.clone() } else { None }))
}
