//! An installer that writes nothing: it fetches what the run has for it, and reports as one that went well.

use bootwright_client::ipxe::Boot;

use super::report::Reporter;
use super::wire::Wire;

/// Plays the installer that this kernel would start. The error says why it cannot be played to its end.
pub(super) async fn play(wire: &mut Wire, reporter: &mut Reporter, boot: &Boot) -> Result<(), String> {
    let initrds = boot.initrds.iter().map(|file| file.url.as_str());
    let words = boot.args.split([' ', '=', ';', ',']).chain(initrds);
    let urls: Vec<&str> = words.filter(|word| word.starts_with("http://")).collect();
    let Some(run) = urls.iter().find_map(|url| run_of(url)) else {
        return Err(
            "nothing on its kernel line tells the installer of its run, so that it could not report either".to_owned(),
        );
    };
    for url in urls
        .iter()
        .filter(|url| url.len() > run.len() + 1 && url.starts_with(run))
    {
        let answer = wire.get(url).await;
        reporter.installer(url, &answer);
    }
    for report in ["progress?percent=50&message=simulated", "done"] {
        let url = format!("{run}/{report}");
        let answer = wire.get(&url).await;
        reporter.installer(&url, &answer);
        match answer {
            Ok((200, _)) => {}
            Ok((status, _)) => return Err(format!("its report `{report}` was answered with status {status}")),
            Err(why) => return Err(format!("its report `{report}` did not arrive: {why}")),
        }
    }
    Ok(())
}

/// The URL of the run that a URL is below.
fn run_of(url: &str) -> Option<&str> {
    let at = url.find("/r/")?;
    let end = at + "/r/".len() + 32;
    let token = url.get(at + "/r/".len()..end)?;
    token
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| url.get(..end))
        .flatten()
}
