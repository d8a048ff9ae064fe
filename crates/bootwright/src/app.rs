//! The daemon: takes hold of everything, serves, and lets go in order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use bootwright_config::{Daemon, Dialect, Loaded, Places, SecretSource, Tables, Webhook};
use bootwright_engine::FetchKind;
use bootwright_net::beneath::Root;
use bootwright_net::environment::Environment;
use bootwright_net::watch::Watch;
use bootwright_store::{Limits as StoreLimits, SqliteStore, StoreError};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::api;
use crate::artefact::Artefacts;
use crate::backup;
use crate::boot_file::{BootFiles, Tftp, follow_transfers};
use crate::compat::Desks;
use crate::console::Console;
use crate::core::Core;
use crate::counter::Counters;
use crate::firmware::Catalogue;
use crate::http::{self, Plane, Shelf};
use crate::journal::Journal;
use crate::link::{Services, serve_links};
use crate::metrics::Timed;
use crate::reload::{Files, Reloader};
use crate::telemetry::{self, LogFormat};
use crate::tftp::{Limits, Server};
use crate::thread::Thread;
use crate::vault::Vault;
use crate::voice::{self, Scribe};
use crate::webhook::Webhooks;

/// What the command line says of the daemon.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The path of `config.toml`.
    pub config: PathBuf,
    /// Where everything lies that must last, in place of the configuration's word.
    pub data_dir: Option<PathBuf>,
    /// Where the control socket is made.
    pub socket: PathBuf,
    /// Where the shipped firmware is.
    pub firmware_dir: PathBuf,
    /// The form of the log.
    pub log: LogFormat,
}

/// It ran and then failed.
const FAILED: u8 = 1;
/// The configuration cannot be used.
const BAD_CONFIG: u8 = 2;
/// It cannot run here.
const CANNOT_RUN: u8 = 3;
/// Another process holds the data directory.
const HELD: u8 = 4;

/// Where data lies unless somebody says otherwise.
const DATA_DIR: &str = "/var/lib/bootwright";

/// How long the start waits for the record of what it did.
const RECORDED_WITHIN: Duration = Duration::from_secs(5);

/// How long the end waits for whoever reads the log.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(200);

/// Threads that serve machines over HTTP. A file that is not in memory holds one up until the disk has delivered, so they
/// are apart from those that answer DHCP, TFTP and operators.
const HTTP_THREADS: usize = 4;

/// Why the daemon does not run, or no longer.
#[derive(Debug)]
pub struct Ended {
    /// What the process should exit with.
    pub status: u8,
    /// The stable code that programs compare.
    pub code: &'static str,
    /// What it is in this case.
    pub detail: String,
    /// What to do about it, where that is not said already.
    pub hint: Option<&'static str>,
    /// All of it, for people.
    pub words: String,
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// When it cannot start, or did and then failed.
pub fn serve(options: ServeOptions) -> Result<(), Ended> {
    telemetry::start(options.log);
    telemetry::end_on_engine_panic();
    let files = Files::new(options.config.clone());
    let loaded = files.load().map_err(|unusable| bad_config(&unusable.words()))?;
    for warning in &loaded.warnings {
        tracing::warn!(code = "W202", "{}", warning.render());
    }
    match Environment::detect() {
        Ok(environment) => {
            // Whoever restarts what has ended would do so for ever, and nothing would be better then. So it stays, and is
            // not ready.
            if let Some(hint) = environment.hint() {
                tracing::error!(code = code_of(&environment), "{environment}: {hint}");
            }
        }
        Err(error) => tracing::debug!(why = %error, "cannot tell where this runs"),
    }
    run(&options, files, loaded).map_err(|error| failed(&error))
}

fn bad_config(wrong: &[String]) -> Ended {
    let detail = wrong.join("\n");
    Ended {
        status: BAD_CONFIG,
        code: "bad_configuration",
        words: format!(
            "{detail}\nthe configuration cannot be used; `bootwright check` shows the same without starting anything\n"
        ),
        detail,
        hint: Some("`bootwright check` shows the same without starting anything"),
    }
}

/// How a process ends that met this.
pub(crate) fn failed(error: &anyhow::Error) -> Ended {
    let (status, code, help) = match error.downcast_ref::<StoreError>() {
        Some(StoreError::Held { .. }) => (HELD, "data_directory_held", Some("E303")),
        Some(_) => (CANNOT_RUN, "cannot_run", Some("E304")),
        None => match error.downcast_ref::<CannotRun>() {
            Some(CannotRun { help, .. }) => (CANNOT_RUN, "cannot_run", Some(*help)),
            None => (FAILED, "failed", None),
        },
    };
    let help = help.map(|help| format!(" [{help}]")).unwrap_or_default();
    Ended {
        status,
        code,
        detail: format!("{error:#}"),
        hint: None,
        words: format!("error: {error:#}{help}\n"),
    }
}

/// Something of this box stands in the way.
#[derive(Debug)]
struct CannotRun {
    /// The code under which there is more about it.
    help: &'static str,
    words: String,
}

impl CannotRun {
    /// A port is held by somebody else, or may not be opened.
    const fn port(words: String) -> Self {
        Self { help: "E105", words }
    }
}

impl std::fmt::Display for CannotRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words)
    }
}

