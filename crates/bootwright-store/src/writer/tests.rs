use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use bootwright_core::{Uuid, World, apply};

use super::*;
use crate::sample::Sample;
use crate::{Batch, ClockMark, EventQuery, Fault, MemoryDisk, MemoryStore, Page, Reader, resume};

const LONG: Duration = Duration::from_secs(20);

fn reading() -> ClockReading {
    ClockReading {
        boot_id: Uuid::from_text_order([1; 16]),
        boottime_ms: 5000,
        wall_ms: 1_760_000_000_000,
    }
}

/// A writer on this disk, and where its commits are told.
fn writer(store: Box<dyn Store>) -> (Writer, Receiver<Vec<Recorded>>) {
    let (told, commits) = channel();
    let committed: Committed = Box::new(move |recorded| drop(told.send(recorded.to_vec())));
    let clock = resume(None, reading());
    let writer = Writer::start(store, Seq::ZERO, clock, Box::new(reading), committed).unwrap();
    (writer, commits)
}

fn memory() -> (MemoryDisk, Writer, Receiver<Vec<Recorded>>) {
    let disk = MemoryDisk::new();
    let (writer, commits) = writer(Box::new(MemoryStore::on(disk.clone())));
    (disk, writer, commits)
}

type Answer = (usize, Result<Seq, WriteFailed>);

fn tell(to: &Sender<Answer>, number: usize) -> Option<Done> {
    let to = to.clone();
    Some(Box::new(move |result| drop(to.send((number, result)))))
}

/// A store whose appends wait until they are let through: a slow disk that the test controls.
struct Gated {
    store: MemoryStore,
    begun: Sender<usize>,
    gate: Receiver<()>,
}

impl Store for Gated {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        self.store.load()
    }

    fn commit(&mut self, batch: Batch<'_>, wall_ms: u64, clock: &ClockMark) -> Result<Seq, StoreError> {
        self.begun.send(batch.entries.len()).unwrap();
        self.gate.recv_timeout(LONG).unwrap();
        self.store.commit(batch, wall_ms, clock)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, StoreError> {
        self.store.reader()
    }
}

fn gated() -> (MemoryDisk, Writer, Receiver<usize>, Sender<()>) {
    let disk = MemoryDisk::new();
    let (begun, begins) = channel();
    let (open, gate) = channel();
    let store = Gated {
        store: MemoryStore::on(disk.clone()),
        begun,
        gate,
    };
    let (writer, _) = writer(Box::new(store));
    (disk, writer, begins, open)
}

#[test]
fn what_waits_while_the_disk_is_busy_is_committed_as_one_group_and_told_in_order() {
    let (disk, writer, begins, open) = gated();
    let mut sample = Sample::new(7);
    let (to, answers) = channel();
    writer.submit(vec![sample.entry()], tell(&to, 0)).unwrap();
    assert_eq!(begins.recv_timeout(LONG), Ok(1));
    // The disk is busy with the first one. These come meanwhile:
    for number in 1..=40 {
        let entries: Vec<Entry> = (0..number % 3).map(|_| sample.entry()).collect();
        writer.submit(entries, tell(&to, number)).unwrap();
    }
    assert_eq!(writer.queue_len(), 41);
    assert!(
        answers.try_recv().is_err(),
        "nothing is acknowledged before it is durable"
    );
    open.send(()).unwrap();
    let group: usize = (1..=40).map(|number| number % 3).sum();
    assert_eq!(begins.recv_timeout(LONG), Ok(group));
    open.send(()).unwrap();
    let mut last = 0;
    for number in 0..=40 {
        last += if number == 0 { 1 } else { number as u64 % 3 };
        assert_eq!(answers.recv_timeout(LONG), Ok((number, Ok(Seq::new(last)))));
    }
    assert_eq!((disk.appends(), disk.recorded().len()), (2, group + 1));
    assert_eq!(writer.queue_len(), 0);
}

#[test]
fn a_full_queue_refuses_at_once() {
    let (_disk, writer, begins, open) = gated();
    let entry = Sample::new(1).entry();
    writer.submit(vec![entry.clone()], None).unwrap();
    begins.recv_timeout(LONG).unwrap();
    for _ in 0..QUEUE_MAX {
        writer.submit(vec![entry.clone()], None).unwrap();
    }
    let (to, answers) = channel();
    assert_eq!(writer.submit(vec![entry.clone()], tell(&to, 0)), Err(Refused::Full));
    drop(to);
    assert!(answers.recv().is_err(), "what is refused is never told");
    // Let the disk go on until it has room again.
    open.send(()).unwrap();
    begins.recv_timeout(LONG).unwrap();
    assert_eq!(writer.submit(vec![entry], None), Ok(()));
    for _ in 0..=QUEUE_MAX {
        // The writer stops waiting when the queue is empty, and the rest of these are not used.
        let _ = open.send(());
    }
}

