//! In: the cells of a segment and records, or a file's bytes. Kept: nothing. Out: a file's bytes, or the
//! same again. Never knows: folders; what a record holds.
//!
//! `WFHIST\n` and the format's version; then frames, the first with the cells, each other one with
//! the records of one writing. A frame is three lengths (head, body, body as stored), a CRC-32 over
//! them, the head (postcard: which minutes, where in the body), the body (zstd), and a CRC-32 over all
//! of it. Every checksum begins with the one before, so that no frame can stand elsewhere. Numbers
//! are little endian.

use super::cells::Cells;
use super::minute::Record;
use crc32fast::Hasher;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};

pub(crate) const MAGIC: &[u8; 8] = b"WFHIST\n\x01";
/// Longest head and longest body, bytes.
const LONGEST: usize = 64 << 20;
/// Records of one frame, bytes: a line of the past unpacks whole frames.
pub(crate) const FULL: usize = 1 << 20;
const LEVEL: i32 = 1;

/// Where a minute lies in the body of its frame, and by what two sealings are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) s: i64,
    pub(crate) sum: u64,
    at: u32,
    length: u32,
}

impl Entry {
    /// Its record among those of its frame.
    pub(crate) fn of<'b>(&self, body: &'b [u8]) -> Option<&'b [u8]> {
        let at = usize::try_from(self.at).ok()?;
        let length = usize::try_from(self.length).ok()?;
        body.get(at..at.checked_add(length)?)
    }
}

/// Where a frame begins, and the checksum before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at: u64,
    pub(crate) before: u32,
}

/// A frame that was read and is what was written.
pub(crate) struct Frame {
    head: Vec<u8>,
    raw: usize,
    stored: Vec<u8>,
    /// Where the next one begins.
    pub(crate) next: Place,
}

/// Why a segment is not believed from some byte on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It ends within a frame: the process or the machine ended while it was written.
    #[error("byte {at}: it ends within a frame")]
    Torn {
        /// Where the frame begins.
        at: u64,
    },
    /// Something in it is not as it was written.
    #[error("byte {at}: {why}")]
    Corrupt {
        /// Where the frame begins.
        at: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// A later release wrote it.
    #[error("a format that this release does not know")]
    Newer,
    /// It cannot be read.
    #[error("byte {at}: {error}")]
    Io {
        /// Where the frame begins.
        at: u64,
        /// The system's words.
        error: io::Error,
    },
}

/// The beginning of a segment, and where its first frame of records will be.
///
/// # Errors
/// More cells than fit.
pub(crate) fn begin(cells: &Cells) -> io::Result<(Vec<u8>, Place)> {
    let body = postcard::to_stdvec(cells).map_err(io::Error::other)?;
    let place = Place {
        at: MAGIC.len() as u64,
        before: 0,
    };
    let (frame, next) = frame(place, &[], &body)?;
    Ok(([&MAGIC[..], &frame].concat(), next))
}

/// Records as the frame at `place`, which minutes it holds, and where the next frame will be.
///
/// # Errors
/// More bytes than fit.
pub(crate) fn records(
    place: Place,
    records: &[Record],
) -> io::Result<(Vec<u8>, Vec<Entry>, Place)> {
    let mut body = Vec::new();
    let mut entries = Vec::with_capacity(records.len());
    for record in records {
        entries.push(Entry {
            s: record.s,
            sum: record.sum,
            at: small(body.len())?,
            length: small(record.bytes.len())?,
        });
        body.extend_from_slice(&record.bytes);
    }
    let head = postcard::to_stdvec(&entries).map_err(io::Error::other)?;
    let (bytes, next) = frame(place, &head, &body)?;
    Ok((bytes, entries, next))
}

fn frame(place: Place, head: &[u8], body: &[u8]) -> io::Result<(Vec<u8>, Place)> {
    let stored = zstd::bulk::compress(body, LEVEL)?;
    let mut bytes = Vec::with_capacity(20 + head.len() + stored.len());
    for length in [head.len(), body.len(), stored.len()] {
        bytes.extend(small(length)?.to_le_bytes());
    }
    let lengths = checksum(place.before, &[&bytes]);
    bytes.extend(lengths.to_le_bytes());
    bytes.extend_from_slice(head);
    bytes.extend_from_slice(&stored);
    let sum = checksum(lengths, &[head, &stored]);
    bytes.extend(sum.to_le_bytes());
    let next = Place {
        at: place.at + bytes.len() as u64,
        before: sum,
    };
    Ok((bytes, next))
}

