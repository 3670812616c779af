//! Diagnosis of a bucket for operators: what the server needs of it, one finding each.

use std::time::{Duration, UNIX_EPOCH};

use clearcut_job::Clock;
use object_store::{
    Error, GetOptions, MultipartUpload as _, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    path::Path as Location,
    signer::{Method, SignedUrlOptions, Signer as _},
};
use reqwest::header;

use crate::{
    CheckError, Origin, Right, Store, StoreFault,
    check::{CHECKS, random_name},
};

/// Largest difference of clocks that S3 accepts is 15 minutes.
const MAX_SKEW: Duration = Duration::from_mins(5);

/// Lifetime of the URLs of a diagnosis.
const URL_TTL: Duration = Duration::from_mins(1);

/// Size of the part of a multipart upload.
const PART_BYTES: usize = 5 << 20;

/// One thing that the server needs of its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The thing, in one word.
    pub name: &'static str,
    /// Whether the bucket has it.
    pub verdict: Verdict,
    /// A sentence: what was found, and what to do.
    pub text: String,
}

/// Whether a bucket has what the server needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has.
    Good,
    /// It has not, and the server works without.
    Advice,
    /// It has not, and something will fail.
    Bad,
}

impl Finding {
    fn good(name: &'static str, text: &str) -> Self {
        Self { name, verdict: Verdict::Good, text: text.to_owned() }
    }

    fn bad(name: &'static str, text: &str) -> Self {
        Self { name, verdict: Verdict::Bad, text: text.to_owned() }
    }

    fn of(name: &'static str, result: Result<(), CheckError>, good: &str) -> Self {
        match result {
            Ok(()) => Self::good(name, good),
            Err(error) => Self::bad(name, &format!("{error}. {}", error.fault.hint())),
        }
    }
}

impl Store {
    /// Finds out what the server needs of its bucket; nothing for a folder. `origin` is that of pages
    /// that show results; `clock` is that of this machine.
    ///
    /// # Errors
    /// If the bucket cannot be used at all, as [`Store::check`] says.
    pub async fn diagnose(&self, origin: &Origin, clock: &dyn Clock) -> Result<Vec<Finding>, CheckError> {
        self.check().await?;
        if self.bucket.is_none() {
            return Ok(Vec::new());
        }
        let place = Location::from(format!("{CHECKS}/{}", random_name()?));
        let objects = self.impatient_objects();
        let mut findings = vec![
            Finding::good("write", "objects can be written"),
            Finding::good("read", "objects can be read"),
            range(objects.as_ref(), &place).await,
            Finding::good("list", "objects can be listed"),
            conditional(objects.as_ref(), &place).await,
            self.multipart(objects.as_ref(), &place).await,
        ];
        findings.push(self.cors(&place, origin.as_str()).await);
        findings.push(Finding::of("delete", delete(objects.as_ref(), &place).await, "objects can be deleted"));
        findings.push(self.lifecycle().await);
        findings.push(self.clock(clock).await);
        Ok(findings)
    }

    /// The keys of multipart uploads that were neither completed nor aborted, at most 1,000.
    ///
    /// # Errors
    /// If the store is no bucket, or does not list them.
    pub async fn incomplete_uploads(&self) -> Result<Vec<String>, CheckError> {
        let prefix = self.bucket.as_ref().map(|bucket| bucket.prefix().to_string()).unwrap_or_default();
        let (status, text, _) = self.ask(&[("uploads", ""), ("prefix", &prefix)]).await?;
        if status != 200 {
            return Err(StoreFault::Denied(Right::List).into());
        }
        let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        Ok(keys.map(|(key, _)| key.to_owned()).collect())
    }

    async fn multipart(&self, objects: &dyn ObjectStore, place: &Location) -> Finding {
        const NAME: &str = "multipart";
        let name = format!("{place}-parts");
        let begun_and_aborted = async {
            let mut upload = objects.put_multipart(&Location::from(name.as_str())).await?;
            let part = upload.put_part(vec![0; PART_BYTES].into()).await;
            upload.abort().await.and(part)
        };
        if let Err(error) = begun_and_aborted.await {
            return Finding::of(NAME, Err(CheckError::of(error, Right::Write)), "");
        }
        match self.incomplete_uploads().await {
            Ok(keys) if keys.iter().any(|key| key.ends_with(&name)) => {
                Finding::bad(NAME, "an aborted upload is still listed. Look into the log of the store.")
            }
            Ok(_) => Finding::good(NAME, "uploads in parts can be begun and aborted"),
            Err(_) => Finding::good(NAME, "uploads in parts can be begun and aborted; the key may not list them"),
        }
    }

    /// Whether a page at `origin` may read results and send clips.
    async fn cors(&self, place: &Location, origin: &str) -> Finding {
        const NAME: &str = "cors";
        let (reads, sends) = (self.may_read(place, origin).await, self.may_send(place, origin).await);
        match (reads.unwrap_or_default(), sends.unwrap_or_default()) {
            (true, true) => Finding::good(NAME, &format!("pages at {origin} may read results and send clips")),
            (true, false) => Finding {
                name: NAME,
                verdict: Verdict::Advice,
                text: format!(
                    "pages at {origin} may read results, but not send clips; allow PUT with the header * for that"
                ),
            },
            (false, _) => Finding::bad(
                NAME,
                &format!(
                    "pages at {origin} may not read results. Allow GET and PUT with the header * from the origin *."
                ),
            ),
        }
    }