#[test]
fn followers_hear_of_every_commit_in_order_and_after_it_is_acknowledged() {
    let (disk, writer, commits) = memory();
    let mut sample = Sample::new(3);
    for _ in 0..100 {
        writer.submit(sample.batch(4), None).unwrap();
    }
    writer.flush();
    let told: Vec<Recorded> = commits.try_iter().flatten().collect();
    assert_eq!(told, disk.recorded());
    assert_eq!(told.first().map(|recorded| recorded.seq), Some(Seq::new(1)));
}

#[test]
fn dropping_the_writer_commits_what_waits() {
    let (disk, writer, _commits) = memory();
    let mut sample = Sample::new(4);
    let (to, answers) = channel();
    for number in 0..1000 {
        writer.submit(vec![sample.entry()], tell(&to, number)).unwrap();
    }
    drop(writer);
    drop(to);
    assert_eq!(answers.iter().filter(|(_, result)| result.is_ok()).count(), 1000);
    assert_eq!(disk.recorded().len(), 1000);
}

#[test]
fn fault_03_after_a_failed_write_everything_is_refused_until_the_store_was_read_again() {
    for fault in [Fault::Lost, Fault::Unsaid, Fault::Full] {
        let (disk, writer, commits) = memory();
        let mut sample = Sample::new(5);
        let (to, answers) = channel::<Answer>();
        let answer = || answers.recv_timeout(LONG).unwrap().1;
        writer.submit(vec![sample.entry()], tell(&to, 0)).unwrap();
        assert_eq!(answer(), Ok(Seq::new(1)));
        disk.fail_after(0, fault);
        writer.submit(vec![sample.entry()], tell(&to, 1)).unwrap();
        let failed = answer().unwrap_err();
        assert_eq!(writer.health(), Health::Failed(failed.clone()));
        // The disk would take this one, but it presupposes the one that was lost.
        writer.submit(vec![sample.entry()], tell(&to, 2)).unwrap();
        assert_eq!(answer(), Err(failed));
        writer.accept();
        writer.submit(vec![sample.entry()], tell(&to, 3)).unwrap();
        answer().unwrap_err();

        let loaded = writer.reopen().unwrap();
        let mut expected = World::default();
        for recorded in disk.recorded() {
            apply(&mut expected, &recorded.entry);
        }
        assert_eq!(loaded.world, expected);
        assert_eq!(loaded.seq.get(), if fault == Fault::Unsaid { 2 } else { 1 });
        // Still refused: it was made before its maker knew what `reopen` returned.
        writer.submit(vec![sample.entry()], tell(&to, 4)).unwrap();
        answer().unwrap_err();
        writer.accept();
        writer.submit(vec![sample.entry()], tell(&to, 5)).unwrap();
        assert_eq!(answer(), Ok(loaded.seq.plus(1)));
        assert_eq!(writer.health(), Health::Good);
        let told: Vec<u64> = commits
            .try_iter()
            .flatten()
            .map(|recorded| recorded.seq.get())
            .collect();
        assert_eq!(told.first(), Some(&1), "{told:?}");
        assert!(!told.contains(&loaded.seq.get()) || fault != Fault::Unsaid, "{told:?}");
    }
}

#[test]
fn fault_04_while_the_reserve_is_in_use_it_is_said_and_when_room_returns_too() {
    let (disk, writer, _commits) = memory();
    let mut sample = Sample::new(6);
    disk.set_space(crate::Space::Reserve);
    writer.submit(vec![sample.entry()], None).unwrap();
    writer.flush();
    assert_eq!(writer.health(), Health::Low);
    disk.set_space(crate::Space::Plenty);
    writer.submit(vec![sample.entry()], None).unwrap();
    writer.flush();
    assert_eq!(writer.health(), Health::Good);
}

#[test]
fn a_page_of_events_is_read_beside_the_writer() {
    let (disk, writer, _commits) = memory();
    let mut sample = Sample::new(8);
    writer.submit(sample.batch(50), None).unwrap();
    writer.flush();
    let mut reader = MemoryStore::on(disk.clone()).reader().unwrap();
    let query = |page, limit| EventQuery {
        page,
        host: None,
        limit,
    };
    let all = disk.recorded();
    let last = reader.events(&query(Page::Last, 3)).unwrap();
    assert_eq!(last, all[all.len() - 3..]);
    let before = reader.events(&query(Page::Before(last[0].seq), 2)).unwrap();
    assert_eq!(before, all[all.len() - 5..all.len() - 3]);
    assert_eq!(reader.events(&query(Page::After(Seq::new(1)), 2)).unwrap(), all[1..3]);
}