impl std::error::Error for CannotRun {}

fn run(options: &ServeOptions, files: Files, loaded: Loaded) -> anyhow::Result<()> {
    let Loaded {
        policy,
        daemon,
        places,
        secrets,
        tables,
        webhooks,
        ..
    } = loaded;
    let from_config = daemon.data_dir.as_ref().map(PathBuf::from);
    let data_dir = options
        .data_dir
        .clone()
        .or(from_config)
        .unwrap_or_else(|| PathBuf::from(DATA_DIR));
    let database = data_dir.join("bootwright.db");
    backup::finish(&data_dir)?;
    let store = SqliteStore::open(&database, StoreLimits::default())?;
    let catalogue = Arc::new(Catalogue::load(&options.firmware_dir, &data_dir.join("firmware")));
    let mut policy = policy;
    catalogue.fit(daemon.tftp.root.as_deref(), &mut policy);
    let counters = Arc::new(Counters::default());
    let core = {
        let store = Box::new(Timed::new(store, Arc::clone(&counters)));
        Core::start(store, Arc::new(policy), Arc::clone(&counters))?
    };
    catalogue.tell(daemon.tftp.root.as_deref(), &core.policy());
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(4);
    let main = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("main")
        .enable_all()
        .build()?;
    let machines = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(HTTP_THREADS)
        .thread_name("http")
        .enable_all()
        .build()?;
    let console = Console::open(&daemon, &data_dir, &core).context("cannot start the threads of the control plane")?;
    let ended = main.block_on(serve_all(
        options,
        files,
        (daemon, places, secrets, tables, webhooks),
        data_dir,
        (Arc::clone(&core), counters),
        catalogue,
        (&machines, &console),
    ));
    console.stop();
    machines.shutdown_timeout(Duration::from_secs(1));
    main.shutdown_timeout(Duration::from_secs(1));
    core.flush();
    telemetry::flush(LAST_WORDS_WITHIN);
    ended
}

/// The code that says more of where we run.
pub(crate) const fn code_of(environment: &Environment) -> Option<&'static str> {
    match environment {
        Environment::Box => None,
        Environment::Bridged { .. } => Some("E101"),
        Environment::DockerDesktop => Some("E102"),
        Environment::Wsl => Some("W103"),
    }
}

