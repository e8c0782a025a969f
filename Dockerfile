# portlab in a small image. Not seen running: no Docker daemon could be reached where this was written.
#
#   docker build -t portlab .
#   docker run --rm --init portlab compare --quick
#   docker run --rm --init -p 9090:9090 portlab serve --bind 0.0.0.0:9090
#
# In a container loopback belongs to the container, so a server that others should reach has to bind 0.0.0.0.
# `--init` reaps processes that a foreign server leaves behind.
FROM rust:1.95.0-slim-bookworm AS build
# Overrides rust-toolchain.toml, whose other components (rustfmt, clippy) are of no use here.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /portlab
COPY . .
RUN cargo build --release --locked -p portlab

FROM debian:bookworm-slim
COPY --from=build /portlab/target/release/portlab /usr/local/bin/portlab
WORKDIR /results
ENTRYPOINT ["portlab"]
