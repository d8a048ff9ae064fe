//! A runtime on the thread that asks for one, and so in the namespace that the thread is in.

/// A runtime with clock and sockets.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}