async fn serve_all(
    options: &ServeOptions,
    files: Files,
    (daemon, places, secrets, tables, hooks): (
        Daemon,
        Places,
        BTreeMap<String, SecretSource>,
        Tables,
        BTreeMap<String, Webhook>,
    ),
    data_dir: PathBuf,
    (core, counters): (Arc<Core>, Arc<Counters>),
    catalogue: Arc<Catalogue>,
    (machines, console): (&tokio::runtime::Runtime, &Console),
) -> anyhow::Result<()> {
    let daemon = Arc::new(daemon);
    let (places, secrets) = (Arc::new(ArcSwap::from_pointee(places)), Arc::new(Vault::new(secrets)));
    let tables = Arc::new(ArcSwap::from_pointee(tables));
    let links = Arc::new(ArcSwap::from_pointee(Vec::new()));
    let plane = Arc::new(Plane {
        places: Arc::clone(&places),
        secrets: Arc::clone(&secrets),
        tables: Arc::clone(&tables),
        desks: Desks::open(&daemon.compat),
        heard: http::Heard::default(),
        sources: Arc::default(),
        core: Arc::clone(&core),
        counters: Arc::clone(&counters),
        catalogue: Arc::clone(&catalogue),
        images: shelf("/images", &data_dir, FetchKind::Image)?,
        assets: shelf("/assets", &data_dir, FetchKind::Other)?,
        artefacts: Artefacts::watched(&data_dir, &daemon.compat, &core),
        scribe: Scribe::start(Journal::new(data_dir.join("logs")), Arc::clone(&counters)),
        journal: Journal::new(data_dir.join("logs")),
        daemon: Arc::clone(&daemon),
        links: Arc::clone(&links),
    });
    listen_for_machines(&plane, machines)?;
    let transfers = Thread::start("tftp").context("cannot start the thread of TFTP")?;
    let offers = Thread::start("dhcp").context("cannot start the thread of DHCP")?;
    let (tftp, notices) = start_tftp(&plane)?;
    counters.show_tftp(tftp.counts());
    transfers.handle().spawn(follow_transfers(Arc::clone(&plane), notices));
    let webhooks = begin_webhooks(&hooks, (&core, &counters), &data_dir)?;
    let reloader = Arc::new(Reloader::new(
        files,
        Arc::clone(&core),
        Arc::clone(&counters),
        Arc::clone(&catalogue),
        (*daemon).clone(),
        (places, secrets, tables),
        Arc::clone(&webhooks),
    ));
    let services = Services {
        core: Arc::clone(&core),
        counters: Arc::clone(&counters),
        tftp: Arc::clone(&tftp),
        tftp_runtime: transfers.handle().clone(),
        dhcp_runtime: offers.handle().clone(),
        daemon: Arc::clone(&daemon),
        links,
    };
    let serving = Arc::new(Notify::new());
    let listening = tokio::spawn(serve_links(
        services,
        Watch::start().context("cannot list the interfaces")?,
        Arc::clone(&serving),
    ));
    tokio::spawn(Arc::clone(&core).keep_time());
    tokio::spawn(Arc::clone(&reloader).follow_files());
    let state = api::ApiState::new(
        Arc::clone(&core),
        Arc::clone(&counters),
        Arc::clone(&reloader),
        &plane,
        &data_dir,
        (Arc::clone(&console.access), console.door.clone()),
        &webhooks,
    )?;
    serve_operators(&options.socket, console, state)?;
    serving.notified().await;
    // What the start records is told before we say that we are ready. Machines are served already, whatever the disk does.
    record_the_start(&core, console).await;
    announce(&daemon, &core, options);
    look_over(&daemon, &core, &data_dir, options);
    console.announce(&plane.links.load());
    // Nobody may be waiting for the word.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    wait_for_the_end(reloader).await?;
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!(event = "stop", "stopping");
    // First the listeners, so that nothing begins behind the back of what ends.
    listening.abort();
    let _ = listening.await;
    tftp.stop().await;
    // Whoever removed it before us is welcome.
    let _ = std::fs::remove_file(&options.socket);
    Ok(())
}

/// Serves machines, the programs that write other systems' data for them, and installers that talk.
fn listen_for_machines(plane: &Arc<Plane>, machines: &tokio::runtime::Runtime) -> anyhow::Result<()> {
    let slots = Arc::new(Semaphore::new(connections_max()));
    listen(plane, &slots, machines)?;
    listen_for_programs(&plane.daemon)?;
    listen_for_voices(plane)
}

/// Begins to tell those who are told of events.
fn begin_webhooks(
    hooks: &BTreeMap<String, Webhook>,
    (core, counters): (&Arc<Core>, &Arc<Counters>),
    data_dir: &Path,
) -> anyhow::Result<Arc<Webhooks>> {
    let webhooks = Arc::new(Webhooks::new(Arc::clone(core), Arc::clone(counters), data_dir)?);
    webhooks.replace(hooks);
    Ok(webhooks)
}

