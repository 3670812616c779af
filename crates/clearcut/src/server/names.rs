//! Names that lead where a test says, one look-up after the other. Release builds have nothing of this.

use std::{collections::HashMap, io, net::IpAddr, pin::Pin, sync::Mutex};

use clearcut_outbound::Names;

/// Names with the answers of their look-ups in order; the last one holds from then on. Other names have no address.
#[derive(Debug)]
pub(crate) struct ScriptedNames(Mutex<HashMap<String, Vec<IpAddr>>>);

impl ScriptedNames {
    /// Reads `NAME=ADDRESS,ADDRESS;NAME=ADDRESS`.
    pub(crate) fn parse(text: &str) -> Self {
        let names = text.split(';').filter_map(|entry| entry.split_once('='));
        let read = |addresses: &str| addresses.split(',').filter_map(|address| address.parse().ok()).collect();
        Self(Mutex::new(names.map(|(name, addresses)| (name.to_owned(), read(addresses))).collect()))
    }
}

impl Names for ScriptedNames {
    fn look_up(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let mut names = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let answer = names.get_mut(&name).and_then(|left| {
            let next = left.first().copied();
            if left.len() > 1 {
                left.remove(0);
            }
            next
        });
        Box::pin(async move { Ok(answer.into_iter().collect()) })
    }
}
