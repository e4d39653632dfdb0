//! A client that sees how a connection ends.

use serde_json::Value;
use simulator::Simulator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
    /// The connection ended before the announced length.
    pub cut: bool,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub async fn call(simulator: &Simulator, method: &str, path: &str, body: &str) -> Answer {
    send(simulator, method, path, "content-type: application/json", body).await
}

pub async fn send(simulator: &Simulator, method: &str, path: &str, header: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(simulator.address()).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         {header}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A reset is one of the ways in which a connection is cut.
    let ended = stream.read_to_end(&mut bytes).await;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let body = bytes[end + 4..].to_vec();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.unwrap().trim().parse().unwrap();
    let cut = ended.is_err() || body.len() < length;
    Answer { status: head[9..12].parse().unwrap(), head, body, cut }
}
