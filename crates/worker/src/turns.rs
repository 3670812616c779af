//! Places that the API keys take in turn, by the order in which jobs are claimed: the key that
//! holds fewer places first, then the key that was served longest ago, then whoever came first.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clearcut_queue::KeyId;
use tokio::sync::oneshot;

/// A number of places.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Mutex<State>>);

/// A place, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    owner: KeyId,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// Whoever waits, in order of arrival.
    waiting: Vec<(KeyId, oneshot::Sender<Turn>)>,
    /// The keys that hold a place or wait for one.
    keys: HashMap<KeyId, Served>,
    /// Number of the last turn.
    last: u64,
}

/// What an API key got.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Served {
    /// Number of places that it holds.
    held: usize,
    /// Number of its last turn; 0 if it had none.
    last: u64,
}

impl Turns {
    pub(crate) fn new(places: NonZeroUsize) -> Self {
        let state = State { free: places.get(), waiting: Vec::new(), keys: HashMap::new(), last: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Waits for a place for `owner`. Dropping the future ends the wait. `None` never happens,
    /// unless a thread panicked here.
    pub(crate) async fn take(&self, owner: KeyId) -> Option<Turn> {
        let (sender, turn) = oneshot::channel();
        self.lock().waiting.push((owner, sender));
        self.serve();
        turn.await.ok()
    }

    /// Gives the free places away.
    fn serve(&self) {
        while let Some((owner, place)) = self.lock().next() {
            // If nobody waits there any more, dropping the turn gives it to the next.
            let _ = place.send(Turn { turns: self.clone(), owner });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The lock is never poisoned: nothing panics while holding it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes a place for the next key, if there are both.
    fn next(&mut self) -> Option<(KeyId, oneshot::Sender<Turn>)> {
        self.waiting.retain(|(_, place)| !place.is_closed());
        self.keys.retain(|key, served| served.held > 0 || self.waiting.iter().any(|(owner, _)| owner == key));
        if self.free == 0 {
            return None;
        }
        let served = |owner: &KeyId| self.keys.get(owner).copied().unwrap_or_default();
        let (next, _) = self.waiting.iter().enumerate().min_by_key(|(_, (owner, _))| served(owner))?;
        let (owner, place) = self.waiting.remove(next);
        self.free -= 1;
        self.last += 1;
        let key = self.keys.entry(owner).or_default();
        *key = Served { held: key.held + 1, last: self.last };
        Some((owner, place))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.turns.lock();
        state.free += 1;
        if let Some(key) = state.keys.get_mut(&self.owner) {
            key.held -= 1;
        }
        drop(state);
        self.turns.serve();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt as _, future::BoxFuture};

    use super::*;

    const A: KeyId = KeyId(1);
    const B: KeyId = KeyId(2);
    const C: KeyId = KeyId(3);

    /// The waits of these keys, in order of arrival, and whoever is served at once.
    fn arrive(turns: &Turns, owners: &[KeyId]) -> Vec<(KeyId, BoxFuture<'static, Option<Turn>>)> {
        let wait = |owner: &KeyId| {
            let (turns, owner) = (turns.clone(), *owner);
            let mut wait = async move { turns.take(owner).await }.boxed();
            assert!((&mut wait).now_or_never().is_none(), "nobody waits");
            (owner, wait)
        };
        owners.iter().map(wait).collect()
    }

    /// The order in which the waits are served by one place, which is `held` at first.
    fn order(held: Turn, mut waits: Vec<(KeyId, BoxFuture<'static, Option<Turn>>)>) -> Vec<KeyId> {
        let (mut held, mut served) = (Some(held), Vec::new());
        while !waits.is_empty() {
            drop(held.take());
            let index = waits.iter_mut().position(|(_, wait)| {
                held = wait.now_or_never().flatten();
                held.is_some()
            });
            served.push(waits.remove(index.unwrap()).0);
        }
        served
    }

    fn now(turns: &Turns, owner: KeyId) -> Option<Turn> {
        pin!(turns.take(owner)).now_or_never().flatten()
    }

    #[test]
    fn keys_are_served_in_turn_whatever_they_ask_for_at_once() {
        let turns = Turns::new(NonZeroUsize::MIN);
        let held = now(&turns, A).unwrap();
        let waits = arrive(&turns, &[A, A, A, B, B, C]);
        assert_eq!(order(held, waits), [B, C, A, B, A, A]);
        assert!(turns.lock().keys.len() <= 1 && now(&turns, B).is_some());
    }

    #[test]
    fn a_key_that_holds_a_place_lets_one_without_go_first() {
        let turns = Turns::new(NonZeroUsize::new(2).unwrap());
        let (first, second) = (now(&turns, A).unwrap(), now(&turns, A).unwrap());
        let mut waits = arrive(&turns, &[A, B, B]);
        drop(first);
        let mut served = |index: usize| (&mut waits[index].1).now_or_never().flatten();
        assert!(served(0).is_none() && served(2).is_none());
        let of_b = served(1).unwrap();
        drop(second);
        assert!(served(2).is_none(), "B holds a place, A holds none");
        let of_a = served(0).unwrap();
        drop((of_a, of_b));
        assert!(served(2).is_some());
    }

    #[test]
    fn a_wait_that_ends_gives_its_place_to_the_next() {
        let turns = Turns::new(NonZeroUsize::MIN);
        let held = now(&turns, A).unwrap();
        let mut waits = arrive(&turns, &[B, C, A]);
        drop(waits.remove(0));
        drop(held);
        // C is served, but goes away before it sees that.
        drop(waits.remove(0));
        assert!((&mut waits[0].1).now_or_never().flatten().is_some());
        waits.clear();
        assert_eq!(turns.lock().free, 1);
    }
}
