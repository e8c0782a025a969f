//! Async tasks, by hand: the echo of tokio's own front page.

use std::io;

use portlab_service::Service;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{exit_when_stopped, sheet};
use crate::{Backend, Door, READ_BUFFER, Served, Sheet};

pub(super) struct ByHand;

impl Backend for ByHand {
    fn sheet(&self) -> &'static Sheet {
        sheet!("tasks")
    }

    fn serve(&self, door: Door, _: &'static dyn Service) -> io::Result<Served> {
        let (listener, stop) = door.entry.take()?;
        exit_when_stopped(stop);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(door.workers)
            .enable_all()
            .build()?;
        runtime.block_on(async {
            tokio::spawn(accept(listener))
                .await
                .map_err(io::Error::other)?
        })
    }
}

async fn accept(listener: std::net::TcpListener) -> io::Result<Served> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (mut stream, _) = listener.accept().await?;
        tokio::spawn(async move {
            let mut buffer = vec![0; READ_BUFFER];
            loop {
                let length = stream.read(&mut buffer).await?;
                if length == 0 {
                    return io::Result::Ok(());
                }
                stream.write_all(&buffer[..length]).await?;
            }
        });
    }
}
