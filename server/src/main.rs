//! `mosaic-server`: arguments and the exit code, nothing else.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};
use mosaic_server::{
    boot,
    config::{self, Config, Flag, Sources},
    keeper::{self, KeeperArgs},
};

/// One server through which people, scripts and CI drive real terminals on a machine they trust.
#[derive(Parser)]
#[command(name = "mosaic-server", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Serves (the default)
    Serve(ServeArgs),
    /// Prints every setting with its default and what it means
    Config,
    /// Stops the server of a data directory; its terminals live on
    Stop(StopArgs),
    /// Holds the terminals; started by the server itself
    #[command(hide = true)]
    Keeper(KeeperArgs),
}

#[derive(Args)]
struct ServeArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Address and port of the API [default: 127.0.0.1:50051]
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<String>,
    /// PostgreSQL to use instead of the embedded one; better given as DATABASE_URL if it holds a password
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
    /// Certificate chain (PEM); with --tls-key the port speaks TLS
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// Private key (PEM)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// Listen beyond this machine without TLS: everyone on the way can read and use the tokens
    #[arg(long)]
    insecure: bool,
    /// Address and port for /metrics [default: off]
    #[arg(long, value_name = "ADDR:PORT")]
    admin_listen: Option<String>,
}

#[derive(Args)]
struct PlaceArgs {
    /// The configuration [default: /etc/mosaic/mosaic.toml as root, else ~/.config/mosaic/mosaic.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where everything is kept [default: /var/lib/mosaic as root, else ~/.local/share/mosaic]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Where sockets are
    #[arg(long, value_name = "DIR")]
    run_dir: Option<String>,
}

#[derive(Args)]
struct StopArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Ends all terminals, too, and proves that nothing of them is left
    #[arg(long)]
    all: bool,
}

impl PlaceArgs {
    fn sources(
        self,
        more: impl IntoIterator<Item = (&'static str, &'static str, Option<String>)>,
    ) -> Sources {
        let own = [("--data-dir", "data.dir", self.data_dir), ("--run-dir", "data.run_dir", self.run_dir)];
        let flag = |(name, key, value): (_, _, Option<String>)| value.map(|value| Flag { name, key, value });
        Sources {
            file: self.config,
            variables: std::env::vars_os().collect(),
            flags: own.into_iter().chain(more).filter_map(flag).collect(),
            root: boot::is_root(),
        }
    }
}

impl ServeArgs {
    fn sources(self) -> Sources {
        self.place.sources([
            ("--listen", "server.listen", self.listen),
            ("--database-url", "database.url", self.database_url),
            ("--tls-cert", "server.tls_cert", self.tls_cert),
            ("--tls-key", "server.tls_key", self.tls_key),
            ("--insecure", "server.insecure", self.insecure.then(|| "true".to_owned())),
            ("--admin-listen", "server.admin_listen", self.admin_listen),
        ])
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        None => serve(cli.serve),
        Some(Command::Serve(args)) => serve(args),
        Some(Command::Config) => {
            print!("{}", config::REFERENCE);
            Ok(ExitCode::SUCCESS)
        }
        Some(Command::Stop(args)) => stop(args),
        Some(Command::Keeper(args)) => keeper::run(args).map(|()| ExitCode::SUCCESS).map_err(Into::into),
    };
    result.unwrap_or_else(|error| {
        eprintln!("mosaic-server: {error}");
        ExitCode::FAILURE
    })
}

fn serve(args: ServeArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = Config::load(&args.sources())?;
    Ok(boot::serve(config)?)
}

fn stop(args: StopArgs) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let config = Config::load(&args.place.sources([]))?;
    Ok(boot::stop(&config, args.all)?)
}
