//! The numbers of what crosses, by name, as `src/boundary/layout.ts` has them; a test there compares the tables, and the
//! tests of `entry.rs` and `completion.rs` read and write bytes that TypeScript's tests write and read too.

/// What a request entry asks for. A call that was cancelled before it was handed over is skipped.
pub(crate) mod entry_kind {
    pub(crate) const SKIPPED: u8 = 0;
    pub(crate) const RECORD: u8 = 1;
    pub(crate) const BATCH: u8 = 2;
}

pub(crate) mod entry_flag {
    /// The command can be cancelled: keep track of it.
    pub(crate) const CANCELLABLE: u8 = 1;
    /// Its completion is to say when it was sent and answered.
    pub(crate) const TIMED: u8 = 2;
}

/// What a policy says in a bit.
pub(crate) mod policy_flag {
    /// A write in doubt may be sent again.
    pub(crate) const IDEMPOTENT: u8 = 1;
    /// Behind the body of the entry stands when a read is asked of another replica too, and how often.
    pub(crate) const HEDGED: u8 = 2;
}

/// Where the parts of an entry are that are looked at on their own.
pub(crate) mod entry_at {
    pub(crate) const KIND: usize = 8;
    pub(crate) const ROW_COUNT: usize = 48;
}

/// How a row of a batch differs from the one before it.
pub(crate) mod row_flag {
    pub(crate) const SAME_KEYSPACE: u8 = 1;
    pub(crate) const SAME_SPEC: u8 = 2;
    pub(crate) const SEND_KEY: u8 = 4;
}

pub(crate) mod completion_kind {
    pub(crate) const RECORD: u8 = 1;
    pub(crate) const FAILURE: u8 = 2;
    pub(crate) const BATCH: u8 = 3;
}

pub(crate) mod completion_flag {
    pub(crate) const IN_DOUBT: u8 = 1;
    pub(crate) const HAS_MESSAGE: u8 = 2;
    /// Others of the ticket follow.
    pub(crate) const IS_PART: u8 = 4;
    /// The table and the pages are in the completion.
    pub(crate) const IS_WHOLE: u8 = 8;
    /// It ends with when the command was sent and answered.
    pub(crate) const HAS_TIMING: u8 = 16;
}

/// Of a row in the table of a batch's answer.
pub(crate) mod outcome_flag {
    pub(crate) const IN_DOUBT: u8 = 1;
    pub(crate) const IS_ELSEWHERE: u8 = 2;
}

/// Bytes of the parts whose length is fixed.
pub(crate) mod size {
    /// What every entry begins with.
    pub(crate) const ENTRY_HEAD: usize = 28;
    /// Flags, generation, TTL, counts and sizes of a command or spec.
    pub(crate) const COMMAND: usize = 24;
    /// A row of the table.
    pub(crate) const OUTCOME: usize = 12;
}

/// Bytes that the tests of both languages write and read.
#[cfg(test)]
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let all = include_str!("../fixtures/boundary.txt");
    let line = all.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).expect(name);
    let digits: Vec<u8> = line.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
