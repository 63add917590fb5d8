//! Finding a browser and having it open a link that nobody else on this machine may see.
//!
//! It knows nothing about what the link is for.

use std::{env, path::Path, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

use crate::{failure::Failure, private};

/// Whoever opens a page says so by then, or stays to show it.
const REFUSES_WITHIN: Duration = Duration::from_secs(2);

/// The program that opens pages, and what it is told before the page; none where nobody would see it.
pub(crate) fn find() -> Option<Vec<String>> {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.trim().is_empty());
    if let Some(browser) = set("BROWSER") {
        return words(&browser);
    }
    if cfg!(target_os = "macos") {
        return Some(vec!["open".to_owned()]);
    }
    (set("DISPLAY").is_some() || set("WAYLAND_DISPLAY").is_some()).then(|| vec!["xdg-open".to_owned()])
}

/// The first of the commands in `$BROWSER`, which stand between colons.
fn words(browser: &str) -> Option<Vec<String>> {
    let first = browser.split(':').find(|command| !command.trim().is_empty())?;
    Some(first.split_whitespace().map(str::to_owned).collect())
}

/// Has it open the link; false if it cannot.
///
/// It is told the name of a file that leads there. Arguments are there for every account to read, those that agents run
/// under among them, and whoever opens the link first has it. The file stays, for one link at a time.
pub(crate) async fn open(program: Vec<String>, file: &Path, link: &str) -> Result<bool, Failure> {
    private::replace(file, &page(link)).map_err(|error| Failure::file("write", file, &error))?;
    let Some((name, before)) = program.split_first() else { return Ok(false) };
    let mut command = Command::new(name);
    let place = file.display().to_string();
    if before.iter().any(|word| word.contains("%s")) {
        command.args(before.iter().map(|word| word.replace("%s", &place)));
    } else {
        command.args(before).arg(file);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C here is not for the browser.
    let Ok(mut child) = command.process_group(0).spawn() else { return Ok(false) };
    match timeout(REFUSES_WITHIN, child.wait()).await {
        Ok(status) => Ok(status.is_ok_and(|status| status.success())),
        Err(_still_there) => Ok(true),
    }
}

/// A page that goes on to the link.
fn page(link: &str) -> String {
    let link = link.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"refresh\" content=\"0; url={link}\">\n<title>Mosaic</title>\n<a href=\"{link}\">Mosaic</a>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_browser_is_taken() {
        let found = |browser: &str| words(browser).map(|words| words.join("|"));
        assert_eq!(found("firefox").as_deref(), Some("firefox"));
        assert_eq!(found("::chromium --incognito %s:firefox").as_deref(), Some("chromium|--incognito|%s"));
        assert_eq!(found(":"), None);
    }

    #[test]
    fn a_link_stays_a_link() {
        let page = page("http://h/\"><script>&#sign-in=x");
        assert!(!page.contains("<script>") && page.contains("&quot;>&lt;script>&amp;#sign-in=x"), "{page}");
    }
}
