//! In: a frame of values. Kept: nothing. Out: its fixed binary form (`schemas/README.md`).
//! Never knows: views, sockets. The listener's own decoder is what it is tested against.

use cx_model::frame::ServerFrame;

const D: u8 = 1;
const HB: u8 = 2;
/// The frame names a sealed second.
const SECOND: u8 = 1;
/// Live values: the server's clock and the partitions waited for follow.
const UNSEALED: u8 = 2;
/// Values carry their parts.
const PARTS: u8 = 4;
/// The server's clock follows.
const NOW: u8 = 8;
/// In a state byte: the value is null.
const NULL: u8 = 0x80;
/// In a state byte: the parts have a denominator.
const DENOMINATOR: u8 = 0x40;

/// Head and tail of a `d` without announcements and alerts or an `hb`, between which the id goes; `None` for
/// any other frame, which goes as JSON.
pub(crate) fn encode(frame: &ServerFrame) -> Option<([u8; 2], Vec<u8>)> {
    let mut out = Vec::with_capacity(64);
    match frame {
        ServerFrame::D {
            seq,
            s,
            sealed,
            now,
            waiting_for,
            cells,
            gone,
            v,
            parts,
            g,
            alerts: None,
            ..
        } if cells.is_empty() && gone.is_empty() => {
            let unsealed = *sealed == Some(false);
            let told = [(s.is_some(), SECOND), (unsealed, UNSEALED)];
            let more = [(!parts.is_empty(), PARTS), (now.is_some(), NOW)];
            let flags = told.into_iter().chain(more).filter(|(is, _)| *is);
            let flags = flags.fold(0, |all, (_, bit)| all | bit);
            begin(&mut out, *seq, *s, *now)?;
            if unsealed {
                varint(&mut out, waiting_for.len() as u64);
                for partition in waiting_for {
                    varint(&mut out, u64::from(*partition));
                }
            }
            digest(&mut out, g)?;
            varint(&mut out, v.len() as u64);
            for (i, (cell, value, state)) in v.iter().enumerate() {
                varint(&mut out, u64::from(*cell));
                let parts = parts.get(i);
                let null = if value.is_none() { NULL } else { 0 };
                let denominator = parts.and_then(|p| p.1);
                let has = denominator.map_or(0, |_| DENOMINATOR);
                out.push(state | null | has);
                let numbers = parts.map(|p| [Some(p.0), denominator, Some(p.2)]);
                let numbers = numbers.into_iter().flatten().flatten();
                for number in value.iter().copied().chain(numbers) {
                    varint(&mut out, zigzag(number));
                }
            }
            Some(([D, flags], out))
        }
        ServerFrame::Hb { seq, s, now, g, .. } => {
            let flags = NOW | if s.is_some() { SECOND } else { 0 };
            begin(&mut out, *seq, *s, Some(*now))?;
            digest(&mut out, g)?;
            Some(([HB, flags], out))
        }
        ServerFrame::D { .. }
        | ServerFrame::View { .. }
        | ServerFrame::Lagged { .. }
        | ServerFrame::Note { .. }
        | ServerFrame::End { .. }
        | ServerFrame::Why { .. }
        | ServerFrame::Error { .. }
        | ServerFrame::Bye { .. } => None,
    }
}

/// `None` for times before 1970, which JSON tells.
fn begin(out: &mut Vec<u8>, seq: u64, s: Option<i64>, now: Option<i64>) -> Option<()> {
    varint(out, seq);
    for time in [s, now].into_iter().flatten() {
        varint(out, u64::try_from(time).ok()?);
    }
    Some(())
}

fn digest(out: &mut Vec<u8>, g: &str) -> Option<()> {
    let digest = u64::from_str_radix(g, 16).ok()?;
    out.extend_from_slice(&digest.to_le_bytes());
    Some(())
}

/// LEB128: seven bits a byte, the lowest first.
pub(crate) fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n > 0x7f {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push((n & 0x7f) as u8);
}

/// Small numbers of both signs become small ones.
fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}
