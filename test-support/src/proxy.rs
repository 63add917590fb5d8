//! A TCP relay on 127.0.0.1 that cuts connections when told to.
//!
//! It must not know what passes through.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// What the connections of a proxy have to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Orders {
    /// Connections of an earlier generation are cut.
    generation: u64,
    /// New connections are closed at once.
    refuse: bool,
}

/// The relay. Dropping it cuts everything.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    orders: Arc<watch::Sender<Orders>>,
    /// Accepts and owns the connections; aborted on drop.
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Relays to `endpoint` (`http://host:port`).
    pub async fn start(endpoint: &str) -> Result<Self> {
        let target = endpoint.split("//").last().context("no address in the endpoint")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listen for the proxy")?;
        let address = listener.local_addr()?;
        let orders = Arc::new(watch::Sender::new(Orders { generation: 0, refuse: false }));
        let accepting = tokio::spawn(accept(listener, target, Arc::clone(&orders)));
        Ok(Self { address, orders, accepting })
    }

    /// Where clients connect: `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts every connection that is open now.
    pub fn cut(&self) {
        self.orders.send_modify(|orders| orders.generation += 1);
    }

    /// Cuts every connection and closes new ones at once, until [`allow`](Self::allow).
    pub fn refuse(&self) {
        self.orders.send_modify(|orders| {
            orders.generation += 1;
            orders.refuse = true;
        });
    }

    /// Lets connections through again.
    pub fn allow(&self) {
        self.orders.send_modify(|orders| orders.refuse = false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, target: String, orders: Arc<watch::Sender<Orders>>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { return };
                if !orders.borrow().refuse {
                    connections.spawn(relay(client, target.clone(), orders.subscribe()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Relays one connection until an end closes it or the generation changes.
async fn relay(mut client: TcpStream, target: String, mut orders: watch::Receiver<Orders>) {
    let mine = orders.borrow_and_update().generation;
    let Ok(mut server) = TcpStream::connect(&target).await else { return };
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _ = orders.wait_for(|orders| orders.generation != mine) => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// What a client gets back for four bytes: the bytes, or nothing if the connection is cut.
    async fn echo(stream: &mut TcpStream) -> Vec<u8> {
        let mut answer = vec![0; 4];
        if stream.write_all(b"ping").await.is_err() || stream.read_exact(&mut answer).await.is_err() {
            answer.clear();
        }
        answer
    }

    #[tokio::test]
    async fn relays_cuts_and_refuses() -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let target = format!("http://{}", listener.local_addr()?);
        let _server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                connections.spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                });
            }
        });
        let proxy = Proxy::start(&target).await?;
        let mut client = TcpStream::connect(proxy.address).await?;
        assert_eq!(echo(&mut client).await, b"ping");
        proxy.cut();
        assert_eq!(client.read(&mut [0]).await.unwrap_or(0), 0, "the connection outlived the cut");
        assert_eq!(echo(&mut TcpStream::connect(proxy.address).await?).await, b"ping");
        proxy.refuse();
        assert_eq!(echo(&mut TcpStream::connect(proxy.address).await?).await, b"");
        proxy.allow();
        assert_eq!(echo(&mut TcpStream::connect(proxy.address).await?).await, b"ping");
        Ok(())
    }
}
