//! [`Recording`]: what passed between a host program and a module, as it was heard on the line.

use super::script::Direction;

/// Most that is kept, in bytes; each chunk counts as [`CHUNK_COST`] more. A scenario that is made of it
/// has an end far before.
pub const RECORDING_MAX: usize = 32 * 1024 * 1024;

/// What a chunk costs beside its bytes.
const CHUNK_COST: usize = 64;

/// Bytes that went one way at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which way.
    pub direction: Direction,
    /// Milliseconds since the recording began.
    pub at_ms: i64,
    /// What was on the line.
    pub bytes: Vec<u8>,
}

/// Chunks in the order they passed.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    chunks: Vec<Chunk>,
    cost: usize,
    is_cut: bool,
}

impl Recording {
    /// Keeps what passed at a moment not before the last one.
    pub fn note(&mut self, direction: Direction, at_ms: i64, bytes: &[u8]) {
        match self.chunks.last_mut() {
            Some(last) if last.direction == direction && last.at_ms == at_ms => {
                self.is_cut |= self.cost + bytes.len() > RECORDING_MAX;
                if !self.is_cut {
                    self.cost += bytes.len();
                    last.bytes.extend_from_slice(bytes);
                }
            }
            _ => {
                self.is_cut |= self.cost + bytes.len() + CHUNK_COST > RECORDING_MAX;
                if !self.is_cut {
                    self.cost += bytes.len() + CHUNK_COST;
                    self.chunks.push(Chunk { direction, at_ms, bytes: bytes.to_vec() });
                }
            }
        }
    }

    /// What passed, in order.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// More passed than is kept.
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_at_one_moment_is_one_chunk() {
        let mut recording = Recording::default();
        for (direction, at_ms, byte) in [
            (Direction::ToModule, 1, b'A'),
            (Direction::ToModule, 1, b'T'),
            (Direction::ToHost, 1, b'O'),
            (Direction::ToHost, 2, b'K'),
        ] {
            recording.note(direction, at_ms, &[byte]);
        }
        let bytes: Vec<_> = recording.chunks().iter().map(|chunk| chunk.bytes.as_slice()).collect();
        assert_eq!(bytes, [b"AT".as_slice(), b"O", b"K"]);
    }

    #[test]
    fn a_recording_has_an_end_and_no_gap() {
        let mut recording = Recording::default();
        for at_ms in 0..40 {
            recording.note(Direction::ToHost, at_ms, &vec![b'x'; 1024 * 1024]);
        }
        assert!(recording.is_cut());
        recording.note(Direction::ToHost, 99, b"x");
        assert_eq!(recording.chunks().len(), 31);
    }
}
