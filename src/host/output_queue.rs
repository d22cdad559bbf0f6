//! [`OutputQueue`]: what a line has not taken yet; it drops like a UART without flow control.

use std::collections::VecDeque;
use std::io;

/// Most bytes that wait for a host program that does not read.
pub const WAITING_OUTPUT_MAX: usize = 64 * 1024;

/// Bytes on their way out of a port.
#[derive(Debug, Default)]
pub struct OutputQueue {
    waiting: VecDeque<u8>,
    dropped: u64,
}

impl OutputQueue {
    /// Writes one line at once where nothing waits before it, and keeps what was not taken. What
    /// finds the queue full is lost.
    pub fn send(
        &mut self,
        bytes: &[u8],
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        let taken = if self.waiting.is_empty() { taken(write(bytes))? } else { 0 };
        let rest = &bytes[taken..];
        let room = WAITING_OUTPUT_MAX - self.waiting.len();
        let kept = rest.len().min(room);
        self.waiting.extend(&rest[..kept]);
        if kept < rest.len() {
            if self.dropped == 0 {
                tracing::warn!("nobody reads: output is lost from here on");
            }
            self.dropped += (rest.len() - kept) as u64;
        }
        Ok(())
    }

    /// Writes what waits; false where the line took less than all.
    pub fn flush(&mut self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) -> io::Result<bool> {
        while !self.waiting.is_empty() {
            match taken(write(self.waiting.as_slices().0))? {
                0 => return Ok(false),
                count => drop(self.waiting.drain(..count)),
            }
        }
        self.dropped = 0;
        Ok(true)
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Nobody will read this any more.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.dropped = 0;
    }
}

fn taken(written: io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_nobody_reads_takes_so_much_and_drops_the_rest() {
        let mut queue = OutputQueue::default();
        let full = |_: &[u8]| Err(io::ErrorKind::WouldBlock.into());
        for _ in 0..100 {
            queue.send(&[b'x'; 1000], full).expect("a full line is no error");
        }
        assert!(!queue.flush(full).expect("no error"));
        let mut written = Vec::new();
        let slowly = |bytes: &[u8]| {
            let count = bytes.len().min(7);
            written.extend_from_slice(&bytes[..count]);
            Ok(count)
        };
        assert!(queue.flush(slowly).expect("no error"));
        assert_eq!(written.len(), WAITING_OUTPUT_MAX);
    }

    #[test]
    fn order_is_kept_and_a_line_is_one_write() {
        let mut queue = OutputQueue::default();
        let mut writes: Vec<Vec<u8>> = Vec::new();
        queue
            .send(b"\r\nOK\r\n", |bytes| {
                writes.push(bytes.to_vec());
                Ok(bytes.len())
            })
            .expect("taken");
        queue.send(b"abc", |_| Ok(1)).expect("taken in part");
        queue.send(b"def", |_| panic!("what waits goes first")).expect("queued");
        queue
            .flush(|bytes| {
                writes.push(bytes.to_vec());
                Ok(bytes.len())
            })
            .expect("taken");
        assert_eq!(writes, [b"\r\nOK\r\n".to_vec(), b"bcdef".to_vec()]);
    }
}
