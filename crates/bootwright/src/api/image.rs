//! Images: those in the data directory, and those on their way there.

use axum::Json;
use axum::extract::State;
use bootwright_images::{Listed, Lock, Shelf, under_way};
use bootwright_proto::http::api::{DownloadView, ImageEntry, ImageList, Problem, ProblemCode};

use super::ApiState;
use super::fault::Fault;

pub(super) async fn list(State(state): State<ApiState>) -> Result<Json<ImageList>, Fault> {
    let read = tokio::task::spawn_blocking(move || read(&state));
    let found = read
        .await
        .map_err(|_| Fault::internal("reading the images has failed"))?;
    Ok(Json(found?))
}

fn read(state: &ApiState) -> Result<ImageList, Fault> {
    let root = state.data_dir.join("images");
    let listed = Shelf::list(&root).map_err(|error| {
        Fault::from(
            Problem::new(ProblemCode::Internal)
                .detail(error.to_string())
                .hint("make the directory readable for the daemon's user"),
        )
    })?;
    let policy = state.core.policy();
    let users = |image: &str| {
        let beginning = format!("/images/{image}/");
        let boots = |profile: &&std::sync::Arc<bootwright_core::Profile>| {
            let initrds = profile.initrds.iter().map(|initrd| &initrd.source);
            let mut named = initrds.chain(std::iter::once(&profile.kernel)).chain(&profile.args);
            named.any(|text| text.contains(&beginning))
        };
        let using = policy.profiles.values().filter(boots);
        using.map(|profile| profile.name.to_string()).collect()
    };
    let downloads = under_way(&root).into_iter().map(|work| DownloadView {
        image: work.image,
        step: work.step,
        file: work.file,
        bytes: work.bytes,
        bytes_total: work.bytes_total,
    });
    Ok(ImageList {
        images: listed.iter().map(|listed| entry(listed, users(&listed.name))).collect(),
        downloads: downloads.collect(),
    })
}

fn entry(listed: &Listed, profiles: Vec<String>) -> ImageEntry {
    let lock = listed.lock.as_ref();
    ImageEntry {
        image: listed.name.clone(),
        version: lock.and_then(|lock| lock.version.clone()),
        source: lock.map(|lock| lock.source.clone()),
        proof: lock.map(|lock| lock.proof.clone()),
        files: lock.map_or(0, |lock| u64::try_from(lock.files.len()).unwrap_or(u64::MAX)),
        bytes: lock.map_or(0, Lock::bytes),
        trouble: listed.trouble.clone(),
        profiles,
    }
}