    /// Whether the answer to a GET lets pages at `origin` read it; `None` if there is none.
    async fn may_read(&self, place: &Location, origin: &str) -> Option<bool> {
        let url = self.bucket_url(Method::GET, place, &[]).await.ok()?;
        let answer = reqwest::Client::new().get(url).header(header::ORIGIN, origin).send().await.ok()?;
        Some(allows(answer.headers(), origin))
    }

    /// Whether the question that browsers ask before a PUT of a clip is answered with yes; `None` if
    /// it is not answered.
    async fn may_send(&self, place: &Location, origin: &str) -> Option<bool> {
        let url = self.bucket_url(Method::PUT, place, &[]).await.ok()?;
        let asked = reqwest::Client::new().request(Method::OPTIONS, url).header(header::ORIGIN, origin);
        let asked = asked.header(header::ACCESS_CONTROL_REQUEST_METHOD, "PUT");
        let answer = asked.header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type").send().await.ok()?;
        let methods = answer.headers().get(header::ACCESS_CONTROL_ALLOW_METHODS)?.to_str().ok()?;
        Some(answer.status().is_success() && methods.contains("PUT") && allows(answer.headers(), origin))
    }

    async fn lifecycle(&self) -> Finding {
        const NAME: &str = "lifecycle";
        let advice = |text: &str| Finding { name: NAME, verdict: Verdict::Advice, text: text.to_owned() };
        match self.ask(&[("lifecycle", "")]).await {
            Ok((200, text, _)) if text.contains("AbortIncompleteMultipartUpload") => {
                Finding::good(NAME, "incomplete uploads are removed")
            }
            Ok((200 | 404, ..)) => advice(
                "no rule removes incomplete uploads, which a crash leaves behind. Set \
                 AbortIncompleteMultipartUpload with DaysAfterInitiation 1.",
            ),
            _ => advice(
                "the key may not read the lifecycle rules. Make sure that AbortIncompleteMultipartUpload is set.",
            ),
        }
    }

    async fn clock(&self, clock: &dyn Clock) -> Finding {
        const NAME: &str = "clock";
        let before = UNIX_EPOCH + Duration::from_millis(clock.now().0.unsigned_abs());
        let date = self.ask(&[("list-type", "2"), ("max-keys", "1")]).await.ok().and_then(|(_, _, date)| date);
        let Some(date) = date.and_then(|date| httpdate::parse_http_date(&date).ok()) else {
            return Finding::good(NAME, "the store does not tell its time");
        };
        let skew = before.duration_since(date).unwrap_or_else(|error| error.duration());
        let secs = skew.as_secs();
        if skew <= MAX_SKEW {
            return Finding::good(NAME, &format!("the clocks differ by {secs} s at most"));
        }
        Finding::bad(NAME, &format!("the clocks differ by {secs} s. {}", StoreFault::ClockSkew.hint()))
    }

    /// Sends a GET to the bucket. Returns status, body, and the date of the answer.
    async fn ask(&self, query: &[(&str, &str)]) -> Result<(u16, String, Option<String>), CheckError> {
        let url = self.bucket_url(Method::GET, &Location::default(), query).await?;
        let unreachable = |_| CheckError::from(StoreFault::Unreachable);
        let answer = reqwest::Client::new().get(url).send().await.map_err(unreachable)?;
        let date = answer.headers().get(header::DATE).and_then(|date| Some(date.to_str().ok()?.to_owned()));
        let status = answer.status().as_u16();
        Ok((status, answer.text().await.map_err(unreachable)?, date))
    }

    /// A signed URL of the bucket itself if `place` is empty, otherwise of the object at `place`.
    async fn bucket_url(&self, method: Method, place: &Location, query: &[(&str, &str)]) -> Result<String, CheckError> {
        let Some(bucket) = &self.bucket else { return Err(StoreFault::Other.into()) };
        let options = SignedUrlOptions::new().with_query(query.iter().copied());
        let signed = if place.as_ref().is_empty() {
            bucket.impatient().signed_url_opts(method, place, URL_TTL, &options).await
        } else {
            bucket.sign(method, place, URL_TTL, &options).await
        };
        signed.map(Into::into).map_err(|error| CheckError::of(error, Right::Read))
    }
}

/// Whether an answer lets pages at `origin` read it.
fn allows(headers: &header::HeaderMap, origin: &str) -> bool {
    let allowed = headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    allowed.is_some_and(|allowed| allowed == "*" || allowed == origin)
}

/// Reads a part of an object that it writes.
async fn range(objects: &dyn ObjectStore, place: &Location) -> Finding {
    let read = async {
        objects.put(place, "0123456789".into()).await?;
        let options = GetOptions::new().with_range(Some(2..5));
        objects.get_opts(place, options).await?.bytes().await
    };
    match read.await {
        Ok(bytes) if bytes == "234" => Finding::good("range", "parts of objects can be read"),
        Ok(_) => Finding::bad("range", "the store sends whole objects instead of parts. Players could not seek."),
        Err(error) => Finding::of("range", Err(CheckError::of(error, Right::Read)), ""),
    }
}

/// Tries to replace the object at `place`.
async fn conditional(objects: &dyn ObjectStore, place: &Location) -> Finding {
    const NAME: &str = "conditional";
    match objects.put_opts(place, "other".into(), PutOptions::from(PutMode::Create)).await {
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => {
            Finding::good(NAME, "an object is not replaced if the request forbids it")
        }
        _ => Finding::bad(
            NAME,
            "the store ignores If-None-Match: two servers could write to one upload at once. Use a store that supports it.",
        ),
    }
}

async fn delete(objects: &dyn ObjectStore, place: &Location) -> Result<(), CheckError> {
    objects.delete(place).await.map_err(|error| CheckError::of(error, Right::Delete))
}
