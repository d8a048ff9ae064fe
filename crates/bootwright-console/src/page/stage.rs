//! How far a boot is: the stages as a list, and the bytes of the file under way.

use bootwright_proto::http::api::{HostSummary, ProgressView};
use maud::{Markup, html};

use super::words;

/// The stages of a boot in order: as the API names them, and for people.
const STAGES: [(&str, &str); 6] = [
    ("discover", "asks"),
    ("first-file", "loader"),
    ("script", "script"),
    ("kernel", "kernel"),
    ("installer", "installer"),
    ("done", "done"),
];

/// The bar of stages of a host, with the progress of the file or of the installer below.
pub(crate) fn bar(host: &HostSummary, usual_ms: Option<u64>) -> Markup {
    let Some(progress) = &host.progress else {
        return html! {};
    };
    let at = place(progress);
    html! {
        div.stages id={ "stage-" (host.host) } {
            ol aria-label={ "Stages of " (host.host) } {
                @for (index, (_, name)) in STAGES.iter().enumerate() {
                    @let (class, said) = step(index, at, host.stalled);
                    li class=(class) { (name) span.unseen { (said) } }
                }
            }
            (measure(host, progress))
            p.times {
                @if let Some(elapsed) = host.run_started.as_deref().and_then(words::elapsed_ms) {
                    span { "running " time.clock datetime=[host.run_started.as_deref()] { (words::span(elapsed)) } }
                }
                @if let Some(usual) = usual_ms { span { "usual " (words::span(usual)) } }
                @if let Some(message) = &progress.message { span.said { (message) } }
            }
        }
    }
}

/// Where the boot is, among the stages. What the installer calls its own stage is the installer's.
fn place(progress: &ProgressView) -> usize {
    let named = STAGES.iter().position(|(name, _)| *name == progress.stage);
    named.unwrap_or(4)
}

const fn step(index: usize, at: usize, stalled: bool) -> (&'static str, &'static str) {
    if index < at {
        ("past", " (past)")
    } else if index == at && stalled {
        ("now stuck", " (stuck here)")
    } else if index == at {
        ("now", " (now)")
    } else {
        ("ahead", " (ahead)")
    }
}

/// What there is to measure: the installer's own word, else the bytes of the file under way.
fn measure(host: &HostSummary, progress: &ProgressView) -> Markup {
    if let Some(percent) = progress.percent {
        return html! {
            div.measure {
                progress max="100" value=(percent) aria-label={ "Installer of " (host.host) } {}
                span { (percent) " %" }
            }
        };
    }
    let (Some(file), Some(done)) = (&progress.file, progress.bytes) else {
        return html! {};
    };
    let total = progress.bytes_total.filter(|total| *total > 0);
    html! {
        div.measure {
            @if let Some(total) = total {
                progress max=(total) value=(done.min(total)) aria-label={ "Bytes of " (file) " for " (host.host) } {}
                span { (file) " · " (words::bytes(done)) " of " (words::bytes(total)) " · " (share(done, total)) " %" }
            } @else {
                span { (file) " · " (words::bytes(done)) }
            }
        }
    }
}

/// How much of it is there, in hundredths; all of it is only said of all of it.
pub(crate) fn share(done: u64, total: u64) -> u64 {
    let share = u128::from(done.min(total)) * 100 / u128::from(total.max(1));
    u64::try_from(share).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_rounded_down_so_that_a_hundred_means_all() {
        assert_eq!(share(0, 0), 0);
        assert_eq!(share(999, 1000), 99);
        assert_eq!(share(1000, 1000), 100);
        assert_eq!(share(2000, 1000), 100);
        assert_eq!(share(u64::MAX / 2, u64::MAX), 49);
    }

    #[test]
    fn the_bar_shows_what_is_past_and_what_is_ahead_in_words_as_well() {
        let host = HostSummary {
            host: "oak-42".to_owned(),
            progress: Some(ProgressView {
                stage: "kernel".to_owned(),
                file: Some("initrd.gz".to_owned()),
                bytes: Some(710),
                bytes_total: Some(1000),
                ..ProgressView::default()
            }),
            ..crate::page::test::host()
        };
        let text = bar(&host, Some(88_000)).into_string();
        assert!(
            text.contains(r#"<li class="past">script<span class="unseen"> (past)</span></li>"#),
            "{text}"
        );
        assert!(text.contains(r#"<li class="now">kernel"#), "{text}");
        assert!(text.contains(r#"<progress max="1000" value="710""#), "{text}");
        assert!(text.contains("71 %") && text.contains("usual 1 min 28 s"), "{text}");
    }
}
