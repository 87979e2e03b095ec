# The tournament's text and environment trainer: one binary, built from source with CUDA through NVRTC.
# `ops/docker/` holds an identical copy, since the trainer looks in both places (`cargo xtask tidy` compares them).
#
#   docker build -f dockerfiles/standalone-text-trainer.dockerfile -t standalone-text-trainer .

FROM rust:1.95.0-bookworm AS build
WORKDIR /src
COPY Cargo.toml Cargo.lock LICENSE.md ./
COPY third_party third_party
COPY examples examples
COPY crates crates
RUN cargo build --release --locked --features cuda --bin croupier && strip target/release/croupier

# Kernels are compiled at run time: NVRTC and the headers are all that is taken from the toolkit.
FROM nvidia/cuda:12.6.3-devel-ubuntu24.04 AS toolkit

FROM nvidia/cuda:12.6.3-base-ubuntu24.04
COPY --from=toolkit /usr/local/cuda-12.6/targets/x86_64-linux/include/ /usr/local/cuda-12.6/include/
COPY --from=toolkit /usr/local/cuda-12.6/targets/x86_64-linux/lib/libnvrtc*.so* /usr/local/cuda-12.6/targets/x86_64-linux/lib/
# Reward functions of text tasks are Python; textstat is what some of the tournament's import.
RUN ldconfig && apt-get update && apt-get install --yes --no-install-recommends python3 python3-pip \
    && python3 -m pip install --no-cache-dir --break-system-packages textstat==0.7.8 && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/croupier /usr/local/bin/croupier
COPY LICENSE.md NOTICE /usr/share/doc/croupier/

# Container mode: a failure never throws away a valid artifact. Nothing is fetched at run time.
ENV CROUPIER_CONTAINER=1 \
    CUDA_PATH=/usr/local/cuda-12.6 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    HF_HUB_OFFLINE=1
WORKDIR /app
ENTRYPOINT ["croupier", "train", "text", "--container"]
