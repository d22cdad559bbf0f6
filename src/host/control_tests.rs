//! Requests as text, and a socket with a client.

use std::io::{BufRead, BufReader as StdBufReader, Write};

use super::*;
use crate::host::event_log::Sort;
use crate::service::event::EventKind;

#[test]
fn requests_read_as_they_are_documented() {
    let check = |text: &str, expected: Request| {
        assert_eq!(serde_json::from_str::<Request>(text).ok(), Some(expected.clone()), "{text}");
        let written = serde_json::to_string(&expected).expect("rendered");
        assert_eq!(serde_json::from_str::<Request>(&written).ok(), Some(expected));
    };
    check(r#"{"verb":"status"}"#, Request::Status);
    check(r#"{"verb":"power","to":"cut"}"#, Request::Power { to: PowerSwitch::Cut });
    check(r#"{"verb":"factory-reset"}"#, Request::FactoryReset);
    check(r#"{"verb":"advance","by_ms":86400000}"#, Request::Advance { by_ms: 86_400_000 });
    check(r#"{"verb":"events"}"#, Request::Events { filter: EventFilter::default(), follow: false });
    let filter = EventFilter { kind: Some(Sort::Service(EventKind::Clone)), ..EventFilter::default() };
    check(
        r#"{"verb":"events","filter":{"kind":"clone"},"follow":true}"#,
        Request::Events { filter, follow: true },
    );
    check(
        r#"{"verb":"rest","path":"/v1/device/list","domain":"default","body":{"State":"ACTIVE"}}"#,
        Request::Rest(RestCall {
            path: "/v1/device/list".to_owned(),
            domain: "default".to_owned(),
            body: Some(serde_json::json!({ "State": "ACTIVE" })),
        }),
    );
    let rot = "0a04f008003c9623".parse().expect("a UID");
    check(r#"{"verb":"forget","rot":"0a04f008003c9623"}"#, Request::Forget { rot });
    assert!(serde_json::from_str::<Request>(r#"{"verb":"accesskey"}"#).is_err());
    assert!(serde_json::from_str::<Request>(r#"{"verb":"events","filter":{"kind":"gadget"}}"#).is_err());
}

#[test]
fn a_socket_answers_its_owner_whatever_its_directory_is_called() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let state = dir.path().join("x".repeat(200));
    fs::create_dir(&state).expect("made");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (calls, mut called) = mpsc::channel(4);
    let _guard = runtime.enter();
    let socket = ControlSocket::open(&state, calls).expect("opened");
    assert_eq!(fs::metadata(socket.path()).expect("there").permissions().mode() & 0o777, 0o600);
    let client = std::thread::spawn({
        let state = state.clone();
        move || {
            let mut stream = connect(&state).expect("connected");
            let mut lines = StdBufReader::new(stream.try_clone().expect("cloned")).lines();
            let mut ask = |request: &str| {
                writeln!(stream, "{request}").expect("written");
                lines.next().expect("an answer").expect("text")
            };
            [ask("nonsense"), ask(r#"{"verb":"reset"}"#)]
        }
    });
    runtime.block_on(async {
        let call = called.recv().await.expect("a call");
        assert_eq!(call.request, Request::Reset);
        call.answer.send(Answer::Done("done".into())).expect("somebody waits");
        while !client.is_finished() {
            tokio::task::yield_now().await;
        }
    });
    let [nonsense, reset] = client.join().expect("the client ended");
    assert!(nonsense.starts_with(r#"{"error":"not a request"#), "{nonsense}");
    assert_eq!(reset, r#"{"ok":true,"value":"done"}"#);
    drop(socket);
    assert!(!state.join("control.sock").exists());
}
