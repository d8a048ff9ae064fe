use std::io::Write;
use std::path::PathBuf;

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use super::*;

/// A file of its own for one test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("bootwright-content-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn open(&self) -> Content {
        Content::file(File::open(&self.0).unwrap()).unwrap()
    }

    /// Opens the file after the page cache has forgotten it, where the file system lets go of it.
    fn open_cold(&self) -> Content {
        let file = File::open(&self.0).unwrap();
        file.sync_all().unwrap();
        posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
        Content::file(file).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8)
        .collect()
}

/// Takes some bytes as a transfer does, at once or after they were read.
fn blocks(reader: &mut Reader, offset: u64, want: usize) -> io::Result<&[u8]> {
    while let Stock::Wanted(job) = reader.stock(offset)? {
        reader.take(job.run())?;
    }
    if let Some(job) = reader.look_ahead(offset + want as u64) {
        reader.take(job.run())?;
    }
    Ok(reader.bytes(offset, want))
}

/// Reads a window of blocks at a time, which may come in parts.
fn read_all(reader: &mut Reader, size: usize, window: usize) -> io::Result<Vec<u8>> {
    let mut read = Vec::new();
    while read.len() < size {
        let part = blocks(reader, read.len() as u64, window.min(size - read.len()))?;
        assert!(!part.is_empty());
        read.extend_from_slice(part);
    }
    Ok(read)
}

#[test]
fn files_come_out_as_they_are_in_windows_of_any_size() {
    let whole = bytes(700_001);
    let scratch = Scratch::new("whole", &whole);
    for (block, windowsize) in [(512, 1), (1468, 1), (1468, 16), (65_464, 4)] {
        for content in [scratch.open(), scratch.open_cold()] {
            assert_eq!(content.size(), 700_001);
            let mut reader = Reader::new(content, block);
            let read = read_all(&mut reader, whole.len(), usize::from(block) * windowsize);
            assert!(read.unwrap() == whole, "{windowsize} x {block}");
            let behind = blocks(&mut reader, 700_001, 0).unwrap();
            assert!(behind.is_empty(), "the empty block behind the end");
        }
    }
}

#[test]
fn a_window_that_is_sent_again_is_read_again() {
    let whole = bytes(400_000);
    let scratch = Scratch::new("again", &whole);
    let mut reader = Reader::new(scratch.open_cold(), 1000);
    for (offset, want) in [
        (0, 4000),
        (14_000, 4000),
        (15_000, 4000),
        (200_000, 8000),
        (14_000, 2000),
        (399_000, 1000),
    ] {
        let part = blocks(&mut reader, offset, want).unwrap();
        let at = offset as usize;
        assert!(
            !part.is_empty() && part == &whole[at..at + part.len()],
            "{want} bytes at {offset}"
        );
    }
}

#[test]
fn a_file_put_in_its_place_does_not_touch_a_transfer() {
    let whole = bytes(300_000);
    let scratch = Scratch::new("replaced", &whole);
    let mut reader = Reader::new(scratch.open(), 1000);
    blocks(&mut reader, 0, 1000).unwrap();
    let other = Scratch::new("replacing", &bytes(10));
    std::fs::rename(&other.0, &scratch.0).unwrap();
    assert!(read_all(&mut reader, whole.len(), 4000).unwrap() == whole);
    assert_eq!(scratch.open().size(), 10, "who asks now gets the new one");
}

#[test]
fn a_file_that_shrinks_or_is_overwritten_ends_the_transfer_and_not_the_process() {
    let scratch = Scratch::new("shrinks", &bytes(600_000));
    let mut reader = Reader::new(scratch.open(), 1000);
    blocks(&mut reader, 0, 1000).unwrap();
    File::options()
        .write(true)
        .open(&scratch.0)
        .unwrap()
        .set_len(1000)
        .unwrap();
    assert!(blocks(&mut reader, 300_000, 1000).is_err());

    let scratch = Scratch::new("overwritten", &bytes(600_000));
    let mut reader = Reader::new(scratch.open(), 1000);
    blocks(&mut reader, 0, 1000).unwrap();
    let mut file = File::options().write(true).open(&scratch.0).unwrap();
    file.write_all(b"other").unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    assert!(blocks(&mut reader, 300_000, 1000).is_err());
}

#[tokio::test]
async fn text_mode_ends_lines_with_cr_lf() {
    let text = Content::Memory(Bytes::from_static(b"a\nb\r\n\rc"))
        .into_text()
        .await
        .unwrap()
        .unwrap();
    let mut reader = Reader::new(text.clone(), 512);
    assert_eq!(blocks(&mut reader, 0, 512).unwrap(), b"a\r\nb\r\0\r\n\r\0c");
    let large = Content::Memory(vec![0; 600 << 10].into());
    assert!(large.into_text().await.unwrap().is_none());
}

#[test]
fn a_directory_is_no_content() {
    assert!(Content::file(File::open("/").unwrap()).is_err());
}
