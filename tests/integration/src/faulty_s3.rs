//! A proxy in front of an S3 emulator that fails a share of all requests, in the ways that S3 and networks do.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Answered with this status and S3 code, and not passed on.
    Refused(u16, &'static str),
    /// The connection ends before the request is passed on.
    Reset,
    /// The request takes effect, and the connection ends before the answer.
    LostAnswer,
    /// The answer ends in its middle.
    CutAnswer,
    /// A list whose answer is whole by its length, and whose text ends in its middle.
    GarbledList,
    /// The answer takes its time.
    Late,
}

const FAULTS: [Fault; 9] = [
    Fault::Refused(503, "SlowDown"),
    Fault::Refused(503, "ServiceUnavailable"),
    Fault::Refused(500, "InternalError"),
    Fault::Refused(429, "TooManyRequests"),
    Fault::Refused(409, "ConditionalRequestConflict"),
    Fault::Reset,
    Fault::LostAnswer,
    Fault::CutAnswer,
    Fault::Late,
];

/// A running proxy; it ends with its owner.
pub struct FaultyS3 {
    endpoint: String,
    shared: Arc<Shared>,
}

struct Shared {
    target: String,
    percent: u64,
    random: Mutex<u64>,
    requests: AtomicU64,
    failed: AtomicU64,
    over: AtomicBool,
}

impl Drop for FaultyS3 {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        drop(TcpStream::connect(self.host()));
    }
}

impl FaultyS3 {
    /// Starts a proxy in front of `endpoint` that fails `percent` of all requests, by the numbers of a seed.
    pub fn start(endpoint: &str, percent: u64, seed: u64) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let shared = Arc::new(Shared {
            target: endpoint.strip_prefix("http://").expect("an http:// endpoint").to_owned(),
            percent,
            random: Mutex::new(seed | 1),
            requests: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if accepting.over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                // A client that goes away is its own business.
                thread::spawn(move || drop(shared.serve(connection)));
            }
        });
        Self { endpoint, shared }
    }

    fn host(&self) -> &str {
        self.endpoint.strip_prefix("http://").unwrap_or_default()
    }

    /// The proxy's URL.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Requests so far, and how many of them failed.
    pub fn counts(&self) -> (u64, u64) {
        (self.shared.requests.load(Ordering::Relaxed), self.shared.failed.load(Ordering::Relaxed))
    }
}

impl Shared {
    fn random(&self) -> u64 {
        let mut state = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state >> 8
    }

    fn fault(&self, request: &[u8]) -> Option<Fault> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if self.random() % 100 >= self.percent {
            return None;
        }
        self.failed.fetch_add(1, Ordering::Relaxed);
        let line =
            String::from_utf8_lossy(request.split(|byte| *byte == b'\r').next().unwrap_or_default()).into_owned();
        let is_list = line.starts_with("GET ") && line.contains("list-type=2");
        let at = usize::try_from(self.random()).unwrap_or(0);
        if is_list && at % 3 == 0 {
            return Some(Fault::GarbledList);
        }
        let fault = FAULTS[at % FAULTS.len()];
        let is_write = line.starts_with("PUT ") || line.starts_with("POST ");
        // S3 answers writes only with 409.
        Some(if fault == FAULTS[4] && !is_write { FAULTS[0] } else { fault })
    }

    /// One request per connection.
    fn serve(&self, mut client: TcpStream) -> io::Result<()> {
        let Some(request) = read_request(&mut client)? else { return Ok(()) };
        let fault = self.fault(&request);
        match fault {
            Some(Fault::Refused(status, code)) => {
                let body =
                    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>a fault</Message></Error>");
                return answer(&mut client, status, &body);
            }
            Some(Fault::Reset) => return client.shutdown(Shutdown::Both),
            _ => {}
        }
        let mut emulator = TcpStream::connect(&self.target)?;
        emulator.set_read_timeout(Some(Duration::from_secs(60)))?;
        emulator.write_all(&request)?;
        let mut answered = Vec::new();
        emulator.read_to_end(&mut answered)?;
        match fault {
            Some(Fault::LostAnswer) => return client.shutdown(Shutdown::Both),
            Some(Fault::CutAnswer) => answered.truncate(answered.len() - answered.len() / 8 - 1),
            Some(Fault::GarbledList) => {
                let text = String::from_utf8_lossy(&answered);
                let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
                let cut = body.char_indices().nth(body.chars().count() * 2 / 3).map_or(0, |(at, _)| at);
                return answer(&mut client, 200, body.get(..cut).unwrap_or_default());
            }
            Some(Fault::Late) => thread::sleep(Duration::from_millis(200)),
            _ => {}
        }
        client.write_all(&answered)?;
        client.shutdown(Shutdown::Both)
    }
}

fn answer(client: &mut TcpStream, status: u16, body: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 {status} Answer\r\nContent-Type: application/xml\r\nConnection: close\r\n");
    client.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
    client.shutdown(Shutdown::Both)
}

/// A whole request that asks for the connection's end; `None` if the client sends none.
fn read_request(client: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    client.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match client.read(&mut buffer)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let header = |name: &str| {
        head.lines().find_map(|line| line.split_once(':').filter(|(known, _)| known.eq_ignore_ascii_case(name)))
    };
    if header("expect").is_some() {
        client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length: usize = header("content-length").and_then(|(_, length)| length.trim().parse().ok()).unwrap_or(0);
    assert!(header("transfer-encoding").is_none(), "a request with a body of unknown length: {head}");
    while bytes.len() < end + length {
        match client.read(&mut buffer)? {
            0 => return Ok(None),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    }
    let kept: Vec<&str> = head
        .trim_end()
        .lines()
        .filter(|line| {
            let name = line.split(':').next().unwrap_or_default();
            !["connection", "expect"].iter().any(|dropped| name.eq_ignore_ascii_case(dropped))
        })
        .collect();
    let mut request = format!("{}\r\nConnection: close\r\n\r\n", kept.join("\r\n")).into_bytes();
    request.extend_from_slice(&bytes[end..]);
    Ok(Some(request))
}
