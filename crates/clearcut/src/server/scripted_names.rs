//! Test hook of debug builds: scripted name resolution. Release builds do not contain it.

use std::{collections::HashMap, io, net::IpAddr, pin::Pin, sync::Mutex};

use clearcut_outbound::Names;

/// Host names with the answers to their look-ups, in order; the last answer repeats. Other names
/// have no address.
#[derive(Debug)]
pub(crate) struct ScriptedNames(Mutex<HashMap<String, Vec<IpAddr>>>);

impl ScriptedNames {
    /// Parses `NAME=ADDRESS,ADDRESS;NAME=ADDRESS`.
    pub(crate) fn parse(text: &str) -> Self {
        let names = text.split(';').filter_map(|entry| entry.split_once('='));
        let parse = |addresses: &str| addresses.split(',').filter_map(|address| address.parse().ok()).collect();
        Self(Mutex::new(names.map(|(name, addresses)| (name.to_owned(), parse(addresses))).collect()))
    }
}

impl Names for ScriptedNames {
    fn look_up(&self, name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let mut names = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let answer = names.get_mut(&name).and_then(|answers| {
            let next = answers.first().copied();
            if answers.len() > 1 {
                answers.remove(0);
            }
            next
        });
        Box::pin(async move { Ok(answer.into_iter().collect()) })
    }
}