/// Opens the control socket and, where the configuration wants it, the door for browsers.
fn serve_operators(socket: &Path, console: &Console, state: api::ApiState) -> anyhow::Result<()> {
    let control = api::listen(socket).map_err(|error| CannotRun {
        help: "E106",
        words: format!("cannot make the control socket `{}`: {error}", socket.display()),
    })?;
    console.serve(api::contained(state.clone()));
    tokio::spawn(api::serve(control, state));
    Ok(())
}

/// Serves the programs that write data of other systems.
fn listen_for_programs(daemon: &Daemon) -> anyhow::Result<()> {
    for compat in &daemon.compat {
        let (Some(rpc), Some(data_dir)) = (&compat.rpc, &compat.data_dir) else {
            continue;
        };
        let name = compat.dialect.name();
        let told = |why: String| {
            CannotRun::port(format!(
                "`[compat.{name}]`: the API for programs cannot be served: {why}"
            ))
        };
        let listener =
            http::bind(rpc.listen).map_err(|error| told(format!("port {}/tcp: {error}", rpc.listen.port)))?;
        let serving = crate::compat::rpc::serve(listener, data_dir, rpc).map_err(|error| told(format!("{error:#}")))?;
        tokio::spawn(serving);
    }
    Ok(())
}

/// Takes the logs of installers by syslog, if the configuration wants them.
fn listen_for_voices(plane: &Arc<Plane>) -> anyhow::Result<()> {
    let Some(listen) = plane.daemon.syslog else {
        return Ok(());
    };
    let told = |error: std::io::Error| {
        CannotRun::port(format!(
            "cannot receive syslog on port {}/udp: {error}; set another `syslog` in `[server]`, or stop who holds it",
            listen.port
        ))
    };
    let socket = tokio::net::UdpSocket::from_std(voice::bind(listen).map_err(told)?)?;
    tracing::info!(
        event = "net",
        "logs of installers are received by syslog on port {}/udp",
        listen.port
    );
    tokio::spawn(voice::listen(
        socket,
        Arc::clone(&plane.core),
        Arc::clone(&plane.counters),
        plane.scribe.clone(),
    ));
    Ok(())
}

/// Serves machines on all listeners.
fn listen(plane: &Arc<Plane>, slots: &Arc<Semaphore>, machines: &tokio::runtime::Runtime) -> anyhow::Result<()> {
    for (door, listener) in listeners(&plane.daemon)? {
        let _machines = machines.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        machines.spawn(http::serve(Arc::clone(plane), listener, Arc::clone(slots), door));
    }
    Ok(())
}

/// The machine plane's listeners, one for each family that is served, and those of dialects.
fn listeners(daemon: &Daemon) -> anyhow::Result<Vec<(Option<Dialect>, std::net::TcpListener)>> {
    let told = |error: std::io::Error| {
        CannotRun::port(format!(
            "cannot listen on port {}/tcp for machines: {error}; set another `http` in `[server]`, or stop who holds it",
            daemon.http.port
        ))
    };
    let mut listeners = vec![(None, http::bind(daemon.http).map_err(told)?)];
    if daemon.ipv6 {
        let ipv6 = http::bind_ipv6(daemon.http).map_err(told)?;
        listeners.extend(ipv6.map(|listener| (None, listener)));
    }
    for compat in &daemon.compat {
        let Some(listen) = compat.listen else { continue };
        let name = compat.dialect.name();
        let told = |error: std::io::Error| {
            CannotRun::port(format!(
                "cannot listen on port {}/tcp for {name}: {error}; set another `listen` in `[compat.{name}]`, or stop who \
                 holds it",
                listen.port
            ))
        };
        listeners.push((Some(compat.dialect), http::bind(listen).map_err(told)?));
    }
    Ok(listeners)
}

