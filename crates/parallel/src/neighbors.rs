//! An iterator adapter that gives each item with its neighbors.

use std::{collections::VecDeque, sync::Arc};

/// An item of a stream with up to `reach` neighbors on each side; fewer at the ends of the stream.
#[derive(Debug, Clone)]
pub struct Neighbors<T> {
    /// The items in stream order, the neighbors included.
    items: Vec<Arc<T>>,
    position: usize,
}

impl<T> Neighbors<T> {
    /// The neighbors before the item, nearest first.
    #[must_use]
    pub fn before(&self) -> Vec<&T> {
        self.items[..self.position].iter().rev().map(Arc::as_ref).collect()
    }

    /// The item itself.
    #[must_use]
    pub fn current(&self) -> &T {
        &self.items[self.position]
    }

    /// The neighbors after the item, nearest first.
    #[must_use]
    pub fn after(&self) -> Vec<&T> {
        self.items[self.position + 1..].iter().map(Arc::as_ref).collect()
    }
}

/// Gives each item of a stream together with its `reach` neighbors on each side.
///
/// An item is a shared part, which its neighbors also read, and a part of its own. At most
/// `2 × reach + 1` shared and `reach + 1` own parts are held.
pub fn with_neighbors<T, O>(
    reach: usize,
    items: impl Iterator<Item = (Arc<T>, O)>,
) -> impl Iterator<Item = (Neighbors<T>, O)> {
    let mut items = items.fuse();
    let mut shared = VecDeque::with_capacity(2 * reach + 1);
    let mut waiting = VecDeque::with_capacity(reach + 1);
    std::iter::from_fn(move || {
        while waiting.len() <= reach
            && let Some((item, own)) = items.next()
        {
            shared.push_back(item);
            waiting.push_back(own);
        }
        let own = waiting.pop_front()?;
        let position = shared.len() - waiting.len() - 1;
        let neighbors = Neighbors { items: shared.iter().cloned().collect(), position };
        if position == reach {
            shared.pop_front();
        }
        Some((neighbors, own))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_comes_with_its_neighbors_nearest_first() {
        let items = (0..5).map(|item| (Arc::new(item), 10 * item));
        let seen: Vec<_> = with_neighbors(2, items)
            .map(|(neighbors, own)| {
                let values = |side: Vec<&i32>| side.into_iter().copied().collect::<Vec<_>>();
                (values(neighbors.before()), *neighbors.current(), values(neighbors.after()), own)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (vec![], 0, vec![1, 2], 0),
                (vec![0], 1, vec![2, 3], 10),
                (vec![1, 0], 2, vec![3, 4], 20),
                (vec![2, 1], 3, vec![4], 30),
                (vec![3, 2], 4, vec![], 40),
            ]
        );
    }

    #[test]
    fn a_stream_shorter_than_the_reach_is_complete() {
        for length in 0..4 {
            let items = (0..length).map(|item| (Arc::new(item), ()));
            assert_eq!(with_neighbors(8, items).count(), length);
        }
    }
}
