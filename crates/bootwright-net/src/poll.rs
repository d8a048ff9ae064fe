//! Many sockets watched by one thread that does nothing else: `epoll(7)`, without a runtime in between.
//!
//! A runtime costs more for each packet of a transfer than the packet itself does. One watch here costs a system call for
//! all sockets that have something to tell, and nothing for a timer that has not come.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

/// News that one wait brings at most.
const NEWS_MAX: usize = 128;
/// Names that no socket may have.
const BELL: u64 = u64::MAX;
const ALARM: u64 = u64::MAX - 1;

/// The watch: sockets, one bell for other threads, one alarm.
#[derive(Debug)]
pub struct Poll {
    epoll: Epoll,
    bell: Bell,
    alarm: TimerFd,
    events: [EpollEvent; NEWS_MAX],
}

/// Wakes the thread that waits.
#[derive(Clone, Debug)]
pub struct Bell(Arc<EventFd>);

/// What to watch a socket for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Packets, and the errors that the network reports.
    Packets,
    /// These, and room to send.
    PacketsAndRoom,
}

/// What a wait brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The bell was rung, once or more.
    Bell,
    /// The alarm's time has come.
    Alarm,
    /// The socket of this name has packets or an error to read, if `packets`, and room to send, if `room`.
    Socket {
        /// The name it was given.
        name: u64,
        /// Whether there is something to read.
        packets: bool,
        /// Whether there is room; only told to who watches for it.
        room: bool,
    },
}

impl Poll {
    /// A watch of nothing yet.
    ///
    /// # Errors
    /// The kernel's: too many open files.
    pub fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let bell = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let alarm = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        epoll.add(&bell, EpollEvent::new(EpollFlags::EPOLLIN, BELL))?;
        epoll.add(&alarm, EpollEvent::new(EpollFlags::EPOLLIN, ALARM))?;
        Ok(Self {
            epoll,
            bell: Bell(Arc::new(bell)),
            alarm,
            events: [EpollEvent::empty(); NEWS_MAX],
        })
    }

    /// What wakes the thread that waits.
    #[must_use]
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Watches a socket under a name below 2^64 - 2, until it is closed. News come again as long as they are true.
    ///
    /// # Errors
    /// The kernel's.
    pub fn add(&self, socket: impl AsFd, name: u64, what: For) -> io::Result<()> {
        debug_assert!(name < ALARM, "the name of a socket");
        Ok(self.epoll.add(socket, EpollEvent::new(what.flags(), name))?)
    }

    /// Watches a socket for something else than before.
    ///
    /// # Errors
    /// The kernel's.
    pub fn change(&self, socket: impl AsFd, name: u64, what: For) -> io::Result<()> {
        let mut event = EpollEvent::new(what.flags(), name);
        Ok(self.epoll.modify(socket, &mut event)?)
    }

    /// Has the alarm ring once, after that time; replaces an earlier one.
    ///
    /// # Errors
    /// The kernel's.
    pub fn alarm_in(&self, after: Duration) -> io::Result<()> {
        // Nothing would switch it off.
        let after = TimeSpec::from_duration(after.max(Duration::from_nanos(1)));
        Ok(self.alarm.set(Expiration::OneShot(after), TimerSetTimeFlags::empty())?)
    }

    /// Waits for news and returns how many there are. The bell and the alarm are silent again.
    ///
    /// # Errors
    /// The kernel's.
    pub fn wait(&mut self) -> io::Result<usize> {
        let count = match self.epoll.wait(&mut self.events, EpollTimeout::NONE) {
            Err(Errno::EINTR) => 0,
            waited => waited?,
        };
        for event in &self.events[..count] {
            match event.data() {
                // What is read is of no interest, and that nothing is there to be read is no error.
                BELL => drop(self.bell.0.read()),
                ALARM => drop(self.alarm.wait()),
                _ => {}
            }
        }
        Ok(count)
    }

    /// One of the news that the last wait brought, from 0 on.
    ///
    /// # Panics
    /// Where no wait ever brings so many.
    #[must_use]
    pub fn news(&self, place: usize) -> News {
        News::of(&self.events[place])
    }
}

impl Bell {
    /// Wakes the thread, or lets its next wait end at once.
    pub fn ring(&self) {
        // It fails only where it was rung 2^64 times and nobody came.
        let _ = self.0.write(1);
    }
}

impl For {
    fn flags(self) -> EpollFlags {
        match self {
            Self::Packets => EpollFlags::EPOLLIN,
            Self::PacketsAndRoom => EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT,
        }
    }
}

impl News {
    fn of(event: &EpollEvent) -> Self {
        match event.data() {
            BELL => Self::Bell,
            ALARM => Self::Alarm,
            name => Self::Socket {
                name,
                packets: event
                    .events()
                    .intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP),
                room: event.events().contains(EpollFlags::EPOLLOUT),
            },
        }
    }
}
