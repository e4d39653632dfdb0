//! A gate before a server: it passes everything on, and keeps requests of one kind back for as long as a test wants.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

#[derive(Default)]
struct Held {
    text: Mutex<Option<String>>,
    changed: Condvar,
}

/// The gate, on a port of its own.
pub struct Gate {
    address: String,
    held: Arc<Held>,
}

impl Gate {
    /// Stands, open, before the server at `http://HOST:PORT`.
    pub fn before(url: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("the port's number").to_string();
        let behind = url.strip_prefix("http://").expect("a URL that begins with http://").to_owned();
        let held = Arc::<Held>::default();
        let shared = Arc::clone(&held);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&behind) else { continue };
                let (Ok(answers), Ok(back)) = (server.try_clone(), client.try_clone()) else { continue };
                let held = Arc::clone(&shared);
                std::thread::spawn(move || pass(client, server, |part| held.wait(part)));
                std::thread::spawn(move || pass(answers, back, |_| ()));
            }
        });
        Self { address, held }
    }

    /// Where it stands.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Keeps back GET requests that have this text in their first line.
    pub fn hold(&self, text: &str) {
        self.held.set(Some(text.to_owned()));
    }

    /// Lets all requests through again, those that wait as well.
    pub fn open(&self) {
        self.held.set(None);
    }
}

impl Held {
    fn set(&self, text: Option<String>) {
        *self.text.lock().expect("what is held") = text;
        self.changed.notify_all();
    }

    /// A client sends a request after the answer to the one before, so that each begins a part.
    fn wait(&self, part: &[u8]) {
        let line = String::from_utf8_lossy(part.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
        let is_held = |text: &mut Option<String>| {
            line.starts_with("GET ") && text.as_ref().is_some_and(|text| line.contains(text.as_str()))
        };
        drop(self.changed.wait_while(self.text.lock().expect("what is held"), is_held));
    }
}

/// Passes on what comes, until either side ends.
fn pass(mut from: TcpStream, mut to: TcpStream, before: impl Fn(&[u8])) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count) = from.read(&mut buffer) {
        let part = &buffer[..count];
        before(part);
        if count == 0 || to.write_all(part).is_err() {
            break;
        }
    }
    // The other direction may still have something to pass on.
    let _ = to.shutdown(Shutdown::Write);
}
