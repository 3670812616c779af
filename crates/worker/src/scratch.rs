//! The folder for the files of running cuts. Each claim has a folder of its own in it, until its
//! last file is no longer used.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clearcut_job::JobId;
use clearcut_queue::ClaimedJob;
use clearcut_store::empty_folder;

/// The scratch folder of this process, and what in it is in use.
#[derive(Debug)]
pub(crate) struct Scratch {
    folder: PathBuf,
    /// Names of the folders of claims that are worked on or wound down.
    in_use: Mutex<HashSet<String>>,
}

impl Scratch {
    /// Opens `folder`, and removes what an earlier process left in it.
    ///
    /// # Errors
    /// If it cannot be made or emptied.
    pub(crate) fn open(folder: &Path) -> io::Result<Arc<Self>> {
        empty_folder(folder)?;
        Ok(Arc::new(Self { folder: folder.to_owned(), in_use: Mutex::default() }))
    }

    /// The folder of a claim. It is not made yet.
    pub(crate) fn folder_of(self: &Arc<Self>, claimed: &ClaimedJob) -> ScratchFolder {
        let name = format!("{}-{}", claimed.id, claimed.token);
        self.in_use().insert(name.clone());
        ScratchFolder { path: self.folder.join(&name), name, scratch: Arc::clone(self) }
    }

    /// Removes the folders of claims that this process no longer works on. Such a folder is left if it
    /// could not be removed when the claim ended, for example because the disk was read-only.
    pub(crate) fn clear_leftovers(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !is_of_claim(&name) || self.in_use().contains(&name) {
                continue;
            }
            if let Err(error) = fs::remove_dir_all(entry.path())
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(name, %error, "the scratch folder of an ended claim could not be removed");
            }
        }
    }

    fn in_use(&self) -> MutexGuard<'_, HashSet<String>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a folder with this name is that of a claim.
fn is_of_claim(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(job, token)| job.parse::<JobId>().is_ok() && token.parse::<u64>().is_ok())
}

/// The folder of one claim, removed with all its files when this is dropped.
#[derive(Debug)]
pub(crate) struct ScratchFolder {
    scratch: Arc<Scratch>,
    name: String,
    path: PathBuf,
}

impl ScratchFolder {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder if it does not exist. Also makes the folder of all claims if it was deleted, but not the data
    /// folder: if that is missing, its volume is no longer mounted.
    ///
    /// # Errors
    /// If a folder cannot be made.
    pub(crate) fn make(&self) -> io::Result<()> {
        if !self.scratch.folder.exists() {
            fs::create_dir(&self.scratch.folder)?;
        }
        match fs::create_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }
}

/// The clip of a split job, which a slot keeps from one part to the next.
#[derive(Debug)]
pub(crate) struct KeptClip {
    job: JobId,
    /// The folder of the claim that fetched it, with nothing else in it.
    folder: ScratchFolder,
}

impl ScratchFolder {
    /// The place of the clip in this folder.
    pub(crate) fn clip(&self) -> PathBuf {
        self.path.join("input")
    }

    /// Keeps the clip, which is that of `job`, and removes everything else. `None` if that fails.
    pub(crate) fn keep_clip(self, job: JobId) -> Option<KeptClip> {
        for entry in fs::read_dir(&self.path).ok()? {
            let entry = entry.ok()?;
            if entry.path() != self.clip() {
                let is_folder = entry.file_type().ok()?.is_dir();
                if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) }.ok()?;
            }
        }
        Some(KeptClip { job, folder: self })
    }
}

impl KeptClip {
    /// Whether this is the clip of `job`.
    pub(crate) fn is_of(&self, job: &JobId) -> bool {
        self.job == *job
    }

    /// Moves the clip into `folder`. Returns whether it is there.
    pub(crate) fn move_to(self, folder: &ScratchFolder) -> bool {
        fs::rename(self.folder.clip(), folder.clip()).is_ok()
    }
}

impl Drop for ScratchFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(name = self.name, %error, "a scratch folder could not be removed yet");
        }
        self.scratch.in_use().remove(&self.name);
    }
}