/// How many connections of machines there is room for, with all the descriptors that we can get.
fn connections_max() -> usize {
    let descriptors = bootwright_net::descriptor::raise_limit().unwrap_or_else(|error| {
        tracing::warn!(why = %error, "cannot tell how many files may be open");
        1024
    });
    http::connections_within(descriptors)
}

fn shelf(path: &'static str, data_dir: &std::path::Path, kind: FetchKind) -> anyhow::Result<Shelf> {
    let directory = data_dir.join(path.trim_start_matches('/'));
    Shelf::open(path, &directory, kind).with_context(|| format!("cannot open `{}`", directory.display()))
}

fn start_tftp(plane: &Arc<Plane>) -> anyhow::Result<(Arc<Tftp>, mpsc::Receiver<crate::tftp::Notice>)> {
    let daemon = &plane.daemon;
    let root = daemon.tftp.root.as_ref().map(|path| {
        Root::open_dir(path)
            .map(Arc::new)
            .with_context(|| format!("cannot open `tftp.root`, `{path}`"))
    });
    let pi = daemon.tftp.raspberry_pi.as_ref().map(|path| {
        Root::open_dir(path)
            .map(Arc::new)
            .with_context(|| format!("cannot open `tftp.raspberry_pi`, `{path}`"))
    });
    let files = BootFiles {
        plane: Arc::clone(plane),
        root: root.transpose()?,
        pi: pi.transpose()?,
        strict: daemon.tftp.strict,
    };
    let mut limits = Limits::SITE;
    limits.caps.blksize = daemon.tftp.max_blksize;
    limits.caps.windowsize = daemon.tftp.max_windowsize;
    let (sender, notices) = mpsc::channel(1024);
    let server = Server::start(files, limits, sender).context("cannot start the thread that sends by TFTP")?;
    Ok((server, notices))
}

/// Waits until what the start did is recorded and the door for browsers is open, unless that takes long.
async fn record_the_start(core: &Arc<Core>, console: &Console) {
    let recorded = Arc::clone(core);
    let flushed = tokio::task::spawn_blocking(move || recorded.flush());
    if tokio::time::timeout(RECORDED_WITHIN, flushed).await.is_err() {
        tracing::warn!(code = "E307", "what the start did is not recorded yet");
    }
    console.opened().await;
}

/// The one line that says that machines are served, and what becomes of unknown ones.
fn announce(daemon: &Daemon, core: &Core, options: &ServeOptions) {
    let policy = core.policy();
    let overview = core.read(|engine, _| engine.overview());
    tracing::info!(
        event = "ready",
        "version {} · machines: port {} · control: {} · configuration {}",
        env!("CARGO_PKG_VERSION"),
        daemon.http.port,
        options.socket.display(),
        options.config.display()
    );
    tracing::info!(
        event = "safe",
        "unknown machines: {} · {} hosts known · {} profiles · installs {}",
        match &policy.safety.unknown {
            bootwright_core::Unknown::Hold => "hold".to_owned(),
            bootwright_core::Unknown::Local => "local disk".to_owned(),
            bootwright_core::Unknown::Ignore => "ignore".to_owned(),
            bootwright_core::Unknown::Install(profile) => format!("INSTALL {profile}, WHICH OVERWRITES DISKS"),
        },
        overview.hosts,
        policy.profiles.len(),
        overview
            .paused
            .map_or_else(|| "need to be armed".to_owned(), |why| format!("are paused: {why}")),
    );
}

/// Runs the quick checks of the doctor beside everything else: machines are served already.
fn look_over(daemon: &Arc<Daemon>, core: &Core, data_dir: &std::path::Path, options: &ServeOptions) {
    let (daemon, mode) = (Arc::clone(daemon), core.policy().dhcp);
    let (data_dir, config) = (data_dir.to_owned(), options.config.clone());
    // Nobody waits for it.
    drop(tokio::task::spawn_blocking(move || {
        crate::doctor::at_the_start(&daemon, mode, data_dir, config);
    }));
}

async fn wait_for_the_end(reloader: Arc<Reloader>) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => {
                let reloader = Arc::clone(&reloader);
                // What is wrong was said by then.
                let _ = tokio::task::spawn_blocking(move || reloader.reload(None)).await;
            }
        }
    }
}
