//! The web page and its one-time sign-in link.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Request, header},
};

use crate::fixture::{Answer, KEY, LINK_TOKEN, Server};

#[tokio::test]
async fn the_page_loads_only_what_this_server_serves() {
    let server = Server::new().await;
    for path in ["/", "/cli-auth", "/cli-auth?port=8472", "/playground"] {
        let page = server.get(path, "").await;
        assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("http") && !policy.contains('*'), "{policy}");
        let text = String::from_utf8(page.bytes).unwrap();
        assert!(!text.contains("//"), "{path} names another host");
        for attribute in ["src=\"", "href=\""] {
            for name in text.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap()) {
                let found = name.starts_with('#') || name == "/docs" || server.get(name, "").await.status == 200;
                assert!(found, "{path} refers to {name}, which is not there");
            }
        }
    }
}

#[tokio::test]
async fn an_unchanged_page_asset_is_not_sent_again() {
    let server = Server::new().await;
    let first = server.get("/page/app.js", "").await;
    assert_eq!((first.status.as_u16(), first.header("cache-control")), (200, "no-cache"));
    let request = Request::get("/page/app.js").header(header::IF_NONE_MATCH, first.header("etag"));
    let again = server.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0));
}

async fn redeem(server: &Server, body: &str) -> Answer {
    let request = Request::post("/api/v1/sign-in").header(header::CONTENT_TYPE, "application/json");
    server.ask(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn sign_in_body(token: &str) -> String {
    serde_json::json!({ "token": token }).to_string()
}

#[tokio::test]
async fn the_one_time_link_works_once_and_wrong_tokens_do_not_use_it_up() {
    let server = Server::new().await;
    assert_eq!(redeem(&server, &sign_in_body("guess")).await.error(), (403, "SIGN_IN_LINK".to_owned()));
    // The last body has the right token but exceeds the limit for requests without an API key.
    let long = format!("{}{}", sign_in_body(LINK_TOKEN), " ".repeat(1024));
    for body in ["", "{}", "token", &long] {
        assert_eq!(redeem(&server, body).await.error(), (400, "INVALID_REQUEST".to_owned()), "{body}");
    }
    assert_eq!(redeem(&server, &sign_in_body(LINK_TOKEN)).await.json()["data"]["key"], KEY);
    assert_eq!(redeem(&server, &sign_in_body(LINK_TOKEN)).await.error(), (403, "SIGN_IN_LINK".to_owned()));
}

#[tokio::test]
async fn the_one_time_link_expires_after_an_hour() {
    let server = Server::new().await;
    server.pass(Duration::from_hours(1));
    assert_eq!(redeem(&server, &sign_in_body(LINK_TOKEN)).await.error(), (403, "SIGN_IN_LINK".to_owned()));
}
