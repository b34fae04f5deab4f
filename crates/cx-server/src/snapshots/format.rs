//! In: a label and blocks, or a file's bytes. Kept: one frame of at most a mebibyte and a block.
//! Out: a file's bytes, or label and blocks again. Never knows: folders; what a block holds.
//!
//! `WFSNAP\n` and the format's version; the label (length, postcard, CRC-32); frames (raw length, stored
//! length, zstd, CRC-32 over the frame's number, both lengths and what is stored); an empty frame; then
//! how many frames and blocks there were and one CRC-32 over all checksums before. Numbers are little
//! endian. In a frame every block has its length before it. Nothing may follow.

use crc32fast::Hasher;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

const MAGIC: &[u8; 8] = b"WFSNAP\n\x03";
const LONGEST_LABEL: usize = 4_096;
/// Longest block, bytes.
pub const LONGEST_BLOCK: usize = 64 << 20;
/// A frame is written once it is so long, bytes.
const FULL: usize = 1 << 20;
const LEVEL: i32 = 1;

/// What a snapshot is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The topic whose records it holds.
    pub topic: String,
    /// Its partition.
    pub partition: u32,
    /// Partitions of the topic; pinned.
    pub partitions: u32,
    /// The offset after the last record it holds.
    pub next_offset: i64,
    /// The engine's fold version.
    pub fold_version: u32,
    /// Number of the active set.
    pub set_number: u32,
    /// Hash of the active set.
    pub set_hash: String,
    /// By what the key of customers' hashes is known again.
    pub hash_key: u128,
    /// When it was cut, by its writer's clock, ms since 1970.
    pub cut_at: i64,
    /// The last record it holds; `None` before the first.
    pub last: Option<Last>,
}

/// By what a record is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, ms since 1970.
    pub timestamp: i64,
    /// Hash of its key and value.
    pub hash: u128,
}

/// Why a file is not believed, and where in it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Something in it is not as it was written.
    #[error("byte {at}: {why}")]
    Corrupt {
        /// Bytes read before it.
        at: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// It cannot be read.
    #[error("byte {at}: {error}")]
    Io {
        /// Bytes read before it.
        at: u64,
        /// The system's words.
        error: io::Error,
    },
}

/// Writes one snapshot.
pub struct Writer<W> {
    out: W,
    frame: Vec<u8>,
    frames: u64,
    blocks: u64,
    sums: Hasher,
}

impl<W: Write> Writer<W> {
    /// Begins with the label.
    ///
    /// # Errors
    /// Those of `out`; a label longer than 4,096 bytes.
    pub fn new(mut out: W, label: &Label) -> io::Result<Self> {
        let label = postcard::to_stdvec(label).map_err(io::Error::other)?;
        if label.len() > LONGEST_LABEL {
            return Err(io::Error::other("a label of more than 4,096 bytes"));
        }
        let length = small(label.len());
        let sum = checksum(&[&length, &label]);
        for piece in [MAGIC, &length[..], &label, &sum] {
            out.write_all(piece)?;
        }
        let mut sums = Hasher::new();
        sums.update(&sum);
        Ok(Self {
            out,
            frame: Vec::new(),
            frames: 0,
            blocks: 0,
            sums,
        })
    }

    /// Adds a block.
    ///
    /// # Errors
    /// Those of `out`; a block longer than [`LONGEST_BLOCK`].
    pub fn push(&mut self, block: &[u8]) -> io::Result<()> {
        if block.len() > LONGEST_BLOCK {
            return Err(io::Error::other("a block of more than 64 MiB"));
        }
        self.frame.extend(small(block.len()));
        self.frame.extend(block);
        self.blocks += 1;
        if self.frame.len() >= FULL {
            self.end_frame()?;
        }
        Ok(())
    }

    /// Writes what is left, and the end.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.frame.is_empty() {
            self.end_frame()?;
        }
        let counts = [self.frames.to_le_bytes(), self.blocks.to_le_bytes()].concat();
        self.sums.update(&counts);
        let sum = self.sums.finalize().to_le_bytes();
        for piece in [&[0; 8][..], &counts, &sum] {
            self.out.write_all(piece)?;
        }
        Ok(self.out)
    }

    fn end_frame(&mut self) -> io::Result<()> {
        let stored = zstd::bulk::compress(&self.frame, LEVEL)?;
        let lengths = [small(self.frame.len()), small(stored.len())].concat();
        let sum = checksum(&[&self.frames.to_le_bytes(), &lengths, &stored]);
        self.sums.update(&sum);
        for piece in [&lengths[..], &stored, &sum] {
            self.out.write_all(piece)?;
        }
        self.frames += 1;
        self.frame.clear();
        Ok(())
    }
}

