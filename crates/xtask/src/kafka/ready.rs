//! In: the address of a broker. Kept: nothing. Out: how many brokers it knows, asked in Kafka's own
//! protocol. Never knows: processes.

use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_millis(500);
/// More than a metadata answer without topics can have.
const LARGEST: usize = 1 << 20;

/// A metadata request, version 5, without topics: length, key 3, version, correlation, no client
/// name, no topics, no automatic creation.
const METADATA: [u8; 19] = [0, 0, 0, 15, 0, 3, 0, 5, 0, 0, 0, 7, 255, 255, 0, 0, 0, 0, 0];

/// How many brokers the one at `port` knows; `None` while it does not answer.
pub(super) fn brokers(port: u16) -> Option<usize> {
    let answer = ask(port).ok()?;
    count(&answer)
}

fn ask(port: u16) -> Result<Vec<u8>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(&METADATA)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    let mut answer = vec![0; length.min(LARGEST)];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

/// After the length: correlation, throttle time, then the array of brokers begins with its count.
fn count(answer: &[u8]) -> Option<usize> {
    let correlation = answer.get(..4)?;
    let count: [u8; 4] = answer.get(8..12)?.try_into().ok()?;
    let ours = correlation == &METADATA[8..12];
    usize::try_from(i32::from_be_bytes(count))
        .ok()
        .filter(|_| ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_counted_only_in_an_answer_to_our_question() {
        let answer = [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 3, 9];
        assert_eq!(count(&answer), Some(3));
        assert_eq!(count(&answer[..11]), None);
        let mut other = answer;
        other[3] = 8;
        assert_eq!(count(&other), None);
        assert_eq!(usize::from(METADATA[3]), METADATA.len() - 4);
    }

    #[test]
    fn a_port_where_nobody_answers_has_no_brokers() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        assert_eq!(brokers(port), None);
    }
}
