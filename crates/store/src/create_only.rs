//! The HTTP client of a bucket. It completes a multipart upload only if no object has its name.

use object_store::{
    ClientOptions,
    client::{HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector},
    signer::{HeaderValue, Method},
};

/// Makes clients that add `If-None-Match: *` to the request that completes a multipart upload, which
/// `object_store` has no option for. The header needs no signature.
#[derive(Debug)]
pub(crate) struct CreateOnly;

#[derive(Debug)]
struct CreateOnlyClient(HttpClient);

impl HttpConnector for CreateOnly {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(CreateOnlyClient(ReqwestConnector::default().connect(options)?)))
    }
}

#[async_trait::async_trait]
impl HttpService for CreateOnlyClient {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if completes_multipart(request.method(), request.uri().query()) {
            request.headers_mut().insert("if-none-match", HeaderValue::from_static("*"));
        }
        self.0.execute(request).await
    }
}

/// A POST to an upload completes it; one to `?uploads` begins it, and one to `?delete` is of the
/// bucket.
fn completes_multipart(method: &Method, query: Option<&str>) -> bool {
    method == Method::POST && query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with("uploadId=")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_request_that_completes_an_upload_is_conditional() {
        assert!(completes_multipart(&Method::POST, Some("uploadId=a")));
        for (method, query) in [
            (Method::POST, Some("uploads")),
            (Method::POST, Some("delete")),
            (Method::POST, None),
            (Method::PUT, Some("partNumber=1&uploadId=a")),
            (Method::DELETE, Some("uploadId=a")),
        ] {
            assert!(!completes_multipart(&method, query), "{method} {query:?}");
        }
    }
}
