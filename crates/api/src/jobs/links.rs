//! Links to the outputs and the inputs of jobs: signed by this server, or presigned for the store.

use std::time::Duration;

use clearcut_job::{ObjectName, OutputPointer, UnixMillis, error_line};
use clearcut_queue::JobRecord;
use clearcut_store::{ReplyHeaders, Store, StoreError, UrlSigner};

use crate::files::content_disposition;

/// How long clients may keep a file: it never changes.
pub(crate) const CACHE_CONTROL: &str = "private, max-age=3600, immutable";

/// What links are made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkMaker<'a> {
    pub(crate) signer: &'a UrlSigner,
    /// The store, if clients read from it.
    pub(crate) presigning: Option<&'a Store>,
    /// Base URL of links of this server.
    pub(crate) base: &'a str,
    pub(crate) now: UnixMillis,
    pub(crate) ttl: Duration,
}

/// Links to the outputs of one job.
#[derive(Debug)]
pub(crate) struct OutputLinks(Vec<(ObjectName, String)>);

impl OutputLinks {
    /// The link to `output`.
    pub(crate) fn to(&self, output: &OutputPointer) -> String {
        let found = self.0.iter().find(|(name, _)| *name == output.object_name);
        found.map(|(_, link)| link.clone()).unwrap_or_default()
    }
}

impl LinkMaker<'_> {
    /// Makes the links to the outputs of `record`. They include the file name for downloads if the
    /// clip has a name.
    pub(crate) async fn links(&self, record: &JobRecord) -> OutputLinks {
        let mut links = Vec::new();
        for output in record.outcome.iter().flat_map(|outcome| &outcome.outputs) {
            let link = match self.presigning {
                Some(store) => self.presign(store, output, record).await.unwrap_or_else(|error| {
                    warn_of(&error);
                    self.sign(output, record)
                }),
                None => self.sign(output, record),
            };
            links.push((output.object_name.clone(), link));
        }
        OutputLinks(links)
    }

    /// Makes the link to the input of `record`, which is the object `name` of the media type
    /// `content_type`.
    pub(crate) async fn input_link(&self, record: &JobRecord, name: &ObjectName, content_type: &str) -> String {
        let file_name = record.clip_name.as_ref().map(ToString::to_string);
        if let Some(store) = self.presigning {
            let disposition = content_disposition("attachment", file_name.as_deref().unwrap_or(record.id.as_str()));
            let headers =
                ReplyHeaders { content_type, content_disposition: &disposition, cache_control: CACHE_CONTROL };
            match store.presign_read(name, headers, self.ttl).await {
                Ok(link) => return link,
                Err(error) => warn_of(&error),
            }
        }
        self.signed(name, file_name.as_deref())
    }

    fn sign(&self, output: &OutputPointer, record: &JobRecord) -> String {
        let file_name = record.clip_name.as_ref().map(|clip| clip.of_output(output.format));
        self.signed(&output.object_name, file_name.as_deref())
    }

    fn signed(&self, name: &ObjectName, file_name: Option<&str>) -> String {
        let expires = self.now.after(self.ttl);
        let signed = match file_name {
            Some(file_name) => self.signer.sign_as(name, file_name, expires),
            None => self.signer.sign(name, expires),
        };
        format!("{}{}", self.base, signed.0)
    }

    async fn presign(&self, store: &Store, output: &OutputPointer, record: &JobRecord) -> Result<String, StoreError> {
        let format = output.format;
        let file_name = match &record.clip_name {
            Some(clip) => clip.of_output(format),
            None => format!("{}-{format}.{}", record.id, format.extension()),
        };
        // A page cannot make a browser save a file of another origin; the store has to.
        let disposition = content_disposition("attachment", &file_name);
        let headers = ReplyHeaders {
            content_type: format.mime(),
            content_disposition: &disposition,
            cache_control: CACHE_CONTROL,
        };
        store.presign_read(&output.object_name, headers, self.ttl).await
    }
}

fn warn_of(error: &StoreError) {
    tracing::warn!(error = error_line(error), "a link could not be presigned; this server serves the file");
}
