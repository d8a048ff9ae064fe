//! Capture files as tcpdump and Wireshark read them (the classic format, microseconds, Ethernet).

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

const MAGIC: u32 = 0xa1b2_c3d4;
const ETHERNET: u32 = 1;
const HEADER_BYTES: usize = 24;
const RECORD_BYTES: usize = 16;

/// How much of a frame is kept. DHCP and TFTP fit whole; of a file's bytes the head of each segment is enough.
const KEPT_MAX: usize = 1600;
/// How much of a TCP segment is kept.
pub(super) const KEPT_OF_STREAM: usize = 512;

/// A capture file that is being written.
pub(super) struct Writer {
    file: File,
}

impl Writer {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut file = File::create(path)?;
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(&MAGIC.to_le_bytes());
        header.extend_from_slice(&2u16.to_le_bytes());
        header.extend_from_slice(&4u16.to_le_bytes());
        header.extend_from_slice(&[0; 8]); // Time zone and accuracy: always zero.
        header.extend_from_slice(&(KEPT_MAX as u32).to_le_bytes());
        header.extend_from_slice(&ETHERNET.to_le_bytes());
        file.write_all(&header)?;
        Ok(Writer { file })
    }

    /// Appends a frame, cut to `kept` bytes. One system call a frame: a reader never sees half of one for long.
    pub(super) fn frame(&mut self, frame: &[u8], kept: usize) -> io::Result<()> {
        let kept = &frame[..frame.len().min(kept).min(KEPT_MAX)];
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut record = Vec::with_capacity(RECORD_BYTES + kept.len());
        for field in [
            now.as_secs() as u32,
            now.subsec_micros(),
            kept.len() as u32,
            frame.len() as u32,
        ] {
            record.extend_from_slice(&field.to_le_bytes());
        }
        record.extend_from_slice(kept);
        self.file.write_all(&record)
    }
}

/// The frames of a capture file, as far as it has been written.
pub(super) fn read(path: &Path) -> Result<Vec<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    if bytes.get(..4) != Some(&MAGIC.to_le_bytes()) {
        bail!("{} is not a capture file of ours", path.display());
    }
    let mut rest = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let mut frames = Vec::new();
    while let Some((record, after)) = rest.split_at_checked(RECORD_BYTES) {
        let kept = u32::from_le_bytes([record[8], record[9], record[10], record[11]]) as usize;
        let Some((frame, after)) = after.split_at_checked(kept) else {
            break;
        };
        frames.push(frame.to_vec());
        rest = after;
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::{Writer, read};

    #[test]
    fn frames_come_back_cut_and_in_order() {
        let path = std::env::temp_dir().join(format!("bootwright-pcap-{}.pcap", std::process::id()));
        let mut writer = Writer::create(&path).expect("a file");
        writer.frame(&[1; 60], 1600).expect("written");
        writer.frame(&[2; 1500], 512).expect("written");
        let frames = read(&path).expect("readable");
        std::fs::remove_file(&path).expect("ours");
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[0], [1; 60]);
        assert_eq!(frames[1], [2; 512]);
    }
}
