//! Tests of which addresses the client reaches, including DNS rebinding and redirects.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use clearcut_outbound::{AddressPolicy, Method, Names, Outbound, OutboundError, Timeouts};

use crate::listener::Listener;

const FOUND: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const MOVED: &str = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";

/// A resolver that returns the next answer on each lookup, and repeats the last one.
#[derive(Debug)]
struct ChangingNames {
    answers: Vec<Vec<IpAddr>>,
    lookups: AtomicUsize,
}

impl ChangingNames {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect()).collect();
        Arc::new(Self { answers, lookups: AtomicUsize::new(0) })
    }
}

impl Names for ChangingNames {
    fn look_up(&self, _name: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let turn = self.lookups.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[turn].clone();
        Box::pin(async move { Ok(answer) })
    }
}

async fn get(outbound: &Outbound, address: &str) -> Result<String, OutboundError> {
    let target = outbound.policy().target(address)?;
    let response = outbound.send(outbound.request(Method::GET, &target)).await?;
    Ok(response.text().await?)
}

fn loopback() -> AddressPolicy {
    AddressPolicy::new(vec!["127.0.0.0/8".parse().unwrap()])
}

#[tokio::test]
async fn an_allowed_network_is_reached() {
    let listener = Listener::responding(FOUND).await;
    let outbound = Outbound::new(loopback(), Timeouts::default()).unwrap();
    assert_eq!(get(&outbound, &format!("http://{}/", listener.address)).await.unwrap(), "hello");
    assert_eq!(listener.connections(), 1);
}

#[tokio::test]
async fn a_name_that_resolves_to_a_refused_address_is_not_connected() {
    let listener = Listener::responding(FOUND).await;
    let outbound = Outbound::new(AddressPolicy::default(), Timeouts::default()).unwrap();
    let error = get(&outbound, &format!("http://localhost:{}/", listener.address.port())).await.unwrap_err();
    assert!(matches!(error, OutboundError::Refused), "{error:?}");
    assert_eq!(listener.connections(), 0);
}

#[tokio::test]
async fn a_name_is_resolved_once_per_connection_and_that_answer_is_checked() {
    let listener = Listener::responding(FOUND).await;
    let port = listener.address.port();
    // Admissible at the first lookup, refused afterwards. A check outside of the connector would
    // miss the change.
    let names = ChangingNames::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let only_first = AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()]);
    let outbound = Outbound::with_names(only_first, Timeouts::default(), names.clone()).unwrap();
    assert_eq!(get(&outbound, &format!("http://rebinding.example:{port}/")).await.unwrap(), "hello");
    assert_eq!((names.lookups.load(Ordering::SeqCst), listener.connections()), (1, 1));
    let error = get(&outbound, &format!("http://rebinding.example:{port}/")).await.unwrap_err();
    assert!(matches!(error, OutboundError::Refused), "{error:?}");
    assert_eq!((names.lookups.load(Ordering::SeqCst), listener.connections()), (2, 1));
}

#[tokio::test]
async fn only_the_admitted_addresses_of_a_name_are_tried() {
    let listener = Listener::responding(FOUND).await;
    let names = ChangingNames::new(&[&["::ffff:127.0.0.1", "127.0.0.3", "10.0.0.1", "127.0.0.1"]]);
    let outbound =
        Outbound::with_names(AddressPolicy::new(vec!["127.0.0.1/32".parse().unwrap()]), Timeouts::default(), names)
            .unwrap();
    assert_eq!(get(&outbound, &format!("http://mixed.example:{}/", listener.address.port())).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    let listener = Listener::responding(MOVED).await;
    let outbound = Outbound::new(loopback(), Timeouts::default()).unwrap();
    let target = outbound.policy().target(&format!("http://{}/", listener.address)).unwrap();
    let response = outbound.send(outbound.request(Method::GET, &target)).await.unwrap();
    assert_eq!((response.status().as_u16(), listener.connections()), (302, 1));
}

#[tokio::test]
async fn an_unreachable_host_is_a_temporary_fault_and_the_error_hides_the_address() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let outbound = Outbound::new(loopback(), Timeouts::default()).unwrap();
    let error = get(&outbound, &format!("http://{free}/path-secret?query-secret")).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable(_)), "{error:?}");
    assert_eq!(
        (error.code(), error.fault()),
        (clearcut_job::ErrorCode::UrlUnavailable, clearcut_job::Fault::Temporary)
    );
    assert!(!format!("{error:?}").contains("secret"));
    let nowhere = Outbound::with_names(loopback(), Timeouts::default(), ChangingNames::new(&[&[]])).unwrap();
    let error = get(&nowhere, "http://nowhere.example/").await.unwrap_err();
    assert!(matches!(error, OutboundError::Unresolved), "{error:?}");
}

#[tokio::test]
async fn a_silent_host_times_out() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let timeouts = Timeouts { idle: Duration::from_millis(100), ..Timeouts::default() };
    let outbound = Outbound::new(loopback(), timeouts).unwrap();
    let error = get(&outbound, &format!("http://{}/", silent.local_addr().unwrap())).await.unwrap_err();
    assert!(matches!(error, OutboundError::TimedOut), "{error:?}");
}
