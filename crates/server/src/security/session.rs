//! Sessions: what a login gives, and other connections join by its token.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio_rustls::rustls::crypto::ring;

/// Bytes of a token.
pub(super) const TOKEN_SIZE: usize = 32;
/// Sessions that are remembered; the oldest gives way.
const MAX_SESSIONS: usize = 100_000;

type Token = [u8; TOKEN_SIZE];

/// Whose a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) user: String,
    /// The user's number: one who is made anew under the same name is another.
    pub(super) id: u64,
}

#[derive(Debug)]
struct Session {
    owner: Owner,
    expires: Instant,
}

/// Why a token opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    Unknown,
    Expired,
}

/// The sessions of a cluster. It is never printed with their tokens.
pub(crate) struct Sessions {
    /// Seconds that one lives.
    ttl: u32,
    table: Mutex<HashMap<Token, Session>>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

impl Sessions {
    pub(super) fn new(ttl: u32) -> Self {
        Self { ttl, table: Mutex::default() }
    }

    /// Seconds that a session lives.
    pub(super) fn ttl(&self) -> u32 {
        self.ttl
    }

    /// Begins a session; `None` when the system has no random numbers.
    pub(super) fn begin(&self, owner: Owner) -> Option<Token> {
        let mut token = [0; TOKEN_SIZE];
        ring::default_provider().secure_random.fill(&mut token).ok()?;
        let expires = Instant::now() + Duration::from_secs(self.ttl.into());
        let mut table = self.table.lock();
        if table.len() >= MAX_SESSIONS {
            make_room(&mut table);
        }
        table.insert(token, Session { owner, expires });
        Some(token)
    }

    /// Whose session a token names.
    pub(super) fn owner(&self, token: &[u8]) -> Result<Owner, Closed> {
        let table = self.table.lock();
        let session = token.try_into().ok().and_then(|token: Token| table.get(&token)).ok_or(Closed::Unknown)?;
        if session.expires <= Instant::now() { Err(Closed::Expired) } else { Ok(session.owner.clone()) }
    }
}

/// Forgets sessions that are over, and the oldest tenth if that is not enough.
fn make_room(table: &mut HashMap<Token, Session>) {
    let now = Instant::now();
    table.retain(|_, session| session.expires > now);
    if table.len() >= MAX_SESSIONS {
        let mut ends: Vec<_> = table.values().map(|session| session.expires).collect();
        let (_, end, _) = ends.select_nth_unstable(MAX_SESSIONS / 10);
        let end = *end;
        table.retain(|_, session| session.expires > end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner { user: "ann".into(), id: 1 }
    }

    #[test]
    fn a_token_names_its_session_until_it_ends() {
        let sessions = Sessions::new(60);
        let token = sessions.begin(owner()).unwrap();
        assert_eq!(sessions.owner(&token), Ok(owner()));
        assert!(!format!("{sessions:?}").contains(&format!("{token:?}")));
        assert_eq!(sessions.owner(&token[1..]), Err(Closed::Unknown));
        assert_eq!(sessions.owner(&[0; TOKEN_SIZE]), Err(Closed::Unknown));
        assert_ne!(sessions.begin(owner()), Some(token));
        let over = Sessions::new(0);
        let token = over.begin(owner()).unwrap();
        assert_eq!(over.owner(&token), Err(Closed::Expired));
    }
}
