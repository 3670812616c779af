//! Base64 data URLs in JSON replies, encoded while they are sent.

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::{Bytes, BytesMut};
use clearcut_job::ObjectName;
use clearcut_store::{Store, StoreError};
use futures_util::{Stream, StreamExt as _, TryFutureExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use crate::ApiError;

/// A file that is streamed into a JSON reply as a base64 data URL, so that the reply is never in
/// memory as a whole.
#[derive(Debug)]
pub(crate) struct DataUrl {
    content: Content,
    mime: &'static str,
    size_bytes: u64,
}

#[derive(Debug)]
enum Content {
    Object(ObjectName),
    Bytes(Bytes),
}

/// Length of the pieces in which bytes in memory are encoded.
const PIECE_BYTES: usize = 64 << 10;

impl DataUrl {
    /// Text in the JSON that the data URL replaces. It is unique, because no other text of a reply
    /// contains a control character.
    pub(crate) const PLACEHOLDER: &'static str = "\u{1}";
    const ESCAPED_PLACEHOLDER: &'static str = "\\u0001";

    /// The data URL of an object.
    pub(crate) const fn of_object(mime: &'static str, name: ObjectName, size_bytes: u64) -> Self {
        Self { content: Content::Object(name), mime, size_bytes }
    }

    /// The data URL of a file in memory.
    pub(crate) fn of_bytes(mime: &'static str, bytes: Vec<u8>) -> Self {
        Self { size_bytes: bytes.len() as u64, content: Content::Bytes(bytes.into()), mime }
    }

    /// The content in pieces.
    fn read(self, store: Store) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
        match self.content {
            Content::Object(name) => {
                async move { store.read(&name, 0..self.size_bytes).await }.try_flatten_stream().boxed()
            }
            Content::Bytes(mut bytes) => stream::iter(std::iter::from_fn(move || {
                let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
                (!piece.is_empty()).then_some(Ok(piece))
            }))
            .boxed(),
        }
    }

    fn prefix(&self) -> String {
        format!("data:{};base64,", self.mime)
    }
}

/// A JSON reply in pieces: texts with data URLs between them.
#[derive(Debug)]
pub(crate) struct InlineReply {
    texts: Vec<String>,
    data_urls: Vec<DataUrl>,
}

impl InlineReply {
    /// Splits `reply` at its placeholders, which stand for `data_urls` in order.
    pub(crate) fn new(reply: &impl Serialize, data_urls: Vec<DataUrl>) -> Result<Self, ApiError> {
        let text = serde_json::to_string(reply).map_err(|_| ApiError::Internal)?;
        let texts: Vec<String> = text.split(DataUrl::ESCAPED_PLACEHOLDER).map(str::to_owned).collect();
        if texts.len() != data_urls.len() + 1 {
            return Err(ApiError::Internal);
        }
        Ok(Self { texts, data_urls })
    }

    pub(crate) fn into_response(self, store: Store) -> Response {
        let text_bytes: usize = self.texts.iter().map(String::len).sum();
        let url_bytes = |url: &DataUrl| url.prefix().len() as u64 + url.size_bytes.div_ceil(3) * 4;
        let length = text_bytes as u64 + self.data_urls.iter().map(url_bytes).sum::<u64>();
        let mut texts = self.texts.into_iter();
        let first = stream::iter(texts.next().map(|text| Ok(Bytes::from(text))));
        let rest = stream::iter(self.data_urls.into_iter().zip(texts)).flat_map(move |(url, text)| {
            let prefix = stream::iter([Ok(Bytes::from(url.prefix()))]);
            prefix.chain(encode(store.clone(), url)).chain(stream::iter([Ok(Bytes::from(text))]))
        });
        let mut response = Response::new(Body::from_stream(first.chain(rest)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_LENGTH, length.into());
        response
    }
}

/// Streams the content as base64. Bytes that do not fill a group of three wait for the next piece.
fn encode(store: Store, url: DataUrl) -> impl Stream<Item = Result<Bytes, StoreError>> + Send {
    let pieces_and_end = url.read(store).map_ok(Some).chain(stream::iter([Ok(None)]));
    pieces_and_end.scan(BytesMut::new(), |pending, piece| {
        let encoded = piece.map(|piece| {
            let is_end = piece.is_none();
            pending.extend_from_slice(&piece.unwrap_or_default());
            let encodable = if is_end { pending.len() } else { pending.len() / 3 * 3 };
            Bytes::from(BASE64_STANDARD.encode(pending.split_to(encodable)))
        });
        std::future::ready(Some(encoded))
    })
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;

    #[tokio::test]
    async fn files_of_any_length_are_encoded_completely_and_match_content_length() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::local(dir.path()).unwrap();
        for size in [1_usize, 2, 3, 8191, 8192, 100_000] {
            let name = ObjectName::upload(size as u128);
            let content: Vec<u8> = (0..size).map(|at| at as u8).collect();
            let mut upload = store.begin(name.clone()).await.unwrap();
            upload.write(content.clone().into()).await.unwrap();
            upload.finish().await.unwrap();
            let object = DataUrl::of_object("video/webm", name.clone(), size as u64);
            let bytes = DataUrl::of_bytes("video/webm", content.clone());
            let json = json!({ "a": DataUrl::PLACEHOLDER, "b": "é\"", "c": [DataUrl::PLACEHOLDER] });
            let reply = InlineReply::new(&json, vec![object, bytes]).unwrap().into_response(store.clone());
            let content_length = reply.headers()[header::CONTENT_LENGTH].to_str().unwrap().to_owned();
            let body = reply.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(content_length, body.len().to_string());
            let value: Value = serde_json::from_slice(&body).unwrap();
            let expected = format!("data:video/webm;base64,{}", BASE64_STANDARD.encode(&content));
            assert_eq!((&value["a"], &value["c"][0]), (&json!(expected), &json!(expected)));
        }
    }
}
