//! The configuration as it was read, with where each line stands.

use axum::Json;
use axum::extract::State;
use bootwright_proto::http::api::{ConfigView, SettingView};

use super::ApiState;
use super::fault::Fault;

pub(super) async fn show(State(state): State<ApiState>) -> Result<Json<ConfigView>, Fault> {
    let reloader = state.reloader.clone();
    let read = tokio::task::spawn_blocking(move || reloader.sources());
    let sources = read
        .await
        .map_err(|_| Fault::internal("reading the configuration has failed"))?;
    let refused = state
        .reloader
        .is_refused()
        .then(|| "what is on the disk cannot be used; the last good one is in force".to_owned());
    let (sources, refused) = match sources {
        Ok(sources) => (sources, refused),
        Err(why) => (Vec::new(), Some(why)),
    };
    let settings = bootwright_config::settings(&sources).into_iter();
    Ok(Json(ConfigView {
        files: sources.iter().map(|source| source.path.clone()).collect(),
        settings: settings
            .map(|setting| SettingView {
                section: setting.section,
                key: setting.key,
                value: setting.value,
                file: setting.file,
                line: setting.line,
            })
            .collect(),
        refused,
    }))
}
