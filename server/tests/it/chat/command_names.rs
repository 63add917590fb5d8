//! Names of jobs and agents in commands: the beginning is enough, and can be completed.
//!
//! It must not test what commands do.

use anyhow::{Context, Result};
use mosaic_proto::chat::v1::command_result::Result as Came;
use test_support::fake_llm::Reply;

use super::{
    Chat,
    commands::{came, complete, failed},
};

#[tokio::test]
async fn the_beginning_of_a_name_or_an_id_is_enough() -> Result<()> {
    let chat = Chat::saying(Reply::text(["no"])).await?;
    let mut client = chat.client()?;
    let mut made = Vec::new();
    for name in ["build-web", "build-app", "'my job'"] {
        let Came::Spawned(spawned) = came(&mut client, &format!("/sp --name {name} exec sleep 600")).await?
        else {
            panic!()
        };
        made.push(spawned.job.context("no job")?);
    }
    for (named, place) in [("build-w", 0), ("build-a", 1), ("my", 2), ("'my job'", 2)] {
        let Came::Status(status) = came(&mut client, &format!("/st {named}")).await? else {
            panic!("{named}")
        };
        assert_eq!(status.job.map(|job| job.id).as_ref(), Some(&made[place].id), "{named}");
    }
    let error = failed(&mut client, "/status b").await?;
    assert_eq!(
        (error.reason.as_str(), error.candidates.join(" ").as_str()),
        ("NAME_AMBIGUOUS", "build-app build-web")
    );
    assert_eq!(
        failed(&mut client, "/kill b").await?.reason,
        "NAME_AMBIGUOUS",
        "nothing is killed by a guess"
    );
    // Ids begin with the time, so that only a long beginning tells two of a minute apart.
    let differ = made[0]
        .id
        .bytes()
        .zip(made[1].id.bytes())
        .position(|(one, other)| one != other)
        .context("the same")?;
    let beginning = &made[0].id[..=differ];
    let Came::Status(status) = came(&mut client, &format!("/status {beginning}")).await? else { panic!() };
    assert_eq!(status.job.map(|job| job.id).as_ref(), Some(&made[0].id), "{beginning}");
    assert_eq!(failed(&mut client, &format!("/status {}", &made[0].id[..4])).await?.candidates.len(), 3);
    assert_eq!(failed(&mut client, &format!("/status {}", &made[0].id[..3])).await?.reason, "JOB_NOT_FOUND");
    // What is over has to be named whole.
    let Came::Killed(_) = came(&mut client, "/kill build-w").await? else { panic!() };
    assert_eq!(failed(&mut client, "/status build-w").await?.reason, "JOB_NOT_FOUND");
    let Came::Status(_) = came(&mut client, "/status build-web").await? else { panic!() };

    let (commands, found) = complete(&mut client, "/status b").await?;
    assert_eq!((commands.len(), found.len()), (10, 1));
    assert_eq!((found[0].replace_from, found[0].text.as_str()), (8, "build-app"));
    assert!(found[0].detail.starts_with("RUNNING exec sleep"), "{found:?}");
    let texts: Vec<_> = complete(&mut client, "/send ").await?.1.into_iter().map(|one| one.text).collect();
    assert_eq!(texts, ["'my job' ", "build-app "]);
    assert_eq!(complete(&mut client, "/spawn sh").await?.1[0].text, "shell ");
    assert_eq!(complete(&mut client, "/spawn --depends-on bu").await?.1[0].text, "build-app ");
    Ok(())
}
