//! The threads on which DHCP and TFTP run, each with a runtime of its own.
//!
//! One thread can answer more packets than a network carries, since nothing on it waits for a disk. More of them would cost
//! more: for each packet one thread wakes another one to help, and the packet is answered before that has come.

use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// How long what runs beside the thread, such as reading from a disk, may take to end with it.
const PATIENCE: Duration = Duration::from_secs(1);

/// A thread. It ends when this is dropped, and what runs on it with it.
#[derive(Debug)]
pub struct Thread {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    inner: Option<std::thread::JoinHandle<()>>,
}

impl Thread {
    /// Starts one of this name.
    ///
    /// # Errors
    /// The kernel's.
    pub fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .thread_name(format!("{name}-disk"))
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            // The sender going away is the word to stop.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_timeout(PATIENCE);
        };
        let inner = std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self {
            handle,
            stop: Some(stop),
            inner: Some(inner),
        })
    }

    /// What starts tasks on it.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(Err(_)) = self.inner.take().map(std::thread::JoinHandle::join) {
            tracing::error!(code = "E901", "a thread that answers machines has panicked");
        }
    }
}
