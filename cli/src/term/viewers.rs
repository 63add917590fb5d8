//! `mosaic term viewers` and `detach`: who reads a terminal, and showing them out.
//!
//! It knows nothing about one's own attachment; its detach key ends that.

use mosaic_client::proto::terminal::v1::{DetachViewerResponse, ListViewersResponse, Viewer};

use super::each;
use crate::{Outcome, exit, session::Session, show, table::Cell, text};

/// The arguments of `viewers`.
#[derive(clap::Args, Debug)]
pub(crate) struct Viewers {
    /// Name or id
    name: String,
}

/// The arguments of `detach`.
#[derive(clap::Args, Debug)]
pub(crate) struct Detach {
    /// Name or id
    name: String,
    /// Ids of readers, as `mosaic term viewers` shows them
    #[arg(required = true, value_name = "VIEWER")]
    viewers: Vec<String>,
}

/// Lists them, oldest first.
pub(crate) async fn list(session: &Session, viewers: Viewers) -> Outcome {
    let viewers = session.client()?.terminal(viewers.name).viewers().await?;
    if session.output.json {
        session.output.message(&ListViewersResponse { viewers })?;
    } else {
        let header = ["ID", "MODE", "SINCE", "SIZE", "OFFSET", "TOKEN"];
        session.output.table(header, viewers.iter().map(row).collect())?;
    }
    Ok(exit::OK)
}

fn row(viewer: &Viewer) -> [Cell; 6] {
    let size = match (viewer.cols, viewer.rows) {
        (0, _) | (_, 0) => "-".to_owned(),
        (cols, rows) => format!("{cols}x{rows}"),
    };
    [
        text::escape(&viewer.id).into(),
        if viewer.read_only { "reads" } else { "types" }.into(),
        show::age(viewer.start_time.as_ref()).into(),
        size.into(),
        viewer.offset.to_string().into(),
        text::escape(&viewer.principal).into(),
    ]
}

/// Ends their streams.
pub(crate) async fn detach(session: &Session, detach: Detach) -> Outcome {
    let terminal = session.client()?.terminal(detach.name);
    each(session, detach.viewers, async |viewer| {
        terminal.detach(&viewer).await?;
        session.output.show(&DetachViewerResponse {}, || text::escape(&viewer))?;
        Ok(exit::OK)
    })
    .await
}