/// Reads one snapshot. Its blocks may be believed once [`Reader::finish`] has returned.
pub struct Reader<R> {
    input: R,
    at: u64,
    label: Label,
    frame: Vec<u8>,
    /// Bytes of the frame that were handed out.
    taken: usize,
    frames: u64,
    blocks: u64,
    sums: Hasher,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the label.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn new(input: R) -> Result<Self, Fault> {
        let label = Label {
            topic: String::new(),
            partition: 0,
            partitions: 0,
            next_offset: 0,
            fold_version: 0,
            set_number: 0,
            set_hash: String::new(),
            hash_key: 0,
            cut_at: 0,
            last: None,
        };
        let mut reader = Self {
            input,
            at: 0,
            label,
            frame: Vec::new(),
            taken: 0,
            frames: 0,
            blocks: 0,
            sums: Hasher::new(),
            ended: false,
        };
        reader.begin()?;
        Ok(reader)
    }

    /// What it is of.
    pub fn label(&self) -> &Label {
        &self.label
    }

    /// The next block; `None` after the last.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn next_block(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        if self.taken == self.frame.len() && !self.ended {
            self.next_frame()?;
        }
        if self.ended {
            return Ok(None);
        }
        let rest = &self.frame[self.taken..];
        let block = rest.split_first_chunk().and_then(|(length, rest)| {
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            rest.get(..length)
        });
        let Some(block) = block else {
            return Err(self.corrupt("a block is longer than its frame"));
        };
        let block = block.to_vec();
        self.taken += 4 + block.len();
        self.blocks += 1;
        Ok(Some(block))
    }

    /// Reads what is left, and returns the bytes of all: from now on it may be believed.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn finish(mut self) -> Result<u64, Fault> {
        while self.next_block()?.is_some() {}
        let mut more = [0];
        match self.input.read(&mut more) {
            Ok(0) => Ok(self.at),
            Ok(_) => Err(self.corrupt("bytes follow the end")),
            Err(error) => Err(self.broken(error)),
        }
    }

    fn begin(&mut self) -> Result<(), Fault> {
        let magic = self.array::<8>()?;
        if magic[..7] != MAGIC[..7] {
            return Err(self.corrupt("this is no snapshot"));
        }
        if magic[7] != MAGIC[7] {
            return Err(self.corrupt("a format that this release does not know"));
        }
        let length = self.array::<4>()?;
        let size = self.sized(length, LONGEST_LABEL)?;
        let bytes = self.bytes(size)?;
        let sum = self.array::<4>()?;
        if checksum(&[&length, &bytes]) != sum {
            return Err(self.corrupt("the label is not what was written"));
        }
        let label = postcard::from_bytes(&bytes);
        self.label = label.map_err(|_| self.corrupt("the label cannot be read"))?;
        self.sums.update(&sum);
        Ok(())
    }

    fn next_frame(&mut self) -> Result<(), Fault> {
        let lengths = [self.array::<4>()?, self.array::<4>()?];
        if lengths == [[0; 4]; 2] {
            return self.end();
        }
        let raw = self.sized(lengths[0], LONGEST_BLOCK + FULL + 8)?;
        let stored = self.sized(lengths[1], zstd::zstd_safe::compress_bound(raw))?;
        let stored = self.bytes(stored)?;
        let sum = self.array::<4>()?;
        let number = self.frames.to_le_bytes();
        if checksum(&[&number, lengths.as_flattened(), &stored]) != sum {
            return Err(self.corrupt("a frame is not what was written"));
        }
        let frame = zstd::bulk::decompress(&stored, raw).ok();
        let Some(frame) = frame.filter(|f| f.len() == raw && raw > 0) else {
            return Err(self.corrupt("a frame cannot be unpacked"));
        };
        self.sums.update(&sum);
        self.frames += 1;
        (self.frame, self.taken) = (frame, 0);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Fault> {
        let counts = [self.array::<8>()?, self.array::<8>()?];
        let sum = self.array::<4>()?;
        self.sums.update(counts.as_flattened());
        let expected = [self.frames.to_le_bytes(), self.blocks.to_le_bytes()];
        if counts != expected || self.sums.clone().finalize().to_le_bytes() != sum {
            return Err(self.corrupt("frames are missing, or not those of this label"));
        }
        self.ended = true;
        Ok(())
    }

    fn sized(&self, length: [u8; 4], most: usize) -> Result<usize, Fault> {
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > most {
            return Err(self.corrupt("a length that nothing written here has"));
        }
        Ok(length)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn bytes(&mut self, length: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; length];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault> {
        match self.input.read_exact(bytes) {
            Ok(()) => {
                self.at += bytes.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(self.corrupt("it ends too early"))
            }
            Err(error) => Err(self.broken(error)),
        }
    }

    fn corrupt(&self, why: &'static str) -> Fault {
        Fault::Corrupt { at: self.at, why }
    }

    fn broken(&self, error: io::Error) -> Fault {
        Fault::Io { at: self.at, error }
    }
}

fn checksum(pieces: &[&[u8]]) -> [u8; 4] {
    let mut hasher = Hasher::new();
    pieces.iter().for_each(|piece| hasher.update(piece));
    hasher.finalize().to_le_bytes()
}

/// Labels, blocks and frames are far below 4 GiB.
fn small(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests;