/// Reads the beginning of a segment: its cells, and where its first frame of records is.
///
/// # Errors
/// [`Fault`].
pub(crate) fn read_begin(input: &mut impl Read) -> Result<(Cells, Place), Fault> {
    let mut magic = [0; 8];
    fill(input, &mut magic, 0)?;
    let corrupt = |why| Fault::Corrupt { at: 0, why };
    if magic[..7] != MAGIC[..7] || magic[7] == 0 {
        return Err(corrupt("this is no history"));
    }
    if magic[7] != MAGIC[7] {
        return Err(Fault::Newer);
    }
    let place = Place {
        at: MAGIC.len() as u64,
        before: 0,
    };
    let Some(frame) = read(input, place)? else {
        return Err(Fault::Torn { at: place.at });
    };
    let cells = frame.body().and_then(|b| postcard::from_bytes(&b).ok());
    let cells = cells.ok_or_else(|| corrupt("its cells cannot be read"))?;
    Ok((cells, frame.next))
}

/// Reads the frame that begins at `place`, where `input` stands; `None` where the file ends.
///
/// # Errors
/// [`Fault`].
pub(crate) fn read(input: &mut impl Read, place: Place) -> Result<Option<Frame>, Fault> {
    let at = place.at;
    let mut lengths = [0; 16];
    let begun = some(input, &mut lengths, at)?;
    if begun == 0 {
        return Ok(None);
    }
    if begun < lengths.len() {
        return Err(Fault::Torn { at });
    }
    let number =
        |i: usize| u32::from_le_bytes([lengths[i], lengths[i + 1], lengths[i + 2], lengths[i + 3]]);
    let corrupt = |why| Fault::Corrupt { at, why };
    let sum = checksum(place.before, &[&lengths[..12]]);
    if sum != number(12) {
        // A file system may have made room that it had not filled when the machine ended.
        let empty = lengths == [0; 16] && rest_is_empty(input, at)?;
        return Err(if empty {
            Fault::Torn { at }
        } else {
            corrupt("the lengths of a frame are not what was written")
        });
    }
    let sized = |i| {
        let length = usize::try_from(number(i)).unwrap_or(usize::MAX);
        (length <= zstd::zstd_safe::compress_bound(LONGEST))
            .then_some(length)
            .ok_or_else(|| corrupt("a length that nothing written here has"))
    };
    let (head, raw, stored) = (sized(0)?, sized(4)?, sized(8)?);
    let (mut head, mut stored, mut end) = (vec![0; head], vec![0; stored], [0; 4]);
    for part in [&mut head[..], &mut stored, &mut end] {
        fill(input, part, at)?;
    }
    let sum = checksum(sum, &[&head, &stored]);
    if sum.to_le_bytes() != end {
        return Err(corrupt("a frame is not what was written"));
    }
    let length = 20 + head.len() as u64 + stored.len() as u64;
    Ok(Some(Frame {
        head,
        raw,
        stored,
        next: Place {
            at: at + length,
            before: sum,
        },
    }))
}

impl Frame {
    /// Which minutes it holds.
    pub(crate) fn entries(&self) -> Option<Vec<Entry>> {
        postcard::from_bytes(&self.head).ok()
    }

    /// The records.
    pub(crate) fn body(&self) -> Option<Vec<u8>> {
        let body = zstd::bulk::decompress(&self.stored, self.raw).ok()?;
        (body.len() == self.raw).then_some(body)
    }
}

fn rest_is_empty(input: &mut impl Read, at: u64) -> Result<bool, Fault> {
    let mut buffer = [0; 4_096];
    loop {
        let read = some(input, &mut buffer, at)?;
        if buffer[..read].iter().any(|b| *b != 0) {
            return Ok(false);
        }
        if read < buffer.len() {
            return Ok(true);
        }
    }
}

fn fill(input: &mut impl Read, bytes: &mut [u8], at: u64) -> Result<(), Fault> {
    if some(input, bytes, at)? < bytes.len() {
        return Err(Fault::Torn { at });
    }
    Ok(())
}

/// Reads until `bytes` are full or the file ends; how many there were.
fn some(input: &mut impl Read, bytes: &mut [u8], at: u64) -> Result<usize, Fault> {
    let mut read = 0;
    while read < bytes.len() {
        match input.read(&mut bytes[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Fault::Io { at, error }),
        }
    }
    Ok(read)
}

fn checksum(before: u32, pieces: &[&[u8]]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&before.to_le_bytes());
    pieces.iter().for_each(|piece| hasher.update(piece));
    hasher.finalize()
}

fn small(length: usize) -> io::Result<u32> {
    let fits = u32::try_from(length).ok().filter(|_| length <= LONGEST);
    fits.ok_or_else(|| io::Error::other("more than 64 MiB in one frame"))
}
