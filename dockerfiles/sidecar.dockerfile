# Mock environment sidecars: the tournament's HTTP API on port 8000, without a GPU.
#
#   docker build -f dockerfiles/sidecar.dockerfile -t croupier-sidecar .
#   docker run --rm -p 8000:8000 croupier-sidecar --games leduc_poker,gin_rummy

FROM rust:1.95.0-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock LICENSE.md ./
COPY third_party third_party
COPY examples examples
COPY crates crates
RUN cargo build --release --locked --bin croupier && strip target/release/croupier

FROM debian:12.11-slim
COPY --from=build /src/target/release/croupier /usr/local/bin/croupier
COPY LICENSE.md NOTICE /usr/share/doc/croupier/
USER nobody
EXPOSE 8000
ENTRYPOINT ["croupier", "sidecar", "serve", "--host", "0.0.0.0", "--port", "8000"]
