//! The tokens in use: looked up once, checked again in the background, so that a call costs no query
//! and a missing database stops nobody who is already known.
//!
//! It knows nothing about HTTP. What is in the cache is valid: the keeper task takes out what is not.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use tokio_util::sync::CancellationToken;

use super::{Digest, Principal, Secret, token_expired, token_unknown};
use crate::{
    db::Db,
    error::Result,
    ids::TokenId,
    workspace::{Token, store},
};

/// Idle tokens kept at most. Tokens with calls in flight are kept beyond it; those are bounded by
/// `server.calls_max`.
const IDLE_MAX: usize = 8192;
/// `last_use_time` is written at most this often for one token.
const LAST_USE_EVERY: Duration = Duration::from_secs(60);

/// The tokens that this server has seen lately.
pub struct Tokens {
    db: Db,
    /// Never held over an await.
    entries: Mutex<HashMap<Digest, Entry>>,
    /// Grows with each revocation here: a look-up that one has overtaken asks again.
    revocations: AtomicU64,
    /// Half of `auth.token_cache_s`: then what another server revoked is noticed in time.
    check_every: Duration,
}

struct Entry {
    principal: Arc<Principal>,
    /// The last call.
    seen: Instant,
    /// When to note, as `last_use_time`; absent: nothing new since the last write.
    used: Option<SystemTime>,
    written: Option<Instant>,
}

impl Tokens {
    /// An empty cache whose entries are never older than `fresh`.
    pub fn new(db: Db, fresh: Duration) -> Self {
        Self {
            db,
            entries: Mutex::default(),
            revocations: AtomicU64::new(0),
            check_every: (fresh / 2).max(Duration::from_millis(100)),
        }
    }

    /// Whom a token names.
    ///
    /// # Errors
    /// `TOKEN_UNKNOWN`, `TOKEN_EXPIRED`, or `DATABASE_UNAVAILABLE` if it was not seen lately and
    /// cannot be looked up.
    pub async fn authenticate(&self, bearer: &str) -> Result<Arc<Principal>> {
        // Nothing is remembered about tokens that do not exist: guesses cannot fill the memory.
        let digest = Secret::parse_token(bearer).ok_or_else(token_unknown)?.digest();
        if let Some(principal) = self.cached(&digest) {
            return if principal.is_expired() { Err(token_expired()) } else { Ok(principal) };
        }
        loop {
            let before = self.revocations.load(Ordering::SeqCst);
            let token = store::token_by_hash(&self.db, &digest).await?;
            let token = token.filter(|token| token.revoke_time.is_none()).ok_or_else(token_unknown)?;
            if token.expire_time.is_some_and(|at| at <= SystemTime::now()) {
                return Err(token_expired());
            }
            let mut entries = self.entries();
            // A revocation between the query and now has found nothing to cancel.
            if self.revocations.load(Ordering::SeqCst) == before {
                return Ok(insert(&mut entries, digest, token));
            }
        }
    }

    /// Ends the calls of a token that was just revoked here. Call it after the commit.
    pub fn revoke(&self, id: TokenId) {
        let mut entries = self.entries();
        self.revocations.fetch_add(1, Ordering::SeqCst);
        entries.retain(|_, entry| {
            let stays = entry.principal.token_id != id;
            if !stays {
                entry.principal.revoked.cancel();
            }
            stays
        });
    }

    /// Keeps the cache true until `stop`: takes out revoked and idle tokens, writes last uses. The
    /// caller owns the future.
    pub async fn keep(&self, stop: CancellationToken) {
        loop {
            let stopping = tokio::select! {
                () = stop.cancelled() => true,
                () = tokio::time::sleep(self.check_every) => false,
            };
            // While the database is away everything stays as it is: known tokens go on.
            let kept = self.check(stopping).await;
            if let Err(error) = kept {
                tracing::warn!(%error, "tokens could not be checked; those in use stay valid");
            }
            if stopping {
                return;
            }
        }
    }

    async fn check(&self, stopping: bool) -> Result<()> {
        let now = Instant::now();
        let (ids, used) = {
            let mut entries = self.entries();
            let ids: HashSet<TokenId> = entries.values().map(|entry| entry.principal.token_id).collect();
            (ids, entries.values_mut().filter_map(|entry| entry.take_use(now, stopping)).collect())
        };
        if ids.is_empty() {
            return Ok(());
        }
        store::note_last_uses(&self.db, used).await?;
        let live = store::live_tokens(&self.db, &ids).await?;
        let idle_after = self.check_every * 2;
        self.entries().retain(|_, entry| {
            let id = entry.principal.token_id;
            // Looked up after the list was made: not in question.
            if !ids.contains(&id) {
                return true;
            }
            if !live.contains(&id) {
                entry.principal.revoked.cancel();
                return false;
            }
            entry.in_use() || entry.used.is_some() || now.duration_since(entry.seen) < idle_after
        });
        Ok(())
    }

    fn cached(&self, digest: &Digest) -> Option<Arc<Principal>> {
        let mut entries = self.entries();
        let entry = entries.get_mut(digest)?;
        entry.seen = Instant::now();
        entry.used = Some(SystemTime::now());
        Some(Arc::clone(&entry.principal))
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Digest, Entry>> {
        // Nothing that runs under the lock leaves the map half changed.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn in_use(&self) -> bool {
        Arc::strong_count(&self.principal) > 1
    }

    /// The last use, if it is time to write it; `now_or_never` at the end of the server.
    fn take_use(&mut self, now: Instant, now_or_never: bool) -> Option<(TokenId, SystemTime)> {
        let due = self.written.is_none_or(|at| now.duration_since(at) >= LAST_USE_EVERY);
        if !due && !now_or_never {
            return None;
        }
        let used = self.used.take()?;
        self.written = Some(now);
        Some((self.principal.token_id, used))
    }
}

fn insert(entries: &mut HashMap<Digest, Entry>, digest: Digest, token: Token) -> Arc<Principal> {
    // Two first calls at once: both get the same value, or revoking would miss one.
    if let Some(entry) = entries.get(&digest) {
        return Arc::clone(&entry.principal);
    }
    if entries.len() >= IDLE_MAX {
        make_room(entries);
    }
    let principal = Arc::new(Principal {
        token_id: token.id,
        token_name: token.name,
        workspace: token.workspace,
        role: token.role,
        terminal: token.terminal,
        read_only: token.read_only,
        expires: token.expire_time,
        revoked: CancellationToken::new(),
    });
    let entry = Entry {
        principal: Arc::clone(&principal),
        seen: Instant::now(),
        used: Some(SystemTime::now()),
        written: None,
    };
    entries.insert(digest, entry);
    principal
}

/// Forgets the older half of the idle ones, so that the next insertions need no search.
fn make_room(entries: &mut HashMap<Digest, Entry>) {
    let mut idle: Vec<Instant> = entries.values().filter(|e| !e.in_use()).map(|e| e.seen).collect();
    if idle.is_empty() {
        return;
    }
    let middle = idle.len() / 2;
    let (_, &mut median, _) = idle.select_nth_unstable(middle);
    entries.retain(|_, entry| entry.in_use() || entry.seen > median);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::Role, ids::WorkspaceId};

    fn token() -> Token {
        Token {
            id: TokenId::new(),
            workspace: WorkspaceId::new(),
            name: "t".into(),
            role: Role::Viewer,
            create_time: SystemTime::now(),
            expire_time: None,
            last_use_time: None,
            revoke_time: None,
            terminal: None,
            read_only: false,
        }
    }

    fn digest(number: u32) -> Digest {
        let mut digest = Digest::default();
        digest[..4].copy_from_slice(&number.to_be_bytes());
        digest
    }

    #[test]
    fn one_token_is_one_principal() {
        let mut entries = HashMap::new();
        let first = insert(&mut entries, digest(1), token());
        let second = insert(&mut entries, digest(1), token());
        assert!(Arc::ptr_eq(&first, &second));
    }

    #[test]
    fn idle_tokens_are_bounded_and_used_ones_stay() {
        let mut entries = HashMap::new();
        let used = insert(&mut entries, digest(0), token());
        for number in 1..3 * u32::try_from(IDLE_MAX).unwrap() {
            insert(&mut entries, digest(number), token());
            assert!(entries.len() <= IDLE_MAX + 1);
        }
        assert!(Arc::ptr_eq(&entries[&digest(0)].principal, &used));
    }

    #[test]
    fn last_uses_are_written_once_a_minute_and_at_the_end() {
        let mut entries = HashMap::new();
        insert(&mut entries, digest(1), token());
        let entry = entries.get_mut(&digest(1)).unwrap();
        let now = Instant::now();
        assert!(entry.take_use(now, false).is_some());
        entry.used = Some(SystemTime::now());
        assert!(entry.take_use(now + Duration::from_secs(59), false).is_none());
        assert!(entry.take_use(now + Duration::from_secs(61), false).is_some());
        assert!(entry.take_use(now + Duration::from_secs(62), true).is_none());
        entry.used = Some(SystemTime::now());
        assert!(entry.take_use(now + Duration::from_secs(63), true).is_some());
    }
}
